"""A folder in the layout of the authors' code, written here by hand: what is read of it, and what is refused."""

import numpy as np
import pytest
from skimage import io

from samebits.errors import DataError, NotFoundError
from samebits_study.cells.authors import ANNOTATIONS, COUNTS, FRAMES, read
from samebits_study.stereology.count import CountingFrame
from samebits_study.stereology.disector_drawings import paint

NAMES = [
    "LU2_Section1_Stack1",
    "LU2_Section1_Stack2",
    "LU3_Section1_Stack10",
    "LU3_Section1_Stack9",
    "LU14_Section2_Stack1",
]
FRAME = CountingFrame(8, 8, 56, 56)


@pytest.fixture
def folder(tmp_path):
    annotations = tmp_path / ANNOTATIONS
    for number, name in enumerate(NAMES):
        image, mask = np.full((64, 64), 200, np.uint8), np.zeros((64, 64), np.uint8)
        image[20:30, 20:30], mask[20:30, 20:30] = 50 + number, 255
        tested = name.startswith("LU3")
        save(tmp_path / "images" / ("test" if tested else "train") / f"{name}.png", image)
        save((annotations / "masks" if tested else tmp_path / "masks" / "train") / f"{name}.png", mask)
        save(annotations / FRAMES / f"{name}.png", paint(image, FRAME))
    (annotations / COUNTS).mkdir()
    lines = [f"{name},{number + 1}" for number, name in enumerate(NAMES)]
    (annotations / COUNTS / "Manual.csv").write_text("Name,Count\n" + "\n".join(lines) + "\n")
    (annotations / COUNTS / "ASA_count.csv").write_text("Name,Count\n" + "\n".join(f"{name},77" for name in NAMES))
    return tmp_path


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    io.imsave(path, picture, check_contrast=False)


def image_path(folder, number):
    return folder / "images" / "train" / f"{NAMES[number]}.png"


def mask_path(folder, number):
    return folder / "masks" / "train" / f"{NAMES[number]}.png"


def frame_path(folder, number):
    return folder / ANNOTATIONS / FRAMES / f"{NAMES[number]}.png"


def counts_path(folder):
    return folder / ANNOTATIONS / COUNTS / "Manual.csv"


def test_fields_are_read_by_mouse_in_the_order_of_their_numbers_and_lu3_is_the_test(folder):
    cells = read(folder, 64)
    assert list(cells.animals) == ["LU2", "LU3", "LU14"]
    assert [field.name for field in cells.test] == ["LU3_Section1_Stack9", "LU3_Section1_Stack10"]
    assert len(cells.training) == 3


def test_a_field_has_its_image_mask_frame_and_the_count_by_hand(folder):
    field = read(folder, 64).test[0]
    assert field.image[25, 25] == 53
    assert field.mask[25, 25] == 255
    assert field.frame == (8, 8, 56, 56)
    assert field.count == 4
    assert field.labels is None


def test_everything_is_made_smaller_together(folder):
    field = read(folder, 32).test[0]
    assert field.image.shape == field.mask.shape == (32, 32)
    assert field.mask[10:15, 10:15].all()
    assert (field.mask > 0).sum() == 25
    assert field.frame == (4, 4, 28, 28)


def test_an_image_smaller_than_its_disector_picture_is_what_the_authors_cut_out_with_20_pixels_around(folder):
    large = np.full((300, 300), 200, np.uint8)
    for number in range(len(NAMES)):
        save(frame_path(folder, number), paint(large, CountingFrame(60, 70, 220, 230)))
    # the cut-out is 200 x 200 pixels with the frame from 20 to 180; images are 64 x 64
    assert read(folder, 64).test[0].frame == (6, 6, 58, 58)


def test_without_lu3_the_last_mouse_is_left_out(folder):
    for path in folder.rglob("LU3*.png"):
        path.unlink()
    assert read(folder, 64).test[0].name == NAMES[4]


def test_fewer_fields_are_spread_over_the_sections_of_a_mouse(folder):
    cells = read(folder, 64, 1)
    assert [field.name for field in cells.training] == ["LU2_Section1_Stack1", "LU14_Section2_Stack1"]


def test_a_mask_of_0_and_1_is_a_mask(folder):
    save(mask_path(folder, 0), np.eye(64, dtype=np.uint8))
    assert np.array_equal(read(folder, 64).training[0].mask, np.eye(64) * 255)


def test_a_picture_of_grey_saved_in_colour_is_grey(folder):
    save(image_path(folder, 0), np.full((64, 64, 3), 90, np.uint8))
    assert (read(folder, 64).training[0].image == 90).all()


def test_transparency_is_left_out(folder):
    save(image_path(folder, 0), np.full((64, 64, 2), (90, 255), np.uint8))
    save(mask_path(folder, 0), np.stack([np.eye(64) * 255, np.full((64, 64), 255)], axis=2).astype(np.uint8))
    field = read(folder, 64).training[0]
    assert (field.image == 90).all()
    assert np.array_equal(field.mask, np.eye(64) * 255)


def test_only_the_fields_of_the_test_mouse_need_a_frame_and_a_count(folder):
    frame_path(folder, 0).unlink()
    counts_path(folder).write_text("Name,Count\n" + "\n".join(f"{name},3" for name in NAMES[2:4]))
    field = read(folder, 64).training[0]
    assert field.frame is None
    assert field.count is None


def test_a_folder_of_something_else_is_refused_with_how_the_set_is_to_be_had(tmp_path):
    with pytest.raises(NotFoundError, match="not in the layout") as error:
        read(tmp_path, 64)
    assert "authors" in error.value.advice


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        read(tmp_path, 64)


def test_a_field_without_a_cell_is_a_field(folder):
    save(mask_path(folder, 0), np.zeros((64, 64), np.uint8))
    assert not read(folder, 64).training[0].mask.any()


def test_how_many_images_are_beyond_those_taken_of_a_mouse_is_said(folder):
    assert read(folder, 64, 1).left_out == "2 images beyond 1 per mouse (1 of LU3, the test)"
    assert read(folder, 64).left_out == ""


@pytest.mark.parametrize("length", [0, 1, 7, 8, 20, 40, 60])
def test_a_picture_that_is_cut_off_is_named(folder, length):
    path = image_path(folder, 0)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=rf"{NAMES[0]}\.png cannot be read as a picture"):
        read(folder, 64)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Name,Cells\nLU2_Section1_Stack1,4\n", "no columns Name and Count"),
        ("", "no columns Name and Count"),
        ("Name,Count\nLU2_Section1_Stack1,four\n", "line 2: 'four' is not a count"),
        ("Name,Count\nLU2_Section1_Stack1\n", "line 2: '' is not a count"),
        ("Name,Count\nLU2_Section1_Stack1,-4\n", "line 2: '-4' is not a count"),
        ("Name,Count\nLU3_Section1_Stack9,4\nLU3_Section1_Stack9,5\n", "has 5 cells here, 4 in a different"),
        ("Name,Count\nLU3_Section1_Stack9,4\n", "LU3_Section1_Stack10 has no count"),
    ],
)
def test_a_broken_count_file_is_refused(folder, text, said):
    counts_path(folder).write_text(text)
    with pytest.raises(DataError, match=said):
        read(folder, 64)


def replace(name, number, picture):
    """A function that puts a picture in the place of one of the folder."""
    path = {"image": image_path, "mask": mask_path, "frame": frame_path}[name]
    return lambda folder: save(path(folder, number), picture)


def without(path, *words):
    return lambda folder: path(folder, *words).unlink()


def add(*pictures):
    """A function that adds pictures to the folder."""

    def write(folder):
        for name in pictures:
            save(folder / name, np.eye(64, dtype=np.uint8))

    return write


GREEN = np.zeros((64, 64, 3), np.uint8) + np.array([0, 255, 0], np.uint8)
GREY = np.arange(64 * 64).reshape(64, 64).astype(np.uint8)
TURNED = CountingFrame(8, 8, 56, 56, exclusion="top-right")
SMALL = paint(np.zeros((48, 48), np.uint8), CountingFrame(8, 8, 40, 40))
DAMAGES = {
    "an image of 16 bits": (replace("image", 0, np.full((64, 64), 4000, np.uint16)), r"Stack1\.png has uint16 pixels"),
    "no mask": (without(mask_path, 0), r"5 images and 4 masks .*\n.*without masks: LU2_Section1_Stack1"),
    "no image": (add("masks/train/LU2_Section9_Stack9.png"), "masks without image: LU2_Section9_Stack9"),
    "another size": (replace("mask", 0, np.eye(60, dtype=np.uint8)), r"Stack1\.png is 64 x 64 pixels, .*Stack1\.png is 60 x 60"),
    "grey": (replace("mask", 0, GREY), r"LU2_Section1_Stack1\.png is not binary: it holds 256 different values"),
    "colour": (replace("mask", 0, GREEN), r"LU2_Section1_Stack1\.png is in colour"),
    "one field twice": (add(f"images/test/{NAMES[0]}.png"), "have the same name"),
    "no section": (add("images/train/LU2.png", "masks/train/LU2.png"), "MOUSE_SECTION_STACK"),
    "only the counts of a program": (without(counts_path), f"no count files: .*{COUNTS} holds no CSV"),
    "no frame": (without(frame_path, 2), "LU3_Section1_Stack10 has no frame"),
    "no lines": (replace("frame", 2, np.zeros((64, 64, 3), np.uint8)), r"LU3_Section1_Stack10\.png has no clear counting frame"),
    "another corner": (replace("frame", 2, paint(np.zeros((64, 64), np.uint8), TURNED)), "meet at the top-right"),
    "a small picture": (replace("frame", 2, SMALL), "48 x 48 pixels, smaller than its image of 64 x 64"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_missing_or_unlike_the_authors_layout_is_named(folder, damage):
    change, said = DAMAGES[damage]
    change(folder)
    with pytest.raises(DataError, match=said):
        read(folder, 64)


def test_images_of_one_mouse_leave_none_to_test(folder):
    for name in NAMES[2:]:
        for path in folder.rglob(f"{name}.png"):
            path.unlink()
    with pytest.raises(DataError, match="one mouse only"):
        read(folder, 64)
