"""What determinism costs, as tables: the same training with and without its flags, watched and unwatched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
    a, b, ratio = _times(with_it.models, without.models, refused)
    return what, with_it.id, a, without.id, b, ratio


def _times(
    a: Sequence[TrainedModel | Plain], b: Sequence[TrainedModel | Plain], refused: str
) -> tuple[Cell, Cell, Cell]:
    """Return the seconds of two kinds of trainings, and the ratio of their means."""
    if refused:
        return MissingValue("not shown"), MissingValue("not shown"), MissingValue("not shown")
    seconds, other = ([model.train_seconds for model in models] for models in (a, b))
    ratio: Cell = MissingValue("undefined", "the training to compare with took no time")
    if sum(other):
        ratio = Number((sum(seconds) / len(seconds)) / (sum(other) / len(other)), 3)
    return measures.spread(seconds, (2, 2)), measures.spread(other, (2, 2)), ratio


def _without_effect(setup: SetupResult, pair: Contrast) -> list[str]:
    """Name the controls that took no effect here, so that they cost no time."""
    return [
        f"{setup.id}: {control.id} {'could not be read back' if control.effect == 'unreadable' else 'took no effect'}"
        f"{' (' + control.detail + ')' if control.detail else ''}, so the two trainings need not differ."
        for control in setup.controls
        if control.id in pair.controls and phrases.took_effect(control) is not True
    ]


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
            "weights: whether the unwatched training ended with the same weights as a trial. If a setup does not "
            "repeat, the word no means nothing.",
            *dict.fromkeys(refused for _, refused in whole if refused),
        ),
    )  # fmt: skip


def _watching(setup: SetupResult, plain: Plain, refused: str) -> Row:
    same = YES_NO[plain.same] if len(setup.groups) == 1 or plain.same else "no, but the trials also differ"
    return setup.id, *_times(setup.models, [plain], refused), same


def _apart(setup: SetupResult, *, busy: bool) -> str:
    """Return why a setup's watched and unwatched trainings are not compared."""
    found = measures.machines([setup])
    if setup.plain:
        found.setdefault(setup.plain.machine, []).append(f"{setup.id}, not watched")
    return measures.refusal(found, busy=busy)
