"""What vary found: vary.json, from which its reports are made. Frozen, checked, read back as it was written."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from samebits.model import Divergence, Document, Setup, Size, Verdict

VARY_FORMAT = 1
Status = Literal["base", "same", "differs", "unsettled", "no-effect"]
Answer = Literal["depends", "independent", "unsettled", "no-effect"]


class VaryDocument(Document):
    """A document that keeps a loss which is NaN or infinite as such (JSON has no word for it; Python's reader has)."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")


class Outcome(VaryDocument):
    """A number at the end of the training, with the base value and with this one: a loss, a metric."""

    name: str
    base: float
    value: float


class End(VaryDocument):
    """How far the outcome is from that of the base value.

    `weights`: how many tensors were seen at the end, `different` of them with other bits. `relative`: the norm of the
    difference of all weights over the norm of the base's; null where it was not measured.
    """

    weights: int = 0
    different: int = 0
    relative: float | None = None
    largest: Size | None = None
    largest_name: str = ""
    outcomes: list[Outcome] = []


class Value(VaryDocument):
    """One value of a factor, and what its trials showed against those of the base value.

    `status`: `base`; `same` bits as the base; `differs`; `unsettled` (it does not repeat within itself, or its trials
    gave no answer: `why`); `no-effect` (same bits, but it could not be shown that it took effect: `why`).
    `in_force`: what the trials said of it; null where they could not tell. `record`: its folder below that of
    vary.json, null where no trial was run. `divergence`: where they leave the base. `moves_memory`: trials in which
    nothing but the place of their memory is different leave it there too, so that it is unsettled.
    """

    value: str
    status: Status
    why: str = ""
    moves_memory: bool = False
    in_force: str | None = None
    record: str | None = None
    trials: int = 0
    model: str | None = None
    divergence: Divergence | None = None
    agrees: list[str] = []
    end: End | None = None


class FactorResult(VaryDocument):
    """What is said of one factor. `values`: that of the base setup first. `named`: whether the user asked for it."""

    id: str
    does: str
    answer: Answer
    sentence: str
    named: bool
    values: list[Value]


class VaryResult(VaryDocument):
    """The whole of it.

    `verdict`: `repeated` where the bits depend on nothing that was varied, `diverged` where they depend on something,
    else `inconclusive` with its `reason`. `setup`: the base's, as its trials saw it. `held`: factor -> its value in
    the base setup. `left_out`: factor -> why it was not varied. `by_chance`: the chance that two equally likely
    outcomes of a training that does not repeat would fall apart just so, between the trials of two values.
    """

    format: int = VARY_FORMAT
    samebits: str
    created: str
    verdict: Verdict
    sentence: str
    reason: str | None = None
    advice: str | None = None
    setup: Setup
    trials: int
    steps: int
    scope: Literal["whole", "prefix"]
    held: dict[str, str]
    factors: list[FactorResult] = []
    left_out: dict[str, str] = {}
    by_chance: float
    warnings: list[str] = []
    seconds: float = 0.0
    record: str = ""
