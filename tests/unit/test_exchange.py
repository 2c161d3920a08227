"""The folder in which samebits, a host and its workers meet."""

import gc

import pytest

from samebits.launch.node import keeper
from samebits.launch.node.orders import CODE, FOLDER, Delivery, OrderFiles, Post
from samebits.launch.remote import exchange
from samebits.launch.remote.exchange import Exchange

ORDER = Post(b"", {})


@pytest.fixture
def record(tmp_path):
    """Function(name, text of the probe) -> the folder of a record."""

    def make(name, probe="x = 1"):
        (tmp_path / name / "probe").mkdir(parents=True)
        (tmp_path / name / "probe" / "one.py").write_text(probe)
        return tmp_path / name

    return make


def test_the_probe_is_packed_once_for_the_records_of_a_command(record, monkeypatch):
    packed, usual = [], exchange.packed_code
    monkeypatch.setattr(exchange, "packed_code", lambda folder: packed.append(folder.name) or usual(folder))
    begun = [Exchange(record(*words), "true") for words in (("a",), ("b",), ("c", "x = 2"))]
    files = [one.order(number, ORDER) for one in begun for number in (1, 2)]
    assert packed == ["a", "c"]
    assert [one.post().code for one in files] == [b""] * 6
    codes = [one.whole_post().code for one in files]
    assert codes[0] == codes[1] == codes[2] == codes[3] != codes[4] == codes[5]


def test_a_patch_has_a_package_of_its_own(record, tmp_path):
    """`fix --apply` checks one patch after the other."""
    (tmp_path / "own").mkdir()
    found = []
    for number in (1, 2, 2):
        (tmp_path / "own" / "train.py").write_text(f"patch = {number}")
        one = Exchange(record(f"r{len(found)}"), "true")
        one.add_folder(tmp_path / "own", {"train.py": str(number)})
        found.append(one.order(1, ORDER).shared(FOLDER).stat().st_ino)
    assert found[0] != found[1]


def test_the_folder_goes_and_the_hosts_command_runs_when_samebits_ends(record, tmp_path):
    one = Exchange(record("a"), f'echo "$0" > {tmp_path}/said')
    files = one.order(1, ORDER)
    assert files.shared(CODE).exists()
    del one
    gc.collect()
    assert (tmp_path / "said").read_text().strip() == files.name
    assert not files.shared(CODE).parent.exists()


def test_a_worker_puts_the_outcome_beside_the_order(record, monkeypatch):
    begun = Exchange(record("a"), "true")
    files = begun.order(1, ORDER)
    ran = []
    monkeypatch.setattr(keeper, "outcome_here", lambda post, *_: ran.append(post) or Delivery(lost=True))
    monkeypatch.setattr(keeper.signal, "signal", lambda *_: None)
    keeper.work(files.stem)
    assert ran[0].code
    assert files.path("began").read_text()
    assert OrderFiles(files.stem).outcome() == Delivery(lost=True)
    files.clear()
    assert files.outcome() is None
