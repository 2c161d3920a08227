"""Trials side by side: the first one is measured alone, and the others run together where they cannot disturb it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
from builders import Notes

from samebits import causes, checks
from samebits.experiment import Experiment, Limits, Progress, rounds, starts
from samebits.launch.capacity import capacity
from samebits.launch.capacity.capacity import Capacity, UsageMeter
from samebits.launch.capacity.resources import MemoryUse
from samebits.store import open_record

needs_two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core: a BLAS starts no thread")
SAMPLE = "does_between_steps.py"
TRIALS = 4
BESIDE = "not trial.endswith('001')"
LOG = "open('log.txt', 'a').write(f'{step}\\n')"
PLENTY = 8.0
APART = rounds._APART  # seconds


@pytest.fixture(autouse=True)
def idle_cores(monkeypatch, one_idle_core):
    """Eight cores are idle, whatever the machine does. The first round is as short as it can be, and nobody waits."""
    monkeypatch.setattr(rounds, "_APART", 0.0)
    monkeypatch.setattr(capacity, "free_cores", lambda others: PLENTY)
    monkeypatch.setattr("samebits.launch.trial.pauses.grown", lambda stop, began, most: stop["steps"])


class Watch(Notes):
    """Notes how many trials ran together in each round, and what is said."""

    def __init__(self):
        self.together, self.said, self.running = [], [], set()

    def round_started(self, steps, trials):
        self.together.append(0)

    def trial_started(self, trial, of, steps_total):
        self.running.add(trial)
        self.together[-1] = max(self.together[-1], len(self.running))

    def trial_ended(self, trial, status, steps, seconds):
        self.running.discard(trial)


@pytest.fixture
def looked(ask):
    """Function(code, **options) -> the result, and what was seen on the way."""

    def run(code, **options):
        watch = Watch()
        return checks.run(ask(SAMPLE, code, **{"jobs": "auto", **options}), watch).result, watch

    return run


def at_a_time(tmp_path):
    return [turn.at_a_time for turn in open_record(tmp_path / "record").file.rounds]


def test_after_the_first_trial_of_each_round_the_others_run_together(looked, tmp_path):
    result, watch = looked("pass")
    assert (result.verdict, result.scope.kind) == ("repeated", "whole")
    assert watch.together == at_a_time(tmp_path) == [3, 3]
    assert (result.at_a_time, result.at_a_time_why) == (3, "each needs 1 core, and 8.0 are idle")
    assert watch.said == ["the trials go on where they stopped, the last trial first"]


def test_trials_that_ran_together_wait_and_go_on(looked, tmp_path):
    result, _ = looked("value = os.getpid() if step == 49 else value", trials=3)
    assert result.verdict == "diverged"
    assert len(list((tmp_path / "record" / "trials" / "002" / "processes").iterdir())) == 1
    alone, _ = looked("value = os.getpid() if step == 49 else value", trials=3, jobs=1, overwrite=True)
    assert result.divergence.point == alone.divergence.point


def test_trials_that_run_together_see_what_a_trial_alone_sees(looked, tmp_path):
    looked("pass")
    first, *others = (trial.file.environment for trial in open_record(tmp_path / "record").trials)
    assert others == [first] * 3
    assert "MASTER_PORT" not in first


def test_of_two_trials_none_runs_beside_the_first(looked):
    result, watch = looked("pass", trials=2)
    assert watch.together == [1, 1]
    assert result.at_a_time_why == "the first trial runs alone, and only one more was needed"


def test_too_few_idle_cores_run_trials_one_by_one(looked, tmp_path, monkeypatch):
    monkeypatch.setattr(capacity, "free_cores", lambda others: 1.2)
    result, watch = looked("pass")
    assert watch.together == at_a_time(tmp_path) == [1, 1]
    assert (result.at_a_time, result.at_a_time_why) == (1, "each needs 1 core, and 1.2 are idle")


def test_the_memory_of_a_trial_that_ends_before_any_look_is_known(looked, monkeypatch):
    monkeypatch.setattr(UsageMeter, "look", lambda self, *, last=False: None)
    each = []
    monkeypatch.setattr(Capacity, "learn", lambda self, usage, steps: each.append(usage.memory))
    looked("pass", full=True)
    assert each[0] > 1 << 20


def test_too_little_memory_runs_fewer_together(looked, monkeypatch):
    each = []
    learn = Capacity.learn
    monkeypatch.setattr(Capacity, "learn", lambda self, usage, steps: each.append(usage) or learn(self, usage, steps))
    monkeypatch.setattr(capacity, "free_memory", lambda: MemoryUse(int(each[-1].memory * 2.6)))
    result, watch = looked("pass", full=True)
    assert each[0].memory > 1 << 20
    assert watch.together == [2]  # a quarter more than each has taken must be free
    assert "do not fit in memory" in result.at_a_time_why


def test_as_many_as_the_user_says_run_together(looked, tmp_path):
    result, watch = looked("pass", jobs=9, full=True)
    assert watch.together == at_a_time(tmp_path) == [TRIALS]
    assert result.at_a_time_why == ""
    result, watch = looked("pass", jobs=1, overwrite=True)
    assert (watch.together, result.at_a_time) == ([1, 1], 1)


def test_a_file_that_all_trials_write_runs_them_one_by_one(looked):
    result, watch = looked(LOG)
    assert watch.together[-1] == 1
    assert "log.txt" in result.at_a_time_why
    assert result.verdict == "repeated"


def test_isolated_trials_run_together_and_write_files_of_one_name(looked):
    result, watch = looked(LOG, isolate=True)
    assert (watch.together, result.verdict) == ([3, 3], "repeated")


@pytest.mark.parametrize(("code", "said"), [(LOG, "log.txt"), ("os._exit(7)", "did not end well beside")])
def test_trials_that_may_have_disturbed_each_other_start_again_one_by_one(looked, tmp_path, code, said):
    result, watch = looked(f"if {BESIDE}: {code}", full=True, settle="never")
    assert watch.together == [3, 1]
    assert at_a_time(tmp_path) == [1]
    assert any(said in note and "one by one" in note for note in watch.said)
    assert said in result.at_a_time_why
    leaks = [leak.path for trial in open_record(tmp_path / "record").trials for leak in trial.file.leaks]
    assert not [path for path in leaks if "log.txt" in path]  # tests beside this one write into /dev/shm
    assert result.verdict == "inconclusive"


def test_trials_that_write_and_remove_a_file_of_one_name_start_again_one_by_one(looked):
    """What shows it depends on which trial is faster: the name, a file of a different trial, or one that is gone."""
    result, watch = looked("open('scratch', 'w').close(); os.remove('scratch')")
    assert (watch.together[0], watch.together[-1]) == (3, 1)
    assert any("one by one" in note for note in watch.said)
    assert result.verdict == "repeated"


class Starts(Progress):
    """Notes when each trial started."""

    def __init__(self):
        self.at = []

    def trial_started(self, trial, of, steps_total):
        self.at.append(time.monotonic())


def test_where_no_trial_runs_alone_the_others_start_a_second_after_the_first(ask, monkeypatch):
    """As those of a setting do: started together, all would have the same seed from a clock of whole seconds."""
    monkeypatch.setattr(rounds, "_APART", APART)
    known, starts = Capacity("auto"), Starts()
    known.learn(capacity.Usage(1, 1 << 20), None)
    assert known.fitting(TRIALS) == TRIALS
    request = ask(SAMPLE, "if step == 0: __import__('time').sleep(2)", jobs="auto")
    Experiment.begin(request, starts, capacity=known).run(Limits(), list(range(1, TRIALS + 1)))
    assert len(starts.at) == TRIALS
    assert starts.at[1] - starts.at[0] > 1


def test_a_port_of_a_trial_s_own_choice_runs_trials_one_by_one(looked, free_port):
    with free_port() as taken:
        number = taken.getsockname()[1]
    result, watch = looked(f"if step == 2:\n import socket\n held = socket.create_server(('127.0.0.1', {number}))")
    assert watch.together[0] == 1
    assert result.at_a_time_why == f"a trial listens on port {number}"


def test_a_gpu_runs_trials_one_by_one(looked, monkeypatch):
    monkeypatch.setattr(capacity, "uses_gpu", lambda pids: True)
    result, watch = looked("pass")
    assert (watch.together, result.at_a_time_why) == ([1, 1], "a trial uses a GPU")


def test_only_the_first_of_several_trials_is_measured(looked, monkeypatch):
    made = []
    meter = starts.meter
    monkeypatch.setattr(starts, "meter", lambda trial: made.append(trial.id) or meter(trial))
    looked("pass")
    assert len(made) == 2  # one in each round
    for alone in ({"jobs": 1}, {"jobs": 3}, {"budget": 60.0}):
        looked("pass", overwrite=True, **alone)
    assert len(made) == 2


def test_with_a_budget_trials_run_one_by_one(looked):
    result, watch = looked("pass", budget=60.0)
    assert set(watch.together) == {1}
    assert "budget" in result.at_a_time_why


def test_the_trials_of_a_setting_run_together_and_their_number_stays(ask, few_agree, tried):
    tried("python-seed", "hash-seed", "clock")
    alone = causes.run(ask("varies_by.py", "python-seed", jobs=1)).result.explanation
    beside = causes.run(ask("varies_by.py", "python-seed", jobs="auto", out="beside")).result
    found = beside.explanation
    assert (found.cause, found.minimal_controls) == (alone.cause, alone.minimal_controls)
    agreed = [[row.trials for row in one.evidence if row.state == "agreed"] for one in (alone, found)]
    assert agreed[0][0] == agreed[1][0]
    paths = Path(beside.record).glob("explain/*/record.json")
    rounds = [turn for path in paths for turn in json.loads(path.read_text())["rounds"]]
    assert max(turn["at_a_time"] for turn in rounds) > 1


# -- what a trial uses --------------------------------------------------------------------------------------------

THREADS = """
import threading, time
def compute():
    total = 0
    while True:
        total += sum(range(1000))
for _ in range({number} - 1):
    threading.Thread(target=compute, daemon=True).start()
compute()
"""
SHORT_THREADS = """
import threading
while True:
    each = [threading.Thread(target=sum, args=(range(30000),)) for _ in range(3)]
    [thread.start() for thread in each]
    [thread.join() for thread in each]
"""


def measured(code, enough, imported=set):
    """Look at a program until enough was seen. Whether it ever is depends on nothing but the program."""
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    with subprocess.Popen([sys.executable, "-c", parent, code], start_new_session=True) as running:
        meter = UsageMeter(running.pid, imported)
        try:
            while not enough(usage := meter.usage()):
                meter.look(last=True)
        finally:
            for process in capacity.below_quickly(running.pid):
                subprocess.run(["kill", "-9", str(process.pid)], check=True)
        return usage


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_thread_that_computes_needs_a_core(number):
    used = measured(THREADS.format(number=number), lambda usage: usage.cores >= number and usage.memory > 1 << 20)
    assert used.cores == number
    assert not used.alone


def test_threads_that_come_and_go_need_a_core_each():
    assert measured(SHORT_THREADS, lambda usage: usage.cores >= 2).cores >= 2


def every_thread():
    return set(range(int(Path("/proc/sys/kernel/pid_max").read_text())))


@needs_two_cores
def test_a_thread_of_a_blas_that_waits_for_work_needs_no_core(looked):
    """Such a thread spins first, so a trial of a few hundredths of a second would need two cores."""
    result, _ = looked("import numpy, time; numpy.ones((2, 2)) @ numpy.ones((2, 2)); time.sleep(.02)")
    assert result.at_a_time_why == "each needs 1 core, and 8.0 are idle"


@needs_two_cores
def test_a_thread_of_a_blas_that_works_needs_a_core():
    code = "import numpy\nmatrix = numpy.ones((500, 500))\nwhile True: matrix @ matrix"
    assert measured(code, lambda usage: usage.cores >= 2, every_thread).cores >= 2


@pytest.mark.parametrize("imported", [every_thread, set])
def test_threads_that_wait_in_a_busy_loop_at_their_beginning_count_unless_an_import_began_them(monkeypatch, imported):
    """The times of the two threads at each look, as the system would tell them."""
    each = iter([{7: 0.1, 8: 0.1}, {7: 0.2, 8: 0.1}, {7: 0.3, 8: 0.1}, {7: 0.4, 8: 0.12}])
    monkeypatch.setattr(capacity, "below_quickly", lambda root: [Mock(pid=7)])
    monkeypatch.setattr(capacity, "_thread_seconds", lambda pid: next(each))
    monkeypatch.setattr(capacity, "_cpu_times", lambda pid: [0.0] * 4)
    meter = UsageMeter(6, imported)
    cores = []
    for _ in range(4):
        meter.look(last=True)
        cores.append(meter.usage().cores)
    assert cores == ([1, 1, 1, 2] if imported is every_thread else [2, 2, 2, 2])


def test_trials_that_train_one_by_one_are_not_measured_again_for_more_steps():
    found = Capacity("auto")
    found.learn(capacity.Usage(20, 1 << 20, starts_on_one_core=True), 20)
    assert (found.at_a_time, found.is_known(20), found.is_known(None)) == (1, True, True)
    assert found.starting(2) == 2


def test_what_is_known_of_few_steps_is_not_known_of_more():
    found = Capacity("auto")
    assert not found.is_known(20)
    found.learn(capacity.Usage(2, 1 << 20), 20)
    assert (found.at_a_time, found.is_known(20), found.is_known(21), found.is_known(None)) == (4, True, False, False)
    found.learn(capacity.Usage(3, 1 << 20), None)
    assert (found.at_a_time, found.is_known(None)) == (2, True)
    found.learn(capacity.Usage(1, 1 << 20), 20)  # a setting that holds a control may use less than others
    assert (found.at_a_time, found.is_known(None)) == (2, True)
    found.learn(capacity.Usage(1, 1 << 20, alone="a trial uses a GPU"), None)
    found.learn(capacity.Usage(1, 1 << 20), None)
    assert (found.at_a_time, found.why) == (1, "a trial uses a GPU")
