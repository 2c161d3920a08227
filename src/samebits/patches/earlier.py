"""Finds the patch of an earlier fix again in files that have changed since, if all its lines are still there."""

from __future__ import annotations

import collections
import io
from pathlib import Path

from samebits.errors import SamebitsError
from samebits.patches.documents import PatchResult, PlaceOfDraw
from samebits.patches.patch import Patch
from samebits.patches.program import LineChange, Program, source_at
from samebits.patches.source import Hunk, SourceFile, TextEdit, diff_in_bytes, hunks, lines_of, shared
from samebits.store.record_files import digest_of, read_document


def earlier(path: Path) -> PatchResult | None:
    """Return the result of an earlier fix; None if there was none with a patch."""
    try:
        found = read_document(path, PatchResult)
    except SamebitsError:
        return None
    return found if found.patch else None


def found_again(program: Program, before: PatchResult) -> Patch | None:
    """Return the same patch for the files as they are now; None unless each of its places occurs exactly once."""
    changes = []
    for hunk in hunks(before.patch):
        source = program.source(file_of(program.directory, hunk.file))
        if source is None or not hunk.old or source.content.count(hunk.old) != 1:
            return None
        if hunk.old in hunk.new and hunk.new in source.content:  # the file already holds this change
            return None
        edits = _code_edits(source, _edit(hunk, source.content.index(hunk.old)))
        if not edits:
            return None
        changes += [LineChange("+".join(before.cause), source, edit, "the lines of the patch") for edit in edits]
    patch = Patch(tuple(changes))
    return patch if changes and patch.is_python else None


def file_of(directory: Path, name: str) -> Path:
    """Return the path of a file of a patch. A patch names files outside of the trials' folder without a first `/`."""
    path = directory / name
    return path if path.is_file() else Path("/", name)


def in_bytes(found: PatchResult) -> bytes:
    """Return the patch of a document as bytes, in the encodings of its files."""

    def encoding_of(name: str) -> str:
        source = source_at(file_of(Path(found.directory), name))
        return source.encoding if source is not None else "utf-8"

    return diff_in_bytes(found.patch, encoding_of)


def _edit(hunk: Hunk, start: int) -> TextEdit:
    """Return the edit of a hunk that begins at `start`, without the lines around the change."""
    old, new = lines_of(hunk.old), lines_of(hunk.new)
    before = shared(old, new)
    after = shared(old[before:][::-1], new[before:][::-1])
    first = start + len("".join(old[:before]))
    last = start + len("".join(old[: len(old) - after]))
    return TextEdit(first, last, "".join(new[before : len(new) - after]))


def _code_edits(source: SourceFile, edit: TextEdit) -> list[TextEdit]:
    try:
        return source.code_edits(edit)
    except ValueError:
        return []


def is_in_place(program: Program, before: PatchResult) -> bool:
    """Return whether the files hold the patch of an earlier fix with the outcome `mended`."""
    found = [(program.source(file_of(program.directory, one.file)), one) for one in hunks(before.patch)]
    held = (source is not None and source.content.count(one.new) == 1 for source, one in found)
    return before.outcome == "mended" and bool(found) and all(held)


def without_patch(program: Program, before: PatchResult, path: Path) -> bytes | None:
    """Return a file without the lines of the patch; None unless each of its places occurs exactly once."""
    source = program.source(path)
    if source is None:
        return None
    text = source.content
    for hunk in (one for one in hunks(before.patch) if file_of(program.directory, one.file) == path):
        if text.count(hunk.new) != 1:
            return None
        text = text.replace(hunk.new, hunk.old)
    return text.encode(source.encoding)


def is_out(program: Program, before: PatchResult, path: Path, was: bytes) -> bool:
    """Return whether a file is without the patch: each place of the patch has its old lines, exactly once.

    `was`: the file before the patch. No added line of the patch may occur more often in the file than in `was`: a line
    that was moved or copied still belongs to the patch.
    """
    source = program.source(path)
    own = [one for one in hunks(before.patch) if file_of(program.directory, one.file) == path]
    if source is None or not own:
        return False
    once = collections.Counter(line.strip() for line in lines_of(was.decode(source.encoding, "replace")))
    now = collections.Counter(map(str.strip, lines_of(source.content)))
    lines = (line for one in own for line in one.added if line)
    return all(_is_before(one, source.content) for one in own) and all(now[line] <= once[line] for line in lines)


def _is_before(hunk: Hunk, text: str) -> bool:
    """Return whether a place is as before the patch.

    The lines around the place show this, because nothing stands between them. If a hunk has no such lines on one side,
    an edited line of the patch could stand there. So on that side the hunk must begin or end the file.
    """
    begins = hunk.marks.startswith(" ") or text.startswith(hunk.old)
    ends = hunk.marks.endswith(" ") or text.endswith(hunk.old)
    return begins and ends and text.count(hunk.old) == 1 and hunk.new not in text


def changed_elsewhere(program: Program, before: PatchResult) -> list[str]:
    """Return the files that, without the patch, differ from the files before the patch."""
    was = {one.file: one.digest for one in before.changes}
    now = {name: without_patch(program, before, program.directory / name) for name in was}
    return [name for name, content in now.items() if content is None or digest(content) != was[name]]


def digest(content: bytes) -> str:
    """Return the digest of a file with this content, in the form of `ChangedPlace.digest`."""
    return digest_of(io.BytesIO(content))


def draws_again(program: Program, before: PatchResult) -> list[PlaceOfDraw]:
    """Return the first draws with their current line numbers; only those whose line occurs exactly once."""
    found = []
    for draw in before.draws:
        source = program.source(program.directory / draw.file)
        lines = [line.strip() for line in source.lines] if source is not None else []
        if source is not None and lines.count(draw.text) == 1:
            cell, line = source.place_of(lines.index(draw.text) + 1)
            found.append(draw.model_copy(update={"line": line, "cell": cell}))
    return found
