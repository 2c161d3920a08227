"""Leaves out the changes of a patch that are not needed: of several sets or listings, one alone may be the cause.

Notes say what --fewest cannot do, and what to do instead.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from samebits.patches.documents import PatchResult
from samebits.patches.patch import Patch
from samebits.patches.proposal import Proposal
from samebits.patches.source import hunks
from samebits.reports.result_words import folder_name

MOST_CHECKS = 8
PLACED = ("hash-seed", "listing-order")  # the controls whose changes can each be left out

Place = tuple[Path, tuple[int, int] | None]


def places(patch: Patch) -> list[Place]:
    """Return the places of a patch that can each stay unchanged."""
    return list(dict.fromkeys((one.source.path, one.place) for one in patch.changes if one.place is not None))


def only(patch: Patch, kept: Collection[Place]) -> Patch:
    """Return the patch with the changes of these places, and with the changes without a place."""
    return Patch(tuple(one for one in patch.changes if one.place is None or (one.source.path, one.place) in kept))


@dataclass
class Reduction:
    """Finds the places of a patch that are needed, by halves. `repeats`: whether the trials repeat with a patch.

    They repeat with the whole patch, and do not repeat without any of its places. After `MOST_CHECKS` checks, the
    remaining places stay. So the trials have repeated with every resulting patch. `is_cut`: the search would have
    needed a further check.
    """

    patch: Patch
    repeats: Callable[[Patch], bool]
    checks: int = 0
    is_cut: bool = False

    def smallest(self) -> Patch:
        """Return a patch with fewer places, none of which can be left out; the same patch if all are needed."""
        return only(self.patch, self._needed(places(self.patch), []))

    def _needed(self, some: list[Place], beside: list[Place]) -> list[Place]:
        """Return the places of `some` that are needed in addition to the places `beside`."""
        if len(some) < 2:
            return some
        halves = some[: len(some) // 2], some[len(some) // 2 :]
        for half in halves:
            if self._is_enough([*beside, *half]):
                return self._needed(half, beside)
        needed = self._needed(halves[0], [*beside, *halves[1]])
        return [*needed, *self._needed(halves[1], [*beside, *needed])]

    def _is_enough(self, kept: list[Place]) -> bool:
        if self.checks == MOST_CHECKS:
            self.is_cut = True
            return False
        self.checks += 1
        return self.repeats(only(self.patch, kept))


# -- notes ------------------------------------------------------------------------------------------------------------


def of_one_in_place(before: PatchResult) -> list[str]:
    """Return the note that --fewest does not reduce a patch that is already in the files.

    There is no note if --fewest has reduced this patch before, or if nothing could be left out.
    """
    is_searched = [one.patch for one in before.tried].count(before.patch) > 1  # --fewest tries the kept patch twice
    lines = [line for hunk in hunks(before.patch) for line in hunk.added]
    if is_searched or not _has_places(before.cause) or len(lines) < 2:
        return []
    folder = "/" if any(one.file.startswith("/") for one in before.changes) else before.directory
    record = folder_name(before.record)
    take_out = f"samebits fix --patch - {record} | patch -R -p1 -d {shlex.quote(folder)}"
    return [
        "--fewest cannot shorten a patch that is already in the files: take it out first "
        f"({take_out}), then samebits fix --apply --fewest {record}"
    ]


def of_one_found_again(made: Proposal) -> list[str]:
    """Return the note that --fewest does not reduce the patch of an earlier fix: the purpose of lines is unknown."""
    if not _has_places(made.why.cause):
        return []
    explain = f"samebits explain -- {shlex.join(made.record.file.command)}"
    return [
        "--fewest cannot shorten the patch of an earlier fix, which was made before the script changed: "
        f"run {explain} again, then samebits fix --apply --fewest"
    ]


def _has_places(cause: list[str]) -> bool:
    return not set(PLACED).isdisjoint(cause)
