"""What explain found, in every report."""

import pytest

from samebits.explanation import Evidence, Explanation, Fix
from samebits.reports import explained, render

FOUND = Explanation(
    cause=["numpy-seed", "hash-seed"],
    operator="aten::index_put",
    minimal_controls=[["numpy-seed", "hash-seed"], ["hash-seed", "entropy"]],
    cost={"numpy-seed+hash-seed": 1.0},
    evidence=[
        Evidence(controls=[], trials=5, groups=4, state="parted", part="step 0 > batch > <x>"),
        Evidence(controls=["numpy-seed", "hash-seed", "clock", "entropy", "threads"], trials=2, groups=1),
        Evidence(controls=["clock"], trials=1, groups=0, state="broke", why="it ended with exit status 1"),
        Evidence(controls=["threads"], trials=2, groups=2, state="parted"),
        Evidence(controls=["numpy-seed", "hash-seed"], trials=12, groups=1, state="agreed"),
    ],
    sentence="numpy-seed and hash-seed: with them held, 12 of 12 repeat.",
    not_applicable={"clock": "it ended with exit status 1"},
    without_effect={"serial-threads": "a thread waits"},
    needed=12,
    chance=0.004,
    compared="whole trials of 5 steps",
    fixes=[Fix(control="hash-seed", library="", where="in the shell", lines=["export PYTHONHASHSEED=0"])],
    notes=["each is needed"],
    seconds=61.0,
)


def test_the_lines_say_cause_evidence_cost_and_what_to_paste():
    text = "\n".join(explained.lines(FOUND))
    assert text.startswith("=> WHY: numpy-seed and hash-seed: with them held, 12 of 12 repeat.")
    for said in (
        "nothing", "everything (5)", "numpy-seed, hash-seed", "does not run: it ended with exit status 1",
        "paste  in the shell:", "export PYTHONHASHSEED=0", "cost   numpy-seed and hash-seed: 1.00 times the step",
        "also   hash-seed and entropy would do as well", "the operator aten::index_put", "unfit  clock",
        "unheld serial-threads", "12 trials must agree (one that does nothing passes in 0.4 of 100 searches)",
    ):  # fmt: skip
        assert said in text, (said, text)
    assert "\n   threads" not in text


def test_all_that_was_tried_is_in_the_rows():
    assert [row[0] for row in explained.rows(FOUND)] == [
        "nothing", "everything (5)", "clock", "threads", "numpy-seed, hash-seed",
    ]  # fmt: skip


def test_what_repeats_is_one_line():
    repeated = Explanation(
        cause=[], minimal_controls=[], evidence=[Evidence(controls=[], trials=5, groups=1)],
        sentence="Nothing to explain: repeated in 5 of 5.",
    )  # fmt: skip
    assert explained.lines(repeated) == ["   why    Nothing to explain: repeated in 5 of 5."]


@pytest.mark.parametrize("name", ["terminal", "md", "html", "json"])
def test_each_report_has_the_explanation_and_does_without_it(name, diverged):
    result, record = diverged, None
    assert "PYTHONHASHSEED=0" not in render(name, result, record)
    text = render(name, result.model_copy(update={"explanation": FOUND}), record)
    assert "export PYTHONHASHSEED=0" in text
    assert "<x>" not in text or name in ("terminal", "json")


def test_a_check_says_how_to_find_out_why_and_an_explanation_does_not(diverged):
    result, record = diverged, None
    result = result.model_copy(update={"record": "a-record"})
    assert "samebits explain" in render("terminal", result, record)
    assert "samebits explain" not in render("terminal", result.model_copy(update={"explanation": FOUND}), record)
