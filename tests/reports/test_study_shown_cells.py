"""Figures 1 and 4: fields made by hand, in which it is known what the frame counts and where two trials differ."""

import numpy as np
import pytest

pytest.importorskip("skimage", reason="the extra study (scikit-image) is not installed")

from samebits_study import collection
from samebits_study.reports import shown_cells

SIDE = 40


def disk(x, y, radius=4):
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


CELLS = {"inside": disk(20, 20), "on the green line": disk(33, 12), "on the red line": disk(4, 20)}


@pytest.fixture
def folder(tmp_path, documents):
    """A study's folder with two test fields, and a setup with two trials: the second misses a cell of the second field."""
    mask = np.any(list(CELLS.values()), axis=0)
    labels = sum(number * cell for number, cell in enumerate(CELLS.values(), 1)).astype(np.int32)
    data = tmp_path / "data"
    data.mkdir()
    image = np.where(mask, 60, 200).astype(np.uint8)
    np.savez(data / "data.npz", test_images=np.stack([image, image]))
    np.savez(
        data / "truth.npz", masks=np.stack([mask * np.uint8(255)] * 2), labels=np.stack([labels] * 2),
        frames=np.array([[4, 4, 34, 34]] * 2, np.int32), names=np.array(["first", "second"]),
    )  # fmt: skip
    full, less = mask * 0.9, np.where(CELLS["inside"], 0.1, mask * 0.9)
    for trial, predictions in ((1, [full, full]), (2, [full, less])):
        place = tmp_path / "setups" / "keras-tf2.1" / "record" / "trials" / f"{trial:03d}" / "out"
        place.mkdir(parents=True)
        np.savez(place / "predictions.npz", predictions=np.stack(predictions).astype(np.float32))
        np.savez(place / "weights-00.npz", weights=np.zeros(1))
        (place / "outcome.json").write_text('{"library": "keras", "train_seconds": 1, "test_seconds": 1}')
    return tmp_path


@pytest.fixture
def parted(documents):
    models = [documents.model(1, "a", documents.cells(5.0)), documents.model(2, "b", documents.cells(9.0))]
    return documents.study("unet", [documents.setup("keras-tf2.1", models)], trials=2)


def test_figure_1_marks_the_cells_that_the_frame_counts(folder):
    figure = shown_cells.figure_1(shown_cells.read_fields(folder / "data"))
    plain, framed = figure.shows.pictures
    assert plain.image.shape == (SIDE, SIDE)
    assert framed.label == "with its frame; 2 cells counted"
    assert sorted(framed.marks) == [pytest.approx((20, 20), abs=0.1), pytest.approx((33, 12), abs=0.1)]
    assert (framed.image == (255, 0, 0)).all(axis=2).any()


def test_figure_4_takes_the_field_on_which_two_trials_differ_and_the_cell_that_one_misses(folder, parted):
    _, figure = shown_cells.figures(parted, folder)
    labels = [picture.label for picture in figure.shows.pictures]
    assert labels[0] == "(a) second"
    assert "They count 2 and 1 cells." in figure.caption
    assert "1 by trial 1 (blue), 0 by trial 2 (orange)" in figure.caption
    alone = figure.shows.pictures[3].image
    assert ((alone == shown_cells.FIRST).all(axis=2) == CELLS["inside"]).all()
    assert not (alone == shown_cells.SECOND).all(axis=2).any()


def test_cells_on_the_exclusion_line_are_in_the_mask_and_not_in_what_is_counted(folder, parted):
    _, figure = shown_cells.figures(parted, folder)
    mask, counted = figure.shows.pictures[1].image, figure.shows.pictures[2].image
    assert mask[20, 6].tolist() != [0, 0, 0]
    assert counted[20, 6].tolist() == [0, 0, 0]
    assert counted[20, 20].tolist() == [255, 255, 255]


def test_what_is_counted_is_what_the_judge_counts(folder, parted):
    fields = shown_cells.read_fields(folder / "data")
    place = folder / "setups" / "keras-tf2.1" / "record" / "trials" / "002" / "out"
    predictions = collection.read_predictions(place)
    judged = collection.judge_cells(predictions, fields[0].all)
    _, figure = shown_cells.figures(parted, folder)
    assert (judged.counted, judged.true_count) == (3, 4)
    assert figure.caption.startswith("keras-tf2.1, trials 1 and 2.")
    counted = shown_cells.most_different({1: predictions * 0, 2: predictions}, fields[:1], watershed=False)[2].counted
    assert len(np.unique(counted)) - 1 == 2


def test_a_field_with_different_counts_comes_before_more_true_cells_that_one_trial_counts(folder):
    fields = shown_cells.read_fields(folder / "data")
    full = fields[0].truth > 0
    moved = (full & ~CELLS["inside"] & ~CELLS["on the green line"]) | disk(12, 28) | disk(28, 28)
    predictions = {1: np.stack([full, full]) * 0.9, 2: np.stack([moved, full & ~CELLS["inside"]]) * 0.9}
    field, a, b = shown_cells.most_different(predictions, fields, watershed=False)
    assert (field.name, a.number, b.number) == ("second", 2, 1)


def test_touching_cells_have_a_line_between_them_and_a_cell_of_the_second_trial_is_seen_on_one_of_the_first():
    whole = np.zeros((8, 8), int)
    whole[1:7, 1:7] = 1
    halves = np.where(np.arange(8) < 4, whole, 2 * whole)
    assert (shown_cells._white(whole) == 255 * (whole > 0)).all()
    assert (shown_cells._white(halves)[1:7, 3] == 0).all()
    assert (shown_cells._white(halves)[1:7, 4] == 255).all()
    first, second = (shown_cells.CellCount(n, whole, cells, cells) for n, cells in enumerate((whole, halves), 1))
    image = shown_cells._apart(first, second, [1], [1, 2])
    assert {tuple(pixel) for row in image for pixel in row.tolist()} == {
        shown_cells.FIRST,
        shown_cells.SECOND,
        (0, 0, 0),
    }


def test_trials_whose_masks_are_the_same_give_a_sentence(folder, parted, documents):
    first = folder / "setups" / "keras-tf2.1" / "record" / "trials" / "001" / "out" / "predictions.npz"
    (folder / "setups" / "keras-tf2.1" / "record" / "trials" / "002" / "out" / "predictions.npz").write_bytes(
        first.read_bytes()
    )
    assert shown_cells.figures(parted, folder)[1].why == (
        "Figure 4 cannot be made: the trials of each setup gave the same masks, pixel by pixel."
    )
    one = documents.study("unet", [documents.setup("keras-tf2.1", parted.setups[0].models[:1])])
    assert shown_cells.figures(one, folder)[1].why == "Figure 4 cannot be made: no setup has two trials."


def test_without_the_studys_data_both_figures_are_a_sentence(tmp_path, parted):
    figures = shown_cells.figures(parted, tmp_path)
    assert [figure.id for figure in figures] == ["1", "4"]
    assert all("cannot be made" in figure.why and "truth.npz" in figure.why for figure in figures)


@pytest.mark.parametrize("name", ["data.npz", "truth.npz"])
@pytest.mark.parametrize("damage", ["empty", "cut", "text", "other"])
def test_of_damaged_data_both_figures_are_a_sentence(folder, parted, name, damage):
    path = folder / "data" / name
    whole = path.read_bytes()
    np.savez(folder / "other.npz", other=np.zeros(3))
    other = (folder / "other.npz").read_bytes()
    path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "text": b"a text", "other": other}[damage])
    assert all(name in figure.why for figure in shown_cells.figures(parted, folder))


def test_a_true_cell_that_one_trial_misses_comes_before_more_false_ones(folder):
    fields = shown_cells.read_fields(folder / "data")
    full = fields[0].truth > 0
    blots = full | disk(12, 28, 3) | disk(28, 28, 3)
    less = full & ~CELLS["inside"]
    predictions = {
        1: np.stack([full, full]) * 0.9, 2: np.stack([blots, full]) * 0.9, 3: np.stack([full, less]) * 0.9,
    }  # fmt: skip
    field, a, b = shown_cells.most_different(predictions, fields, watershed=False)
    assert (field.name, a.trial, b.trial) == ("second", 1, 3)
    assert shown_cells.true_cells_of_one_only(field, a, b) == ({1}, set())
    del predictions[3]
    field, a, b = shown_cells.most_different(predictions, fields, watershed=False)
    assert (field.name, a.trial, b.trial) == ("first", 1, 2)
    assert shown_cells.true_cells_of_one_only(field, a, b) == (set(), set())
