"""Where the program works, and in which order it finds its files."""

from __future__ import annotations

from samebits.vary.factor import OWN, Change, Factor
from samebits.vary.factors.threads import Controlled
from samebits.vary.machine import Machine


class FileOrder(Controlled):
    """In which order Python lists the files of a folder (os.listdir, os.scandir, glob, Path.iterdir)."""

    id = "file-order"
    held = "sorted"
    takes = "sorted, reversed"
    control = "listing-order"

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return ["reversed"]

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        if value == OWN:
            return "in which order the system lists is not known: it may be one of the others"
        return super().why_not(value, machine)

    def why_no_effect(self) -> str:
        """See Factor."""
        return "no folder was listed by Python, but for importing"


class WorkingFolder(Factor):
    """In which folder the program works: the user's own, or links to all its files elsewhere."""

    id = "working-folder"
    takes = "own, elsewhere"

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return ["elsewhere"]

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        return "" if value in (OWN, "elsewhere") else f"it takes {self.takes}"

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change(elsewhere=value == "elsewhere")
