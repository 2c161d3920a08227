"""The document of `samebits fix`: the patch, and the trials with it."""

from __future__ import annotations

from typing import Literal

from samebits.documents import Document
from samebits.model import Verdict

PATCH_FORMAT = 1
FIX = "fix.json"  # in the record

# proposed: there is a patch, and it was not tried. trying: it is in the files now, and trials run. mended: the trials
# repeat with it, and it stays. refuted: the trials do not repeat with it, and the files are as before. nothing: there
# is no patch. restored: a fix that was killed had left the patch in the files, and --restore took it out.
PatchOutcome = Literal["proposed", "trying", "mended", "refuted", "nothing", "restored"]


class PlaceOfDraw(Document):
    """The first line of the program at which the state of a generator changed. `text`: the text of that line.

    `cell`: the number of the notebook's cell that the line belongs to, from 1.
    """

    generator: str
    file: str
    line: int
    text: str
    cell: int | None = None


class ChangedPlace(Document):
    """A line that the patch changes, or before which it inserts lines. `line`: its number before the patch.

    `about`: describes the change. `digest`, `patched`: the digests of the whole file without the patch and with it.
    `cell`: as in PlaceOfDraw.
    """

    control: str
    file: str
    line: int
    about: str
    digest: str
    patched: str = ""
    cell: int | None = None


class ControlWithoutPatch(Document):
    """A control of the cause for which there is no patch. `instead`: what to write, or to do, instead.

    `lines`: the lines of the program that it concerns, each with its place.
    """

    control: str
    why: str
    instead: list[str]
    lines: list[str] = []


class PatchTrial(Document):
    """A patch that was tried, and the check of the program with it."""

    patch: str
    verdict: Verdict
    sentence: str
    trials: int
    record: str


class PatchResult(Document):
    """The content of fix.json, and the answer of `samebits fix --json`.

    `cause`: the cause of the explanation. `draws`: the first draw of each generator that the cause seeds. `patch`: a
    unified diff, for `patch -p1` in `directory`; "" if there is none. `tried`: the patch that --apply has tried.
    `verdict`: null if no patch was tried.
    """

    format: int = PATCH_FORMAT
    samebits: str
    outcome: PatchOutcome
    verdict: Verdict | None = None
    sentence: str
    reason: str | None = None
    advice: str | None = None
    command: list[str]
    python: str | None = None  # the interpreter of the trials
    directory: str
    record: str
    cause: list[str]
    draws: list[PlaceOfDraw] = []
    changes: list[ChangedPlace] = []
    patch: str = ""
    unmended: list[ControlWithoutPatch] = []
    tried: list[PatchTrial] = []
    notes: list[str] = []
    seconds: float = 0.0
