"""Tells which files outside of a trial's folders are results of its program."""

from __future__ import annotations

import os
import re
from pathlib import Path

from samebits import store
from samebits.launch.isolation import Caches

# beside the formats that samebits reads
_TEXTS = frozenset((".txt", ".yaml", ".yml", ".md", ".html", ".xml", ".xlsx", ".db", ".sqlite", ".sqlite3"))
# names that Python (`NamedTemporaryFile(suffix=".json")` too), joblib and Ray give to temporary files and folders
_TEMPORARY = re.compile(r"tmp[a-z0-9_]{8}(?:\.\w+)*|pymp-.*|joblib_memmapping_folder_.*|ray")
# the folder in HOME in which Ray Tune keeps its runs under random ids:
# https://docs.ray.io/en/latest/tune/tutorials/tune-storage.html
_FOLDERS_OF_TOOLS = ("ray_results",)


class OutsideFiles:
    """Answers whether a file that a trial wrote outside of its folders is compared.

    It is compared if it holds tensors, or if it is a result: a model or JSON. Logs and tables are left out: programs
    add lines to them in each run, and samebits does not know which lines such a file had before the trial. A result
    lies neither in a cache of a tool, nor among the settings of tools, nor in a temporary folder with a random name.
    """

    def __init__(self) -> None:
        self._caches = Caches()
        self._home = Path(os.environ.get("HOME") or "~").expanduser()
        self._temporary = {Path("/tmp"), Path("/dev/shm"), Path(os.environ.get("TMPDIR") or "/tmp")}  # noqa: S108

    def is_compared(self, path: Path) -> bool:
        """Return whether the file at this path is compared."""
        held = store.held_by(path)
        is_result = held == "model" or path.suffix.lower() == ".json"
        return held == "tensors" or (is_result and not self._is_of_a_tool(path))

    def may_be_text(self, path: Path) -> bool:
        """Return whether the file at this path may be a text or a table of the program, and not of a tool."""
        is_text = path.suffix.lower() in _TEXTS or store.by_name(path.name) is not None
        return is_text and not self._is_of_a_tool(path)

    def _is_of_a_tool(self, path: Path) -> bool:
        if self._caches.holds(path):
            return True
        for folder in self._temporary:
            if path.is_relative_to(folder) and _TEMPORARY.fullmatch(path.relative_to(folder).parts[0]):
                return True
        return path.is_relative_to(self._home) and self._is_entry_of_a_tool(path.relative_to(self._home).parts[0])

    def _is_entry_of_a_tool(self, name: str) -> bool:
        """Return whether an entry of HOME belongs to a tool. A cache does not, because it may hold results."""
        return name in _FOLDERS_OF_TOOLS or (name.startswith(".") and self._home / name not in self._caches.roots)
