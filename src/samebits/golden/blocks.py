"""Writes and reads the blocks of a golden file. A block holds facts of one environment, then a line for each step."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from samebits.golden.environment import Environment
from samebits.golden.steps import COLUMNS, NOTHING, ProcessTable, StepLine

__all__ = ["BlockError", "GoldenBlock", "checksum", "parse_block"]

_HEAD = f"# step {' '.join(COLUMNS)} loss"
_NUMBER = re.compile(r"-?\d{1,18}")
_PRINT = re.compile(r"[0-9a-f]{8}|-")


class BlockError(ValueError):
    """The error for a block that cannot be read. The text says what is wrong with it."""


@dataclass(frozen=True)
class GoldenBlock:
    """What a training gave in one environment. `made`: when, from which commit and command, by how many trials.

    `stopped_after`: the steps after which samebits stopped the trials; None for whole trials. `files`: the fingerprint
    of each file with results. `metrics`: as they were printed. `laws`: how values follow the clock, by their places.
    """

    environment: Environment
    made: Mapping[str, str]
    processes: Sequence[ProcessTable]
    stopped_after: int | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    laws: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the block in its file."""
        return self.environment.name

    @property
    def steps(self) -> int:
        """The most steps of a process; what comes before the first step is none."""
        return max((sum(line.step >= 0 for line in table.lines) for table in self.processes), default=0)

    @property
    def trials(self) -> int:
        """The number of trials that agreed."""
        return int(self.made.get("trials", "0"))

    def text(self, header: str) -> str:
        """Return the block as it stands below the header of a file."""
        body = f"[{self.name}]\n" + "".join(f"{line}\n" for line in self._lines())
        return f"{body}checksum: {checksum(header + body)}\n"

    def _lines(self) -> Iterator[str]:
        yield from (f"made.{name}: {value}" for name, value in self.made.items())
        yield from (f"machine.{name}: {value}" for name, value in sorted(self.environment.machine.items()))
        yield from (f"version.{name}: {value}" for name, value in sorted(self.environment.versions.items()))
        yield f"scope: {'whole' if self.stopped_after is None else self.stopped_after}"
        for table in self.processes:
            yield f"process: {table.last} {table.end or NOTHING}"
            yield _HEAD
            yield from (line.text for line in table.lines)
        yield from (f"file.{name}: {digest}" for name, digest in sorted(self.files.items()))
        yield from (f"metric.{name}: {value}" for name, value in sorted(self.metrics.items()))
        yield from (f"clock.{number}: {law} {place}" for number, (place, law) in enumerate(sorted(self.laws.items())))


def checksum(text: str) -> str:
    """Return the text by which samebits notices that a block was edited by hand."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def parse_block(text: str, header: str) -> GoldenBlock:
    """Return the block that a text holds. Raises BlockError."""
    *lines, last = text.rstrip("\n").split("\n")
    body = "".join(f"{line}\n" for line in lines)
    if last != f"checksum: {checksum(header + body)}":
        raise BlockError("was edited by hand, or is not whole: its checksum does not match")
    try:
        return _parsed(lines[1:])
    except (ValueError, KeyError) as why:  # samebits wrote the checksum, so the text is that of an unknown version
        raise BlockError(f"cannot be read ({why})") from None


def _parsed(lines: Sequence[str]) -> GoldenBlock:
    fields: dict[str, dict[str, str]] = {kind: {} for kind in ("made", "machine", "version", "file", "metric", "clock")}
    tables, scope = [], ""
    for at, line in enumerate(lines):
        name, colon, value = line.partition(": ")
        kind, _, rest = name.partition(".")
        if not colon:
            continue  # a line of a step, which belongs to the process above
        if name == "scope":
            scope = value
        elif name == "process":
            tables.append(_table(value, lines[at + 1 :]))
        else:
            fields[kind][rest] = value
    environment = Environment(fields["machine"], fields["version"])
    stopped = None if scope == "whole" else int(scope)
    laws = {place: law for law, _, place in (value.partition(" ") for value in fields["clock"].values())}
    return GoldenBlock(environment, fields["made"], tables, stopped, fields["file"], fields["metric"], laws)


def _table(heading: str, lines: Sequence[str]) -> ProcessTable:
    last, end = heading.split(" ")
    steps = takewhile(lambda line: ": " not in line, lines)
    return ProcessTable([_step(line) for line in steps if line != _HEAD], last, "" if end == NOTHING else end)


def _step(line: str) -> StepLine:
    step, *prints, loss = line.split(" ")
    if not _NUMBER.fullmatch(step) or len(prints) != len(COLUMNS) or not all(map(_PRINT.fullmatch, prints)):
        raise ValueError(f"the line {line[:40]!r}")
    return StepLine(int(step), tuple(prints), None if loss == NOTHING else float.fromhex(loss))
