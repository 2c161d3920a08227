"""Which trials `check --add` runs, after trials that were interrupted and after trials whose program failed."""

import json

import pytest
from builders import Notes

from samebits import causes, checks, localization, patches
from samebits.endings import STOPPED_BY_USER
from samebits.errors import RecordError
from samebits.experiment import Request, recorded_trials
from samebits.store import open_record

TRIALS = 3


class CtrlC(Notes):
    """Presses Ctrl-C when a trial has started. It keeps what is said."""

    def __init__(self, trial=0):
        self.trial, self.said = trial, []

    def trial_step(self, trial, step):
        if trial == self.trial:
            raise KeyboardInterrupt


@pytest.fixture
def interrupted(ask):
    """Function(trial) -> the folder of a check that Ctrl-C ended in that trial."""

    def run(trial):
        request: Request = ask("trains_slowly.py", 30, 0.02, jobs=1, full=True)
        with pytest.raises(KeyboardInterrupt):
            checks.run(request, CtrlC(trial))
        return request.out

    return run


def test_a_trial_that_ctrl_c_ended_runs_again_and_the_verdict_counts_it(interrupted):
    folder, told = interrupted(2), CtrlC()
    assert recorded_trials.interrupted(open_record(folder)) == [2]
    result = checks.run_more(folder, checks.Addition(1), told).result
    assert (result.verdict, result.groups) == ("repeated", [[1, 2, 3]])
    assert told.said == ["trial 2 runs again, because samebits was stopped before the end"]
    assert STOPPED_BY_USER not in {trial.file.why for trial in open_record(folder).trials}


def test_a_check_that_ctrl_c_ended_in_its_first_trial_begins_again(interrupted):
    folder = interrupted(1)
    result = checks.run_more(folder, checks.Addition(1)).result
    assert (result.verdict, result.groups) == ("repeated", [[1, 2]])


@pytest.mark.parametrize("trial", [2, 3])
def test_a_check_that_ctrl_c_ended_before_a_trial_was_whole_begins_again(ask, monkeypatch, trial):
    """Trials that made 20 steps of more are no answer, however many there are."""
    monkeypatch.setattr("samebits.launch.trial.pauses.grown", lambda stop, began, most: stop["steps"])
    request = ask("trains_slowly.py", 40, 0.02, jobs=1)
    with pytest.raises(KeyboardInterrupt):
        checks.run(request, CtrlC(trial))
    told = CtrlC()
    result = checks.run_more(request.out, checks.Addition(1), told).result
    assert (result.verdict, result.scope.steps_compared) == ("repeated", 40)
    assert result.groups == [list(range(1, trial + 2))]
    assert told.said[0] == "samebits was stopped before the end of this check, so all its trials run again"


def test_steps_that_the_user_asked_for_are_an_end(ask):
    folder = checks.run(ask("trains.py", 30, trials=2, steps=10, jobs=1)).experiment.folder
    assert not recorded_trials.is_unfinished(open_record(folder))
    assert checks.run_more(folder, checks.Addition(1)).result.scope.steps_compared == 10


@pytest.mark.parametrize(
    "command",
    [
        causes.run,
        localization.run,
        lambda folder: patches.fix(patches.FixRequest(folder)),
        lambda folder: checks.run_more(folder, checks.Addition(1)),
    ],
    ids=["explain", "locate", "fix", "add"],
)
def test_one_sentence_refuses_a_record_whose_program_failed_in_all_trials(ask, command):
    folder = checks.run(ask("exits_three.py")).experiment.folder
    with pytest.raises(RecordError) as raised:
        command(folder)
    what = f"{folder} holds no trial that ended well: trial 1 ended with exit status 3, not 0."
    assert raised.value.message.startswith(what)
    assert len(open_record(folder).trials) == 1


def test_no_trial_is_added_beside_one_that_failed(ask, tmp_path):
    (tmp_path / "fails_twice.py").write_text(
        "import sys\nfrom samebits_probe import observe\n"
        "for step in range(3):\n    observe('batch', 1.0, step=step)\n    observe('weights', 2.0, step=step)\n"
        "sys.exit(int(sys.argv[1]) > 1)\n"
    )
    request = ask("trains.py", full=True, jobs=1)
    request.command[1:] = [str(tmp_path / "fails_twice.py"), "{trial}"]
    folder = checks.run(request).experiment.folder
    assert len(recorded_trials.usable(open_record(folder))) == 1
    with pytest.raises(RecordError, match="More trials give no answer: trials 2 and 3 ended with exit status 1"):
        checks.run_more(folder, checks.Addition(1))
    assert len(open_record(folder).trials) == TRIALS


def test_an_added_trial_gets_the_same_initial_weights(ask, tmp_path):
    request = ask("trains_slowly.py", 2, 0, weights=tmp_path / "weights", trials=2)
    checks.run(request)
    checks.run_more(request.out, checks.Addition(1))
    configs = [json.loads(path.read_text()) for path in sorted(request.out.glob("trials/*/config.json"))]
    assert [config["feed"] for config in configs] == [{"folder": str(tmp_path / "weights")}] * 3
