"""The patch of an earlier fix, found again in files that have changed since, if all its lines are still there."""

from __future__ import annotations

import collections
import io
import itertools
from pathlib import Path

from samebits.errors import SamebitsError
from samebits.options import DEFAULT_SEED
from samebits.patches import unified_diff
from samebits.patches.documents import PatchResult, PlaceOfDraw
from samebits.patches.look import Look
from samebits.patches.patch import Patch
from samebits.patches.program import LineChange, Program
from samebits.patches.source import TextEdit, lines_of
from samebits.patches.unified_diff import Hunk, hunks
from samebits.store.record_files import digest_of, read_document


def earlier(path: Path) -> PatchResult | None:
    """What an earlier fix found; None if there was none with a patch."""
    try:
        found = read_document(path, PatchResult)
    except SamebitsError:
        return None
    return found if found.patch else None


def found_again(program: Program, before: PatchResult) -> Patch | None:
    """The same patch for the files as they are; None unless each of its places is there, once."""
    changes = []
    for hunk in hunks(before.patch):
        source = program.source(file_of(program, hunk.file))
        if source is None or not hunk.old or source.text.count(hunk.old) != 1:
            return None
        if hunk.old in hunk.new and hunk.new in source.text:  # it is there already
            return None
        edit = _edit(hunk, source.text.index(hunk.old))
        changes.append(LineChange("+".join(before.cause), source, edit, "the lines of the patch"))
    patch = Patch(tuple(changes))
    return patch if changes and patch.is_python else None


def file_of(program: Program, name: str) -> Path:
    """A file of a patch, which names one outside of the trials' folder without the `/` at its front."""
    path = program.directory / name
    return path if path.is_file() else Path("/", name)


def in_bytes(found: PatchResult) -> bytes:
    """The patch of a document in the bytes of its files."""
    program = Program(Look(), Path(found.directory), DEFAULT_SEED, {})

    def encoding_of(name: str) -> str:
        source = program.source(file_of(program, name))
        return source.encoding if source is not None else "utf-8"

    return unified_diff.in_bytes(found.patch, encoding_of)


def _edit(hunk: Hunk, start: int) -> TextEdit:
    """The change of a place that begins at `start`, without the lines around it."""
    old, new = lines_of(hunk.old), lines_of(hunk.new)
    before = _shared(old, new)
    after = _shared(old[before:][::-1], new[before:][::-1])
    first = start + len("".join(old[:before]))
    last = start + len("".join(old[: len(old) - after]))
    return TextEdit(first, last, "".join(new[before : len(new) - after]))


def _shared(one: list[str], other: list[str]) -> int:
    """How many lines the beginnings have in common."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def is_in_place(program: Program, before: PatchResult) -> bool:
    """Whether the files hold the patch of an earlier fix that mended."""
    found = [(program.source(file_of(program, one.file)), one) for one in hunks(before.patch)]
    held = (source is not None and source.text.count(one.new) == 1 for source, one in found)
    return before.outcome == "mended" and bool(found) and all(held)


def without_patch(program: Program, before: PatchResult, path: Path) -> bytes | None:
    """A file without the lines of the patch; None unless all of them are there, once."""
    source = program.source(path)
    if source is None:
        return None
    text = source.text
    for hunk in (one for one in hunks(before.patch) if file_of(program, one.file) == path):
        if text.count(hunk.new) != 1:
            return None
        text = text.replace(hunk.new, hunk.old)
    return text.encode(source.encoding)


def is_out(program: Program, before: PatchResult, path: Path, was: bytes) -> bool:
    """Whether the lines of a file at all places of the patch are those before it, once, and not those of the patch.

    `was`: the file before the patch. No line of the patch may stand in the file more often than there: one that was
    moved or copied is not out.
    """
    source = program.source(path)
    own = [one for one in hunks(before.patch) if file_of(program, one.file) == path]
    if source is None or not own:
        return False
    once = collections.Counter(line.strip() for line in lines_of(was.decode(source.encoding, "replace")))
    now = collections.Counter(map(str.strip, lines_of(source.text)))
    lines = (line for one in own for line in one.added if line)
    return all(_is_before(one, source.text) for one in own) and all(now[line] <= once[line] for line in lines)


def _is_before(hunk: Hunk, text: str) -> bool:
    """Whether a place is as before the patch.

    The lines around tell it, as nothing stands between them. Where there are none on one side, an edited line of the
    patch can stand beside lines that are as before; so these must begin or end the file.
    """
    begins = hunk.marks.startswith(" ") or text.startswith(hunk.old)
    ends = hunk.marks.endswith(" ") or text.endswith(hunk.old)
    return begins and ends and text.count(hunk.old) == 1 and hunk.new not in text


def changed_elsewhere(program: Program, before: PatchResult) -> list[str]:
    """The files of the patch that, without it, are not what they were before it."""
    was = {one.file: one.digest for one in before.changes}
    now = {name: without_patch(program, before, program.directory / name) for name in was}
    return [name for name, content in now.items() if content is None or digest(content) != was[name]]


def digest(content: bytes) -> str:
    """The digest of a file with this content, as the changed places have it."""
    return digest_of(io.BytesIO(content))


def draws_again(program: Program, before: PatchResult) -> list[PlaceOfDraw]:
    """The first draws, by the numbers that their lines have now; those of which the line is there once."""
    found = []
    for draw in before.draws:
        source = program.source(program.directory / draw.file)
        lines = [line.strip() for line in source.lines] if source is not None else []
        if lines.count(draw.text) == 1:
            found.append(draw.model_copy(update={"line": lines.index(draw.text) + 1}))
    return found
