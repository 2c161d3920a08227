"""`--isolate`: each trial has a working folder, HOME, caches and a temporary folder of its own."""

import sys

import pytest

from samebits.checks import run
from samebits.launch.plan import Request
from samebits.launch.trial import isolation
from samebits.model import Options
from samebits.store import open_record

KEPT = """
import os, tempfile
for folder in (os.path.expanduser('~'), os.path.expanduser('~/.cache/mine'), os.environ['TORCH_HOME'], tempfile.gettempdir(), '.'):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, 'kept-by-a-test.txt')
    assert not os.path.exists(path), path
    open(path, 'w').write('1')
assert open(os.path.expanduser('~/.keras/datasets/data.txt')).read() == 'data'
assert open(os.path.expanduser('~/.cache/huggingface/hub/model.txt')).read() == 'model'
assert open(os.path.expanduser('~/.toolrc')).read() == 'set'
from samebits_probe import observe
observe('loss', 1.0, step=0); observe('weights', 1.0, step=0)
"""  # fmt: skip


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A HOME with data, a downloaded model and configuration."""
    home = tmp_path / "home"
    for name, text in {
        ".keras/datasets/data.txt": "data",
        ".cache/huggingface/hub/model.txt": "model",
        ".toolrc": "set",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TORCH_HOME", str(home / "torch"))
    return home


def everything(folder):
    own = folder / ".local"  # samebits keeps its key there
    paths = [path for path in folder.rglob("*") if not path.is_relative_to(own)]
    return {path: path.read_bytes() if path.is_file() else None for path in paths}


def test_no_trial_finds_what_another_one_kept_and_all_find_what_was_there_before(home, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "train.py").write_text(KEPT)
    before = everything(home)
    command, options = [sys.executable, "train.py"], Options(trials=2, isolate=True, timeout=60)
    result = run(Request(command=command, directory=tmp_path / "work", out=tmp_path / "record", options=options)).result
    assert (result.verdict, result.leak) == ("repeated", None), result.reason
    assert everything(home) == before
    wrote = [file.path for file in open_record(tmp_path / "record").trials[0].files.files]
    assert "~/kept-by-a-test.txt" in wrote


def test_nothing_of_home_stands_in_the_record_or_stays_behind(home, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    made = isolation.make(tmp_path / "record", {"HOME": str(home)})
    assert made.root.parent == tmp_path / "tmp"
    assert (made.home / ".toolrc").read_text() == "set"
    made.remove()
    assert list((tmp_path / "tmp").iterdir()) == []
    assert (home / ".toolrc").read_text() == "set"


def test_paths_have_the_same_length_in_every_trial(home, tmp_path):
    made = [isolation.make(tmp_path / "record", {"HOME": str(home), "HF_HOME": "/nowhere"}) for _ in range(2)]
    lengths = [{name: len(value) for name, value in one.variables({"HF_HOME": "/x"}).items()} for one in made]
    for one in made:
        one.remove()
    assert lengths[0] == lengths[1]
    assert {"HOME", "TMPDIR", "XDG_CACHE_HOME", "HF_HOME"} <= lengths[0].keys()


def test_small_files_of_tools_are_copied_and_those_of_projects_and_secrets_are_linked(home, tmp_path):
    for name in (".cache/mine/state.txt", ".ssh/key", "project/data.txt"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("old")
    made = isolation.make(tmp_path / "record", {"HOME": str(home)})
    assert not (made.home / ".cache" / "mine" / "state.txt").is_symlink()
    assert (made.home / "project" / "data.txt").is_symlink()
    assert (made.home / ".ssh").is_symlink()
    made.remove()
    assert (home / ".ssh" / "key").read_text() == "old"


def test_a_home_that_is_not_there_is_an_empty_one(tmp_path):
    made = isolation.make(tmp_path / "record", {"HOME": str(tmp_path / "nowhere")})
    assert list(made.home.iterdir()) == []
    made.remove()


def test_a_folder_that_is_linked_is_not_followed_when_it_is_removed(home, tmp_path):
    (home / ".pyenv" / "versions" / "3.11").mkdir(parents=True)
    made = isolation.make(tmp_path / "record", {"HOME": str(home)})
    assert (made.home / ".pyenv" / "versions" / "3.11").is_symlink()
    made.remove()
    assert (home / ".pyenv" / "versions" / "3.11").is_dir()
