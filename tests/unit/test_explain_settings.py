"""The trials of one setting of explain: how many steps they may make."""

from types import SimpleNamespace

import pytest

from samebits.causes.settings import Setting
from samebits.endings import NODE_WAS_LOST, SUPERVISOR_KILLED
from samebits.experiment.recorded_trials import kill
from samebits.launch.processes.local import CommandEnd
from samebits.model import TrialFile


class Rounds:
    """An experiment that notes the limits of its rounds. `cuts`: a round with a reference cuts its trials."""

    def __init__(self, verdict="repeated", *, cuts=False, at_a_time=1):
        self.limits, self.record = [], SimpleNamespace(trials=[])
        self.verdict, self.cuts, self.capacity = verdict, cuts, SimpleNamespace(at_a_time=at_a_time)
        self.plan = SimpleNamespace(controls=["numpy-seed"], trial_folder=lambda number: None)

    def next_numbers(self, more):
        return list(range(1, more + 1))

    def change(self, **options):
        pass

    def run(self, limits, ids):
        self.limits.append(limits)
        is_cut = self.cuts and limits.reference is not None
        return SimpleNamespace(files=[], seconds=1.0, is_cut_short=is_cut)

    def judge(self):
        setup = SimpleNamespace(controls=[])
        return SimpleNamespace(
            trials=self.record.trials, verdict=self.verdict, groups=[], unknown=(), setup=setup, reason="why",
            divergence=None,
        )  # fmt: skip


def limits(steps, early_end):
    made = Rounds()
    Setting(made, steps, early_end=early_end).run(2)
    return made.limits[0]


def test_a_new_trial_ends_where_it_has_diverged_from_the_first_one_and_goes_on_if_not():
    few = limits(149, 5)
    assert (few.steps, few.most, few.reference, few.steps_in_all) == (5, 149, 1, 149)


@pytest.mark.parametrize(("steps", "early_end"), [(149, None), (149, 149), (20, 25), (None, 5)])
def test_all_trials_make_all_steps_without_an_early_end_or_if_they_are_whole(steps, early_end):
    whole = limits(steps, early_end)
    assert (whole.steps, whole.reference) == (steps, None)


@pytest.mark.parametrize(("verdict", "steps"), [("diverged", [5]), ("repeated", [5, 149]), ("inconclusive", [5, 149])])
def test_trials_that_were_cut_although_they_agree_make_all_steps_again(verdict, steps):
    made = Rounds(verdict, cuts=True)
    setting = Setting(made, 149, early_end=5)
    setting.run(2)
    assert [limits.steps for limits in made.limits] == steps
    assert setting.seconds == len(steps)


def test_trials_that_run_beside_the_first_one_make_all_steps():
    made = Rounds(at_a_time=2)
    setting = Setting(made, 149, early_end=5)
    setting.run(2)
    setting.result = SimpleNamespace(trials=[1, 2])
    setting.run(2)
    assert [(limits.steps, limits.reference) for limits in made.limits] == [(149, None), (5, 1)]


def ended(number=1, **fields):
    return TrialFile(**{"id": number, "status": "complete", "started": "", "seconds": 1.0, **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "killed", "why": SUPERVISOR_KILLED}, f"trial 1 was killed: {SUPERVISOR_KILLED}"),
        ({"status": "killed", "why": NODE_WAS_LOST}, f"trial 1 was killed: {NODE_WAS_LOST}"),
        ({"status": "killed", "signal": 9}, "trial 1 was killed by SIGKILL"),
        ({"status": "killed", "signal": 15}, "trial 1 was killed by SIGTERM"),
        ({"status": "failed", "exit_code": 137}, "trial 1 was killed by SIGKILL"),
        ({"status": "killed", "signal": 11}, ""),
        ({"status": "killed", "signal": 6}, ""),
        ({"status": "failed", "exit_code": 1}, ""),
        ({"status": "failed", "exit_code": 9}, ""),
        ({"status": "complete", "exit_code": 137}, ""),
        ({"status": "timeout"}, ""),
    ],
)
def test_a_kill_is_told_from_a_failure_of_the_program(fields, said):
    assert kill(ended(**fields)) == said


def test_a_trial_whose_supervisor_was_killed_has_not_failed():
    assert CommandEnd(is_unsupervised=True).badly(0) == ("killed", SUPERVISOR_KILLED)
    assert CommandEnd(error="no such file").badly(0) == ("failed", "no such file")


class Kills(Rounds):
    """Trials 1 and 2, of which the second ends badly in the first `times` rounds."""

    def __init__(self, times, status):
        super().__init__()
        self.times, self.status, self.runs, self.known = times, status, [], {}

    def run(self, limits, ids):
        self.runs.append(list(ids))
        ends = {"killed": {"signal": 9}, "failed": {"why": "it failed"}, "complete": {}}
        bad = {"status": self.status, **ends[self.status]} if len(self.runs) <= self.times else {}
        self.verdict = "inconclusive" if len(self.runs) <= self.times else "repeated"
        files = [ended(number, **(bad if number > 1 else {})) for number in ids]
        self.known.update({file.id: SimpleNamespace(file=file) for file in files})
        self.record = SimpleNamespace(trials=[*self.known.values()])
        return SimpleNamespace(files=files, seconds=1.0, is_cut_short=False)


@pytest.mark.parametrize(
    ("times", "status", "runs", "broke", "unclear"),
    [
        (0, "killed", [[1, 2]], "", ""),
        (1, "killed", [[1, 2], [2]], "", ""),
        (9, "killed", [[1, 2], [2]], "", "trial 2 was killed by SIGKILL"),
        (1, "failed", [[1, 2], [2]], "", ""),
        (9, "failed", [[1, 2], [2]], "it failed", ""),
        (1, "complete", [[1, 2], [1, 2]], "", ""),
        (9, "complete", [[1, 2], [1, 2]], "", "why"),
    ],
)
def test_trials_without_an_answer_run_once_more_before_anything_is_concluded(
    monkeypatch, times, status, runs, broke, unclear
):
    monkeypatch.setattr("samebits.causes.settings.last_words", lambda folder: "")
    made = Kills(times, status)
    setting = Setting(made, None)
    setting.run(2)
    seen = setting.seen()
    assert (made.runs, seen.broke, seen.unclear) == (runs, broke, unclear)


def test_if_all_of_several_trials_fail_the_program_does_not_run(monkeypatch):
    monkeypatch.setattr("samebits.causes.settings.last_words", lambda folder: "")
    made = Kills(9, "failed")
    made.next_numbers = lambda more: [2, 3]
    setting = Setting(made, None)
    setting.run(2)
    assert (made.runs, setting.seen().broke) == ([[2, 3]], "it failed")
