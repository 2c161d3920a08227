"""What is recorded of the code that a command runs."""

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
