"""samebits is ended at random moments: what was recorded is there, nothing is left running, and the next run works.

A bounded share runs by default; `make endurance` runs all of it (200 moments for each test, drawn with SAMEBITS_ENDURANCE as the seed).
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from samebits.launch.files import custody
from samebits.store import open_record

SAMPLES = Path(__file__).parent.parent / "samples"
ENDURANCE = os.environ.get("SAMEBITS_ENDURANCE")
MOMENTS = range(200 if ENDURANCE else 6)
LONGEST = 3.0  # seconds until the last moment
SIGNALS = [signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP]
NORMAL = {0, 1, 3}  # it had ended before


def samebits(*words, **how):
    return subprocess.Popen(
        [sys.executable, "-m", "samebits", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, **how,
    )  # fmt: skip


def fingerprints(record):
    """What the first two trials observed and how they ended."""
    return [(trial.file, [process.rows.tobytes() for process in trial.processes]) for trial in record.trials[:2]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with a record of two trials, in which all moments follow each other."""
    folder = tmp_path_factory.mktemp("kills")
    assert_done(samebits("check", "-n", "2", "--full", "--out", "record", SAMPLES / "trains.py", "40", cwd=folder))
    return folder


def assert_done(process):
    said = process.communicate(timeout=120)
    assert process.returncode == 0, said


def end_at_a_random_moment(process, chance):
    """Send one signal, or two; the exit status, and what was said."""
    moment = chance.uniform(0, LONGEST)
    wait_until_signals_are_handled(process)
    number = chance.choice(SIGNALS)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        if chance.random() < 0.4:
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(number)
    out, said = process.communicate(timeout=60)
    assert "Traceback" not in out + said, said
    assert "samebits-error-" not in said, said
    assert process.returncode in NORMAL | {-number, 128 + number}, said
    return process.returncode


def wait_until_signals_are_handled(process):
    """Before that the interpreter itself starts, which no program can make quiet. SIGTERM is caught by samebits only."""
    status = Path(f"/proc/{process.pid}/status")
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        caught = next((line for line in status.read_text().splitlines() if line.startswith("SigCgt")), "SigCgt: 0")
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return


@pytest.fixture
def no_orphans(processes_with):
    """Function(folder): assert that all processes of a folder end."""

    def assert_none(folder):
        deadline = time.monotonic() + 30
        while processes_with(folder) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert processes_with(folder) == []

    return assert_none


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_that_was_recorded_is_lost(recorded, no_orphans, moment):
    """More trials are added to a record, and that is ended."""
    before = fingerprints(open_record(recorded / "record"))
    chance = random.Random(f"{ENDURANCE} add {moment}")
    process = samebits("check", "--add", "2", recorded / "record", cwd=recorded)
    end_at_a_random_moment(process, chance)
    no_orphans(recorded)
    after = open_record(recorded / "record")
    assert fingerprints(after) == before
    for number in range(3, 1 + max(trial.id for trial in after.trials)):  # so that the record does not grow
        custody.remove(recorded / "record" / "trials" / f"{number:03d}")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_new_record_that_was_ended_can_be_replaced(recorded, no_orphans, moment):
    chance = random.Random(f"{ENDURANCE} new {moment}")
    words = ["check", "-n", "2", "--overwrite", "--out", recorded / "new", SAMPLES / "trains.py", "40"]
    end_at_a_random_moment(samebits(*words, cwd=recorded), chance)
    no_orphans(recorded)
    custody.make(recorded / "new", overwrite=True)
    if moment % 10 == 0:
        assert_done(samebits(*words, cwd=recorded))


PROGRAM = """
import os, shutil, sys
from samebits_probe import observe
os.mkdir('out')
open('log.txt', 'a').write('once ')
os.remove('old.txt')
shutil.rmtree('cache')
for step in range(40):
    open('out/model.txt', 'w').write(str(step))
    observe('loss', 1.0, step=step); observe('weights', 1.0, step=step)
"""
MINE = {"train.py": PROGRAM, "log.txt": "before ", "old.txt": "old", "cache/x.txt": "x", "data.txt": "data"}
OLD_TIME = 1_500_000_000


@pytest.mark.parametrize("moment", MOMENTS)
def test_no_file_of_the_user_is_lost_in_a_working_folder(tmp_path, no_orphans, moment):
    """What the program does not touch is as it was, what it changes is there or in a folder that samebits names."""
    chance = random.Random(f"{ENDURANCE} folder {moment}")
    for name, text in MINE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (OLD_TIME, OLD_TIME))
    process = samebits("check", "-n", "4", "--full", "train.py", cwd=tmp_path)
    wait_until_signals_are_handled(process)
    time.sleep(chance.uniform(0, LONGEST))
    process.send_signal(chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
    process.communicate(timeout=60)
    no_orphans(tmp_path)
    said = samebits("list", cwd=tmp_path).communicate(timeout=60)[1]
    for name in ("train.py", "data.txt"):
        assert (tmp_path / name).read_text() == MINE[name]
        assert (tmp_path / name).stat().st_mtime == OLD_TIME
    texts = [path.read_text() for path in tmp_path.rglob("*.txt")]
    for name in ("old.txt", "cache/x.txt"):  # the trial that was killed may have removed them, as a plain run does
        assert MINE[name] in texts or "saved" not in said
    assert any(text.startswith(MINE["log.txt"]) for text in texts)
    assert not (tmp_path / ".samebits" / "apart").exists()
