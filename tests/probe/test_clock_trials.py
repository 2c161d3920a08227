"""Trials with a faster clock: which run, what they show, and what happens if the program does not bear them."""

from collections import Counter

import pytest
from builders import Notes

from samebits.checks import Addition, run, run_more
from samebits.experiment import clock_trials
from samebits.launch.trial.local_host import LocalHost
from samebits.store import open_record

QUICK = (6, 0.01)  # steps, and seconds of each
SAMPLE = "shows_the_time.py"
JOBS = {"jobs": 1}


@pytest.fixture
def starts(monkeypatch):
    """How often each trial was started."""
    counted, start = Counter(), LocalHost.start

    def count(self, order):
        counted[order.id] += 1
        return start(self, order)

    monkeypatch.setattr(LocalHost, "start", count)
    return counted


def rates(result):
    return {trial.id: trial.clock_rate for trial in result.trials if trial.clock_rate != 1}


def left_out(result):
    return {trial.id: trial.left_out for trial in result.trials if trial.left_out}


def rounds_of(checked):
    return [turn.trials for turn in checked.experiment.file.rounds]


@pytest.mark.parametrize(
    ("trials", "fast", "turns", "cost"),
    [(5, (4, 5), [[1, 2, 3], [4, 5]], "trials 4 and 5 run with a faster clock"),
     (3, (3, 4), [[1, 2], [3, 4]], "1 further trial, about"),
     (2, (3, 4), [[1, 2], [3, 4]], "2 further trials, about")],
)  # fmt: skip
def test_two_trials_with_a_faster_clock_show_which_values_follow_it(ask, starts, trials, fast, turns, cost):
    notes = Notes()
    checked = run(ask(SAMPLE, "times", *QUICK, trials=trials, **JOBS), notes)
    result = checked.result
    assert (result.verdict, result.unknown) == ("repeated", [])
    assert rates(result) == {fast[0]: 1000.0, fast[1]: 30.0}
    assert rounds_of(checked) == turns
    assert starts == Counter(range(1, max(trials, 4) + 1))
    assert "duration" in {one.law for one in result.settled}
    assert [one.place for one in open_record(checked.experiment.folder).file.settled] == [
        one.place for one in result.settled
    ]
    assert any(text.startswith(cost) for text in notes.said), notes.said
    assert sum(map(len, result.groups)) == max(trials, 4)


def test_times_in_an_array_do_not_end_a_check_before_the_clock_is_asked(ask):
    result = run(ask(SAMPLE, "arrays", *QUICK, **JOBS)).result
    assert (result.verdict, rates(result)) == ("repeated", {4: 1000.0, 5: 30.0})


def test_what_does_not_follow_the_clock_is_named_with_all_places(ask):
    result = run(ask(SAMPLE, "result", *QUICK, trials=3, **JOBS)).result
    assert result.verdict == "inconclusive"
    assert [place.place for place in result.unknown] == ["log.json > rmse"]
    assert "does not follow the clock" in result.reason
    assert "--ignore log.json" in result.advice


def test_trials_that_agree_in_everything_need_no_faster_clock(ask, starts):
    checked = run(ask(SAMPLE, "nothing", *QUICK, **JOBS))
    assert (checked.result.verdict, rates(checked.result)) == ("repeated", {})
    assert (rounds_of(checked), starts) == ([[1, 2, 3, 4, 5]], Counter(range(1, 6)))


def test_one_new_trial_does_not_end_a_check_of_earlier_ones():
    assert not clock_trials._diverge(None, [1], [2], may_run=False)


def test_trials_that_diverge_need_no_faster_clock(ask):
    checked = run(ask("trains.py", 6, 3, **JOBS))
    assert (checked.result.verdict, rates(checked.result)) == ("diverged", {})


def test_trials_that_wait_for_the_last_round_are_ended_if_their_clock_shall_be_faster(ask, starts):
    checked = run(ask(SAMPLE, "times", 25, 0.06, jobs="auto"))
    result = checked.result
    assert (result.verdict, len(rates(result))) == ("repeated", 2)
    assert all(trial.status == "complete" and trial.steps == 25 for trial in result.trials)
    assert starts.total() <= 7
    assert len(starts) == 5
    assert len(checked.experiment.file.rounds[-1].trials) == 2


def test_a_training_that_takes_decisions_from_the_clock_is_compared_without_those_trials(ask):
    checked = run(ask(SAMPLE, "stops-quietly", *QUICK, settle="always", **JOBS))
    result = checked.result
    assert result.verdict == "repeated"
    assert left_out(result)[4] == "trained differently"
    assert sum(map(len, result.groups)) == 5
    assert any("may depend on measured time" in warning for warning in result.warnings)
    strict = checked.experiment.judge(strict=True)
    assert strict.verdict == "inconclusive"
    assert "may depend on measured time" in strict.reason


@pytest.mark.parametrize(("mode", "status"), [("fails", "failed"), ("hangs", "timeout")])
def test_a_program_that_does_not_bear_a_faster_clock_fails_no_check(ask, monkeypatch, mode, status):
    monkeypatch.setattr(clock_trials, "MORE_SECONDS", 1.0)
    result = run(ask(SAMPLE, mode, *QUICK, **JOBS)).result
    assert result.trials[3].status == status
    assert left_out(result) == {4: "did not end well"}
    assert sum(map(len, result.groups)) == 5  # the sixth trial took the place of the fourth
    assert result.divergence is None
    assert any(place.seen == "with a faster clock, trial 4 did not end well" for place in result.unknown)
    assert any("trial 4 ran with a clock that was 1,000 times as fast, and did not end well" in warning
               for warning in result.warnings)  # fmt: skip


def test_never_leaves_all_clocks_true_and_always_asks_even_if_all_agree(ask):
    never = run(ask(SAMPLE, "times", *QUICK, trials=3, settle="never", **JOBS)).result
    assert (len(never.trials), rates(never)) == (3, {})
    always = run(ask(SAMPLE, "nothing", *QUICK, out="other", trials=3, settle="always", **JOBS)).result
    assert (always.verdict, rates(always)) == ("repeated", {3: 1000.0, 4: 30.0})


def test_a_clock_that_stands_still_cannot_be_faster(ask):
    result = run(ask(SAMPLE, "result", *QUICK, trials=3, controls=["clock"], **JOBS)).result
    assert rates(result) == {}


def test_trials_that_are_added_ask_once(ask):
    folder = run(ask(SAMPLE, "times", *QUICK, trials=2, settle="never", **JOBS)).experiment.folder
    asked = run_more(folder, Addition(3, settle="always")).result
    assert (asked.verdict, rates(asked)) == ("repeated", {4: 1000.0, 5: 30.0})
    again = run(ask(SAMPLE, "times", *QUICK, out="later", trials=6, against=folder, **JOBS)).result
    assert (again.verdict, rates(again)) == ("repeated", {4: 1000.0, 5: 30.0})


def test_what_was_learned_goes_on_to_a_check_against_the_record(ask):
    first = run(ask(SAMPLE, "times", *QUICK, trials=3, **JOBS))
    old = first.experiment.folder
    checked = run(ask(SAMPLE, "times", *QUICK, out="later", trials=6, against=old, **JOBS))
    assert checked.result.verdict == "repeated"
    assert rates(checked.result) == {3: 1000.0, 4: 30.0}  # those of the old record
    assert {one.place for one in checked.experiment.file.settled} >= {one.place for one in first.result.settled}
