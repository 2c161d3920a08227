"""Figures 2, 3 and 5 of the paper: box plots of the trials beside the paper's; and one of every setup."""

from __future__ import annotations

from collections.abc import Iterable

from samebits_study.reports import measures, paper, phrases
from samebits_study.reports.figure import Box, Boxes, Figure
from samebits_study.reports.measures import Measure
from samebits_study.results import SetupResult, StudyResult

READ = (
    "Box: first to third quartile. Thick line: median. Thin line: from the minimum to the maximum. Dots: the trials. "
    "Quartiles are interpolated; the paper does not say how its own are taken."
)
COMPARABLE = 10  # two panels share an axis where it is at most so many times as long as what either of them spans


def figures(result: StudyResult) -> list[Figure]:
    """Those that the paper has of the study, and all setups together."""
    kind = phrases.kind(result)
    if kind not in measures.MAIN:
        return []
    of_paper = {"lenet5": (_figure_3,), "unet": (_figure_2, _figure_5)}.get(result.study, ())
    return [*(make(result) for make in of_paper), _all_setups(result, measures.MAIN[kind])]


def _figure_2(result: StudyResult) -> Figure:
    title = "Error rate of counting on the test animal; PyTorch from Keras' initial weights."
    return _beside_paper(result, "2", title, _three_setups("pytorch-1.3"))


def _figure_3(result: StudyResult) -> Figure:
    title = "Accuracy on the test digits; PyTorch from Keras' initial weights."
    return _beside_paper(result, "3", title, _three_setups("pytorch-1.3"))


def _figure_5(result: StudyResult) -> Figure:
    title = "Error rate of counting on the test animal; PyTorch from the initial weights of Equation 1."
    return _beside_paper(result, "5", title, _three_setups(paper.EQUATION_1))


def _three_setups(pytorch: str) -> tuple[str, ...]:
    return "keras-tf1.14", "keras-tf2.1", pytorch


def _beside_paper(result: StudyResult, number: str, title: str, ids: tuple[str, ...]) -> Figure:
    """The paper's panel and ours."""
    measure = measures.MAIN[phrases.kind(result)]
    known = {setup.id: setup for setup in result.setups}
    theirs = tuple(box for setup in ids if (box := _paper_box(result.study, setup, measure)))
    ours = _boxes((known[setup] for setup in ids if setup in known), measure)
    if not ours:
        why = " ".join(_not_there(ids, known, measure))
        return Figure(number, title, why=f"Figure {number} cannot be made. {why}")
    panels = tuple((name, boxes) for name, boxes in (("The paper", theirs), ("This study", ours)) if boxes)
    same = len(panels) == 1 or _comparable(theirs, ours)
    notes = _not_there(ids, known, measure) + ([] if same else ["The two panels have different axes."])
    if paper.EQUATION_1 in ids and theirs:
        notes.append("The paper gives no numbers for its PyTorch models of this figure.")
    return Figure(number, title, READ, Boxes(measure.head, panels, same), notes=tuple(notes))


def _an(measure: Measure) -> str:
    return f"a defined {measure.head.split(' (')[0].lower()}"


def _paper_box(study: str, setup: str, measure: Measure) -> Box | None:
    quoted = paper.quotation(study, setup)
    if quoted is None:
        return None
    return Box(paper.NAMES[paper.ANSWERS[setup]], tuple(float(row.values[measure.name]) for row in quoted.rows))


def _boxes(setups: Iterable[SetupResult], measure: Measure) -> tuple[Box, ...]:
    return tuple(Box(setup.id, tuple(values)) for setup in setups if (values := measure.values(setup)))


def _not_there(ids: tuple[str, ...], known: dict[str, SetupResult], measure: Measure) -> list[str]:
    """Which setups have no box, and why: they gave no model, or none that the measure is defined for."""
    ran = {setup for setup in ids if setup in known and known[setup].models}
    absent = [setup for setup in ids if setup not in ran]
    undefined = [setup for setup in ids if setup in ran and not measure.values(known[setup])]
    said = [f"Not run: {', '.join(absent)}."] if absent else []
    return said + ([f"{', '.join(undefined)}: no trial has {_an(measure)}."] if undefined else [])


def _comparable(theirs: Iterable[Box], ours: Iterable[Box]) -> bool:
    """Whether both can be read on one axis."""
    a, b = ([value for box in boxes for value in box.values] for boxes in (theirs, ours))
    spans = [span for side in (a, b) if (span := max(side) - min(side))]
    return max(*a, *b) - min(*a, *b) <= COMPARABLE * min(spans, default=0)


def _all_setups(result: StudyResult, measure: Measure) -> Figure:
    title = f"{measure.head.split(' (')[0]} in every setup."
    ours = _boxes(result.setups, measure)
    if not ours:
        ran = any(setup.models for setup in result.setups)
        why = f"no trial has {_an(measure)}" if ran else "no setup was run"
        return Figure("setups", title, why=f"This figure cannot be made: {why}.")
    return Figure("setups", title, READ, Boxes(measure.head, (("This study", ours),), same_axis=True))
