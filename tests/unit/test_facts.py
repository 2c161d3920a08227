"""What is recorded of the code that a command runs."""

import subprocess

import pytest

from samebits.launch import facts


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["python", "train.py", "--out", "x"], {"train.py"}),
        (["python", "-u", "-m", "tasks.fit", "train.py"], {"tasks/fit.py", "train.py"}),
        (["python", "-m", "tasks"], {"tasks/__main__.py"}),
        (["python", "-m", "pytest", "train.py"], {"train.py"}),
        (["python", "-m"], set()),
    ],
)
def test_the_scripts_and_the_modules_that_a_command_names_have_fingerprints(tmp_path, command, named):
    (tmp_path / "tasks").mkdir()
    for name in ("train.py", "tasks/fit.py", "tasks/__main__.py"):
        (tmp_path / name).write_text(f"# {name}\n")
    found = facts.code(tmp_path, command)["files"]
    assert set(found) == named
    for name in named:
        (tmp_path / name).write_text("# changed\n")
    now = facts.code(tmp_path, command)["files"]
    assert all(now[name] != found[name] for name in named)


GIT = ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "init.defaultBranch=main"]


@pytest.fixture
def places(tmp_path):
    """Folders: below a repository, behind a link to it, in a bare one, in none."""
    (tmp_path / "tree" / "below").mkdir(parents=True)
    (tmp_path / "none").mkdir()
    subprocess.run([*GIT, "init", "-q", tmp_path / "tree"], check=True)
    subprocess.run([*GIT, "-C", tmp_path / "tree", "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    subprocess.run([*GIT, "clone", "-q", "--bare", tmp_path / "tree", tmp_path / "bare"], check=True)
    (tmp_path / "link").symlink_to(tmp_path / "tree" / "below")
    return tmp_path


@pytest.mark.parametrize(("name", "is_known"), [("tree/below", True), ("link", True), ("bare", True), ("none", False)])
def test_the_commit_is_known_wherever_git_finds_a_repository(places, name, is_known):
    assert ("commit" in facts.code(places / name, [])) == is_known


def test_a_variable_can_name_the_repository(places, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(places / "tree" / ".git"))
    assert "commit" in facts.code(places / "none", [])
