"""Trials with a faster clock in a record: which count, what the verdict says of the others, and what reports show."""

import pytest

from samebits.comparison import judge
from samebits.experiment import clock_trials
from samebits.model import ClockLaw, FilesFile, Lines, Options, SavedFile
from samebits.reports import clock_sections, result_report
from samebits.reports.presenters import html, junit, markdown, terminal
from samebits.store import open_record

OTHER = {(1, "update", "fc.weight"): "something else"}


def timed(rate, changes=None, **fields):
    """A trial at this rate, as `Writing.training` makes it."""
    return changes, {"clock_rate": rate, **fields}


def judged(writing, folder, timed, **fields):
    trials = [writing.training(changes, trial=more) for changes, more in timed]
    record = open_record(writing.record(folder, trials, **fields))
    return record, judge(record.file, record.trials)


def left_out(result):
    return {trial.id: trial.left_out for trial in result.trials if trial.left_out}


TRUE = [timed(1.0), timed(1.0), timed(1.0)]


def test_trials_with_a_faster_clock_count_like_the_others(writing, tmp_path):
    _, result = judged(writing, tmp_path / "r", [*TRUE, timed(1000.0), timed(30.0)])
    assert (result.verdict, result.groups, left_out(result)) == ("repeated", [[1, 2, 3, 4, 5]], {})
    assert any(
        "trials 4 and 5 ran with a clock that was 1,000 and 30 times as fast" in text for text in result.warnings
    )


@pytest.mark.parametrize(
    ("fast", "expected"),
    [([timed(1000.0, OTHER), timed(30.0)], {4: "trained differently"}),
     ([timed(1000.0, OTHER), timed(30.0, OTHER)], {4: "trained differently", 5: "trained differently"}),
     ([timed(1000.0, status="timeout"), timed(30.0)], {4: "did not end well"}),
     ([timed(1000.0, status="failed", exit_code=1), timed(30.0, OTHER)],
      {4: "did not end well", 5: "trained differently"})],
)  # fmt: skip
def test_a_trial_that_its_clock_may_have_changed_does_not_count(writing, tmp_path, fast, expected):
    _, result = judged(writing, tmp_path / "r", [*TRUE, *fast], options={"trials": 3})
    assert (result.verdict, left_out(result)) == ("repeated", expected)
    assert {trial for group in result.groups for trial in group}.isdisjoint(expected)
    strict = judged(writing, tmp_path / "strict", [*TRUE, *fast], options={"trials": 3, "strict": True})[1]
    takes_decisions = "trained differently" in expected.values()
    assert strict.verdict == ("inconclusive" if takes_decisions else "repeated")
    assert ("may depend on measured time" in (strict.reason or "")) == takes_decisions


def test_a_trial_that_differs_counts_if_a_still_faster_clock_changes_nothing(writing, tmp_path):
    _, result = judged(writing, tmp_path / "r", [*TRUE, timed(1000.0), timed(30.0, OTHER)])
    assert (result.verdict, left_out(result)) == ("diverged", {})


def test_true_trials_that_diverge_leave_no_faster_one_out_that_agrees_with_one_of_them(writing, tmp_path):
    _, result = judged(writing, tmp_path / "r", [timed(1.0), timed(1.0, OTHER), timed(1000.0, OTHER), timed(30.0)])
    assert (result.verdict, result.groups) == ("diverged", [[1, 4], [2, 3]])


def test_without_a_true_trial_all_count(writing, tmp_path):
    _, result = judged(writing, tmp_path / "r", [timed(30.0), timed(30.0)])
    assert (result.verdict, left_out(result)) == ("repeated", {})


@pytest.mark.parametrize(
    ("left", "longest", "options", "more"),
    [(2, 1.0, {}, 0), (1, 1.0, {}, 1), (0, 600.0, {}, 2), (0, 601.0, {}, 0), (1, 601.0, {}, 0), (2, 9e9, {}, 0),
     (0, 601.0, {"settle": "always"}, 2), (0, 1.0, {"budget": 60.0}, 0)],
)  # fmt: skip
def test_further_trials_run_unasked_only_if_they_are_short(left, longest, options, more):
    assert clock_trials.further(left, longest, Options(**options)) == more


def test_a_trial_with_a_faster_clock_has_a_time_limit_of_its_own():
    assert clock_trials.seconds_allowed(10.0) == 90.0


def test_a_place_that_is_known_to_be_no_time_needs_no_further_trials(writing, tmp_path):
    """A record keeps such places too, so that the trials of a search are judged as those of the check were."""
    trials = [(None, {"files": printing(number)}) for number in (1, 2)]
    place = ClockLaw(place=f"stdout > {PLACES[0]} # > number 1", law="none")
    _, result = judged(writing, tmp_path / "r", trials, settled=[place])
    assert [entry.seen for entry in result.unknown[:2]] == ["it does not follow the clock", ""]
    assert place in result.settled


# -- all places in all reports ----------------------------------------------------------------------------------------

PLACES = [f"measure {letter} is" for letter in "abcdefghijklmnop"]


def printing(number):
    lines = [f"{place} 0.{number}{at}" for at, place in enumerate(PLACES)]
    raw = str(number) * 32
    return FilesFile(printed=[SavedFile(path="stdout", named=False, format="printed",
                                        lines=Lines(raw=raw, count=len(lines), kept=lines))])  # fmt: skip


@pytest.fixture
def unknown(writing, tmp_path):
    """The report of two trials that print sixteen results that differ, and of a value that follows the clock."""
    trials = [(None, {"files": printing(number)}) for number in (1, 2)]
    known = [ClockLaw(place="stdout > took # > number 1", law="duration", ratio=[998.0, 30.1])]
    record, result = judged(writing, tmp_path / "r", trials, settled=known)
    return result, result_report.report(result.model_copy(update={"settled": known}), record)


def test_all_unknown_places_are_named_with_one_way_out(unknown):
    result, _ = unknown
    assert len(result.unknown) == len(PLACES)
    assert (result.unknown[3].place, result.unknown[3].trials) == ("stdout > line 4", [1, 2])
    assert f"({len(PLACES) - 1} more places)" in result.reason
    assert result.advice.count("--ignore") == 1  # all lines are in one place
    assert "--settle always" in result.advice


def test_a_terminal_shows_the_first_places_and_a_page_all(unknown):
    _, report = unknown
    said = terminal.render(report)
    assert said.count("place ") == clock_sections.MOST_LINES
    assert f"and {len(PLACES) - clock_sections.MOST_LINES} more places" in said
    for document in (html.render(report), markdown.render(report)):
        assert all(f"line {at + 1}" in document for at in range(len(PLACES)))
        assert "What trials with a faster clock showed" in document
        assert "took" in document
    assert 'name="follows_the_clock" value="1"' in junit.render(report)
    assert "stdout &gt; line 16: " in junit.render(report)
