"""The documents of operator replay: what `ops.json` and `--json` hold."""

from __future__ import annotations

from typing import Literal

from samebits.model import RECORD_FORMAT, Document, Size, Verdict

Phase = Literal["forward", "backward", "optimizer"]
Outcome = Literal["same", "differed", "nothing"]
VERDICTS: dict[Outcome, Verdict] = {"same": "repeated", "differed": "diverged", "nothing": "inconclusive"}


class Operator(Document):
    """One overload of an operator in one phase: calls that were seen, replayed, and gave other bits in some replay.

    `replays`: how many there were of all these calls. `operator`: the schema's name without trailing underscore;
    `overload`: all of it, with the overload's name.
    """

    operator: str
    overload: str
    phase: Phase
    seen: int
    replayed: int
    replays: int
    differed: int


class DifferingResult(Document):
    """A result (or an argument written to) that differed. `size`: the largest of up to eight differences; null where
    the values were too large to be kept."""

    name: str
    dtype: str
    shape: list[int]
    size: Size | None = None


class DifferingPlace(Document):
    """One place at which an operator differed.

    `order`: its number among the operators that ran, from 1. `differed`: calls in which some replay differed;
    `replays`: of these calls; `replays_differed`: those that differed. `memory`: whether what newly allocated memory
    held decides the bits, so that the operator reads what nobody wrote (null: not known). `node`: in a backward, the
    node of the graph. `file`, `line`, `source`: of the program; in a backward, the line of the forward that the node
    belongs to (line 0: not known). `module`: the innermost that runs, or ran in the forward. `inputs`: dtypes and
    shapes of the tensors given. `process`: its place among those that were replayed.
    """

    operator: str
    overload: str
    phase: Phase
    step: int
    order: int
    node: str = ""
    file: str = ""
    line: int = 0
    source: str = ""
    module: str = ""
    inputs: list[str] = []
    differed: int
    replays: int
    replays_differed: int
    memory: bool | None = None
    results: list[DifferingResult] = []
    process: int = 0

    @property
    def size(self) -> Size | None:
        """The largest difference of all results."""
        sizes = [result.size for result in self.results if result.size is not None]
        return max(sizes, key=magnitude, default=None)


class LeftOut(Document):
    """An operator that was not replayed, and why."""

    operator: str
    why: str
    seen: int


class Unwritten(Document):
    """Elements of a result that the operator left as it found them in memory: they are not compared."""

    operator: str
    result: str
    elements: int
    of: int


class ReplayResult(Document):
    """What replaying the operators of some steps showed.

    `steps`: those that were replayed to their end, of `first` to `last`. `reason`, `advice`: where nothing was
    replayed. `differed`: in the order in which they first ran. `failed`: operators whose replay raised an error.
    """

    format: int = RECORD_FORMAT
    samebits: str
    outcome: Outcome
    sentence: str
    reason: str | None = None
    advice: str | None = None
    command: list[str]
    first: int
    last: int
    repeats: int
    steps: list[int] = []
    operators: list[Operator] = []
    differed: list[DifferingPlace] = []
    left_out: list[LeftOut] = []
    failed: list[LeftOut] = []
    unwritten: list[Unwritten] = []
    notes: list[str] = []
    seconds: float = 0.0
    record: str | None = None


def magnitude(size: Size) -> tuple[int, float, int]:
    """What the largest of several differences is chosen by."""
    return size.max_ulp or 0, size.max_relative or 0.0, size.different
