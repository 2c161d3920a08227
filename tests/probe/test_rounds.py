"""Looking in rounds: how far each goes, when it is over, and what records of earlier runs add."""

import time
from pathlib import Path

import pytest
from builders import Notes

from samebits.checks import Addition, record, run, run_more
from samebits.errors import NotFoundError, RecordError, SamebitsError, UsageError
from samebits.experiment import Progress, captures
from samebits.experiment.rounds import FinishedRound
from samebits.experiment.schedule import Schedule, estimate
from samebits.launch.plan import grown
from samebits.launch.processes.local import LocalCommand
from samebits.model import Options, TrialFile
from samebits.store import open_record
from samebits_probe import wire

SAMPLES = Path(__file__).parent.parent / "samples"
TRIALS = 2  # what `ask` asks for where nothing else is said


def rounds_of(folder):
    return [(round.steps, round.trials) for round in open_record(folder).file.rounds]


def looked(steps, status="stopped", seconds=1.0, **more):
    file = TrialFile(id=1, status=status, started="", seconds=seconds, stop_after=steps)
    return FinishedRound(steps, seconds, [file], **more)


def test_rounds_grow_tenfold_until_every_trial_has_ended():
    schedule = Schedule(Options(), 5)
    assert schedule.first().steps == 20
    assert schedule.after(looked(20)).steps == 200
    assert schedule.after(looked(200)).steps == 2000
    assert schedule.after(looked(2000, "complete")) is None


def test_a_round_that_may_show_more_networks_starts_again():
    further = Schedule(Options(), 5).further(looked(20), is_sure=False)
    assert (further.steps, further.waits, further.together) == (200, False, False)
    assert Schedule(Options(), 5).further(looked(20), is_sure=True).steps is None
    assert Schedule(Options(), 5).further(looked(20, "complete"), is_sure=True) is None


def test_steps_are_the_last_round():
    schedule = Schedule(Options(steps=300), 5)
    assert schedule.first().steps == 20
    assert [schedule.after(looked(steps)).steps for steps in (20, 200)] == [200, 300]
    assert schedule.after(looked(300)) is None
    assert Schedule(Options(steps=7), 5).first().steps == 7


def test_full_is_one_round():
    schedule = Schedule(Options(full=True), 5)
    assert schedule.first().steps is None
    assert schedule.after(looked(None, "complete")) is None


def test_a_trial_that_ends_badly_ends_the_rounds():
    assert Schedule(Options(), 5).after(looked(20, "timeout")) is None


def test_a_budget_gives_the_first_trial_its_share():
    assert 9.9 < Schedule(Options(budget=50.0), 5).first().seconds <= 10.0
    assert 24.9 < Schedule(Options(budget=50.0, jobs=4), 5).first().seconds <= 25.0  # the first alone, then four


def test_a_budget_ends_with_as_many_steps_as_fit():
    schedule = Schedule(Options(budget=100.0), 5)
    assert schedule.after(looked(20, seconds=2.0)).steps == 200
    assert 500 < schedule.after(looked(200, seconds=20.0)).steps < 1000
    assert schedule.after(looked(900, seconds=90.0, time_was_up=True)) is None


def test_a_round_is_estimated_from_the_two_before():
    start, each = estimate([(20, 12.0), (200, 30.0)])
    assert (round(start, 6), round(each, 6)) == (10.0, 0.1)


@pytest.fixture
def steps_allowed(monkeypatch):
    """Function(steps): a first trial that waits may make so many steps, however long they take."""
    return lambda steps: monkeypatch.setattr(
        "samebits.launch.trial.pauses.grown", lambda paused, began, most: max(steps, paused["steps"])
    )


@pytest.mark.parametrize(("allowed", "rounds"), [(20, [20, 200]), (40, [40, 400]), (200, [200])])
def test_a_training_that_repeats_is_seen_whole(ask, tmp_path, steps_allowed, allowed, rounds):
    steps_allowed(allowed)
    result = run(ask("trains.py", 50)).result
    assert result.verdict == "repeated"
    assert result.scope.kind == "whole"
    assert (result.scope.steps_compared, result.scope.steps_total) == (50, 50)
    assert rounds_of(tmp_path / "record") == [(steps, [1, 2]) for steps in rounds]
    assert (tmp_path / "record" / "result.json").is_file()


def test_a_trial_that_pauses_during_a_look_gets_its_steps(ask, tmp_path, steps_allowed, monkeypatch):
    look = LocalCommand.poll

    def last_look(command):  # each look at a running trial takes until the trial pauses or ends
        while not (ending := look(command)) and not list(tmp_path.glob(f"record/trials/*/*/*/{wire.STOPPED}")):
            time.sleep(0.001)
        return ending

    monkeypatch.setattr(LocalCommand, "poll", last_look)
    steps_allowed(40)
    assert run(ask("trains.py", 100000, steps=40)).result.verdict == "repeated"
    assert rounds_of(tmp_path / "record") == [(40, [1, 2])]


def test_a_pause_leaves_nothing_behind_and_changes_no_bit(ask, tmp_path, steps_allowed):
    steps_allowed(40)
    run(ask("trains.py", 100000, steps=40))
    waited, not_waited = (trial.observed[0] for trial in open_record(tmp_path / "record").trials)
    own = [process.rows[process.rows["kind"] != wire.CODE["rng"]] for process in (waited, not_waited)]
    assert own[0].tobytes() == own[1].tobytes()
    assert waited.stopped["steps"] == not_waited.stopped["steps"] == 40


def test_a_first_round_grows_until_its_steps_took_as_long_as_the_start():
    paused = {"steps": 20, "step_times": [103.0, 103.19]}  # started at 100, 10 ms a step
    assert grown(paused, 100.0, None) == 200  # ten times as many at once
    assert grown(paused, 100.0, 150) == 150
    assert grown(paused, 100.0, 30) == 30
    assert grown({"steps": 200, "step_times": [103.0, 104.99]}, 100.0, None) == 200  # 300 would fit: not twice as many
    assert grown({"steps": 20, "step_times": [103.0, 122.0]}, 100.0, None) == 20
    assert grown({"steps": 1, "step_times": [103.0, 103.0]}, 100.0, None) == 1


def test_a_training_that_parts_early_is_stopped_early(ask, tmp_path, steps_allowed):
    steps_allowed(20)
    result = run(ask("trains.py", 100000, 7)).result
    assert result.verdict == "diverged"
    assert (result.divergence.step, result.divergence.kind) == (7, "gradient")
    assert rounds_of(tmp_path / "record") == [(20, [1, 2])]
    assert [trial.status for trial in result.trials] == ["stopped"] * 2


@pytest.mark.parametrize(("at", "second", "options"), [(7, 20, {}), (25, 40, {}), (7, 40, {"metrics": {"m": "x"}})])
def test_later_trials_end_early_if_they_have_diverged_by_then(ask, tmp_path, steps_allowed, at, second, options):
    steps_allowed(40)
    result = run(ask("trains.py", 100000, at, **options)).result
    assert (result.verdict, result.divergence.step, result.divergence.kind) == ("diverged", at, "gradient")
    assert [(trial.status, trial.steps) for trial in result.trials] == [("stopped", 40), ("stopped", second)]
    assert rounds_of(tmp_path / "record") == [(40, [1, 2])]


@pytest.mark.parametrize(
    ("values", "verdict", "second"),
    [("the same", "repeated", ("complete", 100)), ("episodes", "diverged", ("stopped", 20))],
)
def test_a_trial_ends_early_because_of_its_values_and_not_of_their_order(
    ask, tmp_path, steps_allowed, values, verdict, second
):
    steps_allowed(200)
    result = run(ask("observes_in_any_order.py", values)).result
    assert result.verdict == verdict
    assert [(trial.status, trial.steps) for trial in result.trials] == [("complete", 100), second]
    assert rounds_of(tmp_path / "record") == [(200, [1, 2])]


@pytest.mark.parametrize(("steps", "rounds"), [(30, [20, 200]), (150, [20, 200, None])])
def test_networks_that_come_in_turn_are_waited_for(ask, tmp_path, steps_allowed, steps, rounds):
    steps_allowed(20)
    result = run(ask("trains_networks_in_turn.py", "{trial}", steps, trials=3)).result
    assert (result.verdict, result.scope.kind) == ("inconclusive", "whole"), result.sentence
    assert "in different orders" in result.reason
    assert rounds_of(tmp_path / "record") == [(steps, [1, 2, 3]) for steps in rounds]


def test_weights_that_differ_by_chance_are_no_different_networks(ask, tmp_path, steps_allowed):
    steps_allowed(20)
    result = run(ask("trains_networks_in_turn.py", "{trial}", 30, "chance", trials=3)).result
    assert (result.verdict, result.divergence.kind) == ("diverged", "start")
    assert rounds_of(tmp_path / "record") == [(20, [1, 2, 3])]


@pytest.mark.parametrize("steps", [30, 100000])
def test_a_trial_that_ended_early_without_a_reason_goes_on(ask, tmp_path, steps_allowed, monkeypatch, steps):
    steps_allowed(40)
    monkeypatch.setattr("samebits.launch.trial.pauses.diverges", lambda process, reference: True)
    result = run(ask("trains.py", steps, steps=40)).result
    assert (result.verdict, result.scope.steps_compared) == ("repeated", min(steps, 40))
    assert rounds_of(tmp_path / "record") == [(40, [1, 2])] * 2


def test_the_probe_stops_after_exactly_so_many_steps(ask, tmp_path):
    run(ask("trains.py", 100000, steps=33))
    steps = [trial.observed[0].rows["step"].max() for trial in open_record(tmp_path / "record").trials]
    assert steps == [32, 32]


def test_full_goes_on_after_the_first_difference(ask, tmp_path):
    result = run(ask("trains.py", 50, 7, full=True)).result
    assert result.verdict == "diverged"
    assert result.divergence.step == 7
    assert [(trial.status, trial.steps) for trial in result.trials] == [("complete", 50)] * 2


def test_steps_say_that_only_a_beginning_was_compared(ask):
    result = run(ask("trains.py", 100000, steps=30)).result
    assert result.verdict == "repeated"
    assert (result.scope.kind, result.scope.steps_compared) == ("prefix", 30)


def test_a_budget_that_the_first_steps_exceed_compares_what_was_made(ask):
    began = time.monotonic()
    result = run(ask("trains_slowly.py", 100000, 0.4, budget=5.0)).result  # so that a busy machine makes a step, too
    assert result.scope.kind == "prefix"
    assert 0 < result.scope.steps_compared < 20
    assert result.verdict == "repeated"
    assert time.monotonic() - began < 60


def test_all_ranks_are_stopped_together(ask, tmp_path):
    result = run(ask("starts_two_ranks.py", 2, 2, steps=20)).result
    assert result.verdict == "repeated"
    assert [len(trial.observed) for trial in open_record(tmp_path / "record").trials] == [2, 2]


def test_a_rank_that_left_no_trace_is_missed(ask):
    result = run(ask("starts_two_ranks.py", 3, 2, full=True)).result
    assert result.verdict == "inconclusive"
    assert "rank" in result.reason


def test_a_pipeline_is_stopped_in_the_process_that_gets_so_far(ask, tmp_path):
    result = run(ask("pretrains_then_finetunes.py", steps=20)).result
    assert result.verdict == "repeated"
    assert [process.steps for process in open_record(tmp_path / "record").trials[0].observed] == [10, 20]


def test_a_recorded_run_is_joined_by_more_trials(ask, tmp_path):
    recording = record(ask("trains.py", 50))
    result = run_more(recording.folder, Addition(2)).result
    assert result.verdict == "repeated"
    assert result.groups == [[1, 2, 3]]
    assert rounds_of(recording.folder) == [(None, [1]), (None, [2, 3])]
    assert open_record(recording.folder).file.options.trials == 3


def test_trials_added_to_a_divergence_are_stopped_where_it_was(ask, tmp_path):
    run(ask("trains.py", 100000, 7))
    result = run_more(tmp_path / "record", Addition(1)).result
    assert result.verdict == "diverged"
    assert len(result.groups) == 3
    assert [trial.status for trial in result.trials] == ["stopped"] * 3


def test_a_long_recorded_run_is_checked_by_a_few_steps(ask, tmp_path):
    recording = record(ask("trains.py", 500))
    result = run(ask("trains.py", 500, out="second", against=recording.folder, steps=30)).result
    assert result.verdict == "repeated"
    assert (result.scope.kind, result.scope.steps_compared, result.scope.steps_total) == ("prefix", 30, 500)
    assert [(trial.id, trial.status) for trial in result.trials] == [(1, "complete"), (2, "stopped")]
    assert open_record(recording.folder).trials[0].observed[0].steps == 500


def test_a_difference_from_the_recorded_run_is_found(ask, tmp_path, steps_allowed):
    steps_allowed(20)
    recording = record(ask("trains.py", 500, 25))
    result = run(ask("trains.py", 500, 25, out="second", against=recording.folder)).result
    assert result.verdict == "diverged"
    assert result.divergence.step == 25
    assert rounds_of(tmp_path / "second") == [(20, [2]), (200, [2]), (45, [2])]  # once more, without a wait


def test_another_setup_than_the_recorded_one_is_said(ask, tmp_path):
    recording = record(ask("trains.py", 40))
    result = run(ask("trains.py", 41, out="second", against=recording.folder, steps=30)).result
    assert any("the command" in warning and "recorded" in warning for warning in result.warnings)


def test_against_needs_a_record_with_a_run_that_ended(ask, tmp_path):
    with pytest.raises(NotFoundError):
        run(ask("trains.py", 5, against=tmp_path / "nowhere"))
    recording = record(ask("exits_three.py"))
    with pytest.raises(RecordError, match="no trial"):
        run(ask("trains.py", 5, out="second", against=recording.folder))
    with pytest.raises(SamebitsError):
        run_more(recording.folder, Addition(1))
    assert not (tmp_path / "second").exists()


def test_the_size_of_a_divergence_is_looked_up(ask, tmp_path):
    result = run(ask("trains.py", 50, 7)).result
    assert result.divergence.size is not None
    assert result.divergence.size.elements == 1
    assert not (tmp_path / "record" / "captures").exists()


class Told(Progress):
    def __init__(self):
        self.words = []

    def round_started(self, steps, trials):
        self.words.append(("round", steps, trials))

    def trial_started(self, id, of, steps_total):
        self.words.append(("started", id, of, steps_total))

    def trial_step(self, id, step):
        self.words.append(("step", id))

    def trial_ended(self, id, status, steps, seconds):
        self.words.append(("ended", id, status, steps))


def test_progress_is_told_of_rounds_trials_and_steps(ask):
    told = Told()
    run(ask("trains_slowly.py", 10, 0.05), told)
    assert told.words[:2] == [("round", 20, 2), ("started", 1, 2, 20)]
    assert ("step", 1) in told.words
    assert ("ended", 2, "complete", 10) in told.words


def test_no_second_look_where_it_would_take_more_than_a_minute():
    slow = TrialFile(id=1, status="stopped", started="", seconds=20.0)
    assert captures.seconds_needed([slow]) > captures.MOST_SECONDS


def test_the_record_that_is_compared_with_is_never_replaced(ask, tmp_path):
    recording = record(ask("trains.py", 30))
    with pytest.raises(UsageError, match="the record of --against"):
        run(ask("trains.py", 30, against=recording.folder, overwrite=True))
    with pytest.raises(UsageError, match="the record of --against"):
        run(ask("trains.py", 30, out=".", against=recording.folder, overwrite=True))
    assert open_record(recording.folder).trials[0].file.status == "complete"


def test_steps_that_the_program_leaves_out_take_no_time(ask):
    result = run(ask("observes_few_steps.py", 2**40)).result
    assert (result.verdict, result.scope.steps_compared) == ("repeated", 2**40 + 1)
    stopped = run(ask("observes_few_steps.py", 2**40, out="second", steps=30)).result
    assert [trial.status for trial in stopped.trials] == ["stopped"] * TRIALS
    assert stopped.scope.steps_compared == 30


def test_a_folder_that_would_hide_the_probe_is_refused(ask, tmp_path):
    with pytest.raises(UsageError, match="':'"):
        run(ask("trains.py", 5, out="a:b/record"))
    assert not (tmp_path / "a:b").exists()


def test_no_trial_begins_after_two_have_diverged(ask, tmp_path, steps_allowed):
    steps_allowed(20)
    result = run(ask("trains.py", 100000, 7, trials=5)).result
    assert (result.verdict, result.divergence.step, len(result.trials)) == ("diverged", 7, 2)
    assert rounds_of(tmp_path / "record") == [(20, [1, 2])]


@pytest.mark.parametrize("options", [{"models": True}, {"full": True}])
def test_all_trials_run_if_the_user_wants_to_count_the_models(ask, steps_allowed, options):
    steps_allowed(20)
    notes = Notes()
    result = run(ask("trains.py", 50, 7, trials=4, **options), notes).result
    assert (result.verdict, len(result.trials)) == ("diverged", 4)
    early = [note for note in notes.said if note.endswith("The other trials go on.")]
    assert early == ["2 trials, 2 models: they diverge at step 7 (gradient). The other trials go on."]
