"""Vary on small programs that take one thing or another from the machine: real processes, without a framework."""

import dataclasses
import json
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from builders import silent

import samebits_probe
from samebits import cli
from samebits.errors import RecordExists
from samebits.experiment import Progress
from samebits.vary import DOCUMENT, read, vary
from samebits.vary.runs import busy

TRIALS = 2
PLAIN = ["hash-seed", "file-order", "working-folder", "home", "locale", "time-zone"]


@pytest.fixture
def varied(ask):
    """Function(sample, *words, factors=..., **more) -> VaryResult."""

    def run(sample, *words, factors, python=None, **more):
        wanted = [factor if isinstance(factor, tuple) else (factor, []) for factor in factors]
        asked = ask(sample, *words, **more)
        if python:
            asked = dataclasses.replace(asked, command=[python, *asked.command[1:]])
        return vary(asked, wanted, silent)

    return run


def answers(result):
    return {factor.id: factor.answer for factor in result.factors}


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch):
    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_a_program_depends_on_what_it_takes_from_the_machine(varied, tmp_path):
    result = varied("depends_on_its_surroundings.py", *PLAIN, factors=PLAIN)
    assert answers(result) == dict.fromkeys(PLAIN, "depends")
    where = {factor.id: factor.values[-1].divergence for factor in result.factors}
    assert {name: found.name.split(".")[1] for name, found in where.items()} == {name: name for name in PLAIN}
    assert {found.kind for found in where.values()} == {"update"}
    assert result.verdict == "diverged"
    assert cli.main(["report", str(tmp_path / "record" / "base")]) == 0  # nothing is left to do in removed folders


@pytest.mark.parametrize("taken", ["time-zone", "hash-seed"])
def test_it_depends_on_nothing_that_it_does_not_take(varied, taken):
    result = varied("depends_on_its_surroundings.py", taken, factors=["time-zone", "hash-seed", "home"])
    assert answers(result) == {**dict.fromkeys(["time-zone", "hash-seed", "home"], "independent"), taken: "depends"}


def test_a_program_that_takes_nothing_depends_on_nothing_and_every_record_can_be_read(varied, tmp_path, capsys):
    result = varied("depends_on_its_surroundings.py", factors=["time-zone", "working-folder", "address-layout"])
    assert result.verdict == "repeated"
    for folder in ("base", "time-zone/XYZ-14", "working-folder/elsewhere", "address-layout/compat"):
        assert cli.main(["report", str(tmp_path / "record" / folder)]) == 0
        assert "SAME BITS" in capsys.readouterr().out
    in_force = [value.in_force for factor in result.factors for value in factor.values]
    assert len(set(in_force)) == 6, "each value is read back, and is another one"
    assert read(tmp_path / "record").model_dump() == result.model_dump()


def test_records_in_the_working_folder_are_not_copied_and_the_other_folder_is_removed(varied, tmp_path):
    """Each call would copy what the calls before it have copied."""
    (tmp_path / "work" / "data").mkdir()
    for name in ("one", "two", "three"):  # the program writes these: else only later calls would keep them as they were
        (tmp_path / "work" / "data" / name).touch()
    numbers = []
    for number in range(3):
        varied("depends_on_its_surroundings.py", factors=["working-folder"], out=f"work/rec/{number}")
        record = tmp_path / "work" / "rec" / str(number)
        numbers.append(len(list(record.rglob("*"))))
        assert not (record / "folders").exists()
        assert cli.main(["report", str(record / "working-folder" / "elsewhere")]) == 0
    assert numbers[0] == numbers[1] == numbers[2]


def test_what_moves_memory_is_not_blamed_for_bits_that_follow_addresses(varied, monkeypatch, tmp_path, capsys):
    """Another home has another length, and so the variables lie elsewhere; the home itself is not used."""
    monkeypatch.setenv("HOME", "/" + "h" * 1000)
    result = varied("follows_addresses.py", factors=["home"])
    assert answers(result) == {"home": "unsettled"}
    assert "trials that differ only in memory layout have different bits, too" in result.factors[0].sentence
    assert result.verdict == "inconclusive"
    assert cli.main(["report", str(tmp_path / "record")]) == 3
    said = capsys.readouterr().out
    assert "different bits with one more variable, which moves memory (moved): for home there is no answer" in said
    assert f"samebits compare {tmp_path / 'record'}/base {tmp_path / 'record'}/home/other" in said


def test_a_difference_that_comes_before_that_of_the_addresses_is_the_factors_own(varied, monkeypatch):
    monkeypatch.setenv("HOME", "/" + "h" * 1000)
    assert answers(varied("follows_addresses.py", "home", factors=["home"])) == {"home": "depends"}


def test_where_moved_memory_could_not_be_tried_nothing_that_moves_it_is_blamed(varied, monkeypatch):
    monkeypatch.setenv("HOME", "/" + "h" * 1000)
    result = varied("follows_addresses.py", "home", "strict", factors=["home"])
    assert answers(result) == {"home": "unsettled"}
    assert "it moves memory, and the two effects were not separated: " in result.factors[0].sentence


@pytest.mark.parametrize(("what", "factor"), [("hash", "hash-seed"), ("names", "file-order")])
def test_a_program_that_is_compared_by_its_files_depends_on_what_it_writes(varied, what, factor):
    result = varied("writes_what_it_finds.py", what, factors=["hash-seed", "file-order"], artifacts=["found.txt"])
    assert answers(result)[factor] == "depends"
    assert {factor: answers(result)[factor] for factor in answers(result)} == {
        "hash-seed": "depends" if what == "hash" else "independent",
        "file-order": "depends" if what == "names" else "no-effect",
    }


@pytest.mark.parametrize("factor", ["address-layout", "time-zone"])
def test_what_changes_with_time_is_no_factors(varied, tmp_path, factor):
    """From its third run on it trains otherwise, whatever is varied then."""
    result = varied("counts_its_runs.py", str(tmp_path / "count"), "2", factors=[factor])
    assert answers(result) == {factor: "unsettled"}
    assert "the base setup now has different bits, too: something else changed" in result.factors[0].sentence


def test_one_value_under_two_names_shows_nothing(varied):
    two = [("hash-seed", ["1", "01"]), ("locale", ["C", "POSIX"]), ("time-zone", ["UTC", "UTC0"])]
    result = varied("needs_a_home.py", factors=two)
    assert answers(result) == dict.fromkeys(answers(result), "no-effect")
    assert result.verdict == "inconclusive"


def test_a_folder_that_was_not_listed_is_no_independence(varied):
    result = varied("needs_a_home.py", factors=["file-order"])
    (factor,) = result.factors
    assert factor.answer == "no-effect"
    assert "no folder was listed by Python" in factor.sentence
    assert result.verdict == "inconclusive"


def test_libraries_that_are_not_loaded_are_named(varied):
    result = varied("needs_a_home.py", factors=["isa-torch", "isa-numpy", "threads", "dataloader-workers"])
    assert set(answers(result).values()) == {"no-effect"}
    assert [value.record for factor in result.factors for value in factor.values[1:]] == [None] * 5


def test_a_value_that_does_not_repeat_within_itself_gives_no_answer(varied):
    result = varied("varies_in_another_time_zone.py", factors=["time-zone", "home"])
    assert answers(result) == {"time-zone": "unsettled", "home": "independent"}
    assert "cannot tell: with XYZ-14, its own trials do not repeat (2 trials, 2 models)" in result.factors[0].sentence
    assert result.verdict == "inconclusive"


def test_a_base_that_does_not_repeat_gives_no_answer_and_nothing_else_is_run(varied, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    result = varied("varies_in_another_time_zone.py", factors=["home"])
    assert (result.verdict, result.factors) == ("inconclusive", [])
    assert "its own trials do not repeat" in result.reason
    assert "samebits explain" in result.advice
    assert not (tmp_path / "record" / "home").exists()


@pytest.mark.parametrize(("taken", "verdict"), [("time-zone", "diverged"), ("hash-seed", "inconclusive")])
def test_what_was_found_before_ctrl_c_is_kept(ask, tmp_path, capsys, taken, verdict):
    @contextmanager
    def stopped_at_home(title):
        if title.startswith("home="):
            raise KeyboardInterrupt
        yield Progress()

    asked = ask("depends_on_its_surroundings.py", taken)
    with pytest.raises(KeyboardInterrupt):
        vary(asked, [("time-zone", []), ("home", []), ("locale", ["C.UTF-8", "POSIX"])], stopped_at_home)
    found = read(tmp_path / "record")
    assert list(answers(found)) == ["time-zone"]
    assert found.verdict == verdict
    assert cli.main(["report", str(tmp_path / "record")]) == {"diverged": 1, "inconclusive": 3}[verdict]
    assert "home, locale: vary was stopped early" in capsys.readouterr().out


def test_a_value_under_which_the_program_fails_gives_no_answer(varied):
    result = varied("needs_a_home.py", factors=["home"])
    (factor,) = result.factors
    assert factor.answer == "unsettled"
    assert "exit status 9" in factor.sentence


def test_a_program_that_observes_nothing_is_told_so(varied):
    result = varied("never_steps.py", factors=["home"])
    assert result.verdict == "inconclusive"
    assert "no step was seen" in result.reason
    assert result.advice


def test_two_interpreters_are_compared(varied, pythons):
    others = [path for release, path in pythons.items() if release not in ("3.6", "3.7")][:2]
    if len(others) < 2:
        pytest.skip("there is one interpreter here only")
    for takes, answer in (("interpreter", "depends"), ("nothing", "independent")):
        result = varied(
            "depends_on_its_surroundings.py", takes, factors=[("interpreter", others)], out=takes, python="python"
        )
        assert answers(result) == {"interpreter": answer}


def test_all_interpreters_name_the_machine_alike(pythons):
    """Or a stack of another time would seem to have run on another machine, and its trials gave no answer."""
    tell = "import json; from samebits_probe import process; print(json.dumps(process.machine(), sort_keys=True))"
    environment = {**os.environ, "PYTHONPATH": str(Path(samebits_probe.__file__).parents[1])}
    told = {subprocess.check_output([path, "-c", tell], env=environment) for path in pythons.values()}
    assert len(told) == 1


def test_an_interpreter_that_the_command_names_by_itself_is_not_varied(varied, pythons):
    result = varied("needs_a_home.py", factors=[("interpreter", ["own", next(iter(pythons.values()))])])
    assert answers(result) == {"interpreter": "no-effect"}
    assert "in force for the base value too" in result.factors[0].sentence


def test_an_earlier_folder_is_replaced_only_where_that_is_asked_for(varied, tmp_path):
    varied("needs_a_home.py", factors=["time-zone"])
    with pytest.raises(RecordExists):
        varied("needs_a_home.py", factors=["time-zone"])
    (tmp_path / "record" / DOCUMENT).write_text("{}")
    assert varied("needs_a_home.py", factors=["hash-seed"], overwrite=True).verdict == "repeated"
    assert not (tmp_path / "record" / "time-zone").exists()


def test_the_command_line_answers_in_every_form(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(
        "import time\nfrom samebits_probe import observe\nobserve('loss', float(time.localtime(0).tm_hour), step=0)\n"
    )
    words = [
        "-n",
        "2",
        "--factor",
        "time-zone=UTC0,XYZ-14",
        "--factor",
        "hash-seed",
        "--json",
        "-",
        "--html",
        "page.html",
    ]
    assert cli.main(["vary", *words, "--python", sys.executable, "--out", "found", "--", "python", "train.py"]) == 1
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert [factor["answer"] for factor in document["factors"]] == ["depends", "independent"]
    assert document["factors"][0]["values"][1]["end"]["outcomes"] == [{"name": "last loss", "base": 0.0, "value": 14.0}]
    assert "IT DEPENDS: The trained bits depend on time-zone." in captured.err
    assert "<!doctype html>" in (tmp_path / "page.html").read_text()


def children():
    """Numbers of the processes that this one has started and not yet waited for."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            found |= {stat.parent.name} if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid() else set()
    return found


def test_busy_processes_run_while_the_block_does_and_end_with_it():
    before = children()
    with busy(2):
        started = children() - before
        assert len(started) == 2
    assert not children() & started


def test_a_load_beside_is_a_factor(varied):
    result = varied("needs_a_home.py", factors=[("cpu-load", ["own", "1"])])
    assert answers(result) == {"cpu-load": "independent"}
    assert [value.in_force for value in result.factors[0].values] == [
        "no other busy processes",
        "other busy processes: 1",
    ]
