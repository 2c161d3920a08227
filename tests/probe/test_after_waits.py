"""What a wait between two rounds must not hide from samebits, nor make of a program."""

import os
import socket

import pytest
from builders import Notes

from samebits import checks
from samebits.store import open_record

SAMPLE = "does_between_steps.py"
TRIALS = 2


@pytest.fixture(autouse=True)
def no_growth(monkeypatch):
    """The first round is as short as it can be, so that there is a second one."""
    monkeypatch.setattr("samebits.launch.trial.pauses.grown", lambda stop, began, most: stop["steps"])


@pytest.fixture
def name():
    """A name that no other test has, without a number: one with the number of a process counts as its own."""
    return "samebits-" + "".join(chr(ord("a") + int(digit)) for digit in str(os.getpid()))


@pytest.fixture
def looked(ask):
    """Function(code, **options) -> the result, and what was said on the way."""

    def run(code, **options):
        notes = Notes()
        return checks.run(ask(SAMPLE, code, **options), notes).result, notes.said

    return run


# ends at step 22 if a different trial has made steps since step 19, as a training with a time limit does
ENDS_EARLY = """
import glob
def others():
    traces = glob.glob(os.path.join(os.path.dirname(trial), '*', 'processes', '*', 'trace.bin'))
    return sum(os.path.getsize(trace) for trace in traces if not trace.startswith(trial))
if step == 19:
    before = others()
if step == 22 and others() != before:
    sys.exit(0)
value = int.from_bytes(os.urandom(6), 'big') if step == 40 else value
"""


def test_trials_that_end_early_because_they_waited_do_not_repeat(looked):
    result, _ = looked(ENDS_EARLY)
    assert (result.verdict, result.divergence.step) == ("diverged", 40)


READS_ITS_OWN = """
if step == 3:
    open(f'log-{os.getpid()}.txt', 'w').write('x')
    os.mkdir(f'folder-{os.getpid()}')
if step == 30:
    open(f'log-{os.getpid()}.txt').read()
    os.path.exists(f'folder-{os.getpid()}')
"""


def test_what_a_trial_has_left_itself_is_no_leak_after_a_wait(looked, tmp_path):
    result, said = looked(READS_ITS_OWN)
    assert all("starts from the same files" in note or "the last trial first" in note for note in said)
    assert not result.leak
    assert [trial.file.leaks for trial in open_record(tmp_path / "record").trials] == [[], []]


BINDS = """
import socket
if step == 2:
    held = socket.socket({family})
    try:
        held.bind({address})
    except OSError:
        held = None
if step > 2 and held is None:
    value = -1.0
"""
SHARES = """
from multiprocessing import shared_memory
if step == 2:
    try:
        held = shared_memory.SharedMemory('{name}', create=True, size=8)
        held.buf[:8] = os.urandom(8)
    except FileExistsError:
        held = shared_memory.SharedMemory('{name}')
    value = int.from_bytes(bytes(held.buf[:6]), 'big')
"""


def free_port():
    """A UDP port below those that the system chooses."""
    for number in range(20000, 20200):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
            try:
                found.bind(("127.0.0.1", number))
            except OSError:
                continue
            return number
    pytest.skip("no port from 20000 to 20199 is free")


@pytest.mark.parametrize("kind", ["socket", "port"])
def test_trials_do_not_diverge_because_one_that_waits_holds_a_name(looked, kind, name):
    if kind == "socket":
        code = BINDS.format(family="socket.AF_UNIX", address=repr("\0" + name))
    else:
        code = BINDS.format(family="socket.AF_INET, socket.SOCK_DGRAM", address=("127.0.0.1", free_port()))
    result, said = looked(code)
    assert result.verdict == "repeated"
    assert any("the next round starts all trials again" in note for note in said)


def test_trials_do_not_repeat_because_one_that_waits_shares_its_memory(looked, name):
    result, said = looked(SHARES.format(name=name))
    assert (result.verdict, result.divergence.step) == ("diverged", 2)
    assert any(f"holds the shared memory {name}" in note for note in said)
