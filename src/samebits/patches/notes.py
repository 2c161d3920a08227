"""What a patch cannot do, and what to do instead."""

from __future__ import annotations

import shlex

from samebits import words
from samebits.patches.documents import PatchResult
from samebits.patches.earlier import file_of, hunks
from samebits.patches.program import Program
from samebits.patches.proposal import Proposal
from samebits.patches.reduction import PLACED
from samebits.reports.result_words import folder_name


def of_one_in_place(before: PatchResult) -> list[str]:
    """--fewest leaves nothing out of a patch that is in the files; no note if it has looked for the smallest before."""
    is_searched = [one.patch for one in before.tried].count(before.patch) > 1  # --fewest tries what stays once more
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
    """--fewest leaves nothing out of the patch of an earlier fix: what each of its lines is for is not known."""
    if not _has_places(made.why.cause):
        return []
    explain = f"samebits explain -- {shlex.join(made.record.file.command)}"
    return [
        "--fewest leaves nothing out of the patch of an earlier fix, made before the script changed: for that, "
        f"run {explain} again, then samebits fix --apply --fewest"
    ]


def _has_places(cause: list[str]) -> bool:
    return not set(PLACED).isdisjoint(cause)


def of_bytes(made: Proposal) -> list[str]:
    """The patch is UTF-8, so `patch` and `git apply` do not find its lines in a file that has other bytes there."""
    some = _other_encodings(made.program, made.document.patch)
    if not some:
        return []
    instead = f"use samebits fix --apply {folder_name(made.document.record)}"
    instead = "put its lines in by hand" if made.missing else instead
    named = words.listed(f"{file} ({encoding})" for file, encoding in some.items())
    return [f"the patch is UTF-8, so patch and git apply do not find its lines in {named}: {instead}"]


def _other_encodings(program: Program, patch: str) -> dict[str, str]:
    """File -> its encoding, of the files that do not hold the bytes of the patch at the beginning of a line."""
    found = {}
    for hunk in hunks(patch):
        path = file_of(program, hunk)
        source = program.source(path)
        if source is not None and b"\n" + hunk.old.encode() not in b"\n" + source.text.encode(source.encoding):
            found[program.shown(path)] = source.encoding
    return found
