"""fix on real processes: the line that draws first, --apply, and what it takes back."""

import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import pytest

from samebits import checks, cli
from samebits import patches as fixes
from samebits.cli.supplies import schema_of
from samebits.documents import Explanation
from samebits.errors import UntrustedRecord, UsageError
from samebits.launch.plan import Request
from samebits.model import Options
from samebits.patches import FixRequest, fix
from samebits.patches.patched_files import keep_copies
from samebits.patches.program import Look, is_installed
from samebits.store import write_document
from samebits.store.record import RESULT

TRAINS = """\
import random

import numpy
from samebits_probe import observe

weight = 0.0
for step in range(3):
    weight += {draw}
    observe("weight", weight, step=step)
"""
FLIPS = TRAINS.format(draw="random.random()")


@pytest.fixture
def recorded(tmp_path):
    """Function(text, *cause, modules=..., arguments=...) -> the record of a check of train.py, explained by this cause."""
    work = tmp_path / "work"
    work.mkdir()

    def record(text, *cause, modules=None, arguments=(), **more):
        for name, content in {"train.py": text, **(modules or {})}.items():
            (work / name).write_text(content)
        command = [sys.executable, "train.py", *arguments]
        request = Request(command=command, directory=work, out=tmp_path / "record", options=Options(trials=3))
        ended = checks.run(request)
        found = {"cause": list(cause), "minimal_controls": [list(cause)], "evidence": [], "needed": 3, **more}
        explained = ended.result.model_copy(update={"explanation": Explanation.model_validate(found)})
        write_document(tmp_path / "record" / RESULT, explained)
        return tmp_path / "record"

    return record


@pytest.fixture(autouse=True)
def few_trials(monkeypatch):
    """Let a patch be tried in as few trials as the record has."""
    monkeypatch.setattr(fixes, "LEAST", 2)


def text_of(record):
    return (record.parent / "work" / "train.py").read_text()


def test_the_line_that_draws_first_is_named_and_no_file_changes(recorded):
    record = recorded(FLIPS, "python-seed")
    found = fix(FixRequest(record))
    assert (found.outcome, found.verdict) == ("proposed", None)
    assert [(draw.generator, draw.file, draw.line) for draw in found.draws] == [("python", "train.py", 8)]
    assert found.draws[0].text == "weight += random.random()"
    assert "+random.seed(2019)\n" in found.patch
    assert text_of(record) == FLIPS
    assert {path.name for path in record.iterdir()} >= {"fix.json"}
    assert not (record / "fix-look").exists()


def test_a_patch_with_which_the_trials_repeat_stays(recorded, monkeypatch):
    monkeypatch.setattr(fixes, "LEAST", 4)
    record = recorded(FLIPS, "python-seed", modules={"settings.txt": "1"}, arguments=["settings.txt"])
    found = fix(FixRequest(record, apply=True))
    assert (found.outcome, found.verdict) == ("mended", "repeated")
    assert [one.trials for one in found.tried] == [4], "more than explain needed, because LEAST asks for more"
    lines = text_of(record).splitlines()
    assert lines.pop(4) == "random.seed(2019)"
    assert lines == FLIPS.splitlines()
    again = fix(FixRequest(record, apply=True))  # nothing is tried, and fix.json stays
    assert (again.outcome, again.verdict, again.patch) == ("mended", "repeated", found.patch)
    assert again.sentence.startswith("An earlier samebits fix --apply put this patch into the files.")
    assert text_of(record).count("random.seed") == 1
    for name, more in (("settings.txt", "2"), ("train.py", "import os\nw = os.urandom(3)\n")):
        path = record.parent / "work" / name
        path.write_text(path.read_text() + more)
        with pytest.raises(UsageError, match=f"^{name} has changed since the patch was tried") as said:
            fix(FixRequest(record, apply=True))
        assert said.value.advice == f"samebits check -- {sys.executable} train.py settings.txt"
    assert json.loads((record / "fix.json").read_text())["outcome"] == "mended"


@pytest.mark.parametrize("apply", [False, True])
def test_the_report_of_the_record_shows_the_patch_and_what_became_of_it(recorded, capsys, tmp_path, monkeypatch, apply):
    monkeypatch.setattr(fixes, "LEAST", 3)
    record = recorded(FLIPS, "python-seed")
    found = fix(FixRequest(record, apply=apply))
    page = tmp_path / "page.html"
    assert cli.main(["report", str(record), "--html", str(page)]) == 1
    said = capsys.readouterr().out
    assert f"{'FIXED' if apply else 'PATCH'}: {found.sentence}" in said
    assert "+random.seed(2019)" in said
    assert "+random.seed(2019)" in page.read_text()


def test_the_trials_with_a_patch_compare_the_file_that_differed_if_nothing_else_was_observed(recorded):
    text = "import numpy, random\nnumpy.save('model[1].npy', [random.random(), -random.random()])\nopen('log', 'w').write('')\n"
    record = recorded(text, "python-seed")
    found = fix(FixRequest(record, apply=True))
    assert (found.outcome, found.verdict) == ("mended", "repeated")
    assert text_of(record) == text.replace("random\n", "random\nrandom.seed(2019)\n", 1)


def test_a_patch_that_does_not_mend_is_taken_back_with_the_time_of_the_file(recorded):
    record = recorded(TRAINS.format(draw="random.random() + numpy.random.rand()"), "python-seed")
    path, before = record.parent / "work" / "train.py", text_of(record)
    times = path.stat().st_mtime_ns
    found = fix(FixRequest(record, apply=True))
    assert (found.outcome, found.verdict) == ("refuted", "diverged")
    assert text_of(record) == before
    assert path.stat().st_mtime_ns == times


NUMBER = "int(''.join(str(len(x)) for x in set(words)))"


@pytest.mark.parametrize(
    ("draw", "outcome", "verdict"),
    [(NUMBER, "mended", "repeated"), (f"{NUMBER} + hash('a') % 10**6", "refuted", "diverged")],
)
def test_a_set_is_sorted_where_it_stands_and_a_hash_stays(recorded, draw, outcome, verdict):
    text = TRAINS.format(draw=draw).replace(
        "weight = 0.0", "words = 'a ab abc abcd abcde abcdef f'.split()\nweight = 0.0"
    )
    record = recorded(text, "hash-seed")
    found = fix(FixRequest(record, apply=True))
    assert (found.outcome, [one.verdict for one in found.tried]) == (outcome, [verdict])
    assert text_of(record) == (text.replace("set(words)", "sorted(set(words))") if outcome == "mended" else text)


def test_an_error_while_the_trials_run_puts_the_file_back(recorded, monkeypatch):
    record = recorded(FLIPS, "python-seed")

    def fail(*_, **__):
        assert "random.seed(2019)" in text_of(record)
        raise KeyboardInterrupt

    monkeypatch.setattr(fixes.checks, "run", fail)
    with pytest.raises(KeyboardInterrupt):
        fix(FixRequest(record, apply=True))
    assert text_of(record) == FLIPS
    assert json.loads((record / "fix.json").read_text())["outcome"] == "proposed"
    assert not (record / "fix-copies").exists()


def test_ctrl_c_puts_the_file_back(recorded):
    slow = f"{FLIPS}import os, time\ntime.sleep(600 * ('/fix/' in os.environ['SAMEBITS_PROBE']))\n"
    record = recorded(slow, "python-seed")
    command = [sys.executable, "-m", "samebits", "fix", "--apply", str(record)]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    end = time.monotonic() + 300
    while "random.seed" not in text_of(record) and time.monotonic() < end:
        time.sleep(0.05)
    assert "random.seed" in text_of(record)
    os.kill(running.pid, 2)
    _, said = running.communicate(timeout=120)
    assert text_of(record) == slow
    assert running.returncode == 130
    assert "as they were before the patch" in said


def killed(record):
    """As `kill -9` in the middle of --apply leaves it: the patch is in the file, and fix.json says that it is tried."""
    found, program = fix(FixRequest(record)), record.parent / "work" / "train.py"
    write_document(record / fixes.FIX, found.model_copy(update={"outcome": "trying"}))
    patched = FLIPS.replace("observe\n", "observe\nrandom.seed(2019)\n", 1)
    keep_copies(record / "fix-copies", [(FLIPS.encode(), patched.encode())])
    program.write_text(patched)


def test_after_a_kill_apply_takes_the_patch_out_and_tries_it_again(recorded):
    record = recorded(FLIPS, "python-seed")
    killed(record)
    found = fix(FixRequest(record, apply=True))
    assert (found.outcome, found.tried[0].trials) == ("mended", 3)
    assert found.notes[0] == "a samebits fix was killed: samebits first took its patch out of train.py"
    assert text_of(record).count("random.seed(2019)") == 1


def test_restore_takes_the_patch_out_and_does_nothing_else(recorded, capsys):
    record = recorded(FLIPS, "python-seed")
    killed(record)
    assert cli.main(["fix", "--restore", str(record)]) == 0
    assert "RESTORED: samebits took the patch out of train.py." in capsys.readouterr().out
    assert text_of(record) == FLIPS
    assert cli.main(["fix", "--restore", str(record)]) == 2
    assert "there is nothing to restore" in capsys.readouterr().err
    assert cli.main(["fix", "--restore", "--apply", str(record)]) == 2


def test_a_file_that_was_half_written_when_samebits_was_killed_is_restored_whole(recorded, monkeypatch):
    record = recorded(FLIPS, "python-seed")
    then = record.parent / "as it was then"

    def kill(*_, **__):
        shutil.copytree(record, then)
        raise KeyboardInterrupt

    monkeypatch.setattr(fixes.checks, "run", kill)
    with pytest.raises(KeyboardInterrupt):
        fix(FixRequest(record, apply=True))
    for kept in (0, 20, len(FLIPS) - 1):
        shutil.copytree(then, record, dirs_exist_ok=True)
        (record.parent / "work" / "train.py").write_text(FLIPS[:kept])
        assert fix(FixRequest(record, restore=True)).outcome == "restored"
        assert text_of(record) == FLIPS
        assert not (record / "fix-copies").exists()


def test_a_file_that_somebody_changes_meanwhile_is_left_alone_and_can_be_restored(recorded, monkeypatch, capsys):
    record = recorded(FLIPS, "python-seed")
    path, usual = record.parent / "work" / "train.py", fixes.checks.run

    def edit(*words, **more):
        found = usual(*words, **more)
        path.write_text(path.read_text() + "print(1)\n")
        return found

    monkeypatch.setattr(fixes.checks, "run", edit)
    assert cli.main(["fix", "--apply", str(record)]) == 3
    said = capsys.readouterr().out
    assert "train.py changed while the trials ran, so the trials say nothing" in said
    assert f"samebits fix --restore {record}" in said
    assert text_of(record).endswith("print(1)\n")
    with pytest.raises(UsageError, match=r"Somebody has changed or moved train\.py"):
        fix(FixRequest(record, restore=True))


def test_a_record_without_an_explanation_says_what_to_do_first(recorded):
    record = recorded(FLIPS, "python-seed", unfinished=True)
    with pytest.raises(UsageError) as refused:
        fix(FixRequest(record))
    assert refused.value.advice.startswith("samebits explain ")


def test_a_record_from_elsewhere_runs_nothing_without_run(recorded, tmp_path):
    record = recorded(FLIPS, "python-seed")
    copy = tmp_path / "copy"
    shutil.copytree(record, copy)
    with pytest.raises(UntrustedRecord):
        fix(FixRequest(copy))
    assert fix(FixRequest(copy, run=True)).outcome == "proposed"


def test_a_cause_that_no_line_mends_says_what_to_do_instead(recorded):
    fixed = [{"control": "clock", "library": "", "where": "in the code", "lines": ["# take it from an argument"]}]
    text = TRAINS.format(draw="time.time()").replace("import random", "import time")
    found = fix(FixRequest(recorded(text, "clock", fixes=fixed)))
    assert (found.outcome, found.verdict, found.patch) == ("nothing", "inconclusive", "")
    (one,) = found.unmended
    assert (one.control, one.instead) == ("clock", ["# take it from an argument"])
    assert one.lines == ["train.py:8   weight += time.time()"]


def test_a_program_without_a_source_file_says_so(recorded, tmp_path):
    recorded(FLIPS, "python-seed")
    request = Request(
        command=[sys.executable, "-c", FLIPS],
        directory=tmp_path / "work",
        out=tmp_path / "other",
        options=Options(trials=2),
    )
    ended = checks.run(request)
    why = Explanation.model_validate({"cause": ["python-seed"], "minimal_controls": [], "evidence": []})
    write_document(tmp_path / "other" / RESULT, ended.result.model_copy(update={"explanation": why}))
    found = fix(FixRequest(tmp_path / "other"))
    assert (found.outcome, found.reason) == ("nothing", "the program has no source file that could be changed")


def test_a_record_that_was_not_explained_says_what_it_is(tmp_path, capsys):
    """Nothing to mend if it repeats; no answer, and what to do about that, if it has none."""
    for name, text in (("same", FLIPS.replace("random.random()", "1.0")), ("fails", "raise SystemExit(4)\n")):
        (tmp_path / f"{name}.py").write_text(text)
        request = Request(command=[sys.executable, f"{name}.py"], directory=tmp_path, out=tmp_path / name,
                          options=Options(trials=2))  # fmt: skip
        checks.run(request)
    assert cli.main(["fix", str(tmp_path / "same")]) == 0
    assert "NOTHING TO FIX: 2 trials, one model:" in capsys.readouterr().out
    assert cli.main(["fix", str(tmp_path / "fails")]) == 2
    assert "fails holds no trial that ended well: trial 1 ended with exit status 4" in capsys.readouterr().err


def test_trials_that_repeat_leave_nothing_to_mend(recorded):
    record = recorded(FLIPS.replace("random.random()", "1.0"), sentence="Nothing to explain: repeated in 3 of 3.")
    found = fix(FixRequest(record))
    assert (found.outcome, found.verdict) == ("nothing", "repeated")


def test_the_command_answers_on_the_screen_and_in_files(recorded, capsys, tmp_path):
    record = recorded(FLIPS, "python-seed")
    files = {name: tmp_path / f"fix.{name}" for name in ("json", "md", "html", "patch")}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    assert cli.main(["fix", *options, str(record)]) == 0
    out = capsys.readouterr().out
    assert "train.py:8" in out
    assert "+random.seed(2019)" in out
    assert files["patch"].read_text().startswith("--- a/train.py\n+++ b/train.py\n")
    assert "+random.seed(2019)" in files["md"].read_text()
    assert "+random.seed(2019)" in files["html"].read_text()
    assert cli.main(["fix", "--patch", "-", str(record)]) == 0
    assert capsys.readouterr().out == files["patch"].read_text()


def test_a_draw_in_a_module_of_the_program_is_named_there(recorded):
    text = FLIPS.replace("random.random()", "draws.one()").replace("import random", "import draws")
    module = "import random\n\n\ndef one():\n    return random.random()\n"
    record = recorded(text, "python-seed", modules={"draws.py": module})
    found = fix(FixRequest(record))
    assert [(draw.file, draw.line) for draw in found.draws] == [("draws.py", 5)]
    assert [(one.file, one.line) for one in found.changes] == [("train.py", 5)]


def test_the_document_fits_its_schema(recorded):
    jsonschema = pytest.importorskip("jsonschema")
    record = recorded(FLIPS, "python-seed")
    found = fix(FixRequest(record))
    jsonschema.validate(json.loads(found.model_dump_json()), schema_of("fix"))
    assert json.loads((record / "fix.json").read_text())["outcome"] == "proposed"
    assert cli.main(["fix", "--junit", str(record.parent / "fix.xml"), str(record)]) == 0
    case = ElementTree.parse(record.parent / "fix.xml").getroot().find("testsuite/testcase")
    assert (case.get("classname"), list(case)) == ("samebits.fix", [])


def test_an_installed_script_that_starts_the_program_is_none_of_its_files(tmp_path):
    """As `torchrun` is: it lies outside of the libraries, and is not the program."""
    starter, program, odd = tmp_path / "torchrun", tmp_path / "train.py", tmp_path / "train"
    found = Look(named=frozenset([odd]))
    for path in (starter, program, odd):
        path.touch()
        found.take({"event": "ran", "path": str(path), "line": 1, "main": True})
    assert found.main == program
    assert list(found.lines) == [program, odd]


def test_an_installed_script_is_none_of_the_programs_files_even_if_the_command_has_its_path(tmp_path):
    installed, own = tmp_path / "venv/bin/torchrun", tmp_path / "work/bin/train"
    for path in (installed, own):
        path.parent.mkdir(parents=True)
        path.touch()
    (tmp_path / "venv/lib/python3.11").mkdir(parents=True)
    assert [is_installed(path) for path in (installed, own)] == [True, False]
    assert not is_installed(tmp_path / ("x" * 5000 + "/bin/y"))


SKLEARN_AND_NUMPY = """\
import numpy
from samebits_probe import observe
from sklearn.ensemble import RandomForestClassifier

inputs = numpy.arange(40.0).reshape(20, 2)
forest = RandomForestClassifier(2)
forest.fit(inputs, numpy.arange(20) % 2)
observe("weight", float(forest.predict_proba(inputs).sum() + numpy.random.rand()))
"""


@pytest.mark.slow
def test_a_seed_of_numpy_is_the_second_choice_beside_a_random_state(recorded):
    pytest.importorskip("sklearn")
    record = recorded(SKLEARN_AND_NUMPY, "numpy-seed")
    assert "random_state=2019" in (proposed := fix(FixRequest(record)).patch)
    assert "random.seed" not in proposed
    found = fix(FixRequest(record, apply=True))
    assert [one.verdict for one in found.tried] == ["diverged", "repeated"]
    assert (found.outcome, "numpy.random.seed(2019)" in text_of(record)) == ("mended", True)
