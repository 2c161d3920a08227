"""The working folder on its way to nodes that do not have it."""

import pytest

from samebits.errors import UsageError
from samebits.launch import folders
from samebits.launch.keeper import unpack


@pytest.fixture
def folder(tmp_path):
    """A working folder with what travels, and what does not."""
    place = tmp_path / "mine"
    for name in ("data", "empty", ".git", "__pycache__", "venv"):
        (place / name).mkdir(parents=True)
    for name in ("train.py", "data/x.bin", ".git/config", "__pycache__/train.pyc", "venv/pyvenv.cfg"):
        (place / name).write_text(name)
    (place / "latest").symlink_to("data")
    return place


def test_what_travels_is_there_again(folder, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    unpack(folders.archive(folder), there)
    found = sorted(str(path.relative_to(there)) for path in there.rglob("*"))
    assert found == ["data", "data/x.bin", "empty", "latest", "train.py"]
    assert (there / "data/x.bin").read_text() == "data/x.bin"
    assert (there / "latest").readlink().name == "data"
    assert folders.listing_of(there) == folders.listing_of(folder)


def test_a_listing_tells_folders_apart_by_names_and_sizes(folder):
    before = folders.listing_of(folder)
    (folder / ".git/config").write_text("does not travel")
    assert folders.listing_of(folder) == before
    (folder / "train.py").write_text("longer than it was")
    assert folders.listing_of(folder) != before


def test_the_size_is_said_and_one_that_is_too_large_is_refused(folder):
    assert folders.refuse_large(folder) == "2 files, 18 bytes"
    with (folder / "large.bin").open("wb") as file:
        file.truncate(20_000_000_000)
    with pytest.raises(UsageError) as refused:
        folders.refuse_large(folder)
    assert "is too large to send to the nodes (3 files, 20.0 GB): the limit is 1.0 GB" in refused.value.message
    assert "a disk that all nodes share" in refused.value.advice


@pytest.mark.parametrize(("name", "is_seen"), [("train.py", True), ("settings.yaml", True), ("data.bin", False)])
def test_an_old_copy_of_a_program_is_not_the_same_folder(tmp_path, name, is_seen):
    """A seed may have been changed, which keeps the size."""
    for place, seed in (("here", "1"), ("there", "2")):
        (tmp_path / place).mkdir()
        (tmp_path / place / name).write_text(f"seed = {seed}\n")
    here, there = (folders.listing_of(tmp_path / place) for place in ("here", "there"))
    assert (here != there) is is_seen
