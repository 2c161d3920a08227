"""A trial on a node: what it finds of earlier trials there."""

import os
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from samebits.errors import UsageError
from samebits.experiment import Experiment, Limits, Request
from samebits.launch.environment import Slot
from samebits.launch.files import folders
from samebits.launch.hosts import TrialOrder
from samebits.launch.node import node_trial as node
from samebits.launch.outside import Outside
from samebits.launch.remote import remote_host as remote
from samebits.launch.remote.exchange import packed_code
from samebits.model import Options

NOBODY = 65534
READS = "print(open('state').read())\n"


def not_cancelled(readable, writable, special, seconds):
    time.sleep(seconds)
    return [], [], []


@pytest.fixture
def ordered(tmp_path):
    """Function(*paths that trial 1 wrote) -> the order for trial 3, whose working folder travels."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "reads.py").write_text(READS)
    asked = Request(command=[sys.executable, "reads.py"], directory=own, out=tmp_path / "record", options=Options())
    plan = Experiment.begin(asked).plan

    def order(*paths, packed=True):
        outside = Outside(own, plan.record)
        outside.wrote(1, [own / path for path in paths])
        found = remote._node_order(TrialOrder(plan, 3, Limits(), Slot(0, 2), outside), packed=packed)
        return replace(found, record=tmp_path / "place"), packed_code(plan.record)

    return order


def test_trials_that_overlap_on_a_node_have_each_a_copy_of_the_working_folder(ordered, tmp_path):
    one, _ = ordered()
    packed = folders.archive(tmp_path / "own")
    with node._place(one.record), node._working_folder(one, packed) as first:
        (first / "state").write_text("of trial 3")
        with node._working_folder(replace(one, id=4), packed) as second:
            assert sorted(path.name for path in second.iterdir()) == ["reads.py"]
            assert len(str(first)) == len(str(second))
            assert first.stat().st_mode & 0o077 == 0 or first.parent.stat().st_mode & 0o077 == 0
        assert not second.exists()
        assert (first / "state").exists()
    assert not first.parent.exists()


def test_a_copy_that_a_killed_trial_left_is_not_used_again(ordered, tmp_path):
    one, _ = ordered()
    left = node._folder_beside(one.record) / "003"
    left.mkdir(parents=True)
    (left / "state").write_text("of a trial that was killed")
    with node._place(one.record), node._working_folder(one, folders.archive(tmp_path / "own")) as found:
        assert [path.name for path in found.iterdir()] == ["reads.py"]


@pytest.fixture
def users_place():
    """Function() -> a context in which a user works to whom the modes of files apply; its value: a folder of theirs."""
    place = Path(tempfile.mkdtemp())

    @contextmanager
    def users():
        if os.geteuid() != 0:
            yield place
            return
        os.chown(place, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield place
        finally:
            os.seteuid(0)

    yield users
    folders.discard(place)


def test_folders_of_a_copy_that_are_read_only_are_removed_and_what_they_link_to_stays(
    ordered, tmp_path, users_place, monkeypatch
):
    """In the folder that travels, and in what a trial has left that was killed."""
    monkeypatch.setattr(os, "getuid", os.geteuid)
    data = tmp_path / "own" / "data"
    data.mkdir()
    (data / "x").write_text("1")
    data.chmod(0o555)
    one, packed = ordered()[0], folders.archive(tmp_path / "own")
    with users_place() as place:
        one, outside = replace(one, record=place / "place"), place / "outside"
        outside.mkdir()
        left = node._folder_beside(one.record) / "003"
        (left / "inner" / "deep").mkdir(parents=True)
        (left / "inner" / "deep" / "link").symlink_to(outside)
        for folder in (outside, left / "inner" / "deep", left / "inner", left):
            folder.chmod(0o555)
        with node._place(one.record), node._working_folder(one, packed) as found:
            assert sorted(path.name for path in found.iterdir()) == ["data", "reads.py"]
            assert found.name == "003"
            assert (found / "data").stat().st_mode & 0o777 == 0o555
        assert sorted(path.name for path in place.iterdir()) == ["outside"]
        assert outside.stat().st_mode & 0o777 == 0o555


def test_a_copy_that_cannot_be_removed_is_put_aside(ordered, tmp_path, monkeypatch):
    one, _ = ordered()
    left = node._folder_beside(one.record) / "003"
    left.mkdir(parents=True)
    (left / "state").write_text("of a program that ran as a different user")
    monkeypatch.setattr(node, "discard", lambda folder: None)
    with node._working_folder(one, folders.archive(tmp_path / "own")) as found:
        assert [path.name for path in found.iterdir()] == ["reads.py"]
    assert sorted(path.name[:4] for path in left.parent.iterdir()) == ["003", "003-"]


def test_a_file_of_the_working_folder_is_no_leak_of_an_earlier_trial_if_the_folder_travels(
    ordered, tmp_path, monkeypatch
):
    monkeypatch.setattr(node, "select", SimpleNamespace(select=not_cancelled))
    (tmp_path / "own" / "state").write_text("as it was before")
    order, code = ordered("state")
    with node._place(order.record), node._working_folder(order, folders.archive(tmp_path / "own")) as directory:
        node._unpack_code(code, order.record)
        found = node._run(node._plan(order, directory), order).fetch()
    assert (found.status, found.leaks) == ("complete", [])


@pytest.mark.parametrize(
    ("name", "text", "is_refused"),
    [
        ("reads.py", "an old program", True),
        ("own.yaml", "a: 2", True),
        ("data.csv", "1,2,3", True),  # a different size
        ("data.csv", "2", False),
        ("more.txt", "nobody knows it", False),
    ],
)
def test_an_old_copy_of_the_working_folder_is_refused(ordered, tmp_path, name, text, is_refused):
    own = tmp_path / "own"
    (own / "own.yaml").write_text("a: 1")
    (own / "data.csv").write_text("1")
    one, _ = ordered(packed=False)
    (own / name).write_text(text)
    os.utime(own / name, ns=(one.ordered - 1, one.ordered - 1))
    refused = pytest.raises(UsageError, match=f"{name} differs") if is_refused else nullcontext()
    with refused, node._working_folder(one, b"") as found:
        assert found == own


def test_a_file_that_a_trial_beside_it_wrote_or_removed_makes_no_old_copy(ordered, tmp_path):
    own = tmp_path / "own"
    (own / "results.json").write_text("{}")
    (own / "gone.json").write_text("{}")
    one, _ = ordered(packed=False)
    (own / "results.json").write_text("[1]")
    os.utime(own / "results.json", ns=(one.ordered + 1, one.ordered + 1))
    (own / "gone.json").unlink()
    with node._working_folder(one, b"") as found:
        assert found == own
