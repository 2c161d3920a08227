"""The data of a study that is gone on with: what has changed or is damaged is said, and never used in silence."""

import json

import numpy as np
import pytest
from skimage import io

from samebits.errors import DataError, NotFoundError, UsageError
from samebits_study import data
from samebits_study.catalog import STUDIES, StudyScale
from samebits_study.stereology.count import CountingFrame
from samebits_study.stereology.disector_drawings import paint

CELLS = STUDIES["unet"]
SMOKE = StudyScale(trials=2, epochs=1, data={"size": 32, "fields_per_animal": 2, "augmented": 0})
NAMES = [f"{mouse}_Section{section}_Stack1" for mouse in ("LU2", "LU3") for section in (1, 2, 3)]


@pytest.fixture
def source(tmp_path):
    """A folder in the layout of the authors' code: two mice of three fields; one field of the test has no cell."""
    folder = tmp_path / "neun"
    for name in NAMES:
        image, mask = np.full((64, 64), 200, np.uint8), np.zeros((64, 64), np.uint8)
        mask[20:30, 20:30] = 0 if name == NAMES[3] else 255
        pictures = {"images": image, "masks": mask, "Disector_box_images": paint(image, CountingFrame(8, 8, 56, 56))}
        for part, picture in pictures.items():
            (folder / part).mkdir(parents=True, exist_ok=True)
            io.imsave(folder / part / f"{name}.png", picture, check_contrast=False)
    (folder / "countFiles").mkdir()
    lines = [f"{name},{0 if name == NAMES[3] else 1}" for name in NAMES]
    (folder / "countFiles" / "Manual.csv").write_text("\n".join(["Name,Count", *lines]))
    return folder


def prepare(folder, source=None, scale=SMOKE, said=None):
    return data.prepare(CELLS, scale, folder, source, [].append if said is None else said.append)


def test_what_is_there_and_has_not_changed_is_used_again(tmp_path, source):
    made = prepare(tmp_path / "data", source)
    before = (tmp_path / "data" / "data.npz").stat().st_mtime_ns
    assert prepare(tmp_path / "data", source) == made
    assert (tmp_path / "data" / "data.npz").stat().st_mtime_ns == before
    assert {"digest", "digest_of_truth", "digest_of_source"} <= set(made)


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(NotFoundError, match=r"There is no .*/nowhere"):
        prepare(tmp_path / "data", tmp_path / "nowhere")


def test_images_that_have_changed_since_are_refused(tmp_path, source):
    prepare(tmp_path / "data", source)
    path = source / "countFiles" / "Manual.csv"
    path.write_text(path.read_text().replace(",1", ",2"))
    with pytest.raises(UsageError, match="has changed since the study"):
        prepare(tmp_path / "data", source)


def test_an_image_that_is_gone_is_refused(tmp_path, source):
    prepare(tmp_path / "data", source)
    (source / "masks" / f"{NAMES[0]}.png").unlink()
    with pytest.raises(UsageError, match="has changed since the study"):
        prepare(tmp_path / "data", source)


def test_that_the_folder_of_the_images_is_gone_is_noted_and_the_data_used(tmp_path, source):
    made, said = prepare(tmp_path / "data", source), []
    source.rename(tmp_path / "elsewhere")
    assert prepare(tmp_path / "data", source, said=said) == made
    assert said == [f"{source} is not there any more: samebits uses the data that was made from it"]


def test_other_counts_have_another_digest_of_truth(tmp_path, source):
    one = prepare(tmp_path / "one", source)
    path = source / "countFiles" / "Manual.csv"
    path.write_text(path.read_text().replace(",1", ",2"))
    other = prepare(tmp_path / "other", source)
    assert one["digest"] == other["digest"]
    assert one["digest_of_truth"] != other["digest_of_truth"]


@pytest.mark.parametrize("name", ["data.npz", "truth.npz"])
def test_data_that_is_gone_or_damaged_is_said_with_what_to_do(tmp_path, name):
    prepare(tmp_path / "data")
    path = tmp_path / "data" / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="has changed since the study began") as error:
        prepare(tmp_path / "data")
    assert error.value.advice.startswith("Remove ")
    path.unlink()
    with pytest.raises(DataError, match=f"{name} is not there"):
        prepare(tmp_path / "data")


@pytest.mark.parametrize("content", ["", "{", "[]", "5"])
def test_settings_that_are_damaged_are_said_with_what_to_do(tmp_path, content):
    prepare(tmp_path / "data")
    (tmp_path / "data" / "data.json").write_text(content)
    with pytest.raises(DataError, match=r"data\.json") as error:
        prepare(tmp_path / "data")
    assert "samebits makes the data again" in error.value.advice


def test_going_on_without_the_folder_of_the_images_says_to_give_it_again(tmp_path, source):
    prepare(tmp_path / "data", source)
    with pytest.raises(UsageError, match="was begun with the images in") as error:
        prepare(tmp_path / "data")
    assert error.value.advice.startswith(f"Give --data {source} again")


def test_going_on_with_images_where_there_were_none_says_to_leave_them_out(tmp_path, source):
    prepare(tmp_path / "data")
    with pytest.raises(UsageError, match="was begun with no --data") as error:
        prepare(tmp_path / "data", source)
    assert error.value.advice.startswith("Leave --data out")


def test_data_of_another_scale_is_said_in_words(tmp_path):
    prepare(tmp_path / "data")
    other = StudyScale(trials=2, epochs=1, data={**SMOKE.data, "size": 48})
    with pytest.raises(UsageError, match="a different study or scale: size is 32 there, but 48 is wanted"):
        prepare(tmp_path / "data", scale=other)


def test_data_that_an_older_release_made_is_used(tmp_path, source):
    made = prepare(tmp_path / "data", source)
    old = {name: value for name, value in made.items() if name not in ("digest_of_truth", "digest_of_source")}
    (tmp_path / "data" / "data.json").write_text(json.dumps(old))
    assert prepare(tmp_path / "data", source)["digest_of_truth"] == made["digest_of_truth"]


def test_what_is_left_out_of_a_folder_is_noted_and_kept_with_the_data(tmp_path, source):
    said = []
    made = prepare(tmp_path / "data", source, said=said)
    assert made["left_out"] == "2 images beyond 2 per mouse (1 of LU3, the test)"
    assert said == [f"not used of {source}: {made['left_out']}"]


def test_the_paper_scale_takes_a_folder_whole(source):
    paper = CELLS.scales["paper"]
    assert data.cells_settings(paper, source)["fields_per_animal"] is None
    assert data.cells_settings(paper, None)["fields_per_animal"] == 106
    assert data.cells_settings(CELLS.scales["small"], source)["fields_per_animal"] == 25


def test_a_folder_that_is_taken_whole_leaves_nothing_out(tmp_path, source):
    whole = StudyScale(trials=2, epochs=1, data={**SMOKE.data, "whole_folder": 1})
    made = prepare(tmp_path / "data", source, whole)
    assert (made["train_images"], made["test_images"]) == (3, 3)
    assert "left_out" not in made
