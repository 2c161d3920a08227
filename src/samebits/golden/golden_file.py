"""Reads a golden file and puts a block into it. Blocks of other environments stay as they are, byte for byte."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from samebits.errors import UsageError
from samebits.golden.blocks import BlockError, GoldenBlock, parse_block
from samebits.model import ClockLaw

__all__ = ["GoldenFile", "header_of", "read_golden"]

FORMAT = 1
_FIRST = re.compile(r"samebits golden (\d{1,9})")
_CONFLICT = re.compile(r"^(<<<<<<<|=======|>>>>>>>)", re.MULTILINE)
_BLOCK = re.compile(r"^ *\[", re.MULTILINE)  # a report shows a block with an indent, and people paste it so
_RESTORE = "git checkout -- {path}    (or remove this block, and let --update write it again)"


@dataclass(frozen=True)
class GoldenFile:
    """A golden file. `header`: the lines before the first block. `texts`: the text of each block, by its name."""

    path: Path
    header: str
    texts: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, GoldenBlock] = field(default_factory=dict)

    @property
    def hash(self) -> str | None:
        """The algorithm of the fingerprints; None for a new file."""
        match = re.search(r"^hash: (\w+)$", self.header, re.MULTILINE)
        return match[1] if match else None

    @property
    def controls(self) -> str | None:
        """The controls that its trials had, in words; None for a new file."""
        match = re.search(r"^controls: (.*)$", self.header, re.MULTILINE)
        return match[1] if match else None

    @property
    def laws(self) -> list[ClockLaw]:
        """How values follow the clock, as trials in any of the environments have shown."""
        places = {place: law for block in self.blocks.values() for place, law in block.laws.items()}
        return [ClockLaw.model_validate({"place": place, "law": law}) for place, law in places.items()]

    def refuse_other_controls(self, controls: str) -> None:
        """Raise UsageError if the file was made with controls other than these."""
        if self.controls not in (None, controls):
            what = f"{self.path} was made with different controls: {self.controls}. Now they are: {controls}."
            same = "give the same --control, --preset, --seed, --artifact and --ignore"
            raise UsageError(what, f"{same}, or name a different golden file.")

    def same_machine(self, now: GoldenBlock) -> list[GoldenBlock]:
        """Return the blocks of this machine, those with the most equal versions first."""
        blocks = [block for block in self.blocks.values() if not block.environment.machine_differences(now.environment)]
        return sorted(blocks, key=lambda old: (len(old.environment.version_differences(now.environment)), old.name))

    def block_for(self, now: GoldenBlock) -> GoldenBlock | None:
        """Return the block of this machine with the same versions; None if there is none."""
        blocks = self.same_machine(now)[:1]
        return next((block for block in blocks if not block.environment.version_differences(now.environment)), None)

    def text_with(self, now: GoldenBlock, header: str) -> str:
        """Return the text of the file with a block of this environment in the place of the old one."""
        old = self.block_for(now)
        header = self.header or header
        texts = {name: text for name, text in self.texts.items() if old is None or name != old.name}
        texts[now.name] = now.text(header)
        return "\n".join([header, *(texts[name] for name in sorted(texts))])


def header_of(hash_name: str, controls: str) -> str:
    """Return the header of a new file."""
    about = "# `samebits check --golden FILE -- COMMAND` compares with this file. Only --update writes it."
    return f"samebits golden {FORMAT}\n{about}\nhash: {hash_name}\ncontrols: {controls}\n"


def read_golden(path: Path) -> GoldenFile:
    """Read a golden file; one that does not exist has no blocks. Raises UsageError for a file that cannot be used."""
    try:
        text = path.read_bytes().decode().replace("\r\n", "\n")  # Git may write Windows line endings
    except FileNotFoundError:
        return GoldenFile(path, "")
    except (OSError, UnicodeDecodeError) as why:
        raise UsageError(f"{path} cannot be read as a golden file: {why}.", "name a different file.") from None
    _refuse_unusable(path, text)
    header, *texts = _split(text)
    return _with_blocks(GoldenFile(path, header), texts)


def _refuse_unusable(path: Path, text: str) -> None:
    first = _FIRST.fullmatch(text.partition("\n")[0])
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        advice = "keep the blocks of both sides whole, and remove the marks. Then check again."
        raise UsageError(f"{path} has the marks of a merge conflict (line {line}).", advice)
    if first is None:
        what = f"{path} is not a golden file: its first line is not `samebits golden {FORMAT}`."
        advice = "remove this file, or name a different one: --update makes a file that does not exist."
        raise UsageError(what, advice)
    if int(first[1]) > FORMAT:
        what = f"{path} was written by a newer samebits (format {first[1]}; this one reads up to {FORMAT})."
        raise UsageError(what, "pip install --upgrade samebits")


def _split(text: str) -> list[str]:
    """Return the header, and the text of each block, each without the empty line behind it."""
    places = [0, *(match.start() for match in _BLOCK.finditer(text)), len(text)]
    parts = [text[begin:end] for begin, end in itertools.pairwise(places)]
    return [part.rstrip() + "\n" for part in parts]


def _with_blocks(file: GoldenFile, texts: list[str]) -> GoldenFile:
    by_name: dict[str, str] = {}
    blocks: dict[str, GoldenBlock] = {}
    for text in texts:
        name = text.partition("\n")[0].strip("[ ]")
        try:
            block = parse_block("".join(line.lstrip(" ") for line in text.splitlines(keepends=True)), file.header)
            if name in by_name:
                raise BlockError("occurs twice")
        except BlockError as why:
            raise UsageError(f"{file.path}: the block {name} {why}.", _RESTORE.format(path=file.path)) from None
        by_name[name], blocks[name] = text, block
    return replace(file, texts=by_name, blocks=blocks)
