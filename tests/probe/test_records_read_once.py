"""A command reads and hashes what a trial left once, however many rounds, judgements and reports it makes of it."""

import pytest

from samebits import comparison
from samebits.checks import record, run
from samebits.cli import main
from samebits.store.record import read_trial

TRIALS = 3


def command(request):
    return [f"--out={request.out}", "--", *request.command]


@pytest.mark.parametrize("steps", [[30], [30, 7]])
def test_check_reads_each_trial_once_a_round(ask, readings, monkeypatch, steps):
    request = ask("trains.py", *steps)
    monkeypatch.chdir(request.directory)
    main(["check", "-n", "3", *command(request)])
    assert len(readings) >= TRIALS
    assert set(readings.values()) == {1}


def test_more_trials_are_read_once(ask, readings):
    made = record(ask("trains.py", 30))
    main(["check", "--add", "2", str(made.folder)])
    assert len(readings) == 1 + 1 + 2  # record.json; the trial that was there; the new ones
    assert set(readings.values()) == {1}


def test_locate_and_report_read_each_trial_once(ask, readings):
    request = ask("trains.py", 30, 7)
    run(request)
    readings.clear()
    for words in (["locate", str(request.out)], ["report", str(request.out)]):
        main(words)
        assert len(readings) >= TRIALS
        assert set(readings.values()) == {1}
        readings.clear()


def test_vary_reads_the_trials_of_each_value_once(ask, readings, monkeypatch):
    request = ask("trains.py", 30)
    monkeypatch.chdir(request.directory)
    main(["vary", "--factor", "hash-seed=0,1", "-n", "2", *command(request)])
    assert readings
    assert set(readings.values()) == {1}


def test_a_round_whose_trials_waited_is_judged_once_and_read_once(ask, monkeypatch):
    """Three judgements: of the first round, of the second one, whose trials went on, and the last."""
    monkeypatch.setattr("samebits.launch.trial.pauses.grown", lambda stop, began, most: stop["steps"])
    judged, read, judge = [], [], comparison.judge
    monkeypatch.setattr(comparison, "judge", lambda *given: judged.append(1) or judge(*given))
    monkeypatch.setattr(
        "samebits.store.record.read_trial", lambda folder: read.append(folder.name) or read_trial(folder)
    )
    assert run(ask("trains.py", 5000, trials=2, steps=200)).result.verdict == "repeated"
    assert len(judged) == 3
    assert sorted(read) == ["001", "001", "002", "002"]


def test_a_trial_that_waited_and_is_ended_is_not_read_again(ask, readings):
    request = ask("trains.py", 5000, 7, trials=2)
    result = run(request).result
    assert result.verdict == "diverged"
    assert not [warning for warning in result.warnings if "seal" in warning]
    assert not [folder for folder, *_ in readings if folder.parent == request.out / "trials"]  # none had a seal then
