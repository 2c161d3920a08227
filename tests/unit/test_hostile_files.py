"""Files that are made to do harm are read or refused with a sentence, in seconds, and nothing in them is followed or run.

Time is that of the processor: a busy machine changes nothing about it.
"""

import os
import resource
import runpy
import tempfile
import zipfile
from pathlib import Path

import pytest
from saved_parts import digests

from samebits.store import artifacts, fingerprint_file

FILES = runpy.run_path(str(Path(__file__).with_name("hostile_files.py")))["FILES"]
MOST_SECONDS, MOST_BYTES = 5.0, 1 << 30
RUN = ("runs a command.pt", "code in a header.npy")
# what takes minutes to make, or much of this machine: by `make endurance` only
SLOW = ("keys in one place.pkl", "bzip2.npz", "lzma.npz", "zeros in a member.pt", "packed zeros.h5", "cut.h5", "one list often.pt", "copies of the top.pt", "deep lists.pth", "a header of gigabytes.npz", "zips in a zip.npz")  # fmt: skip


def fields(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def seconds(pid):
    """Time of the processor that a running process has used."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, numbers[11:13])) / os.sysconf("SC_CLK_TCK")


def spent():
    """Time of the processor used by this process and by its reader, also by readers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    running = artifacts._PROCESS._process
    return sum(one.ru_utime + one.ru_stime for one in used) + (seconds(running.pid) if running else 0)


@pytest.fixture(scope="module", autouse=True)
def started(tmp_path_factory):
    """The reader is there: its start is not counted."""
    path = tmp_path_factory.mktemp("first") / "a.json"
    path.write_text("{}")
    assert fingerprint_file(path, True).error is None


def chosen():
    every = bool(os.environ.get("SAMEBITS_ENDURANCE"))
    return [name for name in FILES if every or name not in SLOW]


@pytest.mark.parametrize("name", chosen())
def test_a_hostile_file_is_read_or_refused_in_time(tmp_path, name):
    if name.endswith(("h5", "hdf5", ".keras")):
        pytest.importorskip("h5py", reason="h5py is not installed")
    path = tmp_path / name
    FILES[name](path)
    began = spent()
    file = fingerprint_file(path, True)
    assert spent() - began < MOST_SECONDS
    assert digests(file)
    if file.format == "bytes":
        assert file.error
        assert len(file.error or "") <= 200
    reader = artifacts._PROCESS._process
    if reader is not None:
        assert int(fields(reader.pid)["VmHWM"].split()[0]) << 10 < MOST_BYTES
    if name in RUN:
        assert not Path("/tmp/pwned").exists()


@pytest.mark.parametrize("name", ["external values.h5", "virtual.h5", "external link.h5"])
def test_values_that_lie_in_a_different_file_are_named_and_not_read(tmp_path, name, monkeypatch):
    pytest.importorskip("h5py", reason="h5py is not installed")
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret.h5"
    make = {"external values.h5": _external, "virtual.h5": _virtual, "external link.h5": _linked}[name]
    seen = []
    for value in (1, 2):
        with h5py.File(secret, "w") as file:
            file.create_dataset("w", data=[value] * 64, dtype="u1")
        with h5py.File(tmp_path / name, "w") as file:
            make(file, h5py, secret)
        found = fingerprint_file(tmp_path / name, True)
        assert found.error is None
        seen.append(digests(found))
    assert seen[0] == seen[1]
    assert any("w" in part for part in seen[0])


def _external(file, h5py, secret):
    file.create_dataset("w", (64,), "u1", external=[(str(secret), 0, 64)])


def _virtual(file, h5py, secret):
    layout = h5py.VirtualLayout(shape=(64,), dtype="u1")
    layout[:] = h5py.VirtualSource(str(secret), "w", shape=(64,))
    file.create_virtual_dataset("w", layout)


def _linked(file, h5py, secret):
    file["w"] = h5py.ExternalLink(str(secret), "/w")


def test_a_file_is_read_after_one_that_cost_the_reader_its_life(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    artifacts._PROCESS._process.kill()
    assert fingerprint_file(path, True).error is None


def test_a_reader_that_ends_within_a_member_of_an_archive_leaves_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    artifacts._PROCESS.close()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.json", "[" * 1000)
    assert fingerprint_file(tmp_path / "a.zip", True).error is None
    assert [folder for folder in (tmp_path / "temporary").iterdir() if any(folder.iterdir())] == []
    Path(artifacts._PROCESS._folder.name, "member").write_text("left by a reader that was ended")
    artifacts._PROCESS._process.kill()
    artifacts._PROCESS.close()
    assert list((tmp_path / "temporary").iterdir()) == []
