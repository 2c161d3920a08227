"""Looks at the places around a trial: a folder is listed again only if its names may have changed."""

import os
import shutil
import time
from pathlib import Path

import pytest

from samebits.launch import writes
from samebits.launch.isolation import Caches
from samebits.launch.writes import Surroundings

TICK = 0.05  # seconds; the clock by which Linux dates changes advances faster


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The temporary folder, the only place that is looked at."""
    for name in ("tmp", "home", "work", "record"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(writes, "SHARED_MEMORY", str(tmp_path / "home"))
    (tmp_path / "tmp" / "a" / "b").mkdir(parents=True)
    (tmp_path / "tmp" / "a" / "file").write_text("1")
    return tmp_path / "tmp"


@pytest.fixture
def looker(place):
    def make():
        made = Surroundings(place.parent / "work", place.parent / "record", Caches())
        made._devices_with_ctime = {place.stat().st_dev}  # as if it were a local disk
        return made

    return make


def rewrite(place):
    (place / "a" / "file").write_text("another")


def add(place):
    (place / "a" / "b" / "new").write_text("1")


def add_with_an_old_date(place):
    add(place)
    os.utime(place / "a" / "b", (0, 0))


def rename(place):
    (place / "a" / "file").rename(place / "a" / "moved")


def remove(place):
    shutil.rmtree(place / "a" / "b")


def replace_by_a_folder(place):
    (place / "a" / "file").unlink()
    (place / "a" / "file").mkdir()


def exchange(place):
    (place / "c").mkdir()
    (place / "c" / "in c").write_text("1")
    (place / "a").rename(place / "d")
    (place / "c").rename(place / "a")


CHANGES = [rewrite, add, add_with_an_old_date, rename, remove, replace_by_a_folder, exchange]


@pytest.mark.parametrize("settled", [writes.SETTLED, -1.0], ids=["read again", "read once"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_second_look_sees_what_a_first_one_would_see(place, looker, monkeypatch, change, settled):
    monkeypatch.setattr(writes, "SETTLED", settled)
    looked = looker()
    before = looked.look()
    if settled < 0:
        time.sleep(TICK)
    change(place)
    after = looked.look()
    assert after == looker().look()
    assert after != before


def listed(monkeypatch, looked):
    folders, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: folders.append(folder) or scandir(folder))
    looked.look()
    monkeypatch.undo()
    return {Path(folder).name for folder in folders} & {"tmp", "a", "b"}


def test_a_folder_whose_names_stay_is_listed_once(place, looker, monkeypatch):
    monkeypatch.setattr(writes, "SETTLED", -1.0)
    looked = looker()
    looked.look()
    assert listed(monkeypatch, looked) == set()


def test_a_folder_that_has_changed_just_now_is_listed_again(looker, monkeypatch):
    looked = looker()
    looked.look()
    assert listed(monkeypatch, looked) == {"tmp", "a", "b"}


def test_a_folder_of_an_unknown_file_system_is_listed_each_time(looker, monkeypatch):
    monkeypatch.setattr(writes, "SETTLED", -1.0)
    looked = looker()
    looked._devices_with_ctime = set()
    looked.look()
    assert listed(monkeypatch, looked) == {"tmp", "a", "b"}
