"""The heat map by distance is coloured by what locate measured."""

import pytest

from samebits.documents import Location, TensorDistance
from samebits.reports.presenters import html
from samebits.reports.result_report import report
from samebits.reports.spread import CODES, DistanceShades, distance_map


def located(*distances, step=3):
    rows = [TensorDistance(kind=kind, name=name, steps=steps, relative=apart) for kind, name, steps, apart in distances]
    return Location(found=True, sentence="Found.", step=step, kind="update", name="a.weight", distances=rows)


FOUND = located(
    ("start", "a.weight", [-1], [0.0]),
    ("forward", "block.conv", [2, 3, 4], [0.0, 0.0, 5e-7]),
    ("forward", "block.norm", [2, 3, 4], [0.0, 0.0, None]),
    ("forward", "", [2, 3, 4], [0.0, 0.0, 0.0]),
    ("update", "a.weight", [2, 3, 4], [0.0, 2e-6, 3e-3]),
    ("update", "a.bias", [2, 3, 4], [0.0, 0.5, 0.0]),
)


def test_a_cell_has_the_shade_of_the_largest_distance_of_its_layer():
    drawn = distance_map(FOUND)
    rows = {(band.kind, row.name): [(cell.first, cell.number, cell.shade) for cell in row.cells]
            for band in drawn.bands for row in band.rows}  # fmt: skip
    assert rows == {
        ("start", "1 tensor, all the same"): [(0, 1, "same")],
        ("forward", "block.conv"): [(1, 2, "same"), (3, 1, "h1")],
        ("forward", "block.norm"): [(1, 2, "same"), (3, 1, "unknown")],
        ("forward", "(the whole model)"): [(1, 3, "same")],
        ("update", "a"): [(1, 1, "same"), (2, 1, "h4"), (3, 1, "h3")],
    }


@pytest.mark.parametrize(
    ("relative", "shade"),
    [
        (0.0, "same"),
        (None, "unknown"),
        (1e-300, "h1"),
        (1e-6, "h2"),
        (9.9e-5, "h2"),
        (1e-4, "h3"),
        (0.01, "h4"),
        (9.0, "h4"),
    ],
)
def test_each_decade_has_its_shade_and_the_key_names_it(relative, shade):
    drawn = distance_map(located(("update", "a", [3], [relative]), ("update", "b", [3], [1.0])))
    assert drawn.bands[0].rows[0].cells[0].shade == shade
    assert shade in dict(drawn.key)


def test_a_shade_is_stronger_than_all_that_are_nearer():
    shades = DistanceShades()
    assert [shades.shade(code) for code in range(len(CODES))] == ["same", "unknown", "h1", "h2", "h3", "h4"]


def test_no_distances_or_equal_ones_make_no_map(judged):
    assert distance_map(None) is None
    assert distance_map(located()) is None
    assert distance_map(located(("update", "a", [3], [0.0]))) is None
    result, record = judged("AB", 50, {"B": 20})
    section = "How far two trials are apart"
    assert section not in html.render(report(result, record))
    assert section in html.render(report(result.model_copy(update={"location": FOUND}), record))


def test_steps_of_a_training_that_went_on_for_long_share_columns():
    steps = list(range(500))
    drawn = distance_map(located(("update", "a", steps, [0.0] * 400 + [1e-3] * 100), step=400))
    (row,) = drawn.bands[0].rows
    assert [cell.shade for cell in row.cells] == ["same", "h3"]
    assert row.cells[1].said.startswith("steps 400 to 499: 1e-4 to 1e-2")
