"""Hosts: what `--on` names, and rounds of trials that run on other machines (a fake one, which runs nothing)."""

import fcntl
import os
import resource
import sys
from types import SimpleNamespace

import pytest

from samebits import launch, store
from samebits.endings import STOPPED_BY_USER
from samebits.errors import SamebitsError, UsageError
from samebits.experiment import Experiment, Limits, Progress, Request
from samebits.launch.files import custody
from samebits.launch.hosts import Host, TaskState, connect
from samebits.launch.node.orders import Delivery, OrderFiles, has_more, pack
from samebits.launch.remote import remote_host as remote
from samebits.launch.remote.remote_host import RemoteTrial
from samebits.launch.trial.local_host import LocalHost
from samebits.launch.trial.trial_run import TrialRun
from samebits.model import FilesFile, Options, TrialFile
from samebits.needs import read_needs


class FakeHost:
    """Trials are over at the second look. `address`: the number of a trial that is interrupted there."""

    no_waiting, slots = "trials on a fake host do not wait", 1

    def __init__(self, kind, address, each):
        self.address, self.trials, self.ends = address, [], []

    def reach(self, directory):
        return ""

    def nodes(self):
        return []

    def start(self, order):
        self.trials.append(FakeTrial(order, self.ends, interrupted=str(order.id) == self.address))
        return self.trials[-1]


class FakeTrial:
    pace, waits, spent = 0.0, False, 1.0

    def __init__(self, order, ends, *, interrupted):
        self.order, self.id, self.limits, self.slot = order, order.id, order.limits, order.slot
        self.ends, self.interrupted, self.looks, self.cancelled = ends, interrupted, 0, ""

    def steps(self):
        return 7

    def poll(self):
        self.looks += 1
        if self.interrupted:
            raise KeyboardInterrupt
        return self.looks == 2

    def news(self):
        return "the queue is full" if self.order.plan.options.strict else ""

    def fetch(self):
        status = "complete" if self.limits.steps is None else "stopped"
        return self._written(TrialFile(id=self.id, status=status, started="now", seconds=1.0))

    def ask_to_end(self):
        self.ends.append(("ask", self.id))

    def cancel(self, why):
        self.ends.append(("cancel", self.id))
        self.cancelled = why
        self._written(TrialFile(id=self.id, status="killed", why=why, started="now", seconds=1.0))

    def _written(self, file):
        plan = self.order.plan
        custody.make_trial(plan.record, plan.trial_folder(self.id), file)
        return file


class Notes(Progress):
    def __init__(self):
        self.lines = []

    def trial_ended(self, trial, status, steps, seconds):
        self.lines.append((trial, status, steps))

    def note(self, text):
        self.lines.append(text)


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Function(host, **options) -> (an experiment whose trials run there, what it tells)."""
    monkeypatch.setitem(sys.modules, "samebits.launch.fake", SimpleNamespace(FakeHost=FakeHost))
    monkeypatch.setitem(launch.HOSTS, "fake", ("fake", "FakeHost"))

    def begin(host, **options):
        notes = Notes()
        asked = Request(
            command=["true"], directory=tmp_path, out=tmp_path / "record", host=host, options=Options(**options)
        )
        return Experiment.begin(asked, notes), notes

    return begin


def test_a_round_runs_its_trials_on_the_host_of_the_plan(begun):
    experiment, told = begun("fake", jobs=2)
    finished = experiment.run(Limits(), [1, 2, 3])
    assert [(file.id, file.status) for file in finished.files] == [(1, "complete"), (2, "complete"), (3, "complete")]
    assert told.lines == [(1, "complete", 7), (2, "complete", 7), (3, "complete", 7)]
    assert [trial.slot.number for trial in experiment.plan.host.trials] == [0, 1, 0]
    assert experiment.file.host == "fake"


def test_trials_that_cannot_wait_start_over_and_that_is_told_once(begun):
    experiment, told = begun("fake")
    for steps in (20, 200):
        finished = experiment.run(Limits(steps=steps, waits=True), [1, 2])
        assert (finished.resumed, finished.some_waited) == (False, False)
    assert [line for line in told.lines if isinstance(line, str)] == [
        "trials on a fake host do not wait: the next round starts all trials again"
    ]
    assert len(experiment.plan.host.trials) == 4


def test_what_keeps_a_trial_from_running_is_told(begun):
    experiment, told = begun("fake", strict=True)
    experiment.run(Limits(), [1])
    assert told.lines == ["the queue is full", (1, "complete", 7)]


def test_an_interruption_cancels_every_trial_that_runs(begun):
    experiment, _ = begun("fake://2", jobs=2)
    with pytest.raises(KeyboardInterrupt):
        experiment.run(Limits(), [1, 2])
    assert [trial.cancelled for trial in experiment.plan.host.trials] == [STOPPED_BY_USER] * 2
    assert [trial.file.why for trial in experiment.record.trials] == [STOPPED_BY_USER] * 2
    # all are asked before the end of one is waited for: a hundred trials end in the time of one
    assert experiment.plan.host.ends == [("ask", 1), ("ask", 2), ("cancel", 1), ("cancel", 2)]


class Task:
    """An order that is over some seconds after its end was asked for; None: never. `interrupts`: at the first look.

    `delivery`: what it leaves then. `state`: its state, if it is over by itself.
    """

    def __init__(self, seconds, delivery=None, *, state=None, interrupts=False):
        self.seconds, self.delivery, self.state, self.interrupts = seconds, delivery, state, interrupts
        self.asked = None

    def look(self):
        if self.asked is None:
            if self.interrupts:
                raise KeyboardInterrupt
            return self.state or TaskState()
        is_over = self.seconds is not None and remote.time.monotonic() >= self.asked + self.seconds
        if is_over and self.delivery:
            self.files.deliver(self.delivery)
        return TaskState(is_over=is_over)

    def kill(self):
        self.asked = remote.time.monotonic()


@pytest.fixture
def remotely(begun, monkeypatch, tmp_path):
    """Function(tasks of the trials 1, 2, ...) -> an experiment. No time passes but while samebits waits."""

    def begin(*tasks):
        now = [0.0]
        clock = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
        monkeypatch.setattr(remote, "time", clock)

        def start(_, order):
            task = tasks[order.id - 1]
            task.files = OrderFiles(str(tmp_path / f"1-{order.id}"))
            return RemoteTrial(order, task.files, task, remote.Visit(order.plan, order.id))

        monkeypatch.setattr(FakeHost, "start", start)
        experiment, _ = begun("fake", jobs=len(tasks))
        experiment.clock = now
        return experiment

    return begin


def test_a_trial_that_could_not_be_run_keeps_the_document_that_says_why(remotely):
    why = "On the node n1: the working folder /w is not there."
    task = Task(0)
    experiment = remotely(task)
    task.look = lambda: task.files.deliver(Delivery(message=why)) or TaskState()
    with pytest.raises(SamebitsError, match="the working folder /w is not there"):
        experiment.run(Limits(), [1])
    assert [trial.file.why for trial in experiment.record.trials] == [why]


@pytest.mark.parametrize("lasts", [True, False])
def test_an_order_that_is_over_has_time_to_show_its_outcome(remotely, monkeypatch, lasts):
    """Other machines see files of a shared disk late. `lasts`: its outcome never appears."""
    task = Task(0, state=TaskState(is_over=True, why="its job is gone"))
    experiment = remotely(task)
    looks = []

    def look():
        looks.append(remote.time.sleep(remote._SETTLES / 4))
        if len(looks) == 3 and not lasts:
            task.files.deliver(Delivery(lost=True, why="as the outcome says"))
        return task.state

    task.look = look
    monkeypatch.setattr(
        "samebits.experiment.rounds.clock", SimpleNamespace(now=remote.time.monotonic, sleep=lambda *_: None)
    )
    (file,) = experiment.run(Limits(), [1]).files
    assert file.why == ("its job is gone" if lasts else "as the outcome says")
    assert len(looks) == (5 if lasts else 3)


@pytest.fixture
def interrupted(remotely):
    """Function(tasks of the trials 1, 2, ...) -> the documents after an interruption."""

    def run(*tasks):
        experiment = remotely(*tasks)
        with pytest.raises(KeyboardInterrupt):
            experiment.run(Limits(), list(range(1, len(tasks) + 1)))
        run.seconds = experiment.clock[0]
        return [trial.file for trial in experiment.record.trials]

    return run


def test_a_trial_that_does_not_end_leaves_time_to_those_that_are_cancelled_after_it(interrupted):
    files = interrupted(Task(None), Task(5), Task(None, interrupts=True))
    assert [(file.status, file.why) for file in files] == [("killed", STOPPED_BY_USER)] * 3
    said = "had not ended when samebits stopped waiting for it, and may still run"
    assert [file.notes for file in files] == [[f"trial 1 {said}"], [], [f"trial 3 {said}"]]


def test_trials_that_never_end_are_waited_for_together(interrupted):
    files = interrupted(*(Task(None) for _ in range(8)), Task(None, interrupts=True))
    assert [len(file.notes) for file in files] == [1] * 9
    assert interrupted.seconds < 31


def test_the_time_in_which_a_folder_is_unpacked_is_not_taken_from_the_others(interrupted, monkeypatch):
    usual = RemoteTrial.fetch

    def slow(trial):
        remote.time.sleep(40)
        return usual(trial)

    monkeypatch.setattr(RemoteTrial, "fetch", slow)
    files = interrupted(Task(0, Delivery(b"no archive")), Task(5, interrupts=True))
    assert [file.notes for file in files] == [[], []]


def test_what_a_trial_has_delivered_is_kept_if_an_interruption_comes_before_it_was_fetched(interrupted, tmp_path):
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    store.write_document(sealed / "files.json", FilesFile())
    store.write_trial(sealed, TrialFile(id=1, status="complete", started="now", seconds=1.0))
    whole = Delivery(pack(sealed, sorted(path.name for path in sealed.iterdir())))
    broken = Delivery(b"no archive")
    files = interrupted(Task(0, whole), Task(0, broken), Task(0, interrupts=True))
    assert [(file.status, file.why, file.notes) for file in files] == [
        ("complete", "", []),
        ("killed", STOPPED_BY_USER, []),
        ("killed", STOPPED_BY_USER, []),
    ]


@pytest.mark.parametrize(("jobs", "wrote", "trials"), [("auto", "best.pt", 6), (3, "best.pt", 3), ("auto", "", 3)])
def test_trials_elsewhere_that_wrote_one_file_start_again_one_by_one(begun, monkeypatch, jobs, wrote, trials):
    """They may share a disk: each may have read what the other wrote. A user who asks for several knows that."""
    monkeypatch.setattr(FakeHost, "slots", 3)
    monkeypatch.setattr("samebits.experiment.rounds._APART", 0.0)
    usual = FakeTrial.fetch
    monkeypatch.setattr(
        FakeTrial, "fetch", lambda one: usual(one).model_copy(update={"wrote": [wrote] if wrote else []})
    )
    experiment, told = begun("fake", jobs=jobs)
    finished = experiment.run(Limits(), [1, 2, 3])
    assert len(experiment.plan.host.trials) == trials
    assert finished.at_a_time == (1 if trials == 6 else 3)
    assert ("two trials wrote best.pt: all trials start again, one by one" in told.lines) is (trials == 6)


def test_a_trial_that_cannot_be_started_leaves_its_place_to_others(begun, monkeypatch):
    """vary goes on with the next value, which has the same places."""
    experiment, _ = begun("fake", jobs=1)

    def refuses(_, order):
        raise UsageError("the disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(FakeHost, "start", refuses)
        with pytest.raises(UsageError):
            experiment.run(Limits(), [1])
    assert experiment.capacity.places.taken == set()
    assert [file.status for file in experiment.run(Limits(), [1]).files] == ["complete"]


def test_the_local_host_starts_a_trial_that_can_wait(tmp_path):
    host: Host = connect("local", {})
    assert isinstance(host, LocalHost)
    assert host.no_waiting == ""
    assert {"start", "poll", "news", "fetch", "ask_to_end", "cancel", "steps", "waits", "spent", "pace"} <= set(
        dir(TrialRun)
    )


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nowhere", "There is no host 'nowhere'."),
        ("local://here", "--on local://here: local has no address."),
        ("fake://", "--on fake://: fake needs an address after ://."),
        ("Local", "There is no host 'Local'."),
    ],
)
def test_a_host_that_cannot_be_is_refused_before_anything_is_written(begun, tmp_path, name, what):
    with pytest.raises(UsageError) as refused:
        begun(name)
    assert refused.value.message == what
    assert not (tmp_path / "record").exists()


def test_ray_that_is_not_installed_is_said(begun, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError) as refused:
        begun("ray://127.0.0.1:6379")
    assert (refused.value.message, refused.value.advice) == (
        "The Python of samebits does not have Ray.",
        "pip install ray",
    )
    assert not (tmp_path / "record").exists()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("num_gpus=1,label=a100", {"num_gpus": "1", "label": "a100"}),
        ("num_cpus=0.5", {"num_cpus": "0.5"}),
        ("gpus=1", None),
        ("num_gpus=-1", None),
        ("num_gpus=nan", None),
        ("num_gpus=1e3", None),
        ("label=", None),
        ("label=a,label=b", None),
        ("", None),
        ("label=\x07", None),
    ],
)
def test_needs_are_read_as_they_are_said(text, found):
    if found is not None:
        assert read_needs(text) == found
        return
    with pytest.raises(ValueError, match=r"is not|holds"):
        read_needs(text)


def test_a_message_is_waited_for_on_any_descriptor():
    """select.select takes none above 1023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("this process may have fewer than 2,048 descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    low, writing = os.pipe()
    handle = fcntl.fcntl(low, fcntl.F_DUPFD, 1500)
    try:
        assert not has_more(handle, 0)
        os.write(writing, b"x")
        assert has_more(handle, 0)
    finally:
        for one in (low, writing, handle):
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
