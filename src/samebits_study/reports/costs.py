"""What determinism costs, as tables: the same training with and without its flags, watched and unwatched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from samebits.model import HeldControl
from samebits.reports.table import YES_NO, Cell, Column, MissingValue, Number, Table, numbers
from samebits_study.reports import measures, phrases
from samebits_study.results import Plain, SetupResult, StudyResult, TrainedModel

Row = tuple[Cell, ...]


class Contrast(NamedTuple):
    """Two setups that differ in what is held.

    `controls`: those that are held; `note`: what a reader should know about them.
    """

    held: str
    with_it: str
    without: str
    controls: tuple[str, ...]
    note: str = ""


PAIRS = (
    Contrast("cudnn.deterministic on, cudnn.benchmark off (Code 3)", "pytorch-1.3", "pytorch-1.3-inverted",
         ("cudnn-deterministic", "cudnn-benchmark-off"),
         "The study's scripts train on the CPU. cuDNN's flags are set, but the CPU does not use cuDNN."),
    Contrast("one thread in and between operators (Code 1)", "keras-tf1.14", "keras-tf1.14-threads",
             ("session-threads",)),
)  # fmt: skip


def flags(result: StudyResult) -> Table:
    """Return what the flags for deterministic training cost: the same training with and without them."""
    known = {setup.id: setup for setup in phrases.done(result)}
    found = [(known[p.with_it], known[p.without], p) for p in PAIRS if p.with_it in known and p.without in known]
    whole = [(a, b, pair, measures.refusal(measures.machines([a, b]), busy=result.busy)) for a, b, pair in found]
    return Table(
        id="flags",
        title="The cost of the flags for deterministic training, in training time.",
        columns=(Column("Held controls", wide=True), Column("Setup with it"), *numbers("Training (s)", of="ours"),
                 Column("Setup without"), *numbers("Training without (s)", of="ours"), *numbers("Ratio", of="ours")),
        rows=tuple(_flags(with_it, without, pair.held, refused) for with_it, without, pair, refused in whole),
        notes=(
            "Ratio: the ratio of the means. The paper assumes that its flags make PyTorch slower (section VIII.A), "
            "but does not measure this.",
            *dict.fromkeys(refused for *_, refused in whole if refused),
            *(pair.note for _, _, pair in found if pair.note),
            *(said for with_it, _, pair in found for said in _without_effect(with_it, pair)),
        ),
    )  # fmt: skip


def _flags(with_it: SetupResult, without: SetupResult, what: str, refused: str) -> Row:
    if refused:
        missing = MissingValue("not shown")
        return what, with_it.id, missing, without.id, missing, missing
    a, b = (_seconds(setup.models) for setup in (with_it, without))
    return what, with_it.id, measures.spread(a, (2, 2)), without.id, measures.spread(b, (2, 2)), _ratio(a, b)


def _seconds(models: Iterable[TrainedModel | Plain]) -> list[float]:
    return [model.train_seconds for model in models]


def _ratio(a: list[float], b: list[float]) -> Cell:
    """Return the ratio of the means."""
    if not sum(b):
        return MissingValue("undefined", "the training to compare with took no time")
    return Number((sum(a) / len(a)) / (sum(b) / len(b)), 3)


def _without_effect(setup: SetupResult, pair: Contrast) -> list[str]:
    """Name the controls that took no effect here, so that they cost no time."""
    return [
        f"{setup.id}: {control.id} {_how(control)}"
        f"{' (' + control.detail + ')' if control.detail else ''}, so the two trainings need not differ."
        for control in setup.controls
        if control.id in pair.controls and phrases.took_effect(control) is not True
    ]


def _how(control: HeldControl) -> str:
    return "took no effect" if phrases.took_effect(control) is False else "could not be read back"


def watching(result: StudyResult) -> Table:
    """Return what watching costs, and whether it changes a bit: watched trainings beside one that was not watched."""
    setups = [setup for setup in phrases.done(result) if setup.plain]
    whole = [(setup, _apart(setup, busy=result.busy)) for setup in setups]
    return Table(
        id="watching",
        title="Watched trainings beside an unwatched one.",
        columns=(Column("Setup"), *numbers("Training watched (s)", of="ours"),
                 *numbers("Training not watched (s)", of="ours"), *numbers("Ratio", of="ours"), Column("Same weights")),
        rows=tuple(_watching(setup, setup.plain, refused) for setup, refused in whole if setup.plain),
        notes=(
            "Ratio: the mean of the watched trainings, divided by the time of the one that was not watched. Same "
            "weights: whether the unwatched training ended with the same weights as a trial. Only a setup that "
            "repeats can answer this.",
            *dict.fromkeys(refused for _, refused in whole if refused),
        ),
    )  # fmt: skip


def _watching(setup: SetupResult, plain: Plain, refused: str) -> Row:
    same = YES_NO[plain.same] if len(setup.groups) == 1 or plain.same else "no, but the trials also differ"
    if refused:
        return setup.id, MissingValue("not shown"), MissingValue("not shown"), MissingValue("not shown"), same
    watched, alone = _seconds(setup.models), _seconds([plain])
    return setup.id, measures.spread(watched, (2, 2)), measures.spread(alone, (2, 2)), _ratio(watched, alone), same


def _apart(setup: SetupResult, *, busy: bool) -> str:
    """Return why a setup's watched and unwatched trainings are not compared."""
    found = measures.machines([setup])
    if setup.plain:
        found.setdefault(setup.plain.machine, []).append(f"{setup.id}, not watched")
    return measures.refusal(found, busy=busy)
