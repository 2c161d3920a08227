"""The command line: light, its words understood, its errors said."""

import errno
import importlib
import io
import os
import shlex
import subprocess
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest

from samebits import cli, interrupt, requests
from samebits.cli import answers, clients, table
from samebits.cli.parser import launching
from samebits.errors import UsageError

HEAVY = ("numpy", "pydantic", "rich", "jinja2", "xxhash", "platformdirs", "samebits.model", "samebits.launch")


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["check", "--help"], ["report", "--help"], ["env", "--help"]]
)
def test_help_imports_nothing_heavy(words):
    code = f"import sys; from samebits.cli import main; main({words!r}); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stderr
    assert [name for name in HEAVY if f"'{name}'" in loaded] == []
    assert done.stdout


def test_importing_samebits_imports_nothing_heavy():
    code = "import sys, samebits; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in (*HEAVY, "click") if f"'{name}'" in done.stdout] == []


def test_a_check_starts_its_first_trial_before_it_imports_what_judges_the_trials():
    code = "import sys, samebits.checks; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    later = (
        "numpy",
        "samebits.comparison.verdict.judgement",
        "samebits.store.artifacts",
        "samebits.reports.result_report",
    )
    assert [name for name in later if f"'{name}'" in done.stdout] == []


def _printed_by(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_trials_that_left_no_files_are_judged_and_reported_without_the_readers_of_files():
    code = "import sys, samebits.comparison.verdict.judgement, samebits.reports.result_report; "
    code += "from samebits.reports.presenters import terminal; "
    code += "readers = ('store.artifacts', 'store.formats.pickles', 'store.formats.members', 'reports.heat'); "
    code += "print([name for name in readers if f'samebits.{name}' in sys.modules], 'statistics' in sys.modules)"
    assert _printed_by(code) == "[] False"


def test_a_check_does_not_read_the_metadata_of_installed_packages_before_its_first_trial():
    code = "import sys; from samebits import imports; imports.disable_pydantic_plugins(); "
    code += "import samebits.cli.table, samebits.checks; print('importlib.metadata' in sys.modules)"
    assert _printed_by(code) == "False"


def test_pydantic_finds_all_other_names_of_its_plugin_loader():
    code = "from samebits import imports; imports.disable_pydantic_plugins(); "
    code += "from pydantic.plugin._loader import PYDANTIC_ENTRY_POINT_GROUP as found; print(found)"
    assert _printed_by(code) == "pydantic"


IN_BACKGROUND = """
import sys, threading
from samebits.imports import BackgroundImports
sys.began, sys.may_end = threading.Event(), threading.Event()
with BackgroundImports(["slow", "not_there", "quick"]) as imports:
    sys.began.wait()
sys.may_end.set()
imports._thread.join()
before = "quick" in sys.modules
with imports:
    imports._thread.join()
print(before, "quick" in sys.modules)
"""


def test_modules_are_imported_in_the_background_only_while_the_main_thread_waits(tmp_path, monkeypatch):
    (tmp_path / "slow.py").write_text("import sys\nsys.began.set()\nsys.may_end.wait()\n")
    (tmp_path / "quick.py").touch()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert _printed_by(IN_BACKGROUND) == "False True"


def test_a_program_that_imports_samebits_keeps_the_plugins_of_pydantic():
    code = "import sys, samebits, samebits.model, pydantic.plugin._loader as loader; print(loader.__file__ is not None)"
    assert _printed_by(code) == "True"


def test_the_version_is_said(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "samebits 0.1.0\n"


@pytest.mark.parametrize(
    "words", [["--help"], *([name, "--help"] for name in ("check", "record", "report", "compare", "env", "data"))]
)
def test_every_command_has_a_help_page(words, capsys):
    assert cli.main(words) == 0
    assert "Usage: samebits" in capsys.readouterr().out


def _commands(group, names=()):
    """The commands of a group of click, with those of the groups in it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield from (
            _commands(command, (*names, name)) if isinstance(command, click.Group) else [((*names, name), command)]
        )


def test_the_help_of_a_command_has_all_its_options(capsys):
    for names, command in _commands(table.samebits):
        assert cli.main([*names, "--help"]) == 0
        said = capsys.readouterr().out
        flags = [
            max(param.opts, key=len) for param in command.params if isinstance(param, click.Option) and not param.hidden
        ]
        assert [flag for flag in (*flags, "--help") if f"{flag} " not in said] == [], names


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["--", "python", "train.py", "--lr", "0.1"], ["python", "train.py", "--lr", "0.1"]),
        (["train.py", "--lr", "0.1"], ["python", "train.py", "--lr", "0.1"]),
        (["-n", "3", "train.py", "-n", "4"], ["python", "train.py", "-n", "4"]),
        (["--full", "--", "./train.py"], ["./train.py"]),
        (["python", "train.py"], ["python", "train.py"]),
        (["--", "bash", "-c", "x", "--", "y"], ["bash", "-c", "x", "--", "y"]),
        (["--", "--odd"], ["--odd"]),
        (["train.py", "--", "x.py"], ["python", "train.py", "--", "x.py"]),
        (["--json", "-", "--", "train"], ["train"]),
        (["--help-me.py"], None),
        ([], []),
    ],
)
def test_the_training_command_is_what_stands_after_the_options(words, command):
    found = []
    probe = launching("check", lambda **given: found.append(list(given["command"])), "")
    try:
        probe.main(words, standalone_mode=False)
    except click.UsageError:
        found.append(None)
    assert found == [command]


def test_the_options_reach_the_request(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = []
    command = launching("check", lambda **given: asked.append(requests.request(given, "check")), "")
    words = shlex.split("""-n 7 --control numpy-seed --control threads --seed 3 --steps 20 --budget 5m --timeout 9
        --artifact *.pt --metric 'a=b=(.*)' --isolate --full --jobs 2 --ok-exit 3 --overwrite --preset none --out r
        -- python t.py""")
    command.main(words, standalone_mode=False)
    (request,) = asked
    options = request.options
    assert request.command == ["python", "t.py"]
    assert (request.controls, request.seed, request.preset) == (["numpy-seed", "threads"], 3, "none")
    assert (request.out, request.overwrite, request.python) == (Path("r"), True, None)
    assert (options.trials, options.steps, options.budget, options.timeout, options.jobs) == (7, 20, 300, 9, 2)
    assert (options.artifacts, options.metrics) == (["*.pt"], {"a": "b=(.*)"})
    assert (options.ok_exit, options.isolate, options.full) == (3, True, True)


@pytest.fixture
def breaks(monkeypatch):
    """Function(error): `samebits report x` raises it."""

    def install(error):
        def run(**_):
            raise error

        monkeypatch.setattr(table.samebits.commands["report"], "callback", run)
        return cli.main(["report", "x"])

    return install


def test_an_unforeseen_error_is_kept_in_a_file_and_not_shown(breaks, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert breaks(KeyError("a\x1b[2Jb")) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert "\x1b" not in said.err
    assert "an error of samebits itself: KeyError" in said.err
    (kept,) = tmp_path.iterdir()
    assert str(kept) in said.err
    assert "Traceback" in kept.read_text()


def test_where_no_file_can_be_kept_the_error_is_said_all_the_same(breaks, capsys, monkeypatch):
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    assert breaks(RuntimeError("odd")) == 2
    assert "please report it" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("path", ["/data/runs/r", None])
def test_a_full_disk_is_an_error_for_people_that_names_the_path(breaks, capsys, tmp_path, monkeypatch, number, path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("samebits.disks.has_no_space", lambda place: place == str(tmp_path))
    assert breaks(OSError(number, "refused", path)) == 2
    said = capsys.readouterr().err
    assert f"The disk is full: {path or tmp_path} could not be written" in said
    assert "do this  Make room there" in said
    assert list(tmp_path.iterdir()) == []


def test_control_c_ends_as_shells_have_it(breaks, capsys):
    assert breaks(KeyboardInterrupt()) == 130
    assert "stopped by Ctrl-C" in capsys.readouterr().err


def test_an_error_is_said_with_what_to_do(breaks, capsys):
    assert breaks(UsageError("this cannot be.", "samebits check -- that")) == 2
    assert capsys.readouterr().err == "samebits: this cannot be.\n   do this  samebits check -- that\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_has_gone_gives_no_traceback(stream):
    reader, writer = os.pipe()
    os.close(reader)
    words = ["--help"] if stream == "stdout" else ["check", "--nope"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, stream: writer}
    done = subprocess.run([sys.executable, "-m", "samebits", *words], **pipes, check=False)
    os.close(writer)
    assert b"Traceback" not in (done.stderr or b"")
    assert b"Exception ignored" not in (done.stderr or b"")


@pytest.mark.parametrize(("platform", "name"), [("win32", "Windows"), ("darwin", "macOS"), ("plan9", "plan9")])
@pytest.mark.parametrize("command", ["check", "record"])
def test_systems_where_trials_cannot_run_are_told_so(monkeypatch, capsys, platform, name, command):
    monkeypatch.setattr(requests, "sys", types.SimpleNamespace(platform=platform))
    assert cli.main([command, "--", "python", "train.py"]) == 2
    assert f"{name} is not supported" in capsys.readouterr().err


def test_what_a_stream_cannot_hold_is_escaped():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    answers.say("caf\u00e9\n", stream)
    assert raw.getvalue() == b"caf\\xe9\n"


def test_a_report_replaces_a_file_whole(tmp_path):
    target = tmp_path / "x.json"
    target.write_text("old")
    answers.write_text("json", str(target), "new\n")
    assert target.read_text() == "new\n"
    assert list(tmp_path.iterdir()) == [target]


def test_each_command_stands_in_the_table():
    names = {path.stem for path in Path(cli.__file__).parent.glob("*.py")} - {"__init__"}
    modules = [importlib.import_module(f"samebits.cli.{name}") for name in names]
    made = {id(one): one.name for module in modules for one in vars(module).values() if isinstance(one, click.Command)}
    del made[id(table.samebits)]
    assert {command.name for command in table.COMMANDS} == set(made.values())


def test_the_clients_add_their_commands():
    assert {name: point.value for name, point in table.samebits.plugged.items()} == {
        "parity": "samebits_parity.cli:COMMAND",
        "study": "samebits_study.cli:COMMAND",
    }


@pytest.mark.parametrize("value", ["no_such_package:COMMAND", "samebits.cli.clients:PLUGGED"], ids=["absent", "a text"])
def test_a_client_that_cannot_be_imported_costs_only_its_own_command(value, monkeypatch, capsys):
    broken = EntryPoint("broken", value, clients.PLUGGED)
    monkeypatch.setitem(vars(table.samebits), "plugged", {"broken": broken})
    assert cli.main(["--help"]) == 0
    assert "broken" in capsys.readouterr().out
    assert cli.main(["env", "--help"]) == 0
    assert cli.main(["broken", "--anything"]) == 2
    assert f"The command broken of {value} cannot be imported" in capsys.readouterr().err


def _samebits(words, **more):
    command = [sys.executable, "-m", "samebits", *words]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60, **more)


def test_a_standard_output_that_is_closed_ends_nothing():
    done = _samebits(["env", "list"], preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_working_folder_that_was_removed_is_said(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    done = _samebits(["check", "--", "true"], cwd=gone, preexec_fn=gone.rmdir)
    assert done.returncode == 2
    assert "the folder that you are in has been removed" in done.stderr


def test_a_stop_says_what_is_known_and_which_command_shows_it(monkeypatch, capsys):
    def run(**_):
        interrupt.tell(advice="samebits report record")
        interrupt.tell(known="So far: nothing.", advice="samebits report record/base", replace=True)
        interrupt.tell(advice="samebits report record", replace=True)
        interrupt.tell(advice="samebits report record/explain/001")
        raise interrupt.StopSignal

    monkeypatch.setattr(table.samebits.commands["report"], "callback", run)
    assert cli.main(["report", "record"]) == 130
    assert capsys.readouterr().err.strip() == (
        "samebits: stopped by Ctrl-C. So far: nothing.\n   do this  samebits report record"
    )
