"""The public names of samebits: complete, imported when they are used, and with the options of the commands."""

import html
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import samebits
from samebits import keywords
from samebits.options import OPTIONS, REPORTS
from samebits.reports.presenters import terminal
from samebits.reports.result_report import report

FUNCTIONS = ("add", "check", "compare", "explain", "locate", "record", "report")
FORMS = {
    "check": keywords.CheckOptions,
    "record": keywords.RecordOptions,
    "compare": keywords.ReportOptions,
    "explain": keywords.ExplainOptions,
    "locate": keywords.LocateOptions,
    "report": keywords.ReportOptions,
}
# `samebits.add` is a function; the others exist only on the command line
NOT_IN_CHECK = {"add", "run", "bisect", "profile", "show_options", "notes"}
NOT_IN_REPORT = {"statement", "paper", "notes"}
OF_PYTHON = {"directory", "progress"}  # a command line has a current folder and a screen


def test_every_public_name_is_there_and_the_functions_are_those_of_the_commands():
    assert {name for name in samebits.__all__ if callable(getattr(samebits, name)) and name.islower()} == set(FUNCTIONS)
    assert set(samebits.__all__) <= set(dir(samebits))
    with pytest.raises(AttributeError, match="no attribute 'chekc'"):
        _ = samebits.chekc


def test_no_module_takes_the_place_of_a_public_name():
    """An import of `samebits.check` would put the module there, and `samebits.check(...)` would fail from then on."""
    modules = {module.name for module in pkgutil.iter_modules(samebits.__path__)}
    assert modules & set(samebits.__all__) == set()


def test_a_star_imports_the_public_names_alone():
    namespace = {}
    exec("from samebits import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(samebits.__all__)


def test_to_look_at_the_public_names_imports_nothing_heavy():
    code = "import sys, samebits; dir(samebits); samebits.SamebitsError; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in ("numpy", "pydantic", "typing", "samebits.api") if f"'{name}'" in done.stdout] == []


@pytest.mark.parametrize("command", FORMS)
def test_a_function_has_the_options_of_its_command(command):
    of_reports = {option.name for option in REPORTS}
    not_in_compare = {option.name for option in OPTIONS["compare"]} - of_reports  # they check two sides first
    without = {"check": NOT_IN_CHECK, "report": NOT_IN_REPORT, "compare": not_in_compare}
    options = {option.name for option in OPTIONS[command]} - {"ask"} - without.get(command, set())
    with_trials = OF_PYTHON if command not in ("compare", "report") else set()
    assert FORMS[command].__optional_keys__ == options | with_trials


def test_values_are_those_that_the_command_line_would_read():
    read = keywords.values(
        "check",
        keywords.CheckOptions,
        {
            "trials": numpy.int64(7), "budget": "1h30m", "timeout": 0.5, "controls": ("threads",), "full": True,
            "metrics": {"loss": "loss=(.*)"}, "out": Path("r"), "artifacts": "*.pt", "seed": 3,
        },
    )  # fmt: skip
    assert (read["trials"], read["budget"], read["timeout"], read["seed"]) == (7, 5400.0, 0.5, 3)
    assert (read["controls"], read["artifacts"], read["ignores"]) == (("threads",), ("*.pt",), ())
    assert (read["metrics"], read["out"], read["full"], read["jobs"]) == ((("loss", "loss=(.*)"),), "r", True, "auto")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trails": 3}, "no option 'trails'"),
        ({"add": (1, "r")}, "no option 'add'"),
        ({"trials": 1}, "at least two are needed"),
        ({"trials": True}, "trials: "),
        ({"trials": 2.5}, "not a whole number"),
        ({"trials": [2]}, "trials: "),
        ({"timeout": float("nan")}, "not a time"),
        ({"timeout": -1}, "leaves no time"),
        ({"full": 1}, "neither True nor False"),
        ({"controls": 5}, "controls: "),
        ({"controls": ["a\nb"]}, "control character"),
        ({"controls": ["no-such-control"]}, "no-such-control"),
        ({"preset": "no-such-preset"}, "no-such-preset"),
        ({"metrics": {"loss": "("}}, "cannot be read"),
        ({"metrics": {"a=b": "x"}}, "equals sign"),
        ({"out": b"r"}, "not text"),
        ({"out": "\ud800"}, "not UTF-8"),
        ({"json": "-"}, "the function returns the result"),
        ({"json": "no-such-folder/x.json"}, "no-such-folder"),
        ({"progress": print}, "Progress"),
        ({"directory": "no-such-folder"}, "working folder does not exist"),
        ({"python": "no-such-python"}, "no-such-python"),
        ({"python": sys.executable, "environment": "pytorch"}, "both name the interpreter"),
        ({"environment": "no-such-environment"}, "no-such-environment"),
        ({"against": "no-such-record"}, "no-such-record"),
    ],
)
def test_a_bad_option_is_a_samebits_error_and_runs_nothing(options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(samebits.SamebitsError, match=said):
        samebits.check([sys.executable, "-c", "open('ran', 'w')"], **options)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([], "no command"),
        ("", "no command"),
        (None, "not a command"),
        (5, "not a command"),
        (b"train.py", "not a command"),
        (["python", 5], "not a command"),
        (["python", "a\0b"], "NUL"),
        (["python", "\ud800"], "not UTF-8"),
        ("python train.py", r"\['python', 'train.py'\]"),
        ("no_such_script.py", "no script no_such_script.py"),
        (["no-such-program"], "no-such-program"),
    ],
)
def test_a_command_that_is_none_is_a_samebits_error(command, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for function in (samebits.check, samebits.record, samebits.explain):
        with pytest.raises(samebits.SamebitsError) as raised:
            function(command)
        error = raised.value
        assert re.search(said, f"{error.message} {error.advice}"), (error.message, error.advice)


def test_records_that_are_none_are_samebits_errors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = (samebits.report, lambda one: samebits.compare(one, one), lambda one: samebits.add(one, 1))
    for call in calls:
        for folder in ("no-such-record", tmp_path, 5, "", b"x", "a\0b"):
            with pytest.raises(samebits.SamebitsError):
                call(folder)
    for more in (0, -1, "many", None, 2.5):
        with pytest.raises(samebits.SamebitsError):
            samebits.add(tmp_path, more)


def test_options_that_a_record_makes_idle_are_refused(tmp_path):
    for function in (samebits.explain, samebits.locate):
        with pytest.raises(samebits.SamebitsError, match="trials: a record already holds its command"):
            function(tmp_path, trials=3)


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text() | some.binary(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=5,
)


@settings(max_examples=300)
@given(some.sampled_from(sorted(keywords.CheckOptions.__optional_keys__)), ANYTHING)
def test_whatever_is_given_for_an_option_is_read_or_refused_with_a_samebits_error(name, value):
    try:
        read = keywords.values("check", keywords.CheckOptions, {name: value})
    except samebits.SamebitsError:
        return
    assert name in read


@settings(max_examples=100)
@given(ANYTHING)
def test_whatever_is_given_for_a_command_is_words_or_refused_with_a_samebits_error(command):
    try:
        found = keywords.words(command)
    except samebits.SamebitsError:
        return
    assert all(isinstance(word, str) for word in found)


def test_a_notebook_shows_a_result_as_a_terminal_does_with_every_character_escaped(writing, tmp_path):
    judged = writing.judged(tmp_path, [writing.training(), writing.training({(1, "forward", "loss"): 5})])
    result = judged.model_copy(update={"warnings": ["<b>&"]})
    assert repr(result) == f"<Result diverged: {result.sentence}>"
    shown = result._repr_html_()
    assert (shown[:5], shown[-6:]) == ("<pre>", "</pre>")
    inner = shown[5:-6]
    assert "<" not in inner
    assert html.unescape(inner) == terminal.render(report(result, is_whole=False))
    assert "DIFFERENT BITS" in inner
    assert "step 1 &gt; forward &gt; loss" in inner
    assert "&lt;b&gt;&amp;" in inner
