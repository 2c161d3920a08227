"""The files that scripts and the judge read: eight animals to train on, the ninth to test."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from skimage import io

from samebits.errors import DataError, NotFoundError, UsageError
from samebits_study.cells.arrays import DATA, TRUTH, CellSettings, load, prepare, read_truth, with_whole_cells
from samebits_study.cells.fields import mask_of
from samebits_study.stereology.count import CountingFrame, counted

SETTINGS = CellSettings(size=32, fields_per_animal=2, augmented=1, seed=2019)


def prepared(folder, **changed):
    """The folder, and what it holds."""
    settings = {"size": 32, "fields_per_animal": 2, "augmented": 1, "seed": 2019, **changed}
    return folder, prepare(None, CellSettings(**settings), folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return prepared(tmp_path_factory.mktemp("cells"))


def test_scripts_find_bytes_of_eight_animals_and_their_copies_and_of_the_ninth(made):
    with np.load(made[0] / DATA) as data:
        assert sorted(data.files) == ["test_images", "train_images", "train_masks"]
        assert data["train_images"].shape == data["train_masks"].shape == (32, 32, 32)
        assert data["test_images"].shape == (2, 32, 32)
        assert {array.dtype for array in data.values()} == {np.dtype(np.uint8)}
        assert set(np.unique(data["train_masks"])) == {0, 255}
    about = {name: made[1][name] for name in ("train_images", "test_images", "test_animal")}
    assert about == {"train_images": 32, "test_images": 2, "test_animal": "M9"}


def test_the_judge_finds_what_is_right_for_the_test_images(made):
    truth, cells = read_truth(made[0] / TRUTH), load(None, SETTINGS)
    assert truth.names == ["M9_001", "M9_002"]
    assert np.array_equal(truth.labels, [field.labels for field in cells.test])
    assert np.array_equal(truth.masks > 0, truth.labels > 0)
    assert truth.frames.tolist() == [[2, 2, 30, 30]] * 2
    assert truth.counts is None
    assert truth.smallest is None  # the 250 pixels of the paper, scaled


def test_no_test_image_is_trained_on(made):
    with np.load(made[0] / DATA) as data:
        trained = {image.tobytes() for image in data["train_images"]}
        assert not trained & {image.tobytes() for image in data["test_images"]}


def test_every_training_field_is_there_once_as_it_is_with_its_own_mask(made):
    with np.load(made[0] / DATA) as data:
        pairs = [
            (image.tobytes(), mask.tobytes())
            for image, mask in zip(data["train_images"], data["train_masks"], strict=True)
        ]
    for field in load(None, SETTINGS).training:
        assert pairs.count((field.image.tobytes(), field.mask.tobytes())) == 1


def test_fields_are_shuffled(made):
    with np.load(made[0] / DATA) as data:
        images = [image.tobytes() for image in data["train_images"]]
    fields = [field.image.tobytes() for field in load(None, SETTINGS).training]
    assert [images.index(image) for image in fields] != sorted(images.index(image) for image in fields)


def test_one_seed_gives_the_same_files_byte_for_byte(made, tmp_path):
    prepared(tmp_path)
    for name in (DATA, TRUTH):
        assert (tmp_path / name).read_bytes() == (made[0] / name).read_bytes()


@pytest.mark.parametrize("changed", [{"seed": 1}, {"augmented": 2}, {"fields_per_animal": 1}, {"size": 48}])
def test_whatever_is_changed_changes_the_data(made, tmp_path, changed):
    prepared(tmp_path, **changed)
    assert (tmp_path / DATA).read_bytes() != (made[0] / DATA).read_bytes()


def test_no_copies_can_be_asked_for(tmp_path):
    assert prepared(tmp_path, augmented=0)[1]["train_images"] == 16


@pytest.mark.parametrize("size", [100, 8, 0, -16])
def test_a_size_that_cannot_be_halved_four_times_is_refused(tmp_path, size):
    with pytest.raises(UsageError, match="halved four times"):
        prepared(tmp_path, size=size)


@pytest.mark.parametrize("changed", [{"fields_per_animal": 0}, {"augmented": -1}])
def test_no_fields_or_fewer_than_no_copies_are_refused(tmp_path, changed):
    with pytest.raises(UsageError, match="are not possible"):
        prepared(tmp_path, **changed)


def test_a_folder_that_holds_no_cells_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match=r"nowhere holds no stained cells: .* It has no masks/ either"):
        load(tmp_path / "nowhere", SETTINGS)


def test_a_broken_truth_is_named(tmp_path):
    (tmp_path / TRUTH).write_bytes(b"PK\3\4 cut off")
    with pytest.raises(DataError, match=f"{TRUTH} cannot be read"):
        read_truth(tmp_path / TRUTH)


def test_a_truth_without_an_array_is_named(tmp_path):
    np.savez(tmp_path / TRUTH, masks=np.zeros((1, 2, 2), np.uint8))
    with pytest.raises(DataError, match="has no array 'frames'"):
        read_truth(tmp_path / TRUTH)


def picture(folder, name, cells):
    for part, array in (("images", np.full((32, 32, 3), 200, np.uint8)), ("labels", cells.astype(np.uint16))):
        (folder / part).mkdir(parents=True, exist_ok=True)
        io.imsave(folder / part / f"{name}.png", array, check_contrast=False)


@pytest.mark.parametrize(
    ("with_cells", "said"),
    [("abcdefgh", "no tile of G9, the test, holds a cell"), ("i", "all training masks are empty")],
)
def test_stained_cells_whose_labels_are_empty_are_refused_with_where(tmp_path, with_cells, said):
    for name in "abcdefghi":
        picture(tmp_path, name, np.eye(32) * (name in with_cells))
    with pytest.raises(DataError, match=said):
        prepare(tmp_path, CellSettings(size=32, fields_per_animal=2, augmented=0, seed=1), tmp_path / "made")


def test_labels_that_are_all_empty_are_refused(tmp_path):
    for name in "abcdefghi":
        picture(tmp_path, name, np.zeros((32, 32)))
    with pytest.raises(DataError, match="holds a cell, so Dice and error rate are undefined"):
        prepare(tmp_path, CellSettings(size=32, fields_per_animal=2, augmented=0, seed=1), tmp_path / "made")


def test_the_tested_animal_can_have_a_number_of_fields_of_its_own_and_the_others_stay_as_they_are(made, tmp_path):
    more = prepared(tmp_path, test_fields=3)
    assert [more[1][name] for name in ("train_images", "test_images")] == [made[1]["train_images"], 3]
    with np.load(made[0] / DATA) as before, np.load(more[0] / DATA) as after:
        assert np.array_equal(before["train_images"], after["train_images"])
        assert np.array_equal(before["test_images"], after["test_images"][:2])


def test_a_margin_as_wide_as_the_largest_cell_leaves_no_counted_cell_cut_off(tmp_path):
    prepared(tmp_path, size=96, augmented=0, test_fields=12, hard=1, whole_cells=1)
    truth = read_truth(tmp_path / TRUTH)
    (frame,) = {tuple(frame) for frame in truth.frames.tolist()}
    widest = max(
        side.stop - side.start for labels in truth.labels for cell in ndimage.find_objects(labels) for side in cell
    )
    assert frame == (widest, widest, 96 - widest, 96 - widest)
    numbers = [counted(labels, CountingFrame(*frame)) for labels in truth.labels]
    assert sum(map(len, numbers)) > 4
    for labels, found in zip(truth.labels, numbers, strict=True):
        edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        assert not set(found) & set(edge.tolist())


def test_cells_that_leave_no_room_for_a_frame_are_refused():
    cells = load(None, SETTINGS)
    labels = np.zeros((32, 32), np.int32)
    labels[4:20, 10:12] = 1
    field = replace(cells.test[0], labels=labels, mask=mask_of(labels))
    with pytest.raises(DataError, match="The largest cell is 16 pixels wide: fields of 32 pixels have no room"):
        with_whole_cells(replace(cells, animals={**cells.animals, "M9": (field,)}))


def test_a_margin_of_whole_cells_needs_cells_that_are_told_apart():
    cells = load(None, SETTINGS)
    blurred = {name: tuple(replace(field, labels=None) for field in fields) for name, fields in cells.animals.items()}
    with pytest.raises(DataError, match="M9_001 has no labels, so the width of its largest cell is not known"):
        with_whole_cells(replace(cells, animals=blurred))
