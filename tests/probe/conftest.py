"""What tests of real processes share: how they ask for a check of a small program."""

import contextlib
import socket
import sys
from collections import Counter
from pathlib import Path

import pytest

from samebits.launch.plan import Request
from samebits.model import Options
from samebits.store import record
from samebits.store.record import SEAL

SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.fixture(scope="session")
def processes_with():
    """Function(text) -> the command lines, of all processes of this machine, that have a text in them.

    The text is a path of the test's own: other tests run the same programs at the same time.
    """

    def found(text):
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        return [line for line in lines if str(text) in line]

    return found


@pytest.fixture
def ask(request, tmp_path):
    """Function(sample, *words, out=..., **more) -> Request for a program of tests/samples, in an empty folder.

    `more`: fields of Request, else of Options. A module's TRIALS is the number of trials where none is given.
    """
    (tmp_path / "work").mkdir()
    trials = getattr(request.module, "TRIALS", Options().trials)

    def asked(sample, *words, out="record", **more):
        of_request = {name: more.pop(name) for name in list(more) if name in Request.__dataclass_fields__}
        return Request(
            command=[sys.executable, str(SAMPLES / sample), *map(str, words)],
            directory=tmp_path / "work",
            out=tmp_path / out,
            options=Options(**{"trials": trials, **more}),
            **of_request,
        )

    return asked


@pytest.fixture(params=["3.6", "3.13"])
def python(request, pythons):
    """The oldest Python and the newest one: the probe changes its ways at 3.8, 3.10 and 3.12, so each way is run."""
    if request.param not in pythons:
        pytest.skip(f"Python {request.param} was not found")
    return pythons[request.param]


@pytest.fixture
def free_port():
    """Function() -> a socket bound to a port below those that the system chooses."""

    def find():
        for number in range(20000, 20200):
            found = socket.socket()
            try:
                found.bind(("127.0.0.1", number))
            except OSError:
                found.close()
            else:
                return found
        pytest.skip("no port from 20000 to 20199 is free")

    return find


@pytest.fixture
def readings(monkeypatch):
    """How often each state of a folder's files was hashed. A seal is a new file each time it is written."""
    counted, verify = Counter(), record.verify

    def count(folder):
        seal = folder / SEAL
        if seal.exists():
            counted[folder, seal.stat().st_ino, seal.stat().st_mtime_ns] += 1
        return verify(folder)

    monkeypatch.setattr(record, "verify", count)
    return counted
