"""A report as a tree of blocks. The tree knows what a report says, and one presenter for each format how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from samebits import __version__
from samebits.model import Verdict
from samebits.reports.table import Cell, Table

if TYPE_CHECKING:
    from pydantic import BaseModel

    from samebits.document import Document

__all__ = [
    "BRIEF",
    "CASE_STATES",
    "DOCUMENT",
    "HEADS",
    "MARKDOWN",
    "PAGE",
    "SCREEN",
    "SIGNS",
    "AnyBlock",
    "Block",
    "Code",
    "Contents",
    "Drawing",
    "Facts",
    "FoldedBlock",
    "Format",
    "JUnitCase",
    "Mark",
    "Marks",
    "MemberOutcome",
    "NestedTree",
    "Notes",
    "Outcomes",
    "Path",
    "Report",
    "Section",
    "SideBySide",
    "State",
    "Text",
    "TrialRows",
    "meaning",
]

Format = Literal["terminal", "md", "html"]
EVERYWHERE: frozenset[Format] = frozenset(("terminal", "md", "html"))
SCREEN: frozenset[Format] = frozenset(("terminal",))
DOCUMENT: frozenset[Format] = frozenset(("md", "html"))
MARKDOWN: frozenset[Format] = frozenset(("md",))
PAGE: frozenset[Format] = frozenset(("html",))
BRIEF: frozenset[Format] = frozenset(("terminal", "md"))

SIGNS: dict[Verdict, str] = {"repeated": "=", "diverged": "!=", "inconclusive": "?"}
HEADS: dict[Verdict, str] = {"repeated": "SAME BITS", "diverged": "DIFFERENT BITS", "inconclusive": "NO ANSWER"}


@dataclass(frozen=True, kw_only=True)
class Block:
    """A part of a report. `on`: the formats that show it."""

    on: frozenset[Format] = EVERYWHERE


@dataclass(frozen=True)
class Text(Block):
    """A paragraph. `style`: `strong`, `soft` (there is nothing here, and why), or ""."""

    text: str
    style: Literal["", "strong", "soft"] = ""


@dataclass(frozen=True)
class Facts(Block):
    """(label, words) of each fact. A fact with the label "" continues the one above."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Notes(Block):
    """Sentences, each on its own. `label`: what a terminal and Markdown put before each of them; "" for nothing."""

    lines: tuple[str, ...]
    label: str = "note"


@dataclass(frozen=True)
class Code(Block):
    """Lines to copy, or lines of a difference. `about`: what they are."""

    text: str
    about: str = ""


@dataclass(frozen=True)
class Mark:
    """The outcome of one name. `sign`: = != ? . - ; `meaning`: the sign in words; `about`: what the name stands for."""

    name: str
    sign: str
    meaning: str
    about: str = ""


@dataclass(frozen=True)
class Marks(Block):
    """Marks side by side. `about`: what they are; `after`: words behind the last one."""

    marks: tuple[Mark, ...]
    about: str
    after: str = ""


@dataclass(frozen=True)
class Path(Block):
    """The way from the step to the tensor."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class NestedTree(Block):
    """Each station lies within the one before: (what it is, its name, a note)."""

    stations: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class MemberOutcome:
    """The outcome of one of several. `reason`: why it is not complete, and what to do."""

    verdict: Verdict
    sign: str
    name: str
    about: str
    facts: str
    reason: str = ""


@dataclass(frozen=True)
class Outcomes(Block):
    """A line each."""

    outcomes: tuple[MemberOutcome, ...]


@dataclass(frozen=True)
class Contents(Block):
    """(anchor, words) of what the page holds."""

    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Drawing(Block):
    """A figure that was drawn.

    `why`: the reason if it was not drawn; `file`: its place beside the document; `address`: the figure itself, as a
    data URL; `is_folded`: a document shows it only after a click; `is_small`: it fits a phone.
    """

    id: str
    name: str
    title: str
    caption: str
    why: str
    file: str
    address: str
    is_folded: bool = False
    is_small: bool = False

    @property
    def heading(self) -> str:
        """The name, if there is one, and the title."""
        return f"{self.name}. {self.title}" if self.name else self.title


@dataclass(frozen=True)
class FoldedBlock(Block):
    """Blocks that a page shows after a click, or that stand open from the start."""

    summary: str
    blocks: tuple[AnyBlock, ...]
    is_open: bool = False


@dataclass(frozen=True)
class Section(Block):
    """A part with a heading.

    `id`: its anchor on the page; `said`: its first line on a terminal. `is_set_in`: whether a terminal indents its
    blocks below that line.
    """

    title: str
    id: str
    blocks: tuple[AnyBlock, ...]
    said: str = ""
    is_set_in: bool = False


@dataclass(frozen=True)
class TrialRows(Block):
    """How far each trial went, as bars of a terminal, and the facts that stand beside them."""

    rows: tuple[str, ...]
    facts: Facts


@dataclass(frozen=True)
class SideBySide(Block):
    """Sections side by side, if there is room."""

    sections: tuple[Section, ...]


AnyBlock = Block | Table


def meaning(says: Sequence[str], does_not: Sequence[str], on: frozenset[Format] = PAGE) -> SideBySide:
    """Return what an answer says, and what must not be concluded from it."""
    sides = (("What this says", "says", says), ("What this does not say", "does-not-say", does_not))
    return SideBySide(
        tuple(Section(title, anchor, (Notes(tuple(lines), ""),)) for title, anchor, lines in sides), on=on
    )


State = Literal["passed", "failure", "error", "skipped"]
CASE_STATES: dict[Verdict, State] = {"repeated": "passed", "diverged": "failure", "inconclusive": "error"}


@dataclass(frozen=True)
class JUnitCase:
    """What a CI shows as one test. `state`: failure (bits that differ), error (no answer), skipped (nobody asked).

    `properties`: further facts as (name, value), for programs. `failure`: the type of a failure. `seconds`: how long it
    took.
    """

    group: str
    name: str
    state: State = "passed"
    message: str = ""
    text: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    failure: str = "DifferentBits"
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a command found.

    `verdict`: None for a study, which has one for each setup; `head`: the verdict in capitals; `headline`: the answer
    in one sentence; `title`: the heading of a document that does not begin with its verdict; `took`: what a terminal
    shows after the headline; `command`: what was run, and its interpreter.

    `document`: what --json writes; `cases`: what --junit writes, a test each.
    """

    verdict: Verdict | None = None
    head: str = ""
    headline: str = ""
    title: str = ""
    took: str = ""
    advice: str = ""
    command: tuple[str, ...] = ()
    marks: Marks | None = None
    blocks: tuple[AnyBlock, ...] = ()
    footer: str = ""
    created: str = ""
    document: Document | BaseModel
    cases: tuple[JUnitCase, ...] = ()

    @property
    def sign(self) -> str:
        """The verdict as a sign."""
        return SIGNS[self.verdict] if self.verdict else ""

    @property
    def samebits(self) -> str:
        """The version of samebits that made the document."""
        return getattr(self.document, "samebits", __version__)
