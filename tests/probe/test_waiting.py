"""Trials that wait between two rounds: they start once, and what the wait may change is noticed."""

import os
import socket
import subprocess
import sys

import pytest
from builders import Notes

from samebits import checks
from samebits.launch.capacity.resources import MemoryUse, free_memory, held_resource, used_memory, why_no_room
from samebits.launch.processes.supervisor import read_process
from samebits.launch.trial import pauses
from samebits.store import open_record

SAMPLE = "does_between_steps.py"
TRIALS = 2
LOG = "open('log.txt', 'a').write(f'{step}\\n')"


@pytest.fixture(autouse=True)
def no_growth(monkeypatch):
    """The first round is as short as it can be, so that there is a second one."""
    monkeypatch.setattr("samebits.launch.trial.pauses.grown", lambda stop, began, most: stop["steps"])


class Watch(Notes):
    """Notes the processes of each trial at the end of each round, and what is said. `then`: is called for a round."""

    def __init__(self, record, then=lambda number: None):
        self.record, self.then = record, then
        self.seen, self.said = [], []

    def round_started(self, steps, trials):
        self.seen.append(self.processes())
        self.then(len(self.seen))

    def processes(self):
        return sorted(path.name for path in self.record.glob("trials/*/processes/*"))

    def started_over(self):
        """Whether the processes of the first round are not those of the last one."""
        return self.seen[1] != self.processes()


@pytest.fixture
def looked(ask, tmp_path):
    """Function(code, **options) -> the result, and what was seen on the way."""

    def run(code, then=lambda number: None, **options):
        watch = Watch(tmp_path / "record", then)
        return checks.run(ask(SAMPLE, code, **options), watch).result, watch

    return run


def rounds_of(tmp_path):
    return [turn.steps for turn in open_record(tmp_path / "record").file.rounds]


def is_alive(name):
    """Whether a process runs: one that was killed is there until somebody collects it, which may take a while."""
    process = read_process(int(name.rpartition("-")[2]))
    return process is not None and process.is_alive


def test_a_trial_goes_on_where_it_waited(looked, tmp_path):
    result, watch = looked("pass")
    assert (result.verdict, result.scope.kind, result.scope.steps_compared) == ("repeated", "whole", 50)
    assert rounds_of(tmp_path) == [20, 200]
    assert len(watch.seen[1]) == TRIALS
    assert not watch.started_over()
    assert watch.said == ["the trials go on where they stopped, the last trial first"]
    assert not any(map(is_alive, watch.seen[1]))


def test_a_wait_changes_no_bit(ask, tmp_path):
    checks.run(ask(SAMPLE, "pass"))
    checks.run(ask(SAMPLE, "pass", out="whole", full=True))
    waited, whole = (open_record(tmp_path / name).trials[0].observed[0] for name in ("record", "whole"))
    for name in ("kind", "step", "fingerprint"):
        assert waited.rows[name].tolist() == whole.rows[name].tolist()


def test_trials_that_diverge_early_are_ended_while_they_wait(looked, tmp_path):
    result, watch = looked("value = int.from_bytes(os.urandom(6), 'big') if step == 7 else value")
    assert (result.verdict, result.divergence.step) == ("diverged", 7)
    assert [trial.status for trial in result.trials] == ["stopped"] * TRIALS
    assert rounds_of(tmp_path) == [20]
    assert not any(map(is_alive, watch.processes()))
    assert not any("checksum" in warning or "sealed" in warning for warning in result.warnings)


def test_trials_that_write_one_file_go_on_each_with_its_own(looked, tmp_path):
    result, watch = looked(LOG)
    assert not watch.started_over()
    assert (result.verdict, result.warnings) == ("repeated", [])
    assert (tmp_path / "work" / "log.txt").read_text() == "".join(f"{step}\n" for step in range(50))


def test_trials_that_keep_one_file_open_go_on_each_with_its_own(looked, tmp_path):
    log = "globals().setdefault('log', open('log.txt', 'a', buffering=1)).write(f'{step}\\n')"
    (tmp_path / "work" / "log.txt").write_text("before\n")
    result, watch = looked(log)
    assert not watch.started_over()
    assert (result.verdict, result.warnings) == ("repeated", [])
    assert (tmp_path / "work" / "log.txt").read_text() == "".join(["before\n", *(f"{step}\n" for step in range(50))])


@pytest.mark.parametrize("place", ["os.path.join(out, 'log.txt')", "f'log-{os.getpid()}.txt'"])
def test_files_of_their_own_are_no_reason_to_start_over(looked, place):
    result, watch = looked(f"open({place}, 'a').write(f'{{step}}\\n')")
    assert not watch.started_over()
    assert result.verdict == "repeated" or "log-" in result.reason


def test_a_file_that_was_written_before_the_wait_is_compared(looked, tmp_path):
    _, watch = looked("step == 3 and open(os.path.join(out, 'seed.bin'), 'wb').write(b'1234')")
    assert not watch.started_over()
    for trial in open_record(tmp_path / "record").trials:
        assert [file.path for file in trial.files.files if file.path.endswith("seed.bin")]
    result, _ = looked("step == 3 and open(os.path.join(out, 'seed.bin'), 'wb').write(os.urandom(8))", overwrite=True)
    assert (result.verdict, result.divergence.kind) == ("diverged", "end")
    assert "seed.bin" in result.divergence.name


def test_isolated_trials_write_files_of_the_same_name(looked):
    result, watch = looked(LOG, isolate=True)
    assert not watch.started_over()
    assert result.verdict == "repeated"


def test_a_trial_does_not_find_what_a_later_round_left(looked):
    code = "step == 30 and (os.path.exists('cache') and 1 / 0 or open('cache', 'w').write('x'))"
    result, watch = looked(code)
    assert not watch.started_over()
    assert (result.verdict, result.leak) == ("repeated", None)


WAITED = "os.path.exists(os.path.join(trial, 'answer.json'))"


def test_a_divergence_after_a_wait_is_reported_if_it_comes_without_one_too(looked, tmp_path):
    result, watch = looked("value = int.from_bytes(os.urandom(6), 'big') if step == 30 else value")
    assert (result.verdict, result.divergence.step) == ("diverged", 30)
    assert watch.started_over()
    assert rounds_of(tmp_path) == [20, 200, 50]


def test_a_divergence_that_comes_only_after_a_wait_is_no_answer(looked):
    result, _ = looked(f"value = os.getpid() if step == 30 and {WAITED} else value")
    assert result.verdict == "inconclusive"
    assert "they diverged at step 30 when they had waited" in result.reason
    assert "--full" in result.advice


def test_a_program_that_does_not_survive_a_wait_starts_over(looked):
    result, watch = looked(f"step == 30 and {WAITED} and os._exit(7)")
    assert result.verdict == "repeated"
    assert watch.started_over()
    assert any("had waited" in note for note in watch.said)


WATCHDOG = """
def dies():
    own = os.path.join(trial, 'processes')
    while not (os.path.exists(os.path.join(own, os.listdir(own)[0], 'stopped.json')) and os.path.exists(second)):
        pass
    os._exit(7)
second = os.path.join(os.path.dirname(trial), '002')
if step == 15 and trial != second:
    threading.Thread(target=dies, daemon=True).start()
"""


def test_a_program_that_ends_while_it_waits_starts_over(looked):
    result, watch = looked(WATCHDOG)
    assert result.verdict == "repeated"
    assert watch.started_over()
    assert any("had waited" in note for note in watch.said)


def test_a_trial_that_fails_beside_one_that_waits_is_started_again_alone(looked):
    """What it needs is held by one that waits, in a way that nobody foresaw: a file that has another's number in it."""
    first = "os.path.join(os.path.dirname(trial), '001', 'processes')"
    is_there = f"[name for name in os.listdir({first}) if os.path.exists('/proc/' + name.rpartition('-')[2])]"
    result, watch = looked(f"if step == 3 and trial.endswith('002') and {is_there}: os._exit(9)")
    assert result.verdict == "repeated"
    assert any("had waited" in note for note in watch.said)


def test_too_little_memory_for_all_starts_over(looked, monkeypatch):
    monkeypatch.setattr(pauses, "free_memory", lambda: MemoryUse(1 << 20))
    result, watch = looked("pass")
    assert result.verdict == "repeated"
    assert watch.started_over()
    assert any("do not fit in memory" in note for note in watch.said)


def test_a_trial_that_listens_on_a_port_of_its_own_choice_starts_over(looked, free_port):
    with free_port() as port:
        number = port.getsockname()[1]
    code = f"if step == 2:\n import socket\n held = socket.create_server(('127.0.0.1', {number}))"
    result, watch = looked(code)
    assert result.verdict == "repeated"
    assert any(f"listens on port {number}" in note for note in watch.said)
    assert watch.started_over()


@pytest.mark.usefixtures("late_compiler")
def test_a_training_in_several_threads_starts_over(ask, tmp_path):
    watch = Watch(tmp_path / "record")
    result = checks.run(ask("torch_trains_in_two_threads.py"), watch).result
    assert any("several threads train" in note for note in watch.said)
    assert rounds_of(tmp_path) == [20, None]
    assert watch.started_over()
    assert result.verdict == "inconclusive"


def test_ctrl_c_ends_those_that_wait(looked, tmp_path):
    def stop(number):
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        looked("pass", then=stop)
    names = sorted(path.name for path in tmp_path.glob("record/trials/*/processes/*"))
    assert len(names) == TRIALS
    assert not any(map(is_alive, names))
    assert [trial.file.status for trial in open_record(tmp_path / "record").trials] == ["stopped"] * TRIALS


def test_ranks_wait_together(ask, tmp_path):
    watch = Watch(tmp_path / "record")
    result = checks.run(ask("starts_two_ranks.py", 2, 2), watch).result
    assert (result.verdict, result.scope.steps_compared) == ("repeated", 50)
    assert not watch.started_over()


def test_a_port_that_the_system_chose_is_no_hindrance():
    with socket.create_server(("127.0.0.1", 0)):
        assert "port" not in held_resource([os.getpid()])


def test_a_port_that_the_program_names_is_one(free_port):
    with free_port() as port:
        port.listen()
        assert held_resource([os.getpid()]) == f"a trial listens on port {port.getsockname()[1]}"


def test_a_locked_file_is_one(tmp_path):
    code = "import fcntl, sys, time; file = open(sys.argv[1], 'w'); print(flush=True); input(); "
    code += "fcntl.flock(file, fcntl.LOCK_EX); print(flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        before = held_resource([holder.pid])
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        holder.stdout.readline()
        after = held_resource([holder.pid])
        holder.kill()
    assert (before, after) == ("", "a trial holds a lock on a file")


def test_memory_of_processes_and_of_the_machine_is_read():
    used, free = used_memory([os.getpid()]), free_memory()
    assert 1 << 20 < used.main < 1 << 40
    assert used.gpu == 0
    assert free.main > 1 << 20


def test_a_control_group_that_leaves_less_decides(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    1000000 kB\n")
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    for name, text in (("max", "600000000"), ("current", "500000000"), ("stat", "anon 1\ninactive_file 100000000")):
        (group / f"memory.{name}").write_text(text + "\n")
    assert free_memory(tmp_path).main == 200_000_000
    (group / "memory.max").write_text("max\n")
    assert free_memory(tmp_path).main == 1_024_000_000


@pytest.mark.parametrize(
    ("needs", "free", "why"),
    [
        ([MemoryUse(1000)] * 4, MemoryUse(5000), ""),
        ([MemoryUse(1000)] * 4, MemoryUse(4999), "do not fit in memory"),
        ([], MemoryUse(0), ""),
        ([MemoryUse(1000, 10**9)], MemoryUse(5000, 10**9), "do not fit in GPU memory"),
        ([MemoryUse(1000, 10**9)], MemoryUse(5000, None), "the free memory is unknown"),
        ([MemoryUse(1000, None)], MemoryUse(5000, 10**9), "the memory use of the GPU is unknown"),
        ([MemoryUse(3000, 10).beyond(MemoryUse(1000, 20))], MemoryUse(2500, 0), ""),
        ([MemoryUse(3000, 10).beyond(MemoryUse(1000, 20))], MemoryUse(2499, 0), "do not fit in memory"),
    ],
)
def test_trials_wait_only_where_all_fit(needs, free, why):
    found = why_no_room(needs, free)
    assert (why in found) if why else found == ""


# trial 2 goes on from step 3 when no process of a different trial is left; after a long time, it makes different weights
WAITS_FOR_THE_OTHER = """
import glob, time
def others():
    found = glob.glob(os.path.join(os.path.dirname(trial), '*', 'processes', '*'))
    return [path for path in found if not path.startswith(trial) and os.path.exists('/proc/' + path.split('-')[-1])]
until = time.monotonic() + 30
while step == {step} and others() and time.monotonic() < until:
    time.sleep(0.01)
value = -1.0 if time.monotonic() >= until else value
"""


@pytest.mark.parametrize(("steps", "at"), [(20, 3), (40, 3), (20, 25)], ids=["as far", "further", "less far"])
def test_a_trial_that_waits_for_one_that_is_paused_goes_on(looked, monkeypatch, steps, at):
    """However many steps the paused trial has made."""
    monkeypatch.setattr(pauses, "_PATIENCE", 1)
    monkeypatch.setattr(pauses, "_MOMENT", 0.5)
    monkeypatch.setattr(pauses, "grown", lambda stop, began, most: max(steps, stop["steps"]))
    result, watch = looked(WAITS_FOR_THE_OTHER.replace("{step}", str(at)))
    assert any("trial 2 seems to wait for a trial that is paused" in note for note in watch.said)
    assert result.verdict == "repeated"
