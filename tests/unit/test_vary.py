"""What vary takes, what it says of what was seen, and that its table is complete. No trial is run here."""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from samebits import cli, controls, model, vary
from samebits.errors import UsageError
from samebits.launch.plan import Request
from samebits.model import Divergence, ProcessKey, Setup, Size
from samebits.options import read_factor
from samebits.reports.presenters import html, markdown, terminal
from samebits.store import open_record
from samebits.vary import choices, factors
from samebits.vary.distance import compare_ends, largest_weight
from samebits.vary.factor import OWN, Change, Machine
from samebits.vary.report import HEADS, headline, report
from samebits.vary.result import (
    End,
    FactorResult,
    Outcome,
    Value,
    VaryResult,
    by_chance,
    of_all,
    of_factor,
    same_or_no_effect,
)
from samebits_probe import in_force
from samebits_probe.controls.control import Control

HELD = {"hash-seed": "0", "address-layout": "fixed", "file-order": "sorted"}


@pytest.fixture
def request_(tmp_path):
    return Request(command=["python", "train.py"], directory=tmp_path)


@pytest.fixture(params=factors.TABLE)
def factor(request):
    return factors.find(request.param)


# -- the table ----------------------------------------------------------------------------------------------------


def test_a_factor_says_what_it_is_and_what_it_takes(factor):
    assert factor.id in factors.TABLE
    assert factor.does().endswith(".")
    assert factor.takes


def test_the_held_half_of_a_factor_can_be_had(factor, request_):
    machine = Machine(request_)
    if factor.id != "device":
        assert factor.why_not(factor.held, machine) == ""
    assert isinstance(factor.change(factor.held, machine), Change)


def test_the_varied_half_of_a_factor_is_another_value_that_can_be_had(factor, request_):
    machine = Machine(request_)
    values = factor.varied(machine)
    assert factor.held not in values
    assert [factor.why_not(value, machine) for value in values] == [""] * len(values)
    held = factor.change(factor.held, machine)
    assert all(factor.change(value, machine) != held for value in values)
    assert values or factor.why_none(machine)


def test_the_device_is_varied_by_the_control_of_visible_devices_where_there_is_one(request_, monkeypatch):
    factor, machine = factors.find("device"), Machine(request_)
    monkeypatch.setattr(Machine, "gpus", ["0"])
    assert (factor.varied(machine), factor.why_not("own", machine), factor.why_not("cpu", machine)) == (["cpu"], "", "")
    assert factor.change("cpu", machine) == Change(controls=("visible-gpu=cpu",))
    assert factor.change("own", machine) == Change()
    monkeypatch.setattr(Machine, "gpus", [])
    assert (factor.varied(machine), factor.why_none(machine)) == ([], "there is no CUDA device here")
    assert factor.why_not("cpu", machine) == "there is no CUDA device here"


def test_a_value_that_nobody_has_is_refused(factor, request_):
    assert factor.why_not("no such value", Machine(request_))


def test_every_factor_is_read_back_in_the_trial_or_says_how_else():
    of_launcher = {name for name in factors.TABLE if "in_force" in type(factors.find(name)).__dict__}
    of_controls = {control.factor for control in controls.table() if control.in_force is not Control.in_force}
    assert set(in_force._READERS) | of_launcher | of_controls == set(factors.TABLE)


def test_every_file_of_the_folder_is_in_the_table():
    found = {path.stem for path in Path(factors.__file__).parent.glob("*.py")} - {"__init__"}
    assert found == {file for file, _ in factors._OTHERS.values()}


def test_most_factors_that_a_control_can_bring_about_are_views_of_one_and_have_its_name_too():
    views = {control.id: control.factor for control in controls.table() if control.factor}
    assert set(views.values()) <= set(factors.TABLE)
    for identity, name in views.items():
        assert factors.find(factors.ALIASES.get(identity, identity)).id == name


def test_a_factor_that_a_control_brings_about_names_one_that_takes_its_values(factor, request_):
    machine = Machine(request_)
    for value in factor.varied(machine) if factor.control else []:
        (identity,) = factor.change(value, machine).controls
        assert controls.name_of(identity) == factor.control
        assert controls.resolve([identity])


# -- choices -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [("threads", ("threads", [])), ("threads=1,2", ("threads", ["1", "2"])), (" a = b , c ", ("a", ["b", "c"]))],
)
def test_a_factor_is_read(text, read):
    assert read_factor(text) == read


@pytest.mark.parametrize("text", ["", "=1", "threads=", "threads=1,,2", " "])
def test_what_is_no_factor_is_not_read(text):
    with pytest.raises(ValueError, match=r"is not a|the value is empty"):
        read_factor(text)


def test_the_values_that_are_named_are_those_compared_the_first_is_the_base(request_):
    chosen = choices.choose([("threads", ["2", "1"])], request_)
    assert [choice.values for choice in chosen.choices] == [["2", "1"]]
    assert "threads=2" in choices.base(chosen).controls
    assert "threads=1" in choices.with_value(chosen, chosen.choices[0], "1").controls


def test_what_is_not_varied_is_held(request_, monkeypatch):
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    chosen = choices.choose([("threads", ["1", "2"])], request_)
    assert {name: value for name, value in chosen.held.items() if value != OWN} == {**HELD, "threads": "1"}
    assert set(choices.base(chosen).controls) == {"threads=1", "hash-seed=0", "aslr=fixed", "listing-order=sorted"}


def test_one_factor_changes_at_a_time(request_):
    wanted = [("hash-seed", ["0", "1"]), ("time-zone", ["own", "XYZ-14"])]
    chosen = choices.choose(wanted, request_)
    seed = choices.with_value(chosen, chosen.choices[0], "1")
    zone = choices.with_value(chosen, chosen.choices[1], "XYZ-14")
    assert ("hash-seed=1" in seed.controls, "TZ" in seed.variables) == (True, False)
    assert ("hash-seed=0" in zone.controls, zone.variables["TZ"]) == (True, "XYZ-14")


def test_without_a_factor_all_cheap_ones_are_varied_and_the_others_named(request_):
    chosen = choices.choose([], request_)
    varied = {choice.factor.id for choice in chosen.choices}
    assert varied.isdisjoint(chosen.left_out)
    assert varied | set(chosen.left_out) == set(factors.TABLE)
    assert {"threads", "hash-seed", "file-order", "working-folder", "home", "time-zone"} <= varied
    assert {"library-version", "interpreter"} <= set(chosen.left_out)


def test_what_the_user_holds_is_not_varied_beside(tmp_path):
    held = Request(command=["python"], directory=tmp_path, controls=["threads"])
    assert "threads" in choices.choose([], held).left_out
    with pytest.raises(UsageError, match="--control threads holds what --factor threads varies"):
        choices.choose([("threads", [])], held)


def test_what_a_preset_holds_gives_way_to_a_factor_that_is_named(tmp_path):
    strict = Request(command=["python"], directory=tmp_path, preset="strict")
    chosen = choices.choose([("threads", ["own", "1"])], strict)
    held = choices.without_varied(strict, chosen).controls
    assert "threads" not in held
    assert "torch-seed" in held


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--factor", "thread"], "There is no factor 'thread'.\n   do this  Did you mean threads?"),
        (["--factor", "zzz"], "Choose from: threads, dataloader-workers"),
        (["--factor", "threads=1"], "one value shows nothing; at least two are needed"),
        (["--factor", "threads=1,1"], "names 1 twice"),
        (["--factor", "threads=0,1"], "a number of threads from 1 to 999"),
        (["--factor", "threads=1,2", "--factor", "threads"], "is given twice"),
        (["--factor", "isa=1,2"], "stands for isa-mkl, isa-torch"),
        (["--factor", "isa-torch=own,neon"], "it takes own, default, avx2, avx512"),
        (
            ["--factor", "mkl-cbwr=own,neon"],
            "--factor isa-mkl=neon is not possible here: the control mkl-cbwr takes COMPATIBLE",
        ),
        (["--factor", "time-zone=own,Mars/Olympus"], "the system knows no time zone Mars/Olympus"),
        (["--factor", "locale=own,xx_XX.utf8"], "`locale -a` does not list xx_XX.utf8"),
        (["--factor", "hash-seed=0,-1"], "a seed from 0 to 4294967295"),
        (["--factor", "home=own,/no/such/folder"], "there is no folder /no/such/folder"),
        (["--factor", "library-version=own,no-such-environment"], "There is no interpreter 'no-such-environment'"),
        (["--factor", "interpreter"], "name its values: --factor interpreter=PYTHON,PYTHON"),
        (["--factor", "cpu-load=own,1000"], "a number of processes from 1 to 256"),
        (["--factor", "threads=1,2", "--control", "threads"], "--control threads holds what"),
        (["-n", "1"], "at least two are needed"),
        (["--json", "-", "--md", "-"], "standard output can hold one report only"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(words, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["vary", *words, "--out", "record", "--", "python", "-c", "pass"]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert not (tmp_path / "record").exists()


# -- controls at a value ------------------------------------------------------------------------------------------


def test_a_control_at_a_value_goes_before_the_plain_one():
    assert controls.resolve(["threads=2"], "strict").count("threads=2") == 1
    assert "threads" not in controls.resolve(["threads=2"], "strict")
    assert controls.resolve(["aslr=compat", "hash-seed=3"]) == ["hash-seed=3", "aslr=compat"]


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["threads=1", "threads=2"], "A control has one value"),
        (["threads=many"], "takes a number of threads"),
        (["clock=12"], "takes no value"),
        (["nothing=1"], "There is no control"),
    ],
)
def test_a_control_at_a_value_that_it_does_not_take_is_refused(ids, said):
    with pytest.raises(UsageError, match=said):
        controls.resolve(ids)


def test_a_control_at_a_value_sets_that_value():
    assert controls.environment(["threads=3"], 1)["OMP_NUM_THREADS"] == "3"
    assert controls.environment(["hash-seed=7"], 1) == {"PYTHONHASHSEED": "7"}


# -- what is said -------------------------------------------------------------------------------------------------


def _value(value, status, **fields):
    return Value(value=value, status=status, trials=3, **fields)


def _divergence(**fields):
    where = {"step": 2, "kind": "forward", "name": "loss", "trials": [1], "process": ProcessKey(order=0, argv=["t.py"])}
    return Divergence(**{**where, **fields})


@pytest.mark.parametrize(
    ("statuses", "answer"),
    [
        (["same"], "independent"),
        (["same", "no-effect"], "independent"),
        (["no-effect"], "no-effect"),
        (["same", "unsettled"], "unsettled"),
        (["unsettled", "differs"], "depends"),
    ],
)
def test_the_answer_for_a_factor_follows_from_its_values(statuses, answer):
    where = {"differs": _divergence(), "same": None, "no-effect": None, "unsettled": None}
    values = [_value("a", "base"), *(_value(str(n), s, divergence=where[s]) for n, s in enumerate(statuses))]
    found = of_factor(factors.find("threads"), values, named=True)
    assert found.answer == answer
    assert ("cannot tell" in found.sentence) == (answer in ("unsettled", "no-effect"))


def _found(answer, *, named=True, name="threads"):
    return FactorResult(id=name, does="It.", answer=answer, sentence="s", named=named, values=[_value("a", "base")])


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([_found("independent")], "repeated"),
        ([_found("independent"), _found("depends"), _found("unsettled")], "diverged"),
        ([_found("independent"), _found("unsettled")], "inconclusive"),
        ([_found("independent"), _found("no-effect")], "inconclusive"),
        ([_found("independent"), _found("no-effect", named=False)], "repeated"),
        ([_found("no-effect", named=False)], "inconclusive"),
        ([], "inconclusive"),
    ],
)
def test_the_verdict_never_counts_what_had_no_effect_as_independent(found, verdict):
    said = of_all(found)
    assert said[0] == verdict
    assert (said[2] is not None) == (verdict == "inconclusive")


def test_equal_bits_say_nothing_where_the_value_did_not_take_effect():
    threads = factors.find("threads")
    assert same_or_no_effect(threads, "2", "1") == (True, "")
    assert same_or_no_effect(threads, "2", "2")[0] is False
    assert same_or_no_effect(threads, None, "1") == (False, threads.why_no_effect())


def test_the_chance_of_a_dependence_that_is_none_falls_with_the_trials():
    assert [by_chance(n) for n in (2, 5)] == [1 / 32, 1 / 2048]


def test_weights_and_outcomes_are_compared_at_the_ends(writing, tmp_path):
    changes = {(3, "end", "fc.bias"): "other"}
    trials = [writing.training(losses={2: 0.5}), writing.training(changes, losses={2: 0.25})]
    record = open_record(writing.record(tmp_path / "record", trials))
    found = compare_ends(*record.trials, record.file.command)
    assert (found.weights, found.different) == (2, 1)
    assert found.outcomes == [Outcome(name="last loss", base=0.5, value=0.25)]
    assert largest_weight(record.trials[0], record.file.command) == (0, "fc.weight")


HOSTILE = "<script>\x1b[31m|`*"


@pytest.fixture(params=["diverged", "repeated", "inconclusive", "hostile"])
def result(request):
    end = End(weights=10, different=9, relative=1.5e-6, largest_name="fc.weight", outcomes=[
        Outcome(name="last loss", base=0.25, value=math.nan), Outcome(name="accuracy", base=0.5, value=0.5)])  # fmt: skip
    name = HOSTILE if request.param == "hostile" else "loss"
    differs = _divergence(name=name, size=Size(elements=1, different=1, max_ulp=2))
    values = {
        "diverged": [_value("own", "base"), _value("1", "differs", divergence=differs, end=end, record="threads/1")],
        "repeated": [_value("own", "base"), _value("1", "same")],
        "inconclusive": [_value("own", "base"), _value("1", "unsettled", why="its own trials do not repeat")],
    }
    verdict = "diverged" if request.param == "hostile" else request.param
    every = [
        of_factor(factors.find("threads"), values[verdict], named=True),
        of_factor(
            factors.find("isa-torch"), [_value("own", "base"), _value("avx2", "no-effect", why="no torch")], named=False
        ),
    ]
    said = of_all(every)
    setup = Setup(command=["python", HOSTILE if request.param == "hostile" else "train.py"], python="/bin/python",
                  controls=[model.HeldControl(id="hash-seed=0", effect="held")])  # fmt: skip
    return VaryResult(
        samebits="0.1.0", created="2026-01-01", verdict=said[0], sentence=said[1], reason=said[2], setup=setup, trials=3,
        steps=40, scope="whole", held=HELD, factors=every, left_out={"device": "there is no CUDA device here"},
        by_chance=1 / 32, warnings=["a note"], record="/somewhere/record",
    )  # fmt: skip


def test_every_report_says_the_headline_and_can_be_written(result):
    made = report(result)
    texts = [terminal.render(made), terminal.render(made, width=60), markdown.render(made), html.render(made)]
    for text in texts:
        text.encode("utf-8")
        assert "\x1b" not in text
        assert text.endswith("\n")
        assert "no torch" in text
        assert "there is no CUDA device here" in text
    assert headline(result) in texts[0]
    assert "<script>" not in texts[3]
    assert "http" not in texts[3].replace("no-referrer", "")


def test_a_folder_of_vary_is_reported_again(result, tmp_path, capsys, fits_schema):
    (tmp_path / vary.DOCUMENT).write_text(result.model_dump_json())
    fits_schema("vary", result.model_dump_json())
    found = vary.read(tmp_path)
    assert found.model_dump_json() == result.model_copy(update={"record": str(tmp_path)}).model_dump_json()
    page, suite = tmp_path / "page.html", tmp_path / "junit.xml"
    status = cli.main(["report", str(tmp_path), "--html", str(page), "--junit", str(suite)])
    assert status == {"repeated": 0, "diverged": 1, "inconclusive": 3}[result.verdict]
    assert HEADS[result.verdict] in capsys.readouterr().out
    assert "<!doctype html>" in page.read_text()
    assert_one_test(ElementTree.parse(suite).getroot()[0], result)


def assert_one_test(suite, result):
    """JUnit has one test, which fails if the bits depend on a factor; the factors are its properties."""
    (case,) = suite.findall("testcase")
    assert case.get("classname") == "samebits.vary"
    states = {"repeated": [], "diverged": ["failure"], "inconclusive": ["error"]}[result.verdict]
    assert [part.tag for part in case] == states
    answers = {one.get("name"): one.get("value") for one in suite.iter("property")}
    told = [one for one in result.factors if one.named or one.answer != "no-effect"]
    assert {f"factor.{one.id}": one.answer for one in told}.items() <= answers.items()


@pytest.mark.parametrize(
    ("text", "said"), [("{", "ends too early"), ("[]", "where an object belongs"), ('{"format": 99}', "newer samebits")]
)
def test_a_broken_document_of_vary_is_an_error_for_people(text, said, tmp_path, capsys):
    (tmp_path / vary.DOCUMENT).write_text(text)
    assert cli.main(["report", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
