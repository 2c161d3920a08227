"""Trials that start at the same time and train one by one, because each start needs one core and each training two."""

import itertools
import json
import os
from pathlib import Path

import pytest
from builders import Notes

from samebits import causes, checks
from samebits.experiment import Limits, Progress, rounds
from samebits.experiment.recorded_trials import usable
from samebits.launch.capacity import capacity
from samebits.launch.capacity.capacity import Capacity, Usage, UsageMeter
from samebits.launch.capacity.resources import MemoryUse
from samebits.store import open_record
from samebits_probe import process, wire

SAMPLE = "starts_then_trains.py"
TRIALS = 3


@pytest.fixture(autouse=True)
def two_idle_cores(monkeypatch):
    monkeypatch.setattr(capacity, "free_cores", lambda others: 2.0)


FAILS_BESIDE = """
from glob import glob
time.sleep(0.5)
others = [path for path in glob(os.path.dirname(trial) + '/*/processes/*') if not path.startswith(trial)]
if any(os.path.exists('/proc/' + path.rpartition('-')[2]) for path in others):
    os._exit(7)
"""


@pytest.fixture
def looked(ask):
    """Function(code before the first step, code of each step, **options) -> the result, and what was said.

    No trial is kept back for a faster clock: then the second one would start alone. All trials run.
    """

    def run(before="pass", in_step="pass", **options):
        notes = Notes()
        asked = ask(SAMPLE, before, in_step, **{"jobs": "auto", "settle": "never", "models": True, **options})
        return checks.run(asked, notes).result, notes.said

    return run


def spans(record):
    """For each trial: when its process began, when its first step began, when it had made it, and when it ended."""
    found = []
    for trial in sorted((record / "trials").iterdir()):
        (folder,) = (trial / wire.PROCESSES).iterdir()
        events = [json.loads(line) for line in (folder / wire.EVENTS).read_text().splitlines()]
        (start,) = [event["at"] for event in events if event["event"] == "start"]
        began = json.loads((folder / wire.PROCESS).read_text())["started"]
        end = json.loads((folder / wire.END).read_text())
        found.append((began, start, end["step_times"][0], end["step_times"][1]))
    return found


def are_together(record):
    """Whether the second and the third trial started together and trained one by one; False if nothing overlapped."""
    first, second, third = spans(record)
    assert first[3] < second[0]
    assert second[3] < third[2]
    starts_overlap = third[0] < second[1]
    assert starts_overlap == (third[1] < second[3])
    return starts_overlap


def test_after_the_first_trial_two_start_together_and_train_one_by_one(looked, tmp_path):
    result, said = looked()
    assert (result.verdict, result.scope.kind, result.at_a_time, said) == ("repeated", "whole", 1, [])
    assert are_together(tmp_path / "record")
    assert "2 start together" in result.at_a_time_why


@pytest.mark.parametrize(
    ("before", "in_step", "options"),
    [
        ("pass", "pass", {"jobs": 1}),
        ("pass", "pass", {"full": True}),
        ("began = time.sleep = lambda seconds: None", "pass", {}),
        ("open('log.txt', 'a').write('x')", "pass", {}),
        ("open('own.pid', 'x').close(); __import__('atexit').register(os.remove, 'own.pid')", "pass", {}),
        ("train(0.2)", "pass", {}),
        ("a = threading.Thread(target=compute, args=(3.0,)); a.start()", "pass", {}),
    ],
    ids=[
        "as asked",
        "whole trials",
        "a short start",
        "a file",
        "a file for a while",
        "two threads",
        "a thread that goes on",
    ],
)
def test_trials_start_one_by_one(looked, tmp_path, before, in_step, options):
    result, _ = looked(before, in_step, **options)
    assert result.verdict == "repeated"
    assert not are_together(tmp_path / "record")


def test_a_gpu_is_never_shared(looked, tmp_path, monkeypatch):
    monkeypatch.setattr(capacity, "uses_gpu", lambda pids: True)
    assert looked()[0].at_a_time_why == "a trial uses a GPU"
    assert not are_together(tmp_path / "record")


def test_a_file_that_each_trial_writes_in_its_steps_is_no_obstacle(looked, tmp_path):
    result, _ = looked(in_step="open('model.txt', 'w').write(f'{value}')")
    assert (result.verdict, are_together(tmp_path / "record")) == ("repeated", True)
    assert "model.txt" in result.at_a_time_why


@pytest.mark.parametrize(("left", "others_see_it"), [("../left.txt", True), ("left.txt", False)])
def test_what_an_earlier_trial_left_is_seen_by_a_trial_that_waited_outside_of_the_folder_only(
    looked, tmp_path, left, others_see_it
):
    """The third trial waits while the second one writes the file, and reads it in its first step."""
    result, _ = looked(in_step=f"value = os.path.exists('{left}') and len(open('{left}').read())\n"
                               f"open('{left}', 'a').write('x')")  # fmt: skip
    assert are_together(tmp_path / "record")
    assert (result.verdict != "repeated") == others_see_it
    last = open_record(tmp_path / "record").trials[-1].file
    assert any(leak.path.endswith("left.txt") for leak in last.leaks) == others_see_it


def test_a_trial_that_fails_beside_a_second_start_starts_again_alone(looked, tmp_path):
    """The trial that looks last finds the other one, whichever starts first."""
    result, said = looked(FAILS_BESIDE)
    assert (result.verdict, len(said)) == ("repeated", 1)
    assert said[0].endswith("did not end well while a second trial started: trials that wait start again, one by one")
    assert not are_together(tmp_path / "record")


def test_trials_that_write_one_file_at_their_start_start_again_one_by_one(looked, tmp_path):
    """Only the trials after the first one do so."""
    _, said = looked("trial.endswith('001') or open('log.txt', 'a').write('x')")
    assert ["log.txt" in text for text in said if "one by one" in text] == [True]
    assert not are_together(tmp_path / "record")


@pytest.mark.slow
def test_a_difference_that_only_a_wait_shows_is_looked_for_once_more(looked):
    """The value tells whether more than five seconds have passed. Only the wait of the third trial takes so long."""
    result, _ = looked(in_step="value = float(step == 0 and time.monotonic() - began > 5)\ntime.sleep(2)")
    assert result.verdict == "inconclusive"
    assert "waited" in result.reason


def test_a_difference_without_a_wait_is_reported_at_once(looked, tmp_path):
    result, _ = looked(in_step="value = float(os.getpid()); time.sleep(0.5)")
    assert (result.verdict, len(result.groups)) == ("diverged", 3)
    assert len(open_record(tmp_path / "record").file.rounds) == 1
    assert spans(tmp_path / "record")[2][0] < spans(tmp_path / "record")[1][1]


def test_a_trial_that_waits_when_two_others_diverge_does_not_count(looked, tmp_path):
    result, _ = looked(in_step="value = float(os.getpid()); time.sleep(0.5)", models=False)
    assert (result.verdict, result.divergence.step, len(result.trials)) == ("diverged", 0, 2)
    assert len(list((tmp_path / "record" / "trials").iterdir())) == 2


@pytest.mark.slow
def test_a_difference_after_a_wait_needs_only_one_more_trial_that_did_not_wait(looked, tmp_path, monkeypatch):
    monkeypatch.setattr(rounds, "_NOTICEABLE", 0.0)
    result, _ = looked(in_step="value = float(os.getpid())")
    assert (result.verdict, len(result.groups)) == ("diverged", 3)
    first, again = open_record(tmp_path / "record").file.rounds
    assert (first.trials, len(again.trials)) == ([1, 2, 3], 1)


@pytest.mark.slow
def test_a_difference_before_the_first_step_counts_although_trials_waited(looked, tmp_path, monkeypatch):
    monkeypatch.setattr(rounds, "_NOTICEABLE", 0.0)
    result, _ = looked(before="observe('start/weights', os.getpid() * 1.0)")
    assert (result.verdict, result.divergence.step, len(result.groups)) == ("diverged", -1, 3)
    assert len(open_record(tmp_path / "record").file.rounds) == 1


@pytest.mark.slow
def test_a_start_that_may_come_from_a_wait_does_not_count_at_once(looked):
    """The first observation of a program waits, and what it computes after that may depend on the wait."""
    before = "time.sleep(1.1); observe('start/a', 1.0); observe('start/b', time.monotonic() - began > 2.5)"
    result, _ = looked(before=before)
    assert result.verdict == "inconclusive"
    assert "they diverged before the first step when they had waited" in result.sentence


class Interrupted(Progress):
    """Interrupts when the second trial goes on after its start: the third one waits then."""

    def __init__(self):
        self.started = []

    def trial_started(self, trial, of, steps_total):
        self.started.append(trial)
        if self.started == [1, 2, 3, 2]:
            raise KeyboardInterrupt


def test_nothing_runs_after_an_interruption(ask, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        checks.run(ask(SAMPLE, "pass", "pass", jobs="auto", settle="never"), Interrupted())
    assert not running_in(tmp_path / "record")


def test_a_trial_that_was_ended_before_its_first_step_is_compared_with_nothing(ask, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        checks.run(ask(SAMPLE, "pass", "pass", jobs="auto", settle="never"), Interrupted())
    record = open_record(tmp_path / "record")
    assert [trial.file.id for trial in record.trials if trial.file.stop_after == 0] == [2, 3]
    assert [file.id for file in usable(record)] == [1]


def running_in(record):
    found = []
    for folder in record.glob("trials/*/processes/*"):
        words = Path(f"/proc/{folder.name.rpartition('-')[2]}/environ")
        found += [folder] if words.exists() and str(record).encode() in words.read_bytes() else []
    return found


@pytest.mark.slow
def test_the_trials_of_a_setting_start_together_and_the_cause_is_found(ask, few_agree, tried):
    tried("python-seed", "hash-seed", "clock")
    longer = "time.sleep(0.9)"  # the first trial of a round starts 1.25 s before the next one
    beside = causes.run(ask(SAMPLE, longer, "value = __import__('random').random()", jobs="auto")).result
    assert beside.explanation.cause == ["python-seed"]
    together = 0
    for record in Path(beside.record).glob("explain/*"):
        each = sorted(spans(record)) if (record / "trials").is_dir() else []
        together += sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(each))
    assert together > 1


@pytest.mark.slow
def test_trials_of_a_setting_do_not_get_one_seed_from_a_clock_of_whole_seconds(ask, monkeypatch, few_agree, tried):
    """The child program reads a clock that no control holds. Equal seeds would look like the effect of a control."""
    tried("python-seed", "hash-seed", "clock")
    monkeypatch.setattr(rounds, "_APART", 4.0)  # far more than a busy machine may delay a start
    groups, group = [], rounds.Trials._group
    monkeypatch.setattr(rounds.Trials, "_group", lambda *words: groups.append(group(*words)) or groups[-1])
    seed = "seed = int(__import__('subprocess').check_output(['date', '+%s']))"
    found = causes.run(ask(SAMPLE, seed, "value = seed / 1e6", jobs="auto")).result.explanation
    assert [1, 2] in groups
    assert found.outside_known_controls
    assert [(setting.trials, setting.groups) for setting in found.evidence if setting.controls] == [(2, 2)]


# -- how many cores a start needs -----------------------------------------------------------------------------------


def started(threads, *, seconds=None, at=10.0):
    used = sum(used for _, used in threads)
    return {"began": 5.0, "at": at, "seconds": used if seconds is None else seconds, "threads": threads}


@pytest.mark.parametrize(
    ("start", "is_one"),
    [
        (started([(7, 3.0)]), True),
        (started([(7, 3.0)], at=5.5), False),
        (started([(7, 3.0), (8, 0.2)]), True),
        (started([(7, 3.0), (8, 0.4)]), False),
        (started([(7, 3.0), (9, 0.009)]), True),
        (started([(7, 3.0), (9, 0.02)]), False),
        (started([(7, 3.0)], seconds=3.2), False),
        (started([], seconds=3.0), False),
    ],
)
def test_a_start_needs_one_core_if_one_thread_computes(start, is_one):
    """Thread 8 began while a library was imported: it may take 0.3 s to wait for work. Thread 7 is the main thread."""
    assert UsageMeter(os.getpid(), lambda: {8}).starts_on_one_core(start) == is_one


def test_the_probe_tells_the_time_of_each_thread_and_the_main_thread_first():
    used = process.time_used()
    assert used["threads"][0][0] == os.getpid()
    assert used["seconds"] == pytest.approx(sum(os.times()[:2]), abs=0.5)


def known(**usage):
    found = Capacity("auto")
    found.learn(Usage(2, 1 << 20, **usage), None)
    return found


def test_as_many_start_together_as_idle_cores_and_memory_allow(monkeypatch):
    assert known(starts_on_one_core=True).starting(5) == 2
    assert known(starts_on_one_core=True).starting(1) == 1
    assert known().starting(5) == Capacity("auto").starting(5) == 1
    monkeypatch.setattr(capacity, "free_memory", lambda: MemoryUse(1 << 21))
    assert known(starts_on_one_core=True).starting(5) == 1


def test_trials_that_must_train_alone_may_start_together_unless_they_disturbed_each_other():
    found = known(starts_on_one_core=True, alone="trials may overwrite each other's model.pt")
    assert (found.at_a_time, found.starting(5)) == (1, 2)
    found.refuse("two trials wrote log.txt")
    assert found.starting(5) == 1


def test_one_trial_whose_start_needs_more_lets_all_start_alone():
    found = known(starts_on_one_core=True)
    found.learn(Usage(2, 1 << 20), None)
    assert found.starting(5) == 1


def test_trials_wait_before_their_first_step_only_if_they_may():
    assert not Limits().together
