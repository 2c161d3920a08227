"""Defines audit.json, the result of `samebits audit`."""

# no `from __future__ import annotations`: see `samebits.model`
from typing import Literal

from samebits.document import Document
from samebits.model import Verdict

__all__ = ["AUDIT_FORMAT", "Answer", "AuditResult", "Checkpoint", "Graft", "Moment", "ResumeDifference", "StatePart"]

AUDIT_FORMAT = 1
# parts of the state
GENERATORS, POSITION, MOMENTS = "random generators", "sampler's epoch and position", "moments"
WORKERS, STEPS = "workers' generators", "number of steps"
ACCUMULATED, OTHER_MODELS = "gradients in an accumulation window", "average of weights, other models"
Answer = Literal["carried", "not carried", "not used", "not seen"]


class Checkpoint(Document):
    """A checkpoint that the uninterrupted run wrote. `step`: the number of finished steps. `path`: a file or a folder.

    `place`: "out" if the path lies below the trial's output folder, "work" if below the working folder. `kinds`: what
    is special about the moment: "middle" or "boundary" of an epoch, "accumulation", "validation".
    """

    step: int
    path: str
    place: Literal["out", "work"] = "out"
    size: int = 0
    kinds: list[str] = []


class StatePart(Document):
    """One part of the state of a training. `detail`: what is known beside the answer. `names`: variables."""

    part: str
    answer: Answer
    detail: str = ""
    names: list[str] = []


class ResumeDifference(Document):
    """Where the resumed run first differs. `step`: of the uninterrupted run. `after`: steps after the resume."""

    step: int
    after: int
    kind: str
    name: str


class Graft(Document):
    """What parts of the uninterrupted run show that were put into the resumed one, in `runs` runs.

    `parts`: with these, it is equal; empty if it never is. `is_smallest`: with fewer, it is not. `tried`: all parts
    that were put in. `unable`: parts that differ and cannot be put in.
    """

    parts: list[str] = []
    is_smallest: bool = False
    tried: list[str] = []
    unable: list[str] = []
    runs: int = 0
    sentence: str = ""


class Moment(Document):
    """One resumed run, compared with the uninterrupted one.

    `offset`: the step of the uninterrupted run at which the resumed run began, as the weights show; `expected`: the
    step of the checkpoint. `again`: it resumed from a checkpoint of a resumed run. `to_the_end`: it ran to its end.
    `points`, `left_out`: how many values were compared, and how many only one of the runs had. `named`: what happened.
    `forgotten`: the parts to mend; those that `graft` has confirmed come first. `cold`: what a fresh run with the
    weights alone is like; "" if it was not possible.
    """

    checkpoint: Checkpoint
    verdict: Verdict
    sentence: str
    again: bool = False
    expected: int = 0
    offset: int | None = None
    steps: int = 0
    to_the_end: bool = False
    points: int = 0
    left_out: int = 0
    divergence: ResumeDifference | None = None
    rank: int = 0  # the first one that differs: the table of the state is of this rank
    named: list[str] = []
    forgotten: list[str] = []
    graft: Graft | None = None
    state: list[StatePart] = []
    cold: Literal["", "differs", "equals resumed", "equals uninterrupted"] = ""
    record: str = ""
    advice: str = ""


class AuditResult(Document):
    """The answer of an audit. `steps`: of the uninterrupted run; `made`: of each trial. `checkpoints`: all that the
    uninterrupted run wrote, with their steps.

    `tried`, `not_tried`: the moments and the arms, in words. `resume`: the command that resumes, if one was given.
    """

    format: int = AUDIT_FORMAT
    samebits: str
    created: str
    verdict: Verdict
    sentence: str
    reason: str | None = None
    advice: str = ""
    command: list[str]
    resume: list[str] = []
    steps: int = 0
    made: dict[str, int] = {}
    checkpoints: list[Checkpoint] = []
    moments: list[Moment] = []
    tried: list[str] = []
    not_tried: list[str] = []
    warnings: list[str] = []
    packages: list[str] = []
    seconds: float = 0.0
    record: str = ""
