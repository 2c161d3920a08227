"""A control, a watcher, a launcher, a host, a presenter, a file format: each is one file and one line in a table.

Only a presenter has a line in each of two tables.

Each test copies the packages, adds to the copy what CONTRIBUTING names, and runs commands on real programs.
"""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import samebits_probe
from samebits.launch.processes.supervisor import read_process

ROOT = Path(__file__).resolve().parents[2]
PLUGS = ROOT / "tests" / "plugs"
PACKAGES = ("samebits", "samebits_probe")


class Plug(NamedTuple):
    """What is added. `file`: where the file of tests/plugs goes. `lines`: (file, the line before it, a line) each."""

    file: str
    lines: tuple[tuple[str, str, str], ...]


PLUGGED = {
    "control": Plug(
        "src/samebits_probe/controls/sample_order.py",
        (("src/samebits_probe/controls/__init__.py", 'TABLE: "Dict[str, Tuple[str, ...]]" = {\n', '    "sample-order": ("sample_order", "SampleOrder", FACTOR),\n'),),
    ),
    "watcher": Plug(
        "src/samebits_probe/watchers/ticks.py",
        (("src/samebits_probe/watchers/__init__.py", "WATCHERS = {\n", '    "ticking": ("ticks", "ticks"),\n'),),
    ),
    "launcher": Plug(
        "src/samebits/launch/processes/relay.py",
        (("src/samebits/launch/__init__.py", "LAUNCHERS = {", '"relay": ("processes.relay", "Relay"), '),),
    ),
    "host": Plug(
        "src/samebits/launch/remote/apart.py",
        (("src/samebits/launch/__init__.py", "HOSTS = {", '"apart": ("remote.apart", "Apart"), '),),
    ),
    "presenter": Plug(
        "src/samebits/reports/presenters/line.py",
        (
            ("src/samebits/options.py", "FORMATS = {\n", '    "line": ("line", "Write one line of text."),\n'),
            ("src/samebits/keywords.py", "    junit: AnyPath\n", "    line: AnyPath\n"),
        ),
    ),
    "file format": Plug(
        "src/samebits/store/formats/ini.py",
        (("src/samebits/store/formats/__init__.py", "TABLE = (\n", '    FileFormat("ini", "ini", endings=(".ini",)),\n'),),
    ),
}  # fmt: skip


class Copy:
    """A copy of the packages with one plug in it, and a folder of programs."""

    def __init__(self, folder, name):
        self.folder, self.plug = folder, PLUGGED[name]
        for package in PACKAGES:
            source = Path(samebits_probe.__file__).parents[1] / package
            shutil.copytree(source, folder / "src" / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copyfile(PLUGS / Path(self.plug.file).name, folder / self.plug.file)
        for file, before, line in self.plug.lines:
            path = folder / file
            head, found, tail = path.read_text().partition(before)
            assert found, f"{file} has no line {before!r}"
            path.write_text(head + found + line + tail)
        self.programs = folder / "programs"
        self.programs.mkdir()

    def write(self, **programs):
        """Write programs, name -> text."""
        for name, text in programs.items():
            (self.programs / f"{name}.py").write_text(text)

    def run(self, *words, code=None):
        """A command of samebits, or Python code, with the packages of the copy."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "src")}
        environment.pop("SAMPLE_ORDER", None)
        command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "samebits", *words]
        return subprocess.run(
            command, cwd=self.programs, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=300,
        )  # fmt: skip

    def result(self, *words):
        """The result of a command, as its JSON says it."""
        done = self.run(*words[:1], "--json", "-", *words[1:])
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def tables(self, *names):
        """The tables of the reference pages."""
        said = ", ".join(f"g.{name}" for name in names)
        done = self.run(
            code=f"import sys; sys.path.insert(0, {str(ROOT / 'docs')!r}); import generate as g; print({said})"
        )
        return done.stdout + done.stderr

    def touched(self):
        """The files that differ from those of the packages, or are new."""
        every = [path.relative_to(self.folder).as_posix() for path in (self.folder / "src").rglob("*.py")]
        return {
            name
            for name in every
            if not (ROOT / name).exists() or not filecmp.cmp(ROOT / name, self.folder / name, False)
        }


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Function(name of a plug) -> its copy, made once."""
    made = {}

    def copy(name):
        if name not in made:
            made[name] = Copy(tmp_path_factory.mktemp(name), name)
        return made[name]

    return copy


def named_in_contributing(name):
    """The files that CONTRIBUTING names for a plug: what each bullet begins with, where it begins with a path."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition(f"## Adding a {name}\n")[2].partition("\n## ")[0]
    return re.findall(r"^- `(src/[^`]+)`", section, re.MULTILINE)


@pytest.mark.parametrize("name", PLUGGED)
def test_a_plug_touches_exactly_the_files_that_contributing_names(copies, name):
    copy = copies(name)
    own = Path(copy.plug.file).name
    assert copy.touched() == {path.replace("<name>.py", own) for path in named_in_contributing(name)}
    assert len(copy.touched()) == 1 + len(copy.plug.lines)


# -- a control ------------------------------------------------------------------------------------------------------

ORDERED = """import os
import samebits_probe
first = os.environ.get("SAMPLE_ORDER") or os.getpid()  # what no other control holds
for step in range(2):
    samebits_probe.observe("batch/x", float(first), step=step)
    samebits_probe.observe("weights/w", 1.0 + float(first), step=step)
"""


@pytest.fixture
def control(copies):
    copies("control").write(train=ORDERED)
    return copies("control")


def test_check_holds_a_control_and_reads_it_back(control):
    result = control.result("check", "-n", "2", "--control", "sample-order", "train.py")
    assert result["verdict"] == "repeated"
    assert [(one["id"], one["effect"]) for one in result["setup"]["controls"]] == [("sample-order", "held")]


def test_explain_finds_that_a_control_is_the_cause_and_says_how_a_program_holds_it(control):
    found = control.result("explain", "-n", "2", "--jobs", "2", "train.py")["explanation"]
    assert found["cause"] == ["sample-order"]
    assert found["fixes"][0]["lines"] == ["export SAMPLE_ORDER=1"]


def test_vary_varies_a_control_by_its_own_name_as_by_that_of_its_factor(control):
    result = control.result("vary", "-n", "2", "--factor", "sample-order=1,2", "--", "python", "train.py")
    assert result["verdict"] == "diverged"
    assert [(factor["id"], factor["answer"]) for factor in result["factors"]] == [("samples", "depends")]


def test_the_reference_pages_list_a_control(control):
    said = control.tables("control_table()", "presets()", "factor_table()")
    assert "| `sample-order` | Sets SAMPLE_ORDER=1, so that the samples have one order. |" in said
    assert "`strict` | `sample-order`, `python-seed`" in said
    assert "| `samples` | The order of the samples. | own, 1, 2 |" in said


# -- a watcher ------------------------------------------------------------------------------------------------------

LIBRARY = """class Model:
    weight = 1.0

    def tick(self, number):
        self.weight -= 0.1 * number
"""
TICKS = """import os, sys
import ticking
model = ticking.Model()
for step in range(4):
    number = os.getpid() if "--varies" in sys.argv and step == 2 else step
    model.tick(number)
print(model.weight)
"""


@pytest.fixture
def watcher(copies):
    copies("watcher").write(ticking=LIBRARY, train=TICKS)
    return copies("watcher")


def test_a_watcher_sees_each_step_of_its_library(watcher):
    result = watcher.result("check", "-n", "2", "train.py")
    assert (result["verdict"], result["scope"]["steps_compared"]) == ("repeated", 4)
    assert [result["judged"][kind] for kind in ("batch", "update", "end")] == ["=", "=", "="]


def test_what_a_watcher_saw_first_is_where_trials_diverge(watcher):
    where = watcher.result("check", "-n", "2", "train.py", "--varies")["divergence"]
    assert (where["step"], where["kind"], where["name"]) == (2, "batch", "number")


def test_a_watched_training_prints_what_an_unwatched_one_does(watcher):
    alone = subprocess.run(
        [sys.executable, "train.py"], cwd=watcher.programs, capture_output=True, text=True, check=True
    )
    record = Path(watcher.result("check", "-n", "2", "train.py")["record"])
    assert (record / "trials" / "001" / "stdout.txt").read_text() == alone.stdout


def test_the_reference_page_lists_what_a_watcher_sees(watcher):
    said = watcher.tables("seen()")
    assert "### Ticks, a made-up library: each call of Model.tick is a step" in said
    assert "| batch | the number that Model.tick is given |" in said


# -- a launcher -----------------------------------------------------------------------------------------------------

STEPS = """import os, sys
import samebits_probe
assert os.environ["RELAYED"] == "yes"
for step in range(2):
    samebits_probe.observe("weights/w", 1.0 + step, step=step)
"""
FAILS = "raise SystemExit(7)\n"
HANGS = "import time; time.sleep(600)\n"
LEAVES = """import subprocess, sys
import samebits_probe
samebits_probe.observe("weights/w", 1.0, step=0)
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)
"""


@pytest.fixture
def launcher(copies):
    copies("launcher").write(steps=STEPS, fails=FAILS, hangs=HANGS, leaves=LEAVES)
    return copies("launcher")


def test_trials_run_where_a_launcher_starts_them(launcher):
    result = launcher.result("check", "-n", "2", "--on", "relay", "steps.py")
    assert (result["verdict"], result["scope"]["steps_compared"]) == ("repeated", 2)
    file = json.loads((Path(result["record"]) / "record.json").read_text())
    assert file["host"] == "relay"
    added = launcher.result("check", "--add", "1", result["record"])
    assert (added["verdict"], added["groups"]) == ("repeated", [[1, 2, 3]])


def test_a_launcher_says_how_a_command_ended(launcher):
    result = launcher.result("check", "-n", "2", "--on", "relay", "fails.py")
    assert (result["verdict"], result["trials"][0]["exit_code"]) == ("inconclusive", 7)


def test_a_launcher_ends_a_command_whose_time_is_up_and_all_that_it_started(launcher):
    result = launcher.result("check", "-n", "2", "--on", "relay", "--timeout", "3", "hangs.py")
    assert (result["verdict"], result["trials"][0]["status"]) == ("inconclusive", "timeout")
    left = launcher.result("check", "-n", "2", "--settle", "never", "--on", "relay", "leaves.py")
    pids = [int(path.read_text()) for path in Path(left["record"]).glob("trials/*/stdout.txt")]
    assert len(pids) == 2
    found = [read_process(pid) for pid in pids]
    assert [process for process in found if process is not None and process.is_alive] == []


def test_a_place_that_no_launcher_knows_is_refused(launcher):
    done = launcher.run("check", "--on", "nowhere", "steps.py")
    assert done.returncode == 2
    assert "Choose from: relay, local, ray, slurm." in done.stderr


# -- a host ---------------------------------------------------------------------------------------------------------

FAR = """import os, sys
import samebits_probe
for step in range(25):
    samebits_probe.observe("weights/w", 1.0 + step, step=step)
if "writes" in sys.argv:
    print(os.path.exists("state") and open("state").read())
    open("state", "w").write("x")
"""
HANGS_FAR = """import os, pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(600)
"""


@pytest.fixture
def far(copies):
    copies("host").write(far=FAR, hangs=HANGS_FAR, fails=FAILS)
    return copies("host")


def test_trials_run_on_the_nodes_of_a_host_and_their_folders_come_back(far):
    result = far.result("check", "-n", "2", "--jobs", "2", "--on", "apart://moon", "far.py")
    assert (result["verdict"], result["scope"]["steps_compared"]) == ("repeated", 25)
    record = Path(result["record"])
    assert json.loads((record / "record.json").read_text())["host"] == "apart://moon"
    files = [json.loads(path.read_text()) for path in sorted(record.glob("trials/*/trial.json"))]
    assert [file["machine"]["node"] for file in files] == ["apart moon", "apart moon"]
    assert all((path.parent / "checksums.json").exists() for path in record.glob("trials/*/trial.json"))
    added = far.result("check", "--add", "1", result["record"])
    assert (added["verdict"], added["groups"]) == ("repeated", [[1, 2, 3]])


def test_the_folder_travels_to_nodes_that_share_no_disk_and_each_trial_has_a_copy_of_its_own(far):
    done = far.run("check", "-n", "2", "--on", "apart://moon", "--out", "sent", "far.py", "writes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " is sent to the nodes, because they share no disk" in done.stderr
    assert not (far.programs / "state").exists()
    record = far.programs / "sent"
    assert all(path.read_text() == "False\n" for path in record.glob("trials/*/stdout.txt"))
    assert list(record.glob(".samebits-????????")) == []


def test_rounds_of_a_host_start_over_and_that_is_said(far):
    done = far.run("check", "-n", "2", "--on", "apart://moon", "--steps", "24", "far.py")
    assert done.returncode == 0, done.stderr
    assert "trials apart do not wait between rounds: the next round starts all trials again" in done.stderr


def test_a_program_that_fails_or_hangs_on_a_node_is_told_as_it_is_here(far, tmp_path):
    result = far.result("check", "-n", "2", "--on", "apart://moon", "fails.py")
    assert (result["verdict"], result["trials"][0]["exit_code"]) == ("inconclusive", 7)
    mark = tmp_path / "pid"
    result = far.result("check", "-n", "2", "--on", "apart://moon", "--timeout", "3", "hangs.py", str(mark))
    assert (result["verdict"], result["trials"][0]["status"]) == ("inconclusive", "timeout")
    process = read_process(int(mark.read_text()))
    assert process is None or not process.is_alive


def test_what_a_host_does_not_know_is_refused(far):
    assert "apart needs an address after ://." in far.run("check", "--on", "apart://", "far.py").stderr
    done = far.run("check", "--each", "num_gpus=1", "far.py")
    assert (done.returncode, "--each num_gpus=1: trials with --on local cannot ask for this." in done.stderr) == (
        2,
        True,
    )
    for needs in ("gpus=1", "num_gpus=many", "num_gpus", "num_gpus=1,num_gpus=2"):
        assert far.run("check", "--each", needs, "--on", "apart://moon", "far.py").returncode == 2


# -- a presenter ----------------------------------------------------------------------------------------------------

OBSERVES = """import samebits_probe
for step in range(2):
    samebits_probe.observe("weights/w", 1.0 + step, step=step)
"""


@pytest.fixture
def presenter(copies):
    copies("presenter").write(train=OBSERVES)
    return copies("presenter")


def test_a_presenter_writes_what_check_report_and_compare_found(presenter):
    done = presenter.run("check", "-n", "2", "--overwrite", "--out", "r", "--line", "check.txt", "train.py")
    assert done.returncode == 0, done.stderr
    line = (presenter.programs / "check.txt").read_text()
    assert line.startswith("SAME BITS | ")
    assert line.count("\n") == 1
    assert presenter.run("report", "--line", "-", "r").stdout == line
    shutil.copytree(presenter.programs / "r", presenter.programs / "s", dirs_exist_ok=True)
    assert presenter.run("compare", "--line", "-", "r", "s").stdout.startswith("SAME BITS | ")


def test_a_presenter_is_a_keyword_in_python(presenter):
    code = "import samebits; print(samebits.check('train.py', trials=2, line='python.txt').verdict)"
    assert presenter.run(code=code).stdout == "repeated\n"
    assert (presenter.programs / "python.txt").read_text().startswith("SAME BITS | ")


def test_the_reference_pages_list_the_option_of_a_presenter(presenter):
    said = presenter.tables("options('check')", "keyword_table()")
    assert "| `--line FILE` | Write one line of text. |" in said
    assert "| `line` | `AnyPath` | Write one line of text. |" in said


# -- a file format --------------------------------------------------------------------------------------------------

WRITES_SETTINGS = """import random, sys, time
import samebits_probe
for step in range(2):
    samebits_probe.observe("weights/w", 1.0 + step, step=step)
sections = ["[training]\\nepochs = 3\\n", "[data]\\nrows = %d\\n" % (random.SystemRandom().randrange(10**8, 10**9) if "varies" in sys.argv else 7)]
if time.time_ns() % 2:
    sections.reverse()
open("settings.ini", "w").write("; %d\\n" % time.time_ns() + "".join(sections))
"""


@pytest.fixture
def file_format(copies):
    copies("file format").write(settings=WRITES_SETTINGS)
    return copies("file format")


def test_a_check_compares_a_file_of_a_format_by_its_parts(file_format):
    result = file_format.result("check", "-n", "2", "settings.py")
    assert result["verdict"] == "repeated"
    saved = json.loads((Path(result["record"]) / "trials" / "001" / "files.json").read_text())["files"]
    (file,) = (file for file in saved if file["path"] == "settings.ini")
    assert (file["format"], sorted(file["parts"])) == ("ini", ["data.rows", "training.epochs"])


def test_a_part_that_differs_is_named(file_format):
    result = file_format.result("check", "-n", "2", "--artifact", "settings.ini", "settings.py", "varies")
    assert result["verdict"] == "diverged"
    assert result["divergence"]["name"] == "settings.ini > data.rows"


def test_the_reference_page_lists_a_file_format(file_format):
    said = file_format.tables("formats()")
    assert "| `.ini` | settings in sections, without their comments and their order |" in said
