"""Options of check in pyproject.toml: read as on the command line, which wins; an unknown key is named."""

from pathlib import Path

import pytest

from samebits import cli
from samebits.cli import pyproject

BASE = """
[tool.samebits]
trials = 3
ignore = ["logs/*", "tmp/*"]
controls = "torch-seed"
metric = {loss = "loss (.*)"}
golden = "tests/g.samebits"
timeout = 90.5
[tool.samebits.profiles.ci]
strict = true
trials = 7
ok-exit = 4
"""


@pytest.fixture
def shown(tmp_path, monkeypatch, capsys):
    """Function(text, *words, below="", status=0) -> {flag: the value and its place}, or what standard error says."""

    def show(text, *words, below="", status=0):
        (tmp_path / "pyproject.toml").write_text(text)
        (tmp_path / below).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / below)
        assert cli.main(["check", "--show-options", *words]) == status
        said = capsys.readouterr()
        lines = [line.split("  ") for line in said.out.splitlines()]
        return said.err if status else {flag: [cell.strip() for cell in cells if cell] for flag, *cells in lines}

    return show


def test_options_come_from_the_table_and_the_command_line_wins(shown):
    found = shown(BASE, "-n", "4", "--ignore", "a")
    place = "[tool.samebits] of pyproject.toml"
    assert found["--control"] == ["torch-seed", place]
    assert found["--metric"] == ["loss=loss (.*)", place]
    assert found["--timeout"] == ["90.5", place]
    assert found["--golden"] == ["tests/g.samebits", place]
    assert (found["--trials"], found["--ignore"]) == (["4", "command line"], ["a", "command line"])
    assert (found["--strict"], found["--update"], found["--ok-exit"]) == (["no"], ["no"], ["0"])


def test_a_profile_wins_over_the_table_and_none_leaves_both_out(shown):
    found = shown(BASE, "--profile", "ci")
    place = "[tool.samebits.profiles.ci] of pyproject.toml"
    assert found["--strict"] == ["yes", place]
    assert found["--trials"] == ["7", place]
    assert found["--ok-exit"] == ["4", place]
    assert found["--ignore"][0] == "logs/*, tmp/*"
    assert shown(BASE, "--profile", "none")["--trials"] == ["5"]


def test_a_file_of_the_table_is_found_from_a_folder_below(shown):
    found = shown(BASE, below="below")
    assert found["--golden"] == ["../tests/g.samebits", "[tool.samebits] of ../pyproject.toml"]


def test_a_check_with_a_golden_file_shows_the_trials_that_it_will_run(shown):
    assert shown('[tool.samebits]\ngolden = "g"')["--trials"] == ["2"]
    assert shown('[tool.samebits]\ngolden = "g"', "--update")["--trials"] == ["5"]


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("[tool.samebits]\ntrails = 3", (), "has an unknown key: trails.\n   do this  Did you mean trials"),
        ("[tool.samebits]\nprofile = 'ci'", (), "profile works only on the command line"),
        ("[tool.samebits]\nupdate = true", (), "update works only on the command line"),
        ("[tool.samebits]\ntrials = 'x'", (), "[tool.samebits] of pyproject.toml: trials: 'x' is not a whole number"),
        ("[tool.samebits]\nstrict = 1", (), "strict: 1 is neither True nor False"),
        ("[tool.samebits]\nignore = [1.5, {}]", (), "ignores: "),
        ("[tool.samebits]\ntimeout = 2020-01-01", (), "timeout: "),
        (BASE, ("--profile", "cii"), "has no profile 'cii'.\n   do this  Did you mean ci?"),
        ("[tool.samebits]\n", ("--profile", "ci"), "has no profile 'ci'"),
        ("[tool.samebits]\nprofiles = 3", ("--profile", "ci"), "has no profile 'ci'"),
        ("[tool.other]\n", ("--profile", "ci"), "There is no profile 'ci'"),
        ("[tool.samebits\n", (), "pyproject.toml cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_place(shown, text, words, said):
    assert said in shown(text, *words, status=2)


def test_a_file_without_the_table_changes_nothing(shown):
    assert shown("[tool]\nsamebits = 3\n")["--trials"] == ["5"]
    assert shown("[tool.other]\nname = 'samebits'\n")["--trials"] == ["5"]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["--against", "r"], {"against": "r", "golden": None}),
        (["--golden", "h"], {"against": None, "golden": "h"}),
        (["--add", "1", "r"], {"against": None, "golden": None, "out": None, "strict": True}),
    ],
)
def test_an_option_of_the_command_line_removes_those_of_the_file_that_it_excludes(tmp_path, monkeypatch, words, kept):
    text = '[tool.samebits]\nout = "o"\nstrict = true\n' + (
        'golden = "g"' if "--golden" not in words else "against = 'a'"
    )
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    seen = {}
    monkeypatch.setattr(pyproject, "shown_options", lambda given: seen.update(given) or "")
    assert cli.main(["check", "--show-options", *words]) == 0
    assert {name: seen[name] for name in kept} == kept


def test_a_bad_file_does_not_hide_the_help(tmp_path, monkeypatch, capsys):
    Path(tmp_path, "pyproject.toml").write_text("[tool.samebits\n")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", "--help"]) == 0
    assert "--profile" in capsys.readouterr().out
