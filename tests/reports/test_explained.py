"""What explain found, in every report."""

import pytest

from samebits.documents import Evidence, Explanation, Fix
from samebits.reports import findings
from samebits.reports.presenters import render, terminal
from samebits.reports.result_report import report
from samebits.reports.tree import Report

FOUND = Explanation(
    cause=["numpy-seed", "hash-seed"],
    operator="aten::index_put",
    minimal_controls=[["numpy-seed", "hash-seed"], ["hash-seed", "entropy"]],
    cost={"numpy-seed+hash-seed": 1.0, "hash-seed+entropy": 1.2},
    cost_range={"numpy-seed+hash-seed": (1.0, 1.0), "hash-seed+entropy": (1.05, 1.4)},
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
    trials=29,
    seconds=61.0,
)


def lines(found):
    """What a terminal shows of an explanation."""
    blocks = tuple(findings.explanation_blocks(found))
    made = Report(verdict="diverged", head="HEAD", headline="Said.", blocks=blocks, document=found)
    return terminal.render(made).splitlines()[1:]


def test_the_lines_say_cause_evidence_cost_and_what_to_paste():
    text = "\n".join(lines(FOUND))
    assert text.startswith("=> WHY: numpy-seed and hash-seed: with them held, 12 of 12 repeat.")
    for said in (
        "nothing", "everything", "numpy-seed, hash-seed", "does not run: it ended with exit status 1",
        "paste  in the shell:", "export PYTHONHASHSEED=0", "cost   hash-seed and entropy: 1.20 times the step (1.05 to 1.40)",
        "also   hash-seed and entropy would do as well", "the operator aten::index_put", "unfit  clock",
        "unheld serial-threads", "29 trials in 61 s; a setting counts only if 12 trials agree; a control without effect would pass in 1 search of",
    ):  # fmt: skip
        assert said in text, (said, text)
    assert "\n   threads" not in text
    assert "numpy-seed and hash-seed: 1.00" not in text


def test_how_many_trials_must_agree_is_said_only_if_some_agreed():
    none = [row for row in FOUND.evidence if row.groups != 1]
    text = "\n".join(lines(FOUND.model_copy(update={"cause": [], "minimal_controls": [], "evidence": none})))
    assert "rule   29 trials in 61 s" in text
    assert "a setting counts" not in text


def test_lines_that_do_as_well_begin_with_or():
    other = Fix(control="hash-seed", library="", where="in the code", lines=["sorted(names)"], instead=True)
    text = "\n".join(lines(FOUND.model_copy(update={"fixes": [*FOUND.fixes, other]})))
    assert "paste  in the shell:" in text
    assert "paste  or, in the code:" in text


def test_all_that_was_tried_is_in_the_rows():
    assert [row[0] for row in findings.rows(FOUND)] == [
        "nothing", "everything", "clock", "threads", "numpy-seed, hash-seed",
    ]  # fmt: skip


SEARCH = ["python-seed", "hash-seed", "clock", "threads", "entropy", "aslr", "listing-order", "serial-threads"]


def searched(*rows, **more):
    """An explanation of a long search: (names held, trials, groups, state) of each setting; all were held once."""
    evidence = [Evidence(controls=list(names), trials=n, groups=g, state=state) for names, n, g, state in rows]
    return Explanation(
        **{"cause": ["python-seed"], "minimal_controls": [["python-seed"]], "evidence": evidence, "needed": 12, **more}
    )


def without(name):
    return [other for other in SEARCH if other != name]


BROKEN = [(SEARCH[place:], 1, 0, "broke") for place in range(2, 7)] + [
    (SEARCH[:place], 1, 0, "broke") for place in range(2, 8)
]
LONG = searched(
    ([], 8, 8, "parted"), *BROKEN, (SEARCH, 2, 1, "open"), (SEARCH, 4, 1, "open"), (["clock"], 2, 2, "parted"),
    (["python-seed"], 1, 1, "open"), (["python-seed"], 12, 1, "agreed"), (without("python-seed"), 2, 2, "parted"),
)  # fmt: skip


def table(found):
    """The words of each row of the table on a terminal."""
    return [line[3:].split("  ")[0] for line in lines(found)[1:] if line.startswith("   ") and line[3] != " "]


def test_the_decisive_rows_are_shown_first_and_the_rest_is_counted():
    rows = table(LONG)[1:]
    assert rows[:4] == ["nothing", "everything", "python-seed", "all but python-seed"]
    shown = len([row for row in rows if row in dict.fromkeys(held[0] for held in findings.rows(LONG))])
    folded = next(line for line in lines(LONG) if "more settings" in line)
    assert f"... and {len(LONG.evidence) - shown} more settings" in folded
    assert "samebits report --html" in folded
    assert rows.count("everything") == rows.count("python-seed") == 1


def test_with_two_causes_what_was_tried_without_each_is_shown():
    found = searched(
        ([], 5, 5, "parted"), (SEARCH, 2, 1, "open"), (["python-seed", "hash-seed"], 12, 1, "agreed"),
        (without("python-seed"), 2, 2, "parted"),
        ([name for name in SEARCH if name not in ("hash-seed", "aslr")], 2, 2, "parted"),
        cause=["python-seed", "hash-seed"], minimal_controls=[["python-seed", "hash-seed"]],
    )  # fmt: skip
    assert {"all but python-seed", "all but aslr, hash-seed"} < set(table(found)), (
        "aslr is never held without hash-seed"
    )


def test_what_everything_is_is_said_once():
    assert "\n".join(lines(LONG)).count(f"everything (8): {', '.join(SEARCH)}") == 1


def test_a_setting_that_stands_twice_on_the_page_says_what_else_was_asked_for():
    more = Evidence(controls=["python-seed"], trials=1, groups=1, without_effect=["jax-determinism"])
    found = LONG.model_copy(update={"evidence": [*LONG.evidence, more]})
    assert findings.rows(found)[-1][3].endswith("(without effect: jax-determinism)")


def test_outside_the_known_controls_the_next_step_and_what_is_left_are_named():
    found = searched(
        ([], 5, 5, "parted"), (SEARCH, 2, 2, "parted"), cause=[], minimal_controls=[], outside_known_controls=True
    )
    found.evidence[0] = found.evidence[0].model_copy(update={"record": "rec/x y"})
    text = "\n".join(lines(found))
    assert "samebits locate 'rec/x y'" in text
    assert "process ids, child programs, system files" in text
    assert "timers" in text
    found.evidence[0] = found.evidence[0].model_copy(update={"part": "step 3 > gradient > w"})
    assert "samebits locate" in "\n".join(lines(found))
    found.evidence[0] = found.evidence[0].model_copy(update={"part": "end > globals w"})  # no operator is there
    text = "\n".join(lines(found))
    assert "samebits locate" not in text
    assert "compare what two runs read before that place" in text
    said = ["Python's random is unseeded: its state already differs at the start", "another"]
    blamed = {"python": said[0]}
    assert found.warnings(said, blamed) == said  # held, it was not enough: it may be one of two causes
    cleared = LONG.model_copy(update={"clears_generators": True})
    assert cleared.warnings(said, blamed) == [f"{said[0]}; that is not why the trials diverge", "another"]


def test_what_repeats_is_one_line():
    repeated = Explanation(
        cause=[], minimal_controls=[], evidence=[Evidence(controls=[], trials=5, groups=1)],
        sentence="Nothing to explain: repeated in 5 of 5.",
    )  # fmt: skip
    assert lines(repeated) == ["   why    Nothing to explain: repeated in 5 of 5."]


@pytest.mark.parametrize("name", ["terminal", "md", "html", "json"])
def test_each_report_has_the_explanation_and_does_without_it(name, diverged):
    result = diverged
    assert "PYTHONHASHSEED=0" not in render(name, report(result))
    text = render(name, report(result.model_copy(update={"explanation": FOUND})))
    assert "export PYTHONHASHSEED=0" in text
    assert "<x>" not in text or name in ("terminal", "json")


@pytest.mark.parametrize("name", ["md", "html"])
def test_a_document_begins_with_the_cause_and_the_lines_to_paste(name, diverged):
    text = render(name, report(diverged.model_copy(update={"explanation": FOUND})))
    assert text.index("export PYTHONHASHSEED=0") < text.index("Where they diverge") < text.index("everything")
    assert "Why they differ" not in text


def test_a_check_says_how_to_find_out_why_and_an_explanation_does_not(diverged):
    result = diverged.model_copy(update={"record": "a-record"})
    explained = result.model_copy(update={"explanation": FOUND})
    for name in ("terminal", "md", "html"):
        assert "samebits explain a-record" in render(name, report(result))
        assert "samebits explain" not in render(name, report(explained))


def test_if_an_operator_can_be_the_cause_the_check_names_locate_first(diverged):
    setup = diverged.setup.model_copy(update={"packages": {"torch": "2"}})
    result = diverged.model_copy(update={"record": "a-record", "setup": setup})
    text = render("md", report(result))
    assert 0 < text.index("samebits locate a-record") < text.index("samebits explain a-record")
    start = result.divergence.model_copy(update={"kind": "start", "step": -1})
    assert "samebits locate" not in render("md", report(result.model_copy(update={"divergence": start})))
