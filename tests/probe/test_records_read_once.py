"""A command reads and hashes what a trial left once, however many rounds, judgements and reports it makes of it."""

import pytest

from samebits.checks import record, run
from samebits.cli import main

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
