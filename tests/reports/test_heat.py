"""The heat map shows what differs where it differs, and nothing else."""

import re
from collections import defaultdict

import numpy as np
import pytest

from samebits.comparison.traces.difference_map import DifferenceMap, StepColumns, difference_map
from samebits.comparison.traces.processes import AlignedTrial
from samebits.reports import heat
from samebits.reports.heat import HeatMap, layer_names
from samebits.reports.presenters import html
from samebits.reports.result_report import report
from samebits.reports.tree import Section
from samebits.store.trace import Point

GROUPS, STEPS, PARTED = "AABAC", 1000, {"B": 300, "C": 640}
MOST_BYTES = 300_000


def heat_map(result, record):
    """The map of a record."""
    return heat.heat_map(result, heat.differences(result, record))


def aligned(record):
    return [AlignedTrial(trial, record.file.command) for trial in record.trials]


def counted_by_hand(record, trials, columns):
    """(kind, name, column) -> how many of the other trials differ there; row by row, without numpy's help."""
    seen = [defaultdict(dict) for _ in trials]
    of_step = {step: column for column in range(columns.number) for step in columns.steps(column)}
    for found, number in zip(seen, trials, strict=True):
        (trace,) = (trial.observed[0] for trial in record.trials if trial.id == number)
        for row in trace.rows:
            point, step = trace.points[int(row["point"])], int(row["step"])
            column = columns.number - 1 if point.kind == "end" else 0 if step < 0 else of_step.get(step)
            if column is not None:
                found[point.kind, point.name, column][step, int(row["occurrence"])] = row["fingerprint"].tobytes()
    return {key: sum(other[key] != mine for other in seen[1:]) for key, mine in seen[0].items()}


@pytest.mark.parametrize(("since", "most"), [(0, 32), (30, 32), (30, 7), (64, 400), (99, 5)])
def test_each_cell_counts_the_groups_that_differ_there(judged, since, most):
    _, record = judged(GROUPS, 100, {"B": 30, "C": 64})
    home, *others = (trial for trial in aligned(record) if trial.id in (1, 3, 5))
    found = difference_map((home, home.members[0]), others, since, most)
    by_hand = counted_by_hand(record, [1, 3, 5], found.columns)
    cells = {
        (point.kind, point.name, column): int(found.differing[row, column])
        for row, point in enumerate(found.points)
        for column in range(found.columns.number)
        if found.compared[row, column]
    }
    assert cells == by_hand
    assert found.columns.number <= most + 3
    each = [step for column in range(found.columns.number) for step in found.columns.steps(column)]
    assert each == list(range(found.columns.first, 100))
    assert range(since, since + 1) in [found.columns.steps(column) for column in range(found.columns.number)]


def test_the_first_colour_is_the_divergence_that_the_report_names(judged):
    result, record = judged(GROUPS, STEPS, PARTED)
    drawn = heat_map(result, record)
    coloured = [(cell.first, band.kind, row.name, cell) for band in drawn.bands for row in band.rows
                for cell in row.cells if cell.shade.startswith("h")]  # fmt: skip
    _, kind, name, cell = min(coloured, key=lambda one: one[0])
    assert (kind, name) == (result.divergence.kind, result.divergence.name.rsplit(".", 1)[0]) == ("update", "conv1")
    assert cell.said.startswith(f"steps {result.divergence.step:,} to ")
    assert str(result.divergence.step) in [tick.label for tick in drawn.ticks]
    assert "1 of 2 groups differs" in cell.said


def test_each_step_of_a_short_training_has_its_number(judged):
    drawn = heat_map(*judged("AB", 4, {"B": 0}))
    assert [tick.label for tick in drawn.ticks] == ["0", "1", "2", "3"]


def test_what_is_the_same_from_the_start_is_left_out_and_the_caption_says_so(judged):
    drawn = heat_map(*judged("AB", 5000, {"B": 4990}))
    assert re.search(r"Steps up to 4,98\d are not shown: nothing differs there\.", drawn.caption)
    assert "To measure by how much, run samebits locate --heat" in drawn.caption
    assert "fingerprints, so a colour says how many groups differ, not by how much" in drawn.caption


def test_a_band_in_which_nothing_differs_is_one_row(judged):
    drawn = heat_map(*judged(GROUPS, STEPS, PARTED))
    names = {band.kind: [row.name for row in band.rows] for band in drawn.bands}
    assert list(names) == ["start", "batch", "forward", "gradient", "update", "end"]
    assert names["start"] == names["batch"] == ["1 tensor, all the same"]
    assert names["end"] == ["conv1"]


def test_only_a_divergence_that_steps_show_has_a_map(judged, diverged):
    result, record = judged("AAA", 50)
    assert heat_map(result, record) is None
    assert heat_map(diverged, None) is None
    section = "What differs, layer by layer"
    assert section not in html.render(report(result, record))
    assert section in html.render(report(*judged("AB", 50, {"B": 20})))
    assert section not in html.render(report(diverged))


def test_trials_without_a_common_process_have_no_map(judged):
    _, record = judged("AB", 20, {"B": 3})
    home, other = aligned(record)
    assert difference_map((home, home.members[0]), [], 3, 32) is None
    del other.members[0]
    assert difference_map((home, home.members[0]), [other], 3, 32) is None


# -- layers ---------------------------------------------------------------------------------------------------------


def test_a_layer_is_named_without_its_weight_and_the_optimizers_state():
    names = [
        "conv1.weight",
        "conv1.weight/exp_avg",
        "block.0.norm.bias",
        "block/dense/kernel",
        "loss",
        "norm:weights",
        "",
    ]
    assert layer_names(names, "update") == [
        "conv1", "conv1", "block.0.norm", "block/dense", "loss", "norm:weights", heat.DIGEST,
    ]  # fmt: skip
    assert layer_names(["0.input_ids", "labels"], "batch") == ["0.input_ids", "labels"]


def test_many_layers_are_folded_into_the_modules_around_them():
    names = [f"blocks.{block}.{layer}.weight" for block in range(12) for layer in ("q", "k", "v")]
    assert list(dict.fromkeys(layer_names(names, "gradient"))) == [f"blocks.{block}" for block in range(12)]
    flat = layer_names([f"l{number}.weight" for number in range(100)], "gradient")
    assert flat[0] == "l0 ... l6"
    assert len(set(flat)) <= heat.MOST_ROWS


# -- the page -------------------------------------------------------------------------------------------------------


def test_the_largest_map_leaves_a_page_small(judged, monkeypatch):
    """Many layers, many groups, and no two cells beside each other alike."""
    points = [Point(kind, f"layer{n}.weight") for kind in ("start", "batch", "forward", "gradient", "update", "end")
              for n in range(500)]  # fmt: skip
    columns = StepColumns(0, heat.COLUMNS * 99_999, 99_999, 0)
    noise = np.random.default_rng(7).integers(0, 12, (len(points), columns.number))
    seen = np.array([[(column == 0) == (point.kind == "start") and (column == columns.number - 1) == (point.kind == "end")
                      for column in range(columns.number)] for point in points])  # fmt: skip
    many = DifferenceMap(points, columns, 11 * seen, noise * seen * (np.arange(len(points)) % 32 == 0)[:, None])
    result, record = judged(GROUPS, STEPS, PARTED)
    monkeypatch.setattr(heat, "_found", lambda *_: many)
    page = html.render(report(result, record))
    assert page.count("<i class=") > 1400
    assert len(page.encode()) < MOST_BYTES


def test_each_row_says_in_words_what_its_colours_say(judged):
    result, record = judged(GROUPS, STEPS, PARTED)
    (section,) = [block for block in report(result, record).blocks if isinstance(block, Section) and block.id == "heat"]
    (drawn,) = section.blocks
    assert isinstance(drawn, HeatMap)
    for row in (row for band in drawn.bands for row in band.rows):
        assert [cell.said in row.said for cell in row.cells] == [True] * len(row.cells)
