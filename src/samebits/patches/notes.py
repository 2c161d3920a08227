"""Writes notes on what --fewest cannot do, and what to do instead."""

from __future__ import annotations

import shlex

from samebits.patches.documents import PatchResult
from samebits.patches.proposal import Proposal
from samebits.patches.reduction import PLACED
from samebits.patches.unified_diff import hunks
from samebits.reports.result_words import folder_name


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
        "--fewest leaves nothing out of a patch that is already in the files: take it out first "
        f"({take_out}), then samebits fix --apply --fewest {record}"
    ]


def of_one_found_again(made: Proposal) -> list[str]:
    """Return the note that --fewest does not reduce the patch of an earlier fix: the purpose of lines is unknown."""
    if not _has_places(made.why.cause):
        return []
    explain = f"samebits explain -- {shlex.join(made.record.file.command)}"
    return [
        "--fewest leaves nothing out of the patch of an earlier fix, made before the script changed: for that, "
        f"run {explain} again, then samebits fix --apply --fewest"
    ]


def _has_places(cause: list[str]) -> bool:
    return not set(PLACED).isdisjoint(cause)
