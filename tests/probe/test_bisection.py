"""`samebits bisect` in real repositories: the right commit, what was left out, and the user's files as they were."""

import json
import subprocess
import sys
import zipfile

import pytest

from samebits import cli

PROGRAM = """\
import sys
from samebits_probe import observe

value = 1.0
for step in range(4):
    observe("loss", value, step=step)
    observe("weights", [value, 1.0], step=step)
    value *= {factor}
"""
FLIPS = "value += int(sys.argv[1]) % 2\n"


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Function(changes, commits=6) -> a folder with commits 1 to `commits`; {number: (name of a file, text)}."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GIT_DIR", raising=False)

    def make(changes, commits=6):
        git(tmp_path, "init", "-q")
        (tmp_path / "train.py").write_text(PROGRAM.format(factor=0.5))
        (tmp_path / ".gitignore").write_text(".samebits\n")
        for number in range(1, commits + 1):
            (tmp_path / "number").write_text(str(number))
            for name, text in changes.get(number, {}).items():
                (tmp_path / name).write_text(text)
            git(tmp_path, "add", "-A")
            git(tmp_path, "commit", "-qm", f"Change {number}")
        return tmp_path

    return make


def bisect(*words, trials=2, ends=("HEAD~5", "HEAD")):
    program = ["--", sys.executable, "train.py", "{trial}"]
    return cli.main(["bisect", *ends, "-n", str(trials), *words, *program])


def test_the_commit_is_found_beside_one_that_does_not_build_and_one_that_flips(repository, capsys):
    good = PROGRAM.format(factor=0.5)
    changes = {
        15: {"train.py": good.replace("for step", f"{FLIPS}for step")},
        16: {"train.py": good, "build": "exit 7"},
        17: {"build": "true"},
        20: {"train.py": PROGRAM.format(factor=0.25)},
    }
    folder = repository({1: {"build": "true"}, **changes}, commits=30)
    (folder / "number").write_text("mine")
    (folder / "untracked").write_text("mine")
    assert bisect("--setup", "sh build", ends=("HEAD~29", "HEAD")) == 0
    said = capsys.readouterr().out
    assert said.startswith("=  FOUND: ")
    assert "Change 20 is the first commit whose bits differ from those of HEAD~29." in said
    assert "where      step 1 > forward > loss" in said
    assert "uncertain  " in said
    assert "Change 15: 2 trials, 2 models: they diverge at step 0" in said
    assert (folder / "number").read_text() == "mine"
    assert git(folder, "status", "--short") == " M number\n?? untracked\n"
    assert len(git(folder, "worktree", "list").splitlines()) == 1


def test_commits_that_give_no_answer_are_named_if_one_of_them_may_be_the_first(repository, capsys):
    repository({4: {"train.py": "1 / 0\n"}, 5: {"train.py": PROGRAM.format(factor=0.25)}})
    assert bisect("--json", "-") == 3
    captured = capsys.readouterr()
    found, said = json.loads(captured.out), captured.err
    assert found["first_bad"] == git(".", "rev-list", "-n", "2", "HEAD~1").split()[::-1]
    outcomes = {one["name"].partition(" ")[2]: (one["outcome"], one["divergence"]) for one in found["commits"]}
    assert (outcomes["Change 4"][0], outcomes["Change 1"]) == ("skipped", ("good", None))
    assert outcomes["Change 5"][1]["step"] == 1
    assert "one of 2 commits changed the bits" in said
    assert "Change 4" in said
    assert "Change 5" in said
    assert "left out   " in said


def test_equal_ends_have_nothing_between_them(repository, capsys):
    repository({})
    assert bisect() == 3
    assert "HEAD has the same bits as HEAD~5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words", "said"),
    [
        ({1: {"train.py": f"import sys\n{PROGRAM.format(factor=0.5)}".replace("for step", f"{FLIPS}for step")}}, (),
         "The good commit"),
        ({1: {"train.py": "1 / 0\n"}, 2: {"train.py": PROGRAM.format(factor=0.5)}}, (), "The good commit"),
        ({6: {"train.py": "1 / 0\n"}}, (), "The bad commit"),
        ({}, ("--setup", "echo so; echo no; exit 3"), "status 3: no\n   do this  Name a different good commit.\n"),
    ],
)  # fmt: skip
def test_an_end_that_gives_no_answer_is_refused(repository, capsys, changes, words, said):
    repository(changes)
    assert bisect(*words) == 2
    assert said in capsys.readouterr().err


def test_wrong_commits_and_folders_are_refused(repository, capsys, tmp_path, monkeypatch):
    repository({})
    assert bisect(ends=("HEAD", "HEAD~5")) == 2
    assert "HEAD does not come before HEAD~5" in capsys.readouterr().err
    assert bisect(ends=("nothing", "HEAD")) == 2
    assert "There is no commit 'nothing'" in capsys.readouterr().err
    assert cli.main(["bisect", "HEAD~1", "HEAD"]) == 2
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path.parent)
    assert bisect() == 2
    assert "is not in a git repository" in capsys.readouterr().err


def test_the_setup_knows_the_folder_of_the_user_and_runs_below_it(repository, capsys):
    program = PROGRAM.format(factor=0.5).replace("1.0", "float(open('value').read())", 1)
    folder = repository({2: {"train.py": program}, 4: {"train.py": program.replace("0.5", "0.25")}})
    (folder / "value").write_text("1.0")
    git(folder, "rm", "-q", "--cached", "--ignore-unmatch", "value")
    assert bisect("--setup", 'ln -s "$SAMEBITS_TREE/value" value', ends=("HEAD~4", "HEAD")) == 0
    assert "Change 4 is the first" in capsys.readouterr().out
    assert (folder / "value").exists()


def test_git_bisect_run_finds_the_commit_with_the_statuses_of_check(repository):
    good, other = (PROGRAM.format(factor=factor) for factor in (0.5, 0.25))
    folder = repository({4: {"train.py": "1 / 0\n"}, 5: {"train.py": good}, 6: {"train.py": other}}, commits=8)
    check = [sys.executable, "-m", "samebits", "check", "-n", "2"]
    golden = ["--golden", str(folder / ".samebits" / "golden")]
    program = ["--", sys.executable, "train.py"]
    (folder / ".samebits").mkdir()
    git(folder, "checkout", "-q", "HEAD~7")
    subprocess.run([*check, *golden, "--update", *program], cwd=folder, check=True, capture_output=True)
    git(folder, "bisect", "start", "main", "HEAD")
    said = git(folder, "bisect", "run", *check, *golden, "--bisect", *program)
    assert "is the first bad commit" in said
    assert "    Change 6" in said


def compare(*words):
    return cli.main(["compare", *words, "-n", "2", "--", sys.executable, "train.py"])


def test_two_commits_are_checked_and_compared(repository, capsys):
    folder = repository({2: {"train.py": PROGRAM.format(factor=0.25)}}, commits=3)
    (folder / "train.py").write_text("raise SystemExit('not committed')")
    assert compare("--commits", "HEAD~2", "HEAD") == 1
    said = capsys.readouterr()
    assert "diverge at step 1" in said.out
    assert "\n   first  HEAD~2 in .samebits/" in said.out
    assert said.err.count("changes that are not committed are not part of either side") == 1
    assert compare("--commits", "HEAD~1", "HEAD") == 0
    assert git(folder, "status", "--short") == " M train.py\n"


def test_a_commit_whose_own_trials_diverge_is_not_compared(repository, capsys):
    flips = PROGRAM.format(factor=0.5).replace("value = 1.0", "import random\nvalue = random.SystemRandom().random()")
    repository({2: {"train.py": flips}}, commits=2)
    assert compare("--commits", "HEAD~1", "HEAD") == 2
    assert "The second commit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (PROGRAM.format(factor=0.5), "initial weights in 0 processes, not in one"),
        (PROGRAM.format(factor=0.5).replace("for step", 'observe("w", [value], kind="start")\nfor step'),
         "samebits can set weights of PyTorch, and of Keras on TensorFlow or PyTorch, but not w"),
    ],
)  # fmt: skip
def test_weights_that_cannot_be_set_are_refused(repository, capsys, program, said):
    repository({1: {"train.py": program}}, commits=2)
    assert compare("--commits", "HEAD~1", "HEAD", "--same-weights") == 2
    assert said in capsys.readouterr().err


def test_the_error_of_a_commit_is_shown(repository, capsys):
    repository({2: {"train.py": "raise ValueError('too few layers')"}}, commits=2)
    assert compare("--commits", "HEAD~1", "HEAD") == 2
    said = capsys.readouterr().err
    assert "The second commit" in said
    assert "Trial 1 said: ValueError: too few layers" in said
    assert "not committed" not in said


def test_code_of_the_users_own_folder_is_no_code_of_a_commit(repository, capsys, monkeypatch):
    program = PROGRAM.format(factor="0.5").replace("import sys", "import sys\nimport rates")
    folder = repository({1: {"train.py": program, "rates.py": "RATE = 1"}, 2: {"rates.py": "RATE = 2"}}, commits=2)
    (folder / "elsewhere").mkdir()
    git(folder, "mv", "rates.py", "elsewhere")
    git(folder, "commit", "-qm", "Moved")
    monkeypatch.setenv("PYTHONPATH", str(folder / "elsewhere"))
    assert compare("--commits", "HEAD~1", "HEAD") == 2
    said = capsys.readouterr().err
    assert "its trials read elsewhere/rates.py of your own folder, and not of the commit" in said
    assert "pip install -e ." in said
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert compare("--commits", "HEAD~1", "HEAD") == 0


def test_two_releases_of_a_package_are_checked_and_compared(tmp_path, monkeypatch, capsys):
    """Wheels of two releases stand in for a package of an index."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAMEBITS_HOME", str(tmp_path / "home"))
    for release, factor in (("1.0", 0.5), ("2.0", 0.25)):
        with zipfile.ZipFile(f"factors-{release}-py3-none-any.whl", "w") as wheel:
            about = f"factors-{release}.dist-info"
            wheel.writestr("factors.py", f"FACTOR, __version__ = {factor}, '{release}'\n")
            wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: factors\nVersion: {release}\n")
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    starts_afresh = "import os\nassert not os.path.exists('left')\nopen('left', 'w').close()\n"  # in both environments
    (tmp_path / "train.py").write_text(f"import factors\n{starts_afresh}" + PROGRAM.format(factor="factors.FACTOR"))
    train = ["-n", "2", "--python", sys.executable, "train.py"]
    assert cli.main(["compare", "--packages", "factors==1.0", "factors==2.0", *train]) == 1
    said = capsys.readouterr().out
    assert "factors==1.0: trials 1,2" in said
    assert "no trial showed which release" not in said
    assert cli.main(["compare", "--packages", "factors==1.0", "factors==3.0", *train]) == 2
    said = capsys.readouterr().err
    assert "No matching distribution" in said
    assert "pip index versions factors" in said
    assert "env create" not in said
    (tmp_path / "train.py").write_text(PROGRAM.format(factor=0.5))
    assert cli.main(["compare", "--packages", "factors==1.0", "factors==2.0", *train]) == 0
    assert "no trial showed which release of factors it imported" in capsys.readouterr().out
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "factors.py").write_text("FACTOR, __version__ = 0.5, '9'\n")
    monkeypatch.setenv("PYTHONPATH", "copies")
    (tmp_path / "train.py").write_text("import factors\n" + PROGRAM.format(factor="factors.FACTOR"))
    assert cli.main(["compare", "--packages", "factors==1.0", "factors==2.0", *train]) == 2
    assert "Both sides imported factors 9" in capsys.readouterr().err


def test_compare_refuses_what_it_cannot_compare(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["compare", "a", "b", "c"]) == 2
    assert cli.main(["compare", "--commits", "a", "b", "--packages", "c", "d", "train.py"]) == 2
    assert cli.main(["compare", "--commits", "a", "b"]) == 2
    assert cli.main(["compare", "--commits", "a", "--", "train.py"]) == 2
    assert cli.main(["compare", "--packages", "a==1", "a==1", "train.py"]) == 2
    assert cli.main(["compare", "--same-weights", "a", "b"]) == 2
    errors = capsys.readouterr().err
    assert all(text in errors for text in ("takes two records", "exclude each other", "There is no command to run"))
    assert all(text in errors for text in ("only a is named", "a==1 is named twice", "needs trials to run"))


def test_a_commit_is_not_compared_with_itself(repository, capsys):
    repository({}, commits=1)
    assert compare("--commits", "HEAD", "main") == 2
    assert "HEAD and main are the same commit" in capsys.readouterr().err
