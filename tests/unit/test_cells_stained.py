"""Real stained cells cut into tiles: by hand-made pictures, and by the real set where it is at hand."""

import os
from pathlib import Path

import numpy as np
import pytest
from skimage import io

from samebits.errors import DataError, NotFoundError
from samebits_study.cells.stained_cells import ADDRESS, PUBLISHED, read, with_gaps

VARIABLE = "SAMEBITS_STAINED_CELLS"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "dsb2018-stained"


def write(folder, names, shape=(40, 50)):
    """Pictures whose red channel is their place, with a cell in each quarter but the last."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        colour = np.full((*shape, 3), 255, np.uint8)
        colour[:, :, 0] = np.arange(shape[1])
        labels = np.zeros(shape, np.uint16)
        labels[8:12, 10:14], labels[8:12, 34:38], labels[24:28, 10:14] = 300, 2, 40 + number
        save(folder / "images" / f"{name}.png", colour)
        save(folder / "labels" / f"{name}.png", labels)
    return folder


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    io.imsave(path, picture, check_contrast=False)


def nine(folder):
    return write(folder, [f"{letter}0" for letter in "abcdefghi"])


def test_pictures_are_dealt_into_nine_groups_by_the_order_of_their_names(tmp_path):
    cells = read(write(tmp_path, [f"{letter}{digit}" for letter in "abcdefghi" for digit in (0, 1)]), 16)
    assert list(cells.animals) == [f"G{number}" for number in range(1, 10)]
    assert {field.name.split("_")[0] for field in cells.animals["G1"]} == {"a0", "e1"}
    assert cells.test_animal == "G9"


def test_tiles_lie_in_the_middle_do_not_overlap_and_hold_a_cell_each(tmp_path):
    fields = read(nine(tmp_path), 16).animals["G1"]
    # 50 x 40 pixels hold three tiles by two, 1 pixel from the left and 4 from the top; three of six hold cells
    assert [field.name for field in fields] == ["a0_1", "a0_3", "a0_4"]
    assert [field.image[0, 0] for field in fields] == [1, 33, 1]
    assert fields[0].image.shape == (16, 16)


def test_each_tile_has_its_own_labels_from_one_on(tmp_path):
    fields = read(nine(tmp_path), 16).animals["G2"]
    assert [field.cells for field in fields] == [1, 1, 1]
    assert fields[0].labels[4:8, 9:13].tolist() == [[1] * 4] * 4
    assert all(np.array_equal(field.mask > 0, field.labels > 0) for field in fields)


def test_fields_are_limited_to_the_first_tile_of_each_picture_then_the_second(tmp_path):
    names = [f"{letter}{digit}" for letter in "abcdefghi" for digit in (0, 1)]
    fields = read(write(tmp_path, names), 16, fields_per_animal=3).animals["G1"]
    assert [field.name for field in fields] == ["a0_1", "e1_1", "a0_3"]


def publish(folder, shared):
    """The pictures of a folder in the layout in which the set is published, beside one of fluorescence."""
    for image in sorted((shared / "images").glob("*.png")):
        labels = io.imread(shared / "labels" / image.name)
        for number in np.unique(labels[labels > 0]):
            save(
                folder / image.stem / "masks" / f"{number:05d}.png", np.where(labels == number, 255, 0).astype(np.uint8)
            )
        save(folder / image.stem / "images" / image.name, io.imread(image))
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 320, axis=1)
    save(folder / "0fluorescence" / "images" / "0fluorescence.png", np.stack([grey] * 3, axis=2))
    save(folder / "0fluorescence" / "masks" / "1.png", grey)


def test_the_set_as_it_is_published_gives_the_same_fields(tmp_path):
    names = [f"{letter}0" for letter in "abcdefghi"]
    shared = write(tmp_path / "shared", names, shape=(256, 320))
    publish(tmp_path / "published" / PUBLISHED, shared)
    for folder in (tmp_path / "published", tmp_path / "published" / PUBLISHED):
        for ours, theirs in zip(read(shared, 64).training, read(folder, 64).training, strict=True):
            assert ours.name == theirs.name
            assert np.array_equal(ours.image, theirs.image)
            assert np.array_equal(ours.labels, theirs.labels)


def test_a_published_picture_without_masks_is_named(tmp_path):
    publish(tmp_path, write(tmp_path / "shared", ["a0"], shape=(256, 320)))
    for path in (tmp_path / "a0" / "masks").glob("*.png"):
        path.unlink()
    with pytest.raises(DataError, match=r"a0\.png has no masks"):
        read(tmp_path, 64)


DAMAGES = {
    "labels in colour": ("labels/c0.png", np.zeros((40, 50, 3), np.uint8), r"c0\.png is not a label image"),
    "no labels": ("labels/c0.png", None, r"9 images and 8 labels .*\n.*without labels: c0"),
    "no image": ("images/c0.png", None, "labels without image: c0"),
    "another size": ("labels/d0.png", np.ones((40, 48), np.uint16), r"d0\.png is 50 x 40 pixels, .*d0\.png is 48 x 40"),
    "a broken picture": ("images/b0.png", b"\x89PNG", r"b0\.png cannot be read"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_picture_that_is_missing_or_unlike_its_labels_is_named(tmp_path, damage):
    name, picture, said = DAMAGES[damage]
    path = nine(tmp_path) / name
    path.unlink()
    if isinstance(picture, bytes):
        path.write_bytes(picture)
    elif picture is not None:
        save(path, picture)
    with pytest.raises(DataError, match=said):
        read(tmp_path, 16)


def test_too_few_pictures_for_nine_groups_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds 2 images"):
        read(write(tmp_path, ["a", "b"]), 16)


def test_a_missing_folder_is_named_with_the_address_of_the_set(tmp_path):
    with pytest.raises(NotFoundError, match="nowhere") as error:
        read(tmp_path / "nowhere", 16)
    assert ADDRESS in error.value.advice


def test_tiles_larger_than_a_picture_are_refused_with_what_would_fit(tmp_path):
    with pytest.raises(DataError, match="no tile of 400 x 400 fits") as error:
        read(nine(tmp_path), 400)
    assert "at most 32 pixels" in error.value.advice


@pytest.fixture(scope="module")
def real():
    folder = Path(os.environ.get(VARIABLE, BESIDE))
    if not folder.is_dir():
        pytest.skip(f"no stained cells: neither {BESIDE} nor {VARIABLE}")
    return read(folder, 128, fields_per_animal=4)


def test_the_real_set_gives_nine_groups_of_tiles_with_dark_cells_in_each(real):
    assert [len(fields) for fields in real.animals.values()] == [4] * 9
    for fields in real.animals.values():
        dark = sum(field.image[field.mask > 0].mean() < field.image[field.mask == 0].mean() for field in fields)
        assert dark == len(fields)
        assert all(field.cells >= 1 for field in fields)


def test_how_many_tiles_hold_no_cell_and_how_many_are_beyond_those_taken_is_said(tmp_path):
    nine(tmp_path)
    assert read(tmp_path, 16).left_out == "27 tiles without a cell (3 of G9, the test)"
    assert read(tmp_path, 16, 2).left_out == (
        "27 tiles without a cell (3 of G9, the test); 9 tiles beyond 2 per group (1 of G9, the test)"
    )


# -- fluorescent nuclei -----------------------------------------------------------------------------------------------


def write_nuclei(folder):
    """Eighteen dark pictures in grey with two bright nuclei that touch; the last two have a wide one."""
    for number in range(18):
        labels = np.zeros((32, 32), np.uint16)
        labels[8:14, 8:12], labels[8:14, 12 : 26 if number > 15 else 16] = 7, 9
        save(folder / "images" / f"{number:02}.png", np.where(labels > 0, 90, 5).astype(np.uint8))
        save(folder / "labels" / f"{number:02}.png", labels)
    return folder


def test_fluorescent_nuclei_become_dark_on_a_light_ground(tmp_path):
    cells = read(write_nuclei(tmp_path), 32)
    assert "fluorescent nuclei" in cells.about
    (first, *_) = cells.training
    assert {*first.image[first.mask > 0]} == {0}
    assert {*first.image[first.mask == 0]} == {255}


def test_nuclei_that_touch_get_a_gap_and_two_groups_are_the_test(tmp_path):
    cells = read(write_nuclei(tmp_path), 32, nuclei=10)
    assert (cells.test_animal, len(cells.animals), len(cells.test), len(cells.training)) == ("G8 and G9", 8, 2, 14)
    assert cells.left_out == "2 pictures with a cell wider than 10 pixels"
    assert cells.test[0].labels[10].tolist() == [0] * 8 + [1] * 3 + [0] * 2 + [2] * 3 + [0] * 16
    assert not cells.test[0].mask[10, 11:13].any()


def test_the_largest_number_of_a_label_image_keeps_its_outline():
    labels = np.array([[0] * 7, [0, 254, 254, 255, 255, 255, 0], [0] * 7], np.uint8)
    assert with_gaps(labels)[1].tolist() == [0, 254, 0, 0, 255, 255, 0]


def test_a_mask_in_the_place_of_labels_is_refused(tmp_path):
    nine(tmp_path)
    save(tmp_path / "labels" / "a0.png", np.where(np.indices((40, 50))[1] % 9, 255, 0).astype(np.uint8))
    with pytest.raises(DataError, match="all its cells have the same number") as error:
        read(tmp_path, 16)
    assert "own number" in error.value.advice
