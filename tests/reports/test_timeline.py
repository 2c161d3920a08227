"""The step in which trials diverge, as a line: what it did in its order, and where the first difference is."""

import numpy as np
import pytest

from samebits.comparison.traces.difference_map import DifferenceMap, StepColumns
from samebits.documents import Location, Place
from samebits.model import Divergence
from samebits.reports import heat, spread
from samebits.reports.presenters import html
from samebits.reports.result_report import report
from samebits.reports.tree import Mark
from samebits.store.trace import Point

LOCATED = Location(
    found=True, sentence="Found.", step=20, kind="update", name="conv1.weight",
    path=[Place(level="module", name="conv1"), Place(level="operator", name="aten::convolution")],
)  # fmt: skip


def drawn(result, record):
    return spread.timeline(result, heat.differences(result, record))


def marks(shown):
    return {(station.kind, mark.name): mark for station in shown.stations for mark in station.marks.marks}


def test_the_line_has_what_the_step_did_in_its_order_and_marks_the_divergence(judged):
    shown = drawn(*judged("AABAC", 100, {"B": 30, "C": 64}))
    assert [station.kind for station in shown.stations] == ["batch", "forward", "gradient", "update"]
    signs = {key: mark.sign for key, mark in marks(shown).items()}
    assert signs == {
        ("batch", "0"): "=",
        ("forward", "loss"): "=",
        ("gradient", "conv1"): "=",
        ("update", "conv1"): "!=",
    }
    assert [key for key, mark in marks(shown).items() if mark.is_first] == [("update", "conv1")]
    assert marks(shown)["update", "conv1"] == Mark("conv1", "!=", "1 group differs", "conv1.weight", is_first=True)


def test_what_locate_found_grows_from_the_first_difference(judged):
    result, record = judged("AB", 50, {"B": 20})
    assert not any(station.grown for station in drawn(result, record).stations)
    located = result.model_copy(update={"location": LOCATED})
    (station,) = [station for station in drawn(located, record).stations if station.grown]
    assert station.kind == "update"
    assert [name for _, name, _ in station.grown.stations] == ["conv1", "aten::convolution"]
    assert "aten::convolution" in html.render(report(located, record))


def of(kind, name, step=3, layers=("conv1.weight",), differing=1):
    """A result that diverges there, and a map with these layers in each kind."""
    points = [Point(one, layer) for one in ("start", "batch", "gradient", "end") for layer in layers]
    columns = StepColumns(0, 10, 1, max(step, 0))
    of_kind = [[point.kind == kind and point.name == name] * columns.number for point in points]
    found = DifferenceMap(points, columns, np.ones((len(points), columns.number), int), differing * np.array(of_kind))
    return found, Divergence(step=step, kind=kind, name=name, trials=[2], process={"order": 0, "argv": ["train.py"]})


@pytest.mark.parametrize(("kind", "step"), [("start", -1), ("batch", 3), ("end", 10)])
def test_each_kind_of_divergence_is_marked(diverged, kind, step):
    found, divergence = of(kind, "conv1.weight", step)
    shown = spread.timeline(diverged.model_copy(update={"divergence": divergence}), found)
    assert [key for key, mark in marks(shown).items() if mark.is_first] == [
        (kind, "conv1" if kind != "batch" else "conv1.weight")
    ]


def test_there_is_no_line_if_the_divergence_is_not_in_the_trace(diverged, repeated, judged):
    found, _ = of("gradient", "conv1.weight")
    elsewhere = diverged.divergence.model_copy(update={"name": "model.pt", "kind": "end"})
    assert spread.timeline(diverged.model_copy(update={"divergence": elsewhere}), found) is None
    assert spread.timeline(diverged, None) is None
    assert spread.timeline(repeated, found) is None
    result, record = judged("AAA", 10)
    assert drawn(result, record) is None


def test_many_layers_that_are_the_same_are_a_few_and_a_number(diverged):
    layers = [f"l{number}.weight" for number in range(12)]
    found, divergence = of("gradient", "l4.weight", layers=layers)
    shown = spread.timeline(diverged.model_copy(update={"divergence": divergence}), found)
    names = {station.kind: [mark.name for mark in station.marks.marks] for station in shown.stations}
    assert names["gradient"] == [f"l{number}" for number in range(12)]
    assert names["batch"] == [f"l{number}.weight" for number in range(6)] + ["6 more layers"]


def test_random_generators_stand_in_the_line_if_they_were_compared(judged):
    result, record = judged("AB", 50, {"B": 20})
    assert ("rng", "generators") not in marks(drawn(result, record))
    known = result.model_copy(update={"judged": {**result.judged, "rng": "="}})
    assert marks(drawn(known, record))["rng", "generators"].sign == "="
