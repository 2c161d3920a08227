"""The result of comparing two trainings, in words and tables, and as `samebits parity train --json` writes it."""

from __future__ import annotations

import math
from typing import Any, Literal

from samebits import __version__, words
from samebits.documents import Document
from samebits.reports.table import Cell, Column, MissingValue, Number, Table, numbers
from samebits.reports.tree import Report
from samebits_parity.report import Agreement, compared, parts
from samebits_parity.train.pairs import LoneTensor
from samebits_parity.train.runs import MOST_BYTES, TrainRequest
from samebits_parity.train.values import CARRIED, FACTOR
from samebits_parity.train.verdict import KINDS, Account, PointComparison, TrainVerdict


class Where(Document):
    """A point at which values differ. `relative`: null if it is infinite (different shapes, or NaN on one side)."""

    step: int
    kind: str
    a: str
    b: str
    relative: float | None
    allowed: float


class ExplainedDefault(Document):
    """A default that explains the difference.

    `default`: its short name; `names`: the weights or layers that it concerns; `proven`: false for a difference
    between two layers that may not be the reason.
    """

    default: str
    words: str
    names: list[str] = []
    proven: bool = True


class Largest(Document):
    """The largest distance of a kind over all steps, and where it is."""

    kind: str
    relative: float | None
    step: int
    name: str


class DocumentPair(Document):
    """A weight of A and of B. `how`: the order of axes; `equal`: whether they began with the same values."""

    a: str
    b: str
    how: str
    equal: bool


class TrainDocument(Document):
    """`verdict`: agree, differ or unknown; `first`: where they diverge, null if they do not."""

    format: Literal[1] = 1
    samebits: str
    verdict: str
    sentence: str
    a: list[str]
    b: list[str]
    single_step: bool
    carried: bool
    steps: int
    first: Where | None = None
    explained: list[ExplainedDefault] = []
    largest: list[Largest] = []
    pairs: list[DocumentPair] = []
    layers: list[Where] = []


TITLE = "Two trainings, step by step"
GROWTH = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def found(asked: TrainRequest, judged: TrainVerdict, reasons: list[Account]) -> Report:
    """Return the report of two trainings that were compared."""
    first, largest = judged.first, _largest_of_kinds(judged)
    answer = _answer(judged, reasons, largest)
    tables = [_kinds_table(largest), _growth_table(judged)]
    if first is not None and first.step >= 0:
        tables.append(_step_table(judged, first))
    document = _document(
        asked, *answer, steps=judged.steps, first=_where(first) if first is not None else None, largest=largest,
        explained=[ExplainedDefault(default=one.id, words=one.words, names=list(one.names), proven=one.proven)
                   for one in reasons],
        pairs=[DocumentPair(a=one.a, b=one.b, how=one.way.name, equal=one.equal) for one in judged.pairs],
        layers=[_where(point) for point in judged.of("forward", max(first.step, 0) if first else 0)],
    )  # fmt: skip
    facts = (*_commands(asked), *_facts(judged, reasons))
    return compared(TITLE, *answer, document, parts(facts, tables, _notes(asked, judged)))


def _answer(judged: TrainVerdict, reasons: list[Account], largest: list[Largest]) -> tuple[Agreement, str]:
    """Return the verdict, and its sentence."""
    if judged.first is not None:
        return "differ", _parts(judged.first, reasons)
    if judged.a.steps != judged.b.steps and judged.a.full is None and judged.b.full is None:
        counts = f"A makes {words.count(judged.a.steps, 'step')} and B {judged.b.steps:,}"
        return "differ", f"They agree to rounding for {words.count(judged.steps, 'step')}, but {counts}."
    return "agree", _agrees(judged, largest)


def _parts(first: PointComparison, reasons: list[Account]) -> str:
    where = f"{_step(first.step)} > {first.kind} > {first.name}"
    relative = _finite(first.distance.relative)
    far = "relative difference " + ("infinite" if relative is None else f"{relative:.2g}")
    known = [f"explained by {reason.words}" for reason in reasons[:1] if reason.proven]
    set_apart = "; ".join(reason.words for reason in reasons if not reason.proven)
    known += [f"the settings that differ there: {set_apart}"] if set_apart else []
    return f"They diverge at {where}: {far}; {known[0] if known else 'no known default explains it'}."


def _agrees(judged: TrainVerdict, largest: list[Largest]) -> str:
    values = [
        (one.relative, one) for one in largest if one.relative is not None and one.kind in ("forward", "gradient")
    ]
    steps = words.count(judged.steps, "step") + (", each of which begins with A's weights" if judged.single else "")
    if not values:
        return f"They agree to rounding in {steps}."
    relative, worst = max(values, key=lambda both: both[0])
    where = f"{relative:.2g} ({worst.kind} of {worst.name})"
    return f"They agree to rounding in {steps}. The largest relative difference is {where}."


def _step(step: int) -> str:
    return "start" if step < 0 else f"step {step}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _commands(asked: TrainRequest) -> tuple[tuple[str, str], ...]:
    return ("A", " ".join(asked.a)), ("B", " ".join(asked.b))


def _facts(judged: TrainVerdict, reasons: list[Account]) -> list[tuple[str, str]]:
    both = "weight or buffer" if len(judged.pairs) == 1 else "weights and buffers"
    facts = [("pairs", f"{len(judged.pairs)} {both}, {words.count(len(judged.layer_pairs), 'layer')}")]
    for reason in reasons:
        names = f" [{words.first_few(reason.names, 4)}]" if reason.names else ""
        facts.append(("why" if reason.proven else "likely", reason.words + names))
    return facts


def _notes(asked: TrainRequest, judged: TrainVerdict) -> list[str]:
    notes = [
        f"A difference is beyond rounding if it exceeds {FACTOR:g} u sqrt(n) times the largest value; u is "
        "2^-24 in float32, and n is the number of values in the largest tensor."
    ]
    if not asked.single:
        notes.append(
            "Each side begins each step with its own weights, so a layer may enlarge a difference up to "
            f"{CARRIED:g} times. --single-step copies A's weights to B before each step, and finds smaller differences."
        )
    if judged.cut:
        names = words.first_few(sorted(judged.cut), 4)
        notes.append(
            f"The outputs of {names} have different shapes, because one side cuts or pads them; the next layers agree."
        )
    if not judged.layer_pairs:
        notes.append("The outputs of layers were not seen on one side; losses, gradients and updates were.")
    for side, training in (("A", judged.a), ("B", judged.b)):
        if training.full is not None:
            notes.append(
                f"{side}: values from step {training.full} on are not compared, because those of the steps before fill "
                f"{MOST_BYTES >> 30} GiB."
            )
    for kind in ("batch", "forward", "gradient"):
        if not judged.of(kind):
            notes.append(f"{kind}: not compared, because samebits did not see it on both sides.")
    return notes


def _largest_of_kinds(judged: TrainVerdict) -> list[Largest]:
    found = []
    for kind in KINDS:
        if points := judged.of(kind):
            worst = max(points, key=lambda point: (point.distance.parts, point.distance.relative))
            relative = _finite(worst.distance.relative)
            found.append(Largest(kind=kind, relative=relative, step=worst.step, name=worst.name))
    return found


def _kinds_table(largest: list[Largest]) -> Table:
    rows = tuple((one.kind, _distance(one.relative), _step(one.step), one.name) for one in largest)
    columns = (Column("kind"), *numbers("relative"), Column("step"), Column("tensor"))
    notes = (
        "update: relative to the largest change of a weight in the tensor",
        "If a gradient is zero up to rounding, an optimizer such as Adam may move its weight either way.",
    )
    return Table("kinds", "The largest distance of each kind", columns, rows, notes)


def _distance(value: float | None) -> Cell:
    return MissingValue("infinite") if value is None or not math.isfinite(value) else Number(value, None)


def _growth_table(judged: TrainVerdict) -> Table:
    shown = [step for step in GROWTH if step < judged.steps]
    shown += [judged.steps - 1] if judged.steps - 1 not in shown else []
    kinds = [kind for kind in KINDS[1:] if judged.of(kind)]
    rows = tuple((_step(step), *(_of_step(judged, kind, step) for kind in kinds)) for step in shown)
    return Table("growth", "The largest distance by step", (Column("step"), *numbers(*kinds)), rows)


def _of_step(judged: TrainVerdict, kind: str, step: int) -> Cell:
    points = judged.of(kind, step)
    return _distance(max(point.distance.relative for point in points)) if points else MissingValue("not seen")


def _step_table(judged: TrainVerdict, first: PointComparison) -> Table:
    rows = tuple(
        (point.name, point.other, _distance(point.distance.relative), _distance(point.distance.allowed),
         "diverges" if point.distance.parts else "agrees")
        for point in judged.of(first.kind, first.step)
    )  # fmt: skip
    columns = (Column("A"), Column("B"), *numbers("relative", "allowed for rounding"), Column("verdict"))
    return Table("step", f"Where they diverge: {first.kind} of step {first.step}", columns, rows)


def _document(asked: TrainRequest, verdict: Agreement, sentence: str, **more: Any) -> TrainDocument:
    return TrainDocument(
        samebits=__version__, verdict=verdict, sentence=sentence, a=asked.a, b=asked.b,
        single_step=asked.single, carried=asked.carry, **more,
    )  # fmt: skip


def _where(point: PointComparison) -> Where:
    return Where(
        step=point.step, kind=point.kind, a=point.name, b=point.other,
        relative=_finite(point.distance.relative), allowed=point.distance.allowed,
    )  # fmt: skip


def nothing_seen(asked: TrainRequest, side: str) -> Report:
    """Return the report if no step of a training was seen on one side."""
    sentence = f"samebits saw no step of an optimizer in {side}: there is nothing to compare."
    return _unknown(asked, sentence, ())


def unpaired(asked: TrainRequest, left: list[LoneTensor]) -> Report:
    """Return the report if the models do not match."""
    first = left[0]
    other = "B" if first.side == "A" else "A"
    sentence = (
        f"The models do not match: {first.name} of {first.side}, {first.shape}, has no counterpart;"
        f" {first.wanted} in {other} would match."
    )
    rows = tuple((one.side, one.name, str(one.shape), str(one.wanted)) for one in left)
    columns = (Column("side"), Column("weight"), Column("shape"), Column("would match"))
    return _unknown(asked, sentence, (Table("unpaired", "Without a counterpart", columns, rows),))


def _unknown(asked: TrainRequest, sentence: str, tables: tuple[Table, ...]) -> Report:
    document = _document(asked, "unknown", sentence, steps=0)
    return compared(TITLE, "unknown", sentence, document, parts(_commands(asked), tables))
