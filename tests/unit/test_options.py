"""The table of options: complete, declared once, and read as it says."""

import shlex

import pytest

from samebits import options as core
from samebits.cli.parser import as_click
from samebits.options import read_duration, read_jobs, read_metric, read_seed, read_steps, read_trials
from samebits_parity import options as parity
from samebits_study import cli as study

OPTIONS = {**core.OPTIONS, **parity.OPTIONS, **study.OPTIONS}
# contract.md
OF_CHECK = set(
    shlex.split(
        """-n --trials --control --preset --seed --python --env --on --each --sbatch --spread --ok-exit --overwrite --jobs --full --steps --budget
        --timeout --artifact --ignore --strict --metric --isolate --settle --models --against --golden --update --bisect --profile --show-options --add --run --notes --out --json --html --md --junit"""
    )
)
EVERY = [pytest.param(option, id=f"{command} {option.flags[-1]}") for command, row in OPTIONS.items() for option in row]


def test_check_has_the_options_of_the_contract():
    assert {flag for option in OPTIONS["check"] for flag in option.flags} == OF_CHECK


def test_an_option_is_one_object_in_all_commands():
    seen = {}
    others = ("study", "parity train", "parity weights")  # their folders, files, numbers and seeds are others
    for command, row in OPTIONS.items():
        for option in row if command not in others else ():
            assert seen.setdefault(option.flags, option) is option


@pytest.mark.parametrize("option", EVERY)
def test_every_option_is_explained(option):
    assert option.help.endswith(".")
    assert bool(option.metavar) == (option.takes > 0)
    shown = as_click(option)
    assert shown.name == option.name
    assert tuple(shown.opts) == option.flags


@pytest.mark.parametrize("option", EVERY)
def test_every_default_is_what_its_reader_would_give(option):
    if option.read is not None and option.default is not None:
        read = option.read(str(option.default))
        assert read == (option.read(option.default) if isinstance(option.default, str) else option.default)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5", 1.5),
        ("5m", 300),
        ("5min", 300),
        ("1h30m", 5400),
        ("2d", 172800),
        ("500ms", 0.5),
    ],
)
def test_a_time_is_read_as_people_write_it(text, seconds):
    assert read_duration(text) == seconds
    assert read_duration(f" {text.upper()} ") == seconds


def test_numbers_are_read():
    assert (read_trials("2"), read_trials("999"), read_steps("+20"), read_seed("0")) == (2, 999, 20, 0)


def test_the_number_of_trials_at_a_time_is_a_number_or_auto():
    assert (read_jobs("auto"), read_jobs("1"), read_jobs("999")) == ("auto", 1, 999)
    for text in ("0", "x", "-2", "1000", "1.5", "automatic"):
        with pytest.raises(ValueError, match=r"from 1 to 999"):
            read_jobs(text)


def test_one_trial_is_told_that_two_are_needed():
    with pytest.raises(ValueError, match="at least two are needed"):
        read_trials("1")


def test_a_metric_may_hold_an_equals_sign_in_its_expression():
    assert read_metric("loss=loss=([0-9.]+)") == ("loss", "loss=([0-9.]+)")


def test_a_metric_that_always_finds_the_same_text_is_refused_with_what_to_write():
    with pytest.raises(ValueError, match=r"'test auc' of 'auc' always finds the same text; .* 'auc=test auc\[ :=\]\*"):
        read_metric("auc=test auc")
    assert read_metric("auc=0[.]9.") == ("auc", "0[.]9.")


def test_the_defaults_are_those_of_the_documents():
    from samebits import options
    from samebits.launch.plan import DEFAULT_SEED, MOST_TRIALS
    from samebits.model import Options

    documents = Options()
    for row in (OPTIONS["check"], OPTIONS["record"]):
        for option in row:
            if option.name in Options.model_fields and not option.many and option.name != "jobs":  # see Options
                assert getattr(documents, option.name) == option.default, option.name
    assert (options.DEFAULT_SEED, options.MOST_TRIALS) == (DEFAULT_SEED, MOST_TRIALS)
