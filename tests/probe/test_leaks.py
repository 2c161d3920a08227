"""A trial that reads what an earlier one had written did not start from the same place."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from samebits.checks import record, run
from samebits.launch import folders, opens
from samebits.launch.leaks import Leaks, ProcessTree
from samebits.launch.plan import Request
from samebits.model import Options
from samebits.reports.presenters.terminal import render
from samebits.reports.result_report import report
from samebits.store import open_record

SAMPLES = Path(__file__).parent.parent / "samples"
TRIALS = 3  # what `ask` asks for where nothing else is said


def leaks_of(folder):
    return [[(leak.path, leak.written_by) for leak in trial.file.leaks] for trial in open_record(folder).trials]


def test_a_trial_that_resumes_from_an_earlier_one_makes_the_check_inconclusive(ask, tmp_path):
    result = run(ask("resumes_from_checkpoint.py")).result
    assert result.verdict == "inconclusive"
    assert "had written" in result.reason
    assert "{out}" in result.advice
    assert leaks_of(tmp_path / "record") == [[], [("checkpoint.txt", 1)], [("checkpoint.txt", 2)]]


def test_with_a_folder_of_its_own_the_same_program_repeats(ask, tmp_path):
    assert run(ask("resumes_from_checkpoint.py", "{out}")).result.verdict == "repeated"
    assert leaks_of(tmp_path / "record") == [[], [], []]


def test_isolated_trials_do_not_resume_from_each_other(ask, tmp_path):
    assert run(ask("resumes_from_checkpoint.py", isolate=True)).result.verdict == "repeated"


def test_isolated_trials_leave_the_users_own_files_alone(ask, tmp_path):
    record(ask("resumes_from_checkpoint.py", out="first"))
    (own,) = (tmp_path / "work").glob("checkpoint*")
    before = own.read_bytes()
    assert run(ask("resumes_from_checkpoint.py", isolate=True)).result.verdict == "repeated"
    assert own.read_bytes() == before


def test_a_reader_in_another_language_is_noticed(ask, tmp_path):
    assert run(ask("reads_through_another_program.py")).result.verdict == "inconclusive"
    assert leaks_of(tmp_path / "record")[1] == [("state.txt", 1)]


def test_a_file_that_a_trial_writes_before_it_reads_it_is_its_own(ask, tmp_path):
    assert run(ask("reads_its_own_file.py")).result.verdict == "repeated"
    assert leaks_of(tmp_path / "record") == [[], [], []]


def test_a_leak_from_an_earlier_round_counts_too(ask, tmp_path, monkeypatch):
    monkeypatch.setattr("samebits.launch.pauses.grown", lambda paused, began, most: paused["steps"])
    (tmp_path / "work" / "train.py").write_text(
        "import os\nfrom samebits_probe import observe\n"
        "known = os.path.exists('warm.txt') and open('warm.txt').read()\n"
        "open('warm.txt', 'w').write('1')\n"
        "for step in range(30):\n"
        "    observe('loss', 1.0, step=step); observe('weights', 1.0, step=step)\n"
    )
    command = [sys.executable, "train.py"]
    request = Request(command=command, directory=tmp_path / "work", out=tmp_path / "record", options=Options(trials=2))
    result = run(request).result
    assert result.verdict == "repeated"
    assert leaks_of(tmp_path / "record") == [[("warm.txt", 2)], [("warm.txt", 1)]]
    assert any("warm.txt" in warning for warning in result.warnings)


def test_every_leak_keeps_what_the_file_held(ask, tmp_path):
    run(ask("resumes_from_checkpoint.py"))
    contents = [leak.content for trial in open_record(tmp_path / "record").trials for leak in trial.file.leaks]
    assert len(set(contents)) == 2
    assert all(len(content) == 32 for content in contents)


NEVER = ["__pycache__/a.cpython-311.pyc", "data/MNIST/raw/train-images", "record/trials/001/x"]
ALWAYS = ["checkpoint.pt", "MNIST/checkpoint.pt", "MNIST/runs/raw", "a.pyc.pt"]


@pytest.mark.parametrize("path", NEVER)
def test_bytecode_data_sets_and_the_record_never_count(tmp_path, path):
    leaks = Leaks(tmp_path, tmp_path / "record")
    assert not leaks.counts(tmp_path / path)


@pytest.mark.parametrize("path", ALWAYS)
def test_what_a_program_keeps_counts_whatever_its_folder_is_called(tmp_path, path):
    assert Leaks(tmp_path, tmp_path / "record").counts(tmp_path / path)


def test_caches_of_models_and_data_sets_never_count(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    leaks = Leaks(tmp_path, tmp_path / "record")
    assert not leaks.counts(tmp_path / "hf" / "model.safetensors")
    assert not leaks.counts(Path("~/.keras/datasets/mnist.npz").expanduser())


def test_a_folder_of_caches_that_the_first_trial_makes_is_no_leak_but_what_is_in_it_can_be(tmp_path):
    leaks, home = Leaks(tmp_path, tmp_path / "record"), Path("~").expanduser()
    assert not any(leaks.counts(home / name) for name in (".cache", ".config", ".keras", ".local"))
    assert all(leaks.counts(home / name / "mine.pt") for name in (".cache", ".keras"))


def test_side_by_side_the_probe_tells_who_reads(ask, tmp_path):
    result = run(ask("resumes_from_checkpoint.py", trials=4, jobs=2)).result
    assert result.verdict == "inconclusive"
    assert any("side by side" in warning and "checkpoint.txt" in warning for warning in result.warnings)


def test_side_by_side_with_folders_of_their_own_nothing_is_noted(ask, tmp_path):
    result = run(ask("resumes_from_checkpoint.py", "{out}", trials=4, jobs=2)).result
    assert result.verdict == "repeated"
    assert not any("side by side" in warning for warning in result.warnings)


def test_a_record_of_another_check_in_the_working_folder_is_left_alone(tmp_path):
    (tmp_path / "other" / "trials" / "001").mkdir(parents=True)
    (tmp_path / "other" / folders.MARK).write_text(folders.MARKED)
    (tmp_path / "other" / "trials" / "001" / "trace.bin").write_bytes(b"1")
    (tmp_path / "model.pt").write_bytes(b"2")
    assert list(folders.snapshot(tmp_path).files) == [tmp_path / "model.pt"]


STEPS = "from samebits_probe import observe\nobserve('loss', 1.0, step=0); observe('weights', 1.0, step=0)\n"
TRAVELS = {
    "rename": (
        "import os\nif os.path.exists('kept.txt'): open('kept.txt').read()\n"
        "else:\n open('kept.tmp', 'w').write('1'); os.replace('kept.tmp', 'kept.txt')\n",
        "kept.txt",
    ),
    "h5py": (
        "import os, h5py\nif os.path.exists('kept.h5'): h5py.File('kept.h5', 'r')['w'][()]\n"
        "else: h5py.File('kept.h5', 'w')['w'] = 1.0\n",
        "kept.h5",
    ),
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
    "database": (
        "import sqlite3\nc = sqlite3.connect('kept.db'); c.execute('create table if not exists w (v)')\n"
        "if not c.execute('select * from w').fetchall(): c.execute('insert into w values (1)')\nc.commit(); c.close()\n",
        "kept.db",
    ),
    "shell": (
        "import os\nos.system('if [ -e kept.txt ]; then cat kept.txt >/dev/null; else echo 1 > kept.txt; fi')\n",
        "kept.txt",
    ),
    "updated": (
        "import os\nf = open('kept.bin', 'r+b' if os.path.exists('kept.bin') else 'w+b'); f.read(); f.seek(0); f.write(b'1')\n",
        "kept.bin",
    ),
    "module": (
        "import os, sys\nsys.path.insert(0, '')\n"
        "if os.path.exists('kept.py'): import kept\nelse: open('kept.py', 'w').write('w = 1')\n",
        "kept.py",
    ),
    "moved": (
        "import os\nif os.path.exists('kept.txt'): os.rename('kept.txt', 'mine.txt'); open('mine.txt').read(); os.remove('mine.txt')\n"
        "open('kept.txt', 'w').write('1')\n",
        "kept.txt",
    ),
    "forked": (
        "import os\nif not os.path.isdir('x'): os.mkdir('x'); open('x/kept', 'w').write('1')\n"
        "else:\n pid = os.fork()\n if not pid: open('x/kept').read(); os._exit(0)\n os.waitpid(pid, 0)\n",
        "x/kept",
    ),
    "folder": (
        "import os\nos.makedirs('state', exist_ok=True)\nif not os.listdir('state'): os.mkdir('state/w-0.53')\n",
        "state/w-0.53",
    ),
    "asked": (
        "from pathlib import Path\nif not any(Path('seed%d' % n).is_dir() for n in range(9)): Path('seed7').mkdir()\n",
        "seed7",
    ),
    "globbed": (
        "import glob\nif not glob.glob('seed-*'): open('seed-77', 'w').close()\n",
        "seed-77",
    ),
    "listed by a shell": (
        "import os, subprocess\nif not subprocess.run('ls state', shell=True, capture_output=True).stdout:\n"
        " os.makedirs('state/w-0.53', exist_ok=True)\n",
        "state/w-0.53",
    ),
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


@pytest.mark.parametrize(("program", "named"), TRAVELS.values(), ids=TRAVELS.keys())
def test_what_travels_is_named_in_the_first_line_however_it_travels(equal_bits, program, named):
    result = equal_bits(program)
    assert result.verdict == "repeated"
    assert result.sentence.startswith("2 trials, one model")
    assert re.search(r"but trial 2 started from (a file|files) that trial 1 left \(", result.sentence)
    assert named in result.sentence
    first = render(report(result)).splitlines()[0]
    assert re.search(r"But trial 2 started from (a file|files) that trial 1 left", first)


FAR = {
    "h5py": (
        "import os, h5py\np = '../far/deep/kept.h5'\nif os.path.exists(p): h5py.File(p, 'r')['w'][()]\n"
        "else: h5py.File(p, 'w')['w'] = 1.0\n",
        "kept.h5",
    ),
    "shell": (
        "import os\nos.system('if [ -e ../far/deep/kept.txt ]; then cat ../far/deep/kept.txt >/dev/null; "
        "else echo 1 > ../far/deep/kept.txt; sleep 0.2; fi')\n",
        "kept.txt",
    ),
}


@pytest.mark.parametrize(("program", "named"), FAR.values(), ids=FAR.keys())
def test_a_file_in_a_folder_that_nobody_looks_at_travels_too_if_the_kernel_says_who_writes(
    equal_bits, tmp_path, program, named
):
    if os.geteuid() != 0:
        pytest.skip("fanotify is for the superuser")
    (tmp_path / "far" / "deep").mkdir(parents=True)
    result = equal_bits(program)
    assert result.verdict == "repeated"
    assert f"far/deep/{named}" in result.sentence


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
        assert f"started from a file that trial 1 left ({kept})" in result.sentence


def test_a_strict_check_of_it_is_no_answer(equal_bits):
    result = equal_bits(TRAVELS["rename"][0], strict=True)
    assert result.verdict == "inconclusive"
    assert "--isolate" in result.advice


NO_LEAKS = {
    "made again": "import os\nif not os.path.exists('out'): os.makedirs('out')\nopen('out/model.txt', 'w').write('1')\n",
    "an empty folder": "import os\nos.makedirs('logs', exist_ok=True)\n",
    "removed first": "import os, shutil\nif os.path.isdir('out'): shutil.rmtree('out')\nos.mkdir('out')\n",
    "numbered": "import os\nn = len(os.listdir('.'))\nos.makedirs('runs/version_%d' % n)\nos.listdir('runs')\n",
    "its own bytecode": "import sys; sys.path.insert(0, '')\nopen('own.py', 'w').write('w = 1')\nimport own\n",
    "a known cache": (
        "import os\np = os.path.expanduser('~/.cache/huggingface/hub')\nos.makedirs(p, exist_ok=True)\n"
        "p += '/model.bin'\nopen(p).read() if os.path.exists(p) else open(p, 'w').write('1')\n"
    ),
    "appended": "open('log.txt', 'a').write('1')\n",
}  # fmt: skip


@pytest.mark.parametrize("program", NO_LEAKS.values(), ids=NO_LEAKS.keys())
def test_what_a_trial_makes_itself_is_no_leak(equal_bits, program):
    result = equal_bits(program)
    assert (result.leak, result.sentence.count("started from")) == (None, 0)


def test_a_log_into_which_the_check_prints_is_not_what_a_trial_wrote(tmp_path):
    (tmp_path / "train.py").write_text(
        f"import random, time\n{STEPS}observe('weights', random.random(), step=1)\ntime.sleep(.5)\n"
    )
    reader = "while :; do cat log3.txt > /dev/null; sleep .01; done"
    command = (
        f"({reader}) & reader=$!; {sys.executable} -m samebits check -n 3 --out record -- {sys.executable} train.py"
    )
    done = subprocess.run(
        ["bash", "-c", f"{command} > log3.txt 2>&1; code=$?; kill $reader; exit $code"], cwd=tmp_path, timeout=120
    )
    assert done.returncode == 1, (tmp_path / "log3.txt").read_text()
    assert leaks_of(tmp_path / "record") == [[], [], []]


@pytest.mark.parametrize("kind", [opens.Inotify, opens.Fanotify])
def test_a_read_by_a_process_outside_of_the_trial_does_not_count(tmp_path, kind):
    try:
        source = kind()
    except OSError:
        pytest.skip("fanotify is for the superuser")
    path = tmp_path / "kept.txt"
    path.write_text("1")
    program = f"f = open({str(path)!r}); input(); print(f.read(), flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as reader:
        watching = opens.Opens([path], [], source)
        watching.is_ours = ProcessTree(1 << 30).holds
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "1\n"
        watching.close()
        reader.communicate("\n", timeout=20)
    assert (watching.read, watching.unseen) == (set(), set())


@pytest.mark.parametrize("kind", [opens.Inotify, opens.Fanotify])
def test_a_read_by_a_process_of_the_trial_counts(tmp_path, kind):
    try:
        source = kind()
    except OSError:
        pytest.skip("fanotify is for the superuser")
    path = tmp_path / "kept.txt"
    path.write_text("1")
    watching = opens.Opens([path], [], source)
    watching.is_ours = ProcessTree(os.getpid()).holds
    subprocess.run(["cat", str(path)], check=True, stdout=subprocess.DEVNULL)
    watching.close()
    assert watching.read == {path}


@pytest.mark.parametrize("is_foreign", [False, True])
def test_a_reader_that_is_gone_is_taken_for_the_trials_only_if_a_trial_wrote_the_file(tmp_path, is_foreign):
    path = tmp_path / "kept.txt"
    path.write_text("1")
    watching = opens.Opens([path], [], opens.source(), {path} if is_foreign else ())
    watching.is_ours = lambda process: None
    subprocess.run(["cat", str(path)], check=True, stdout=subprocess.DEVNULL)
    watching.close()
    assert watching.read == (set() if is_foreign else {path})


def test_events_that_the_kernel_merged_do_not_say_that_a_file_was_read_first(tmp_path):
    path = tmp_path / "kept.txt"
    path.write_text("1")
    try:
        source = opens.Fanotify()
    except OSError:
        pytest.skip("fanotify is for the superuser")
    assert source.watch(path)
    path.write_text("2")
    assert path.read_text() == "2"
    first, *_ = list(source.events())
    os.close(source.handle)
    assert first[0] == path
    assert first[1] is not True
