"""The terminal shows the verdict as the contract writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits import words
from samebits.model import HeldControl, Scope, Setup
from samebits.reports import result_report
from samebits.reports.presenters import terminal
from samebits.reports.result_report import report
from samebits.reports.table import Column, Table

REPEATED = """\
=  SAME BITS: 5 trials, one model. All 1,200 steps compared.
   start = | rng = | batch = | forward = | gradient = | update = | end =
   1-5  [####################]  1,200 steps  31 s   model 9f3c-21ab
   If half of all runs differ, 5 trials notice it with 94 % probability; if 1 run in 10 differs, with 41 %. \
This machine and setup only.
"""

DIVERGED = """\
!= DIFFERENT BITS: 5 trials, 3 models. They diverge at step 0.   stopped after 6 s
   start = | rng = | batch = | forward = | gradient != | update . | end .
   1 [=!        ] A    where  step 0 > gradient > embed.weight
   2 [=!        ] A    size   812 of 65,536 values, at most 3 ULP
   3 [=!        ] B    looks  like rounding: same sums in a different order
   4 [=!        ] C    also   update > embed.weight
   5 [=!        ] A    effect not known: the trials were stopped early (--full trains to the end)
"""

INCONCLUSIVE = """\
?  NO ANSWER: trial 2 started from a file that trial 1 had written.
   do this  samebits check -- python train.py --output-dir '{out}'
"""


def shown(result, record=None, **options):
    return terminal.render(report(result, record), **options)


def test_repeated_is_shown_as_in_the_contract(repeated):
    assert shown(repeated) == REPEATED


@pytest.mark.parametrize("name", ["repeated", "diverged"])
def test_it_says_how_many_trials_ran_side_by_side(name, request):
    result = request.getfixturevalue(name)
    beside = result.model_copy(update={"at_a_time": 3, "at_a_time_why": "each needs 1 core, and 4.0 are idle"})
    assert "beside At most 3 trials ran side by side: each needs 1 core, and 4.0 are idle." in " ".join(
        shown(beside, width=200).split()
    )
    assert "side by side" not in shown(result)


def test_diverged_is_shown_as_in_the_contract(diverged):
    assert shown(diverged).startswith(DIVERGED)


def test_inconclusive_is_shown_as_in_the_contract(inconclusive):
    assert shown(inconclusive) == INCONCLUSIVE


def test_a_divergence_ends_with_what_to_do_next(diverged):
    assert "samebits explain .samebits/run" in shown(diverged)
    strict = diverged.model_copy(update={"setup": diverged.setup.model_copy(update={"preset": "strict"})})
    assert "--preset strict" not in shown(strict)


@pytest.mark.parametrize("name", ["repeated", "diverged", "inconclusive", "hostile"])
@pytest.mark.parametrize("width", [None, 20, 40, 79, 80, 100, 200])
def test_the_text_is_plain_ascii_that_moves_no_cursor(name, width, request):
    text = shown(request.getfixturevalue(name), width=width)
    assert all(" " <= character <= "~" or character == "\n" for character in text)


def test_a_narrow_terminal_shows_the_facts_below_the_trials(diverged):
    lines = shown(diverged, width=60).splitlines()
    assert "   1 [=!        ] A" in lines
    assert "   where  step 0 > gradient > embed.weight" in lines
    assert all(len(line) <= 60 for line in lines if "samebits " not in line)


def test_a_fact_beside_the_trials_continues_below_its_words(diverged):
    lines = shown(diverged, width=80).splitlines()
    at = next(place for place, line in enumerate(lines) if "effect not known" in line)
    assert lines[at + 1] == " " * lines[at].index("not known") + "trains to the end)"


@pytest.mark.parametrize("width", range(40, 80))
def test_the_line_of_marks_is_not_wider_than_the_terminal(repeated, width):
    assert max(len(line) for line in shown(repeated, width=width).splitlines()) <= width


@pytest.mark.parametrize("width", range(40, 80))
def test_prose_in_the_last_column_of_a_table_is_not_wider_than_the_terminal(width):
    columns = [Column("held"), Column("trials", number=True), Column("outcomes", number=True), Column("", wide=True)]
    table = Table(
        "held", "", tuple(columns), (("torch-seed", "5", "5", "diverge: start > 0.weight, and later elsewhere"),)
    )
    lines = [line.text for whole in terminal._rows(table, width) for line in terminal._folded(whole, width)]
    assert max(map(len, lines)) <= width
    assert "".join(lines).count("diverge") == 1


def test_a_trial_that_trained_on_shows_its_group_to_the_end(diverged):
    whole = diverged.model_copy(
        update={
            "trials": [t.model_copy(update={"status": "complete", "steps": 1200}) for t in diverged.trials],
            "scope": Scope(kind="whole", steps_compared=1200, steps_total=1200),
        }
    )
    text = shown(whole)
    assert "3 [=!BBBBBBBB] B" in text
    assert "stopped after" not in text


@pytest.mark.parametrize(
    ("step", "kind", "bar"),
    [
        (-1, "start", "!BBBBBBBBB"),
        (0, "gradient", "=!BBBBBBBB"),
        (149, "gradient", "=!BBBBBBBB"),
        (150, "gradient", "==!BBBBBBB"),
        (1199, "update", "========!B"),
        (1200, "end", "=========!"),
    ],
)
def test_a_bar_shows_no_equal_step_before_a_divergence_at_step_0(diverged, step, kind, bar):
    divergence = diverged.divergence.model_copy(update={"step": step, "kind": kind})
    whole = diverged.model_copy(
        update={
            "divergence": divergence,
            "trials": [t.model_copy(update={"status": "complete", "steps": 1200}) for t in diverged.trials],
            "scope": Scope(kind="whole", steps_compared=1200, steps_total=1200),
        }
    )
    assert f"3 [{bar}] B" in shown(whole)


@given(step=st.integers(-1, 400), total=st.integers(1, 400))
def test_a_bar_has_its_sign_where_trials_diverge_whatever_the_numbers(step, total):
    assert 0 <= result_report._equal_cells(step, "update", total) <= result_report.STEP_CELLS
    assert (result_report._equal_cells(step, "update", total) == 0) == (step < 0)


def test_a_failed_trial_says_so_where_its_group_would_stand(diverged):
    failed = diverged.trials[4].model_copy(update={"status": "failed", "exit_code": 3})
    text = shown(diverged.model_copy(update={"trials": [*diverged.trials[:4], failed], "groups": [[1, 2], [3], [4]]}))
    assert "5 [          ] - failed, exit status 3" in text


def test_failed_trials_are_listed_when_there_is_no_answer(inconclusive):
    failed = inconclusive.trials[1].model_copy(update={"status": "failed", "exit_code": 3, "steps": 7})
    text = shown(inconclusive.model_copy(update={"trials": [inconclusive.trials[0], failed]}))
    assert "trial 2  failed, exit status 3, after 7 steps" in text


def test_a_prefix_is_said_in_the_first_line(repeated):
    prefix = repeated.model_copy(update={"scope": Scope(kind="prefix", steps_compared=200, steps_total=1200)})
    assert shown(prefix).splitlines()[0].endswith("Only the first 200 steps of 1,200 compared.")


def test_trials_that_were_stopped_have_no_model_to_miss(repeated):
    update = {
        "scope": Scope(kind="prefix", steps_compared=20, steps_total=None),
        "trials": [t.model_copy(update={"status": "stopped", "steps": 20, "final": None}) for t in repeated.trials],
    }
    assert "model" not in shown(repeated.model_copy(update=update)).splitlines()[2]


def test_what_was_not_observed_and_not_held_is_said(repeated):
    controls = [HeldControl(id="tf-seed", took_effect=False), HeldControl(id="numpy-seed", took_effect=True)]
    changes = {
        "setup": Setup(command=["python"], python=None, controls=controls),
        "scope": Scope(kind="whole", steps_compared=3, steps_total=3, not_observed=["gradient (in jit)"]),
        "warnings": ["numpy's global RNG is unseeded and unused"],
    }
    text = shown(repeated.model_copy(update=changes))
    assert "held   numpy-seed (without effect: tf-seed)" in text
    assert "unseen gradient (in jit)" in text
    assert "note   numpy's global RNG is unseeded and unused" in text


def test_several_notes_about_what_does_not_count_are_one_line_unless_all_are_wanted(repeated):
    result = repeated.model_copy(update={"warnings": ["a", "b", "c"], "uncounted": ["a", "b"], "record": "rec/x y"})
    said = "2 notes about what does not count are left out. To see them: samebits report --notes 'rec/x y'"
    assert [line for line in shown(result).splitlines() if "note " in line] == ["   note   c", f"   note   {said}"]
    every = terminal.render(report(result, all_notes=True))
    assert [line for line in every.splitlines() if "note " in line] == ["   note   a", "   note   b", "   note   c"]
    assert "note   a" in shown(result.model_copy(update={"uncounted": ["a"]}))


def test_many_trials_are_shown_a_group_a_line(diverged):
    many = [diverged.trials[0].model_copy(update={"id": number}) for number in range(1, 101)]
    groups = [list(range(1, 99)), [99], [100]]
    text = shown(diverged.model_copy(update={"trials": many, "groups": groups}))
    assert "A: 98 trials" in text
    assert len(text.splitlines()) < 15


@pytest.mark.parametrize(
    ("numbers", "said"), [([1], "1"), ([1, 2], "1,2"), ([1, 2, 3], "1-3"), ([5, 1, 3, 2], "1-3,5"), ([], "")]
)
def test_ids_are_said_as_ranges(numbers, said):
    assert words.ids(numbers) == said


@pytest.mark.parametrize(("chance", "said"), [(0.9375, "94"), (0.998, "99.8"), (0.99999999, "99.9"), (0.0, "0")])
def test_a_chance_is_never_rounded_up_to_certainty(chance, said):
    assert words.probability(chance) == f"{said} %"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0:00"), (31, "0:31"), (725, "12:05"), (3723, "1:02:03"), (59.7, "1:00")]
)
def test_a_clock_reads_as_people_write_it(seconds, said):
    assert words.clock(seconds) == said
