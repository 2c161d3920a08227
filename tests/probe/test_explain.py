"""explain on real processes: programs whose sources of variation are known."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from samebits import causes, checks, cli, localization, patches
from samebits.causes import confirmation
from samebits.causes.decision_rule import LEAST
from samebits.errors import NotFoundError, RecordExists, UsageError
from samebits.experiment import Progress, recorded_trials
from samebits.kept_record import judged
from samebits.launch.processes.local import LocalLauncher
from samebits.model import Result
from samebits.reports.presenters import PRESENTERS, render
from samebits.reports.result_report import report
from samebits.store.record import left_result, open_record

TRIALS = 5
# one of each kind: a seed, a variable of the start, the system, the order of threads, memory; the rest is simulated
ALONE = ["python-seed", "hash-seed", "clock", "serial-threads", "fill-uninitialized", "aslr"]


class Notes(Progress):
    """Keeps what is told."""

    def __init__(self):
        self.notes, self.parts = [], []

    def note(self, text):
        self.notes.append(text)

    def part_started(self, text):
        self.parts.append(text)


def why(request, **more):
    result = causes.run(request, **more).result
    return result, result.explanation


@pytest.fixture(scope="module")
def searches():
    """The searches that tests share: {source: (request, result, what was told)}."""
    return {}


@pytest.fixture
def searched(ask, searches):
    """Function(source) -> (request, result, Notes) of a search that is made once. Nobody adds to its record."""

    def search(source):
        if source not in searches:
            request, notes = ask("varies_by.py", source), Notes()
            searches[source] = request, causes.run(request, notes).result, notes
        return searches[source]

    return search


QUICK = {"python-seed", "hash-seed", "clock"}


@pytest.mark.parametrize("source", [pytest.param(one, marks=[] if one in QUICK else pytest.mark.slow) for one in ALONE])
def test_each_source_is_named_by_the_control_that_pins_it(searched, source):
    _, result, _ = searched(source)
    found = result.explanation
    assert (result.verdict, found.cause, found.outside_known_controls) == ("diverged", [source], False)
    agreed = [row for row in found.evidence if row.state == "agreed"]
    assert agreed[0].trials >= found.needed >= LEAST
    assert found.chance < 0.01
    assert found.fixes
    assert found.evidence[0].controls == []
    assert found.evidence[0].groups > 1


OWN_GENERATOR = """import random
from samebits_probe import observe
random.seed(1)
own = random.Random()
for step in range(3):
    observe("weight", own.random(), step=step)
"""


def test_a_generator_of_its_own_is_named_because_the_lines_for_the_seed_do_not_reach_it(ask, searched, tmp_path):
    (tmp_path / "work" / "train.py").write_text(OWN_GENERATOR)
    _, found = why(replace(ask("varies_by.py", out="own"), command=[sys.executable, "train.py"]))
    assert found.cause == ["python-seed"]
    assert any(note.startswith("the lines for python-seed do not reach train.py:4:") for note in found.notes)
    _, result, _ = searched("python-seed")  # it draws from the hidden generator: the lines reach it
    assert not any("do not reach" in note for note in result.explanation.notes)


def test_two_sources_are_both_named_and_each_is_needed(ask, few_agree):
    _, found = why(ask("varies_by.py", "python-seed", "hash-seed"))
    assert found.cause == ["python-seed", "hash-seed"]
    states = {tuple(row.controls): row.state for row in found.evidence}
    assert states[("python-seed", "hash-seed")] == "agreed"
    assert states[("python-seed",)] == states[("hash-seed",)] == "parted"


def test_a_source_that_shows_later_in_the_training_is_found_too(ask):
    """The first look sees 20 steps; with the first cause pinned, the trials diverge at the 25th."""
    _, found = why(ask("varies_by.py", "python-seed", "hash-seed@25"))
    assert found.cause == ["python-seed", "hash-seed"]
    assert found.compared == "whole trials of 30 steps"


def test_two_trials_agree_on_the_part_that_was_compared_and_all_others_make_more_steps(ask):
    """A budget keeps the first round at 20 of 30 steps."""
    _, found = why(ask("varies_by.py", "python-seed", budget=3600.0))
    rows = [(row.steps, row.trials, row.state) for row in found.evidence if row.controls == ["python-seed"]]
    (first, likely, _), (last, agreed, state) = rows
    assert first == 20 < last
    assert (likely, agreed, state) == (2, found.needed, "agreed")
    assert found.needed == LEAST
    assert found.compared == "whole trials of 30 steps"


def test_a_known_source_before_an_unknown_one_is_named_beside_it(ask, few_agree):
    _, found = why(ask("varies_by.py", "python-seed", "noise@3"))
    assert (found.cause, found.outside_known_controls) == (["python-seed"], True)


def test_what_was_held_already_is_held_in_all_settings(ask, few_agree):
    _, found = why(ask("varies_by.py", "python-seed", "hash-seed", controls=["python-seed"]))
    assert found.cause == ["hash-seed"]
    assert all("python-seed" in row.controls for row in found.evidence)


def test_a_program_that_repeats_has_nothing_to_explain(ask):
    result, found = why(ask("varies_by.py"))
    assert result.verdict == "repeated"
    assert found.sentence == "Nothing to explain: repeated in 5 of 5."
    assert (found.cause, found.minimal_controls) == ([], [])


def test_a_file_that_diverges_in_a_program_without_a_step_is_explained(ask, few_agree):
    result, explanation = why(ask("writes_without_a_step.py", "policy.bin"))
    assert (result.verdict, result.divergence.kind) == ("diverged", "end")
    assert explanation.cause == ["python-seed"]


def test_a_cause_is_found_beside_a_result_that_differs_whatever_is_held(ask, few_agree):
    _, found = why(ask("scores_by_chance.py"))
    assert found.cause == ["python-seed"]
    assert "score.json > score still differs, and samebits does not know whether that counts" in found.notes


DRAWS_BATCHES = """\
import random
from samebits_probe import observe
for step in range(3):
    observe("batch", random.random(), step=step)
"""


def test_trials_that_agree_in_the_batch_that_differed_agree_although_nothing_else_is_seen(ask, tmp_path):
    (tmp_path / "train.py").write_text(DRAWS_BATCHES)
    result, found = why(replace(ask("exits_three.py"), command=[sys.executable, str(tmp_path / "train.py")]))
    assert (result.divergence.kind, found.cause) == ("batch", ["python-seed"])
    said = "with python-seed held, the trials agree where they diverged before, but too little was observed"
    assert any(note.startswith(said) for note in found.notes)


def test_a_program_that_gives_no_answer_has_no_explanation(ask):
    result, found = why(ask("exits_three.py"))
    assert (result.verdict, found) == ("inconclusive", None)


# each trial that waits takes its whole time
WAYS = [("fails", "the clock is wrong"), pytest.param("waits", "ended after", marks=pytest.mark.slow(seconds=25))]


@pytest.mark.parametrize(("way", "said"), WAYS)
def test_a_control_that_the_program_does_not_run_with_is_left_out_and_the_search_goes_on(
    ask, few_agree, tried, way, said
):
    tried("python-seed", "clock", "hash-seed", "aslr")
    _, found = why(ask("needs_its_clock.py", way, timeout=5.0))
    assert found.cause == ["hash-seed"]
    assert list(found.not_applicable) == ["clock"]
    assert said in found.not_applicable["clock"]


@pytest.mark.parametrize("stalled", [6, 7, 10])
def test_a_trial_that_stalls_once_changes_no_answer(ask, monkeypatch, few_agree, stalled):
    """The start that stalls: 6 is a run that measures, 7 the first trial of a setting, 10 a later trial."""
    monkeypatch.setattr(recorded_trials, "LEAST_SECONDS", 3.0)
    monkeypatch.setattr(recorded_trials, "SLOWER", 1.0)
    starts, start = [], LocalLauncher.start

    def start_or_stall(launcher, job):
        starts.append(job)
        sleeps = {"executable": "/bin/sleep", "command": ["sleep", "600"]}
        return start(launcher, replace(job, **sleeps) if len(starts) == stalled else job)

    monkeypatch.setattr(LocalLauncher, "start", start_or_stall)
    _, found = why(ask("varies_by.py", "hash-seed", jobs=1))
    assert (found.cause, found.not_applicable) == (["hash-seed"], {})
    assert len(starts) > stalled


def test_a_record_is_explained_from_what_it_says(ask, readings):
    request = ask("varies_by.py", "hash-seed", controls=["python-seed"], seed=7)
    checks.run(request)
    readings.clear()
    result = causes.run(request.out).result
    assert set(readings.values()) == {1}
    assert result.explanation.cause == ["hash-seed"]
    assert result.setup.seed == 7
    assert Path(result.record) == request.out
    assert len(result.trials) >= TRIALS


def test_the_size_of_the_difference_stays_where_a_record_is_explained(ask):
    request = ask("varies_by.py", "python-seed")
    size = checks.run(request).result.divergence.size
    assert size is not None
    assert causes.run(request.out).result.divergence.size == size
    assert left_result(request.out).divergence.size == size


def test_new_trials_of_a_record_whose_script_has_changed_are_refused(ask, tmp_path):
    request = ask("varies_by.py", "python-seed")
    script = tmp_path / "work" / "train.py"
    script.write_bytes(Path(request.command[1]).read_bytes())
    request.command[1] = str(script)
    checks.run(request)
    script.write_text(script.read_text() + "\n")
    for again in (causes.run, localization.run, lambda record: checks.run_more(record, checks.Addition(1))):
        with pytest.raises(UsageError, match="has changed since"):
            again(request.out)
    script.unlink()
    with pytest.raises(NotFoundError):
        causes.run(request.out)


def test_new_trials_with_a_different_program_are_refused(ask, tmp_path, monkeypatch):
    """As in a shell where no virtual environment is active: each setting of a search failed, and took its trials."""
    request, found = ask("varies_by.py", "python-seed"), os.environ["PATH"]
    programs = [tmp_path / name / "python" for name in "ab"]
    for program in programs:
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        program.chmod(0o755)
    request.command[0] = "python"
    monkeypatch.setenv("PATH", f"{programs[0].parent}:{found}")
    checks.run(request)
    monkeypatch.setenv("PATH", f"{programs[1].parent}:{found}")
    with pytest.raises(UsageError, match=f"^python was {programs[0]} when .* recorded, and is {programs[1]} now"):
        causes.run(request.out)


def test_the_record_keeps_the_explanation_for_every_report(searched, fits_schema):
    request, made, _ = searched("clock")
    fits_schema("result", (request.out / "result.json").read_text())
    fits_schema("explain", made.explanation.model_dump_json())
    record = open_record(request.out)
    again = judged(record)
    assert again.explanation == made.explanation
    assert Result.model_validate_json(json.dumps(json.loads(made.model_dump_json()))) == made
    for name in PRESENTERS:
        assert "clock" in render(name, report(again, record)) or name == "junit"
    assert open_record(Path(made.explanation.evidence[1].record)).trials


@pytest.mark.slow
def test_what_controls_cost_is_not_told_of_steps_that_take_no_time(ask, monkeypatch):
    monkeypatch.setattr(confirmation, "LEAST_SPAN", math.inf)  # on a busy machine, no step is short
    found = why(ask("varies_by.py", "entropy"))[1]
    assert found.cost == {}
    assert any("the steps are too few or too short to be timed" in note for note in found.notes)


def test_what_is_likely_and_how_far_its_confirmation_is_are_told(searched):
    _, result, notes = searched("python-seed")
    likely = notes.notes.index("likely: python-seed (2 of 2 trials agree); samebits runs more to confirm it")
    assert any(note.startswith(f"python-seed held: {LEAST} trials") for note in notes.notes[likely:])
    parts = [part for part in notes.parts if part.startswith("python-seed held")]
    # on a slow machine, the trials of the check may have fewer steps: then two trials show whether there is time for more
    looks = parts.count("python-seed held: 0 of 2 trials")
    assert parts[:looks] == ["python-seed held: 0 of 2 trials"] * looks
    assert [part.partition(" trials, ")[0] for part in parts[looks:]] == [
        f"python-seed held: {n} of {LEAST}" for n in range(2, LEAST)
    ]
    assert all(part.endswith(" left") for part in parts[looks:])
    assert result.explanation.trials == 5 + 2 * (looks - 1) + LEAST


def test_what_nobody_would_keep_is_tried_on_request_only(ask, few_agree):
    request = ask("varies_by.py", "python-seed")
    checked = causes.run(request)
    found = checked.result.explanation
    note = "not every alternative was tried: samebits explain --alternatives"
    assert any(said.startswith(note) for said in found.notes)
    again = causes.run(request.out, alternatives=True).result.explanation
    assert again.cause == found.cause == ["python-seed"]
    assert not any(said.startswith(note) for said in again.notes)
    assert again.trials > found.trials


class Stops(Progress):
    """Ctrl-C when `note` is told, or while a trial of that number runs with nothing held."""

    def __init__(self, note=None, trial=None):
        self.words, self.trial, self.part = note, trial, ""

    def part_started(self, text):
        self.part = text

    def note(self, text):
        if self.words is not None and text.startswith(self.words):
            raise KeyboardInterrupt

    def trial_step(self, id, step):
        if id == self.trial and self.part.startswith("nothing held"):
            raise KeyboardInterrupt


def test_what_was_known_when_the_search_was_stopped_is_kept_and_shown(ask, capsys):
    request = ask("varies_by.py", "python-seed")
    with pytest.raises(KeyboardInterrupt):
        causes.run(request, Stops(note=f"python-seed held: {LEAST} trials"))
    found = judged(open_record(request.out)).explanation
    assert (found.unfinished, found.cause) == (True, [])
    assert {tuple(row.controls): row.trials for row in found.evidence}[("python-seed",)] == LEAST
    assert cli.main(["report", str(request.out)]) == 1
    said = capsys.readouterr().out
    so_far = f"So far: python-seed held: {LEAST} trials repeat"
    assert f"WHY: Not known: the search was stopped before its end. {so_far}" in said
    again = causes.run(request.out).result.explanation
    assert (again.unfinished, again.cause) == (False, ["python-seed"])


@pytest.mark.parametrize("by_record", [True, False])
def test_a_search_that_was_stopped_goes_on_without_running_whole_settings_again(ask, by_record):
    request, first, notes = ask("varies_by.py", "python-seed", "clock@3", trials=3), Stops(note="likely: "), Notes()
    with pytest.raises(KeyboardInterrupt):
        causes.run(request, first)
    stopped = left_result(request.out).explanation.evidence
    made = {path: path.stat().st_mtime_ns for path in (request.out / "explain").glob("*/trials/*")}
    assert len(made) > 3
    again = causes.run(request.out if by_record else request, notes).result.explanation
    assert (again.unfinished, set(again.cause)) == (False, {"python-seed", "clock"})
    assert any(said.endswith("goes on where it was stopped") for said in notes.notes)
    assert {path: path.stat().st_mtime_ns for path in made} == made, "its trials are still those of the first search"
    assert [row.controls for row in again.evidence[: len(stopped)]] == [row.controls for row in stopped]
    assert again.trials >= sum(row.trials for row in again.evidence), "timed trials count too"


TELLS_ITS_RESULT = """
import sys
import numpy
generator = numpy.random.default_rng()
weights = numpy.zeros(3)
for _ in range(50):
    weights -= 0.1 * (weights - 1) + 0.01 * generator.normal(size=3)
log = open("train.log", "a") if "log" in sys.argv else sys.stdout
log.write(f"final weight {weights[0]:.6f}\\n")
"""


@pytest.mark.parametrize(("words", "place"), [(["log"], "train.log > line 2"), ([], "stdout > line 1")])
def test_a_result_in_a_log_is_judged_alike_with_and_without_controls(ask, words, place):
    """Only the check has trials with a faster clock, and each trial adds a line to a log that was there before."""
    request = ask("exits_three.py", trials=5)
    (request.directory / "train.py").write_text(TELLS_ITS_RESULT)
    (request.directory / "train.log").write_text("final weight 0.500000\n")
    request = replace(request, command=[sys.executable, "train.py", *words])
    result, explained = why(request)
    assert (result.verdict, result.divergence.name) == ("diverged", place)
    assert explained.minimal_controls == [["numpy-generator"]]
    assert explained.evidence[0].groups == explained.evidence[0].trials, "no trial started from the log of another one"
    agree = [row.controls for row in explained.evidence if row.groups == 1 and row.trials > 1]
    assert all({"numpy-generator", "entropy"} & {*held} for held in agree), agree
    if not words:
        assert patches.fix(patches.FixRequest(request.out, apply=True)).outcome == "mended"


def test_a_changed_script_begins_a_new_search(ask, tmp_path):
    (tmp_path / "train.py").write_text(DRAWS_BATCHES)
    request = replace(ask("exits_three.py", trials=3), command=[sys.executable, str(tmp_path / "train.py")])
    with pytest.raises(KeyboardInterrupt):
        causes.run(request, Stops(note="likely: "))
    (tmp_path / "train.py").write_text(DRAWS_BATCHES + "\n")
    with pytest.raises(RecordExists):
        causes.run(request)


def test_a_trial_that_was_stopped_while_a_record_was_explained_does_not_stay_in_it(ask, capsys):
    request = ask("varies_by.py", "entropy", trials=3)
    checks.run(request)
    with pytest.raises(KeyboardInterrupt):
        causes.run(request.out, Stops(trial=4))
    record = open_record(request.out)
    assert [trial.id for trial in record.trials] == [1, 2, 3]
    assert cli.main(["report", str(request.out)]) == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_record_that_can_be_reported(ask, tmp_path, capsys, number, status):
    request = ask("varies_by.py", "python-seed", "hash-seed", "clock")
    words = [sys.executable, "-m", "samebits", "explain", "-n", "3", "--out", str(request.out), "--", *request.command]
    samebits = subprocess.Popen(words, cwd=request.directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (request.out / "explain").is_dir():
        assert samebits.poll() is None
        time.sleep(0.05)
    samebits.send_signal(number)
    _, said = samebits.communicate(timeout=60)
    assert samebits.returncode == status, said
    assert b"Traceback" not in said
    assert cli.main(["report", str(request.out)]) == 1
    assert "DIFFERENT BITS" in capsys.readouterr().out
