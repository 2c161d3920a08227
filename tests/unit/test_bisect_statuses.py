"""`check --bisect` ends with the statuses that `git bisect run` understands, and nothing else does."""

import pytest

from samebits import cli
from samebits.cli import table
from samebits.errors import UsageError


@pytest.mark.parametrize(
    ("words", "status", "shown"),
    [
        (["check", "--bisect", "train.py"], 0, 0),
        (["check", "--bisect", "train.py"], 1, 1),
        (["check", "--bisect", "train.py"], 3, 125),
        (["check", "--bisect", "train.py"], 2, 128),
        (["check", "-n", "2", "--bisect", "--", "make"], 3, 125),
        (["check", "--bisect", "train.py"], 130, 130),
        (["check", "train.py", "--bisect"], 3, 3),
        (["check", "--", "prog", "--bisect"], 3, 3),
        (["why", "--bisect", "train.py"], 3, 3),
        (["check", "train.py"], 3, 3),
    ],
)
def test_each_status_of_a_check_has_one_for_bisect(monkeypatch, words, status, shown):
    monkeypatch.setattr(table, "run", lambda given: status)
    assert cli.main(words) == shown


def test_an_error_stops_a_bisect(monkeypatch, capsys):
    def fail(words):
        raise UsageError("no")

    monkeypatch.setattr(table, "run", fail)
    assert cli.main(["check", "--bisect", "train.py"]) == 128
    assert cli.main(["check", "train.py"]) == 2


def test_wrong_words_stop_a_bisect(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", "--bisect", "--no-such-option"]) == 128
    assert cli.main(["check", "--bisect", "missing.py"]) == 128
