"""Defines the documents of a record and of a result. They are frozen, checked, and read back as they were written.

`Result` is what --json writes. A record has `RecordFile` (record.json), `TrialFile` (trial.json) and `FilesFile`."""

# `from __future__ import annotations` would delay each check: Python would compile the text of each annotation
from typing import Any, Literal

from pydantic import model_validator

from samebits.documents import Document, Explanation, FileOrder, HeldControl, KeyedPoint, Location, Size, UnknownPlace
from samebits.endings import EndedBy, Status, code_of
from samebits.golden_answer import GoldenAnswer
from samebits.saved_files import RECORD_FORMAT, FilesFile, Leak, Lines, Part, SavedFile

__all__ = [
    "EXIT_CODES",
    "RECORD_FORMAT",
    "ClockLaw",
    "Detection",
    "Divergence",
    "Document",
    "FilesFile",
    "GroupPoint",
    "GroupSplit",
    "HeldControl",
    "KeyedPoint",
    "Kind",
    "Leak",
    "Lines",
    "Options",
    "Part",
    "ProcessKey",
    "PythonProcess",
    "RecordFile",
    "Result",
    "Round",
    "SavedFile",
    "Scope",
    "Setup",
    "Size",
    "Trial",
    "TrialFile",
    "UnknownPlace",
    "Verdict",
]  # fmt: skip

Verdict = Literal["repeated", "diverged", "inconclusive"]
EXIT_CODES: dict[str, int] = {"repeated": 0, "diverged": 1, "inconclusive": 3}
Kind = Literal["start", "rng", "batch", "forward", "gradient", "update", "structure", "end"]


class Scope(Document):
    """What was compared. `steps_total`: null if no trial was whole. `files_compared`: the most files of one trial."""

    kind: Literal["whole", "prefix"]
    steps_compared: int
    steps_total: int | None
    files_compared: int = 0
    not_observed: list[str] = []
    unwatched: list[str] = []


class Setup(Document):
    """Everything that is the same in all trials. `code_changed`: the code was changed between the trials."""

    command: list[str]
    python: str | None
    environment: str | None = None
    preset: str | None = None
    controls: list[HeldControl] = []
    seed: int | None = None
    machine: dict[str, Any] = {}
    packages: dict[str, str] = {}
    code: dict[str, Any] = {}
    code_changed: bool = False


class Trial(Document):
    """One trial in a result. `final`: the fingerprint of its end (32 hex digits); null if the end was not seen.

    `clock_rate`: how fast its clock ran. `left_out`: why it was not compared, if its clock was faster.
    """

    id: int
    status: Status
    exit_code: int | None
    steps: int
    seconds: float
    final: str | None
    metrics: dict[str, float] = {}
    clock_rate: float = 1.0
    left_out: str = ""


class ProcessKey(Document):
    """Identifies a process of a trial: its place among those that observed something, its arguments, its rank.

    `name`: its name in multiprocessing. `trains`: whether it makes any steps.
    """

    order: int
    argv: list[str]
    rank: int = 0
    name: str = ""
    trains: bool = True


class Divergence(Document):
    """The first point at which trials differ. `details`: further differences of the same step, in order."""

    step: int
    kind: Kind
    name: str
    trials: list[int]
    process: ProcessKey
    detail: str = ""
    details: list[dict[str, Any]] = []
    size: Size | None = None
    # "epoch" and the "step" in it, both from 1; "evaluation": N if it lies in the evaluation after the Nth epoch;
    # "checkpoint": how many steps had ended when the last one was saved; "cell": In [cell] of a notebook, "line" in it
    within: dict[str, int] = {}
    files: FileOrder | None = None  # the order in which the process opened files, if that differs too

    @property
    def point(self) -> tuple[int, Kind, str, ProcessKey]:
        """Equal for two divergences at one place."""
        return self.step, self.kind, self.name, self.process


class GroupPoint(Document):
    """Where a group diverges from the reference: the first point at which the two differ."""

    step: int
    kind: Kind
    name: str


class GroupSplit(Document):
    """The step at which two groups diverge; -1 is before the first step. `first`, `second`: their places in `groups`.

    If processes follow each other (pretrain, then finetune), the steps of the second are counted after those of the
    first. If only what the processes left differs, `step` is the number of all steps.
    """

    first: int
    second: int
    step: int


class Detection(Document):
    """The probability that n trials show a difference that a share p of all runs has: 1 - p^n - (1-p)^n."""

    seen_if_in_half_of_runs: float
    seen_if_in_one_of_ten: float


class ClockLaw(Document):
    """What trials with a faster clock have shown of a value. `place`: file, text and number.

    `law`: it follows the clock, or its inverse; it is a moment of the trial; the program got it from the clock
    (`known`); it follows no law, so it is no time (`none`). `ratio`: by how much it grew in each of these trials, the
    fastest first.
    """

    place: str
    law: Literal["duration", "rate", "moment", "known", "none"]
    ratio: list[float] = []


class Level(Document):
    """Whether two records have equal bits, equal printed metrics, or overlapping ranges. `holds`: null if unknown."""

    name: Literal["bits", "metrics", "spread"]
    holds: bool | None
    says: str


class Result(Document):
    """The result of a check, and all that its reports need.

    `reason`: a sentence if the verdict is inconclusive; `reason_code` is then its code for programs, and `advice` says
    what to do. `precision`: "bitwise".
    `agrees`: less strict precisions at which the results agree, as sentences. `diverges_at`: where each group diverges
    from the reference; null for the reference itself. `splits`: the step at which each pair of groups diverges; if
    there are many groups, only pairs with the reference. `seconds`: the time of all rounds of trials.
    """

    format: int = 1  # a change of what a field means raises it
    samebits: str
    verdict: Verdict
    sentence: str
    reason: str | None = None
    reason_code: str | None = None
    advice: str | None = None
    precision: str = "bitwise"
    agrees: list[str] = []
    scope: Scope
    setup: Setup
    trials: list[Trial]
    groups: list[list[int]]
    diverges_at: list[GroupPoint | None] = []
    splits: list[GroupSplit] = []
    divergence: Divergence | None = None
    keyed: list[KeyedPoint] = []
    location: Location | None = None  # what `samebits locate` found, if it has run
    explanation: Explanation | None = None  # what `samebits explain` found, if it has run
    detection: Detection
    warnings: list[str] = []
    uncounted: list[str] = []  # the warnings that only name what does not count
    unseeded: dict[str, str] = {}  # generator whose state differs from the start on -> the warning that says so
    leak: str | None = None  # with equal bits: which trials started from what earlier trials left
    across: list[str] = []  # with equal bits: the facts in which the machines of the trials differ
    settled: list[ClockLaw] = []  # values that follow the clock
    unknown: list[UnknownPlace] = []  # the places at which samebits does not know whether a difference counts
    golden: GoldenAnswer | None = None  # the comparison with a golden file
    levels: list[Level] = []  # for two records: whether they agree at each level
    at_a_time: int = 1  # the most trials that ran side by side
    at_a_time_why: str = ""  # empty if the user chose the number
    judged: dict[str, str] = {}  # kind -> "=" all equal, "!" differs, "." not reached or not compared, "-" not observed
    seconds: float = 0.0
    record: str | None = None

    def __str__(self) -> str:
        return f"{self.verdict}: {self.sentence}"

    def __repr__(self) -> str:
        return f"<Result {self}>"

    @property
    def exit_code(self) -> int:
        """The exit status of the verdict: 0 repeated, 1 diverged, 3 inconclusive."""
        return EXIT_CODES[self.verdict]

    def sized_as(self, left: "Result | None") -> "Result":
        """Return this result with the size of the divergence from `left`. Only a run can measure that size."""
        was, now = left.divergence if left else None, self.divergence
        if was is None or now is None or was.size is None or was.point != now.point:
            return self
        return self.model_copy(update={"divergence": now.model_copy(update={"size": was.size})})


class Round(Document):
    """One round of trials: `steps` is null for whole trials. `at_a_time`: the most trials that ran together."""

    steps: int | None
    trials: list[int]
    seconds: float
    at_a_time: int = 1


class Options(Document):
    """The options of a check, kept in the record so that it can be judged again."""

    trials: int = 5
    ok_exit: int = 0
    jobs: int | Literal["auto"] = 1  # cannot follow the option's default: a record's signature leaves defaults out
    full: bool = False
    models: bool = False
    steps: int | None = None
    budget: float | None = None
    timeout: float | None = None
    artifacts: list[str] = []
    ignores: list[str] = []
    strict: bool = False
    metrics: dict[str, str] = {}
    isolate: bool = False
    settle: Literal["auto", "never", "always"] = "auto"


class RecordFile(Document):
    """record.json: what was asked for, and what holds for all trials. `controls`: the requested ids."""

    format: int = RECORD_FORMAT
    samebits: str
    created: str
    command: list[str]
    directory: str
    program: str = ""  # the path of the command's first word; "" if `python` names the interpreter
    python: str | None = None
    environment: str | None = None
    host: str = "local"  # where trials run, as --on names it
    each: dict[str, str] = {}  # what one trial needs there, as --each says it
    preset: str | None = None
    controls: list[str] = []
    seed: int | None = None
    variables: dict[str, str | None] = {}  # of the trials' environment, without samebits' own; null: removed
    hash: Literal["xxh3", "blake2b"]
    options: Options = Options()
    rounds: list[Round] = []
    notes: list[str] = []  # sentences about how the trials were combined, which become warnings
    weights: str | None = None  # a folder with initial weights that samebits sets in each trial
    at_a_time_why: str = ""  # why this many trials ran at a time, or why one by one
    settled: list[ClockLaw] = []  # what trials with a faster clock have shown, in this record or in an earlier one
    doubt: str = ""  # what trials showed only if they had waited between rounds
    signature: str | None = None  # by the user's own key: shows that the record was made here


class PythonProcess(Document):
    """A Python process that the command started, directly or not."""

    pid: int
    argv: list[str]
    executable: str | None = None
    watched: bool
    why: str = ""  # for one that was not watched: what hid it, if that is known
    asks: bool = False  # a program such as a runner only asked the interpreter about itself, before the first step


class TrialFile(Document):
    """trial.json: how one trial was run and how it ended, written by the launcher."""

    format: int = RECORD_FORMAT
    id: int
    status: Status
    exit_code: int | None = None
    signal: int | None = None
    why: str = ""  # for failed, killed, timeout: what is known, as a sentence
    ended_by: EndedBy | None = None  # for killed: what ended it, if that was neither the program nor a limit
    said: str = ""  # for the same: the exception that it printed last, else its last line on standard error
    started: str
    seconds: float
    stop_after: int | None = None
    python_processes: list[PythonProcess] = []
    programs: list[str] = []  # command lines of programs that are neither a Python nor an everyday tool
    children_left: list[str] = []
    leaks: list[Leak] = []
    wrote: list[str] = []
    environment: dict[str, str] = {}
    packages: dict[str, str] = {}
    code: dict[str, Any] = {}
    machine: dict[str, Any] = {}
    metrics: dict[str, float] = {}
    metrics_printed: dict[str, str] = {}
    waited: float = 0.0  # seconds for which it waited between rounds: `seconds` has none of them, its own clock has all
    clock_rate: float = 1.0  # how fast the trial's clock was (see the control clock-rate)
    handed: list[str] = []  # ids and texts of the clock that the program got, as the probe saw
    ports: list[int] = []  # that its processes bound
    amounts: list[int] = []  # of memory, which the system told its processes

    @model_validator(mode="before")
    @classmethod
    def _with_code(cls, fields: Any) -> Any:
        """Add the code that belongs to the sentence. Documents of older versions have only the sentence."""
        code = code_of(fields.get("why", "")) if isinstance(fields, dict) else None
        return {"ended_by": code, **fields} if code else fields

    working_copy: str = ""  # the copy of the working folder that this trial alone had, if it had one
    notes: list[str] = []  # sentences about how the trial was run, which become warnings
