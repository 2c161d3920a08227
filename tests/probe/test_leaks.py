"""What an earlier trial wrote in the working folder, no later one finds; what it wrote elsewhere is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from samebits.checks import record, run
from samebits.launch.files import folders
from samebits.launch.outside import Outside
from samebits.launch.plan import Request
from samebits.launch.trial.trial_files import open_elsewhere
from samebits.model import Options
from samebits.reports.presenters.terminal import render
from samebits.reports.result_report import report
from samebits.store import open_record

TRIALS = 3  # what `ask` asks for where nothing else is said
STEPS = "from samebits_probe import observe\nobserve('loss', 1.0, step=0); observe('weights', 1.0, step=0)\n"


def leaks_of(folder):
    return [[(leak.path, leak.written_by) for leak in trial.file.leaks] for trial in open_record(folder).trials]


# -- in the working folder ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"isolate": True}])
def test_a_program_that_resumes_from_what_it_finds_repeats(ask, tmp_path, more):
    assert run(ask("resumes_from_checkpoint.py", **more)).result.verdict == "repeated"
    assert leaks_of(tmp_path / "record") == [[], [], []]


def test_a_file_that_was_there_is_as_before_for_each_trial_and_after_an_isolated_check(ask, tmp_path):
    record(ask("resumes_from_checkpoint.py", out="first"))
    (own,) = (tmp_path / "work").glob("checkpoint*")
    before = own.read_bytes()
    assert run(ask("resumes_from_checkpoint.py", isolate=True)).result.verdict == "repeated"
    assert own.read_bytes() == before
    assert run(ask("resumes_from_checkpoint.py", out="second")).result.verdict == "repeated"


def test_the_folder_is_afterwards_as_after_one_plain_run(ask, tmp_path):
    work, plain = tmp_path / "work", tmp_path / "plain"
    plain.mkdir()
    program = (
        "import os, shutil\nos.mkdir('out'); open('out/model', 'w').write('1')\nopen('log.txt', 'a').write('once ')\n"
        "os.remove('old.txt'); os.rename('data.txt', 'moved.txt'); shutil.rmtree('cache')\n"
        "os.symlink('out', 'latest'); os.mkfifo('pipe'); os.system('echo 2 > shell.txt')\n"
    )
    for folder in (work, plain):
        (folder / "cache").mkdir()
        for name in ("log.txt", "old.txt", "data.txt", "cache/x", "kept.txt"):
            (folder / name).write_text(name)
            os.utime(folder / name, (1_500_000_000, 1_500_000_000))
        (folder / "train.py").write_text(program)
    subprocess.run([sys.executable, "train.py"], cwd=plain, check=True)
    (work / "train.py").write_text(program + STEPS)
    command = [sys.executable, "train.py"]
    result = run(Request(command=command, directory=work, out=tmp_path / "record", options=Options(trials=3))).result
    assert (result.verdict, result.warnings) == ("repeated", [])
    (work / "train.py").write_text(program)
    assert listed(work) == listed(plain)
    assert (work / "kept.txt").stat().st_mtime == 1_500_000_000


def listed(folder):
    names = (path for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts)
    return [(str(path.relative_to(folder)), path.is_file() and path.read_text(), path.is_symlink()) for path in names]


IN_THE_FOLDER = {
    "h5py": "import os, h5py\nassert not os.path.exists('kept.h5')\nh5py.File('kept.h5', 'w')['w'] = 1.0\n",
    "a shell": "import os\nassert os.system('test -e kept.txt')\nos.system('echo 1 > kept.txt')\n",
    "a folder": "import os\nos.mkdir('state'); os.mkdir('state/w-0.53')\n",
    "numbered": "import os\nos.makedirs('runs/version_%d' % len(os.listdir('.')))\nprint(os.listdir('runs'))\n",
    "a module": "import os, sys\nassert not os.path.exists('own.py')\nopen('own.py', 'w').write('w = 1')\n"
    "sys.path.insert(0, ''); import own\n",
    "a growing list": "import json, os\nold = json.load(open('h.json')) if os.path.exists('h.json') else []\n"
    "json.dump([*old, len(old)], open('h.json', 'w'))\n",
    "a locked folder": "import os\nos.mkdir('out'); open('out/x', 'w').close(); os.chmod('out', 0o555)\n",
}  # fmt: skip


@pytest.fixture
def equal_bits(tmp_path, monkeypatch):
    """Function(program) -> the result of two trials that have equal bits, in a HOME of the test's own."""
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CACHE_HOME", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)

    def judge(program, **more):
        (tmp_path / "work" / "train.py").write_text(program + STEPS)
        options = Options(**{"trials": 2, "timeout": 60, **more})
        request = Request(command=[sys.executable, "train.py"], directory=tmp_path / "work", out=tmp_path / "record",
                          options=options)  # fmt: skip
        return run(request).result

    yield judge
    for left in Path("/dev/shm").glob(f"{tmp_path.name}-*"):  # noqa: S108
        left.unlink()


@pytest.mark.parametrize("program", IN_THE_FOLDER.values(), ids=IN_THE_FOLDER.keys())
def test_no_trial_finds_in_the_folder_what_one_before_it_left(equal_bits, tmp_path, program):
    result = equal_bits(program)
    assert (result.verdict, result.leak, result.warnings) == ("repeated", None, [])
    assert leaks_of(tmp_path / "record") == [[], []]
    assert not (tmp_path / "work" / ".samebits").exists()
    for locked in (tmp_path / "work").glob("out"):
        locked.chmod(0o755)


def test_a_new_file_of_somebody_else_is_there_at_the_end(equal_bits, tmp_path):
    beside = tmp_path / "beside.py"
    beside.write_text("import os, time\ntime.sleep(0.05)\nopen('notes.txt', 'w').write('mine')\n")
    program = (
        "import os, subprocess, sys, time\nif not os.path.exists('../started'):\n open('../started', 'w').close()\n"
        f" subprocess.Popen([sys.executable, '-I', '-S', {str(beside)!r}], start_new_session=True, env={{}}).wait()\n"
    )
    equal_bits(program, trials=3)
    assert (tmp_path / "work" / "notes.txt").read_text() == "mine"


def test_what_the_user_changes_meanwhile_stays_changed(equal_bits, tmp_path):
    (tmp_path / "work" / "notes.txt").write_text("old")
    program = "import os\nos.path.exists('../done') or os.system('echo new > notes.txt; touch ../done')\n"
    result = equal_bits(program)
    assert (tmp_path / "work" / "notes.txt").read_text() == "new\n"
    assert any("notes.txt" in warning for warning in result.warnings)


def test_trials_that_are_added_start_from_the_same_files(ask, tmp_path):
    from samebits.checks import Addition, run_more

    run(ask("resumes_from_checkpoint.py"))
    left = {path.name: path.read_text() for path in (tmp_path / "work").iterdir()}
    assert run_more(tmp_path / "record", Addition(2)).result.verdict == "repeated"
    assert {path.name: path.read_text() for path in (tmp_path / "work").iterdir()} == left


def test_side_by_side_each_trial_starts_when_what_others_left_is_set_aside(ask, tmp_path):
    result = run(ask("resumes_from_checkpoint.py", trials=4, jobs=2)).result
    assert result.verdict in ("repeated", "inconclusive")  # those that run together may read each other's files
    assert any("side by side" in warning and "checkpoint.txt" in warning for warning in result.warnings)


def test_side_by_side_with_folders_of_their_own_nothing_is_noted(ask, tmp_path):
    result = run(ask("resumes_from_checkpoint.py", "{out}", trials=4, jobs=2)).result
    assert result.verdict == "repeated"
    assert not any("side by side" in warning for warning in result.warnings)


def test_a_folder_that_another_samebits_holds_is_left_as_it_is_and_that_is_said(ask, tmp_path):
    ready, go = tmp_path / "ready", tmp_path / "go"
    hold = (
        "import pathlib, sys, time\nfrom samebits.launch.files.working_folder import SharedFolder\n"
        f"room = SharedFolder.of(pathlib.Path({str(tmp_path / 'work')!r})); room.enter(room.stay(pathlib.Path(), 1))\n"
        f"pathlib.Path({str(ready)!r}).touch()\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(.05)\n"
    )
    with subprocess.Popen([sys.executable, "-c", hold]) as other:
        while not ready.exists():
            assert other.poll() is None
        result = run(ask("resumes_from_checkpoint.py")).result
        go.touch()
    assert result.verdict == "inconclusive"
    assert "had written" in result.reason
    assert any("a different samebits runs trials in this folder" in warning for warning in result.warnings)


def test_a_log_into_which_the_check_prints_stays_and_is_not_what_a_trial_wrote(tmp_path):
    (tmp_path / "train.py").write_text(
        f"import random, time\n{STEPS}observe('weights', random.random(), step=1)\ntime.sleep(.5)\n"
    )
    command = f"{sys.executable} -m samebits check -n 3 --out record -- {sys.executable} train.py"
    done = subprocess.run(["bash", "-c", f"{command} > log3.txt 2>&1"], cwd=tmp_path, timeout=120)
    assert done.returncode == 1, (tmp_path / "log3.txt").read_text()
    assert "DIFFERENT" in (tmp_path / "log3.txt").read_text()
    assert not any(leaks_of(tmp_path / "record")), "two trials run, or three if the machine runs two side by side"


def test_a_record_of_another_check_in_the_working_folder_is_left_alone(tmp_path):
    (tmp_path / "other" / "trials" / "001").mkdir(parents=True)
    (tmp_path / "other" / folders.MARK).write_text(folders.MARKED)
    (tmp_path / "other" / "trials" / "001" / "trace.bin").write_bytes(b"1")
    (tmp_path / "model.pt").write_bytes(b"2")
    assert list(folders.snapshot(tmp_path).files) == [tmp_path / "model.pt"]


# -- elsewhere --------------------------------------------------------------------------------------------------------

ELSEWHERE = {
    "home": (
        "import os\np = os.path.expanduser('~/.cache/mine/kept.txt')\nos.makedirs(os.path.dirname(p), exist_ok=True)\n"
        "open(p).read() if os.path.exists(p) else open(p, 'w').write('1')\n",
        ".cache/mine/kept.txt",
    ),
    "memory": (
        "import os\np = '/dev/shm/' + os.path.basename(os.path.dirname(os.getcwd())) + '-kept'\n"
        "if os.path.exists(p): open(p).read()\nelse: open(p, 'w').write('1')\n",
        "/dev/shm/",
    ),
    "a link": (
        "import os\np = '../far.txt'\nif not os.path.islink('far'): os.symlink(p, 'far')\n"
        "if os.path.exists(p): open(p).read()\nelse: open('far', 'w').write('1')\n",
        "far",
    ),
}


@pytest.mark.parametrize(("program", "named"), ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_what_a_trial_reads_elsewhere_is_named_in_the_first_line(equal_bits, program, named):
    result = equal_bits(program)
    assert result.verdict == "repeated"
    assert "but trial 2 started from a file that trial 1 had written (" in result.sentence
    assert named in result.sentence
    assert "But trial 2 started from a file that trial 1 had written" in render(report(result)).splitlines()[0]


def test_a_name_that_a_trial_could_find_elsewhere_is_a_caveat(equal_bits):
    program = (
        "import os\np = os.path.expanduser('~/weights')\nos.makedirs(p, exist_ok=True)\n"
        "if not os.listdir(p): open(p + '/0.53', 'w').close()\n"
    )
    result = equal_bits(program)
    assert (result.verdict, result.leak) == ("repeated", None)
    assert any("trial 2 could find a file that trial 1 had written" in warning for warning in result.warnings)


def test_a_difference_is_not_excused_by_a_file_that_was_only_there(equal_bits, tmp_path):
    program = (
        "import os\nfrom samebits_probe import observe\nseed = os.urandom(4).hex()\n"
        "open(os.path.expanduser(f'~/{seed}.txt'), 'w').write(seed)\nobserve('weights', float(seed[0] > '7') + int(seed, 16), step=0)\n"
    )
    (tmp_path / "work" / "train.py").write_text(program)
    request = Request(command=[sys.executable, "train.py"], directory=tmp_path / "work", out=tmp_path / "record",
                      options=Options(trials=2))  # fmt: skip
    assert run(request).result.verdict == "diverged"


@pytest.mark.parametrize("path", ["$HOME/.cache/mine/kept", "/dev/shm/$(basename $(dirname $PWD))-kept"])
def test_a_file_that_a_shell_leaves_in_shared_memory_or_in_a_cache_is_a_caveat(equal_bits, path):
    command = f"mkdir -p $HOME/.cache/mine; [ -e {path} ] || echo 1 > {path}"
    result = equal_bits(f"import os\nos.system({command!r})\n")
    assert (result.verdict, result.leak) == ("repeated", None)
    assert any("kept" in warning and "could find a file that trial 1" in warning for warning in result.warnings)


def test_a_file_that_a_shell_writes_into_a_folder_that_the_command_names_is_a_result(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "far").mkdir()
    program = (
        f"import os\nos.system('echo [0.$(od -An -N3 -tu4 /dev/urandom | tr -d \" \")7] > ../far/m.json')\n{STEPS}"
    )
    (tmp_path / "work" / "train.py").write_text(program)
    command, options = [sys.executable, "train.py", "--out=../far"], Options(trials=2, timeout=60)
    result = run(Request(command=command, directory=tmp_path / "work", out=tmp_path / "record", options=options)).result
    assert result.verdict == "inconclusive"
    assert "far/m.json differs between trials" in result.reason


@pytest.mark.parametrize("strict", [False, True])
def test_an_isolated_trial_finds_what_an_earlier_one_left_elsewhere_and_that_is_said(equal_bits, tmp_path, strict):
    kept = tmp_path / "elsewhere" / "kept.npy"
    kept.parent.mkdir()
    program = f"import os, numpy\np = {str(kept)!r}\nnumpy.load(p) if os.path.exists(p) else numpy.save(p, [1.0])\n"
    result = equal_bits(program, isolate=True, strict=strict)
    if strict:
        assert result.verdict == "inconclusive"
        assert result.advice.startswith(f"Remove {kept} before each trial")
    else:
        assert result.verdict == "repeated"
        assert f"started from a file that trial 1 had written ({kept})" in result.sentence


@pytest.mark.parametrize(("name", "advice"), [("home", "--isolate"), ("memory", "Remove /dev/shm/")])
def test_a_strict_check_of_it_is_no_answer(equal_bits, name, advice):
    result = equal_bits(ELSEWHERE[name][0], strict=True)
    assert result.verdict == "inconclusive"
    assert advice in result.advice


NO_LEAKS = {
    "written again": "import os\nopen(os.path.expanduser('~/model.txt'), 'w').write('1')\n",
    "a known cache": (
        "import os\np = os.path.expanduser('~/.cache/huggingface/hub')\nos.makedirs(p, exist_ok=True)\n"
        "p += '/model.bin'\nopen(p).read() if os.path.exists(p) else open(p, 'w').write('1')\n"
    ),
    "downloaded weights": (
        "import os, numpy\np = os.path.expanduser('~/.cache/huggingface/hub')\nos.makedirs(p, exist_ok=True)\n"
        "p += '/model.npz'\nnumpy.load(p) if os.path.exists(p) else numpy.savez(p, w=1.0)\n"
    ),
    "removed": "import os, tempfile\nf, p = tempfile.mkstemp()\nopen(p, 'w').write('1')\nos.remove(p)\n",
}


@pytest.mark.parametrize("program", NO_LEAKS.values(), ids=NO_LEAKS.keys())
def test_what_a_trial_makes_itself_is_no_leak(equal_bits, tmp_path, program):
    result = equal_bits(program)
    assert (result.verdict, result.leak, leaks_of(tmp_path / "record")) == ("repeated", None, [[], []])


def test_a_file_elsewhere_that_changed_during_the_check_counts_whoever_wrote_it(tmp_path):
    outside = Outside(tmp_path / "work", tmp_path / "record")
    from samebits.launch.processes.facts import ProcessFiles

    read = tmp_path / "data.csv"
    first = outside.begin(1, alone=True)
    read.write_text("1")
    assert outside.end(first, [ProcessFiles({}, {})], []) == []
    second = outside.begin(2, alone=True)
    (leak,) = outside.end(second, [ProcessFiles({read: second.at + 1}, {})], [])
    assert (leak.path, leak.written_by, leak.how) == (str(read), 1, "read")


def test_who_has_a_file_open_for_writing_is_known(tmp_path):
    path, quiet = tmp_path / "log.txt", tmp_path / "quiet.txt"
    with path.open("w"), subprocess.Popen(["tail", "-f", str(path)], stdout=subprocess.DEVNULL) as reader:
        assert open_elsewhere([path, quiet], set()) == {path}
        assert open_elsewhere([path, quiet], {os.getpid()}) == set()
        reader.kill()
    assert open_elsewhere([path], set()) == set()


CACHES = ["hf/model.safetensors", "work/__pycache__/a.pyc", "work/data/MNIST/raw/x", "record/trials/001/x"]


@pytest.mark.parametrize("path", CACHES)
def test_bytecode_data_sets_known_caches_and_the_record_never_count(tmp_path, monkeypatch, path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    assert not Outside(tmp_path / "work", tmp_path / "record").counts(tmp_path / path)


@pytest.mark.parametrize("path", ["checkpoint.pt", "MNIST/checkpoint.pt", "a.pyc.pt", "init.lock"])
def test_what_a_program_keeps_counts_whatever_its_name_is(tmp_path, path):
    assert Outside(tmp_path / "work", tmp_path / "record").counts(tmp_path / path)
