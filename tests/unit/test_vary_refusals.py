"""What vary refuses, and the advice that it gives then."""

import pytest

from samebits import cli
from samebits.errors import UsageError
from samebits.launch.plan import Request
from samebits.vary import choices


def test_a_value_that_cannot_be_had_is_refused_before_another_is_asked_for(tmp_path):
    with pytest.raises(UsageError, match="threads=abc is not possible here") as raised:
        choices.choose([("threads", ["abc"])], Request(command=["python", "train.py"], directory=tmp_path))
    assert "own,abc" not in raised.value.advice


@pytest.mark.parametrize("document", ["vary.json", "record.json"])
def test_a_record_in_the_place_of_a_command_is_named_with_what_shows_it(tmp_path, monkeypatch, capsys, document):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a rec").mkdir()
    (tmp_path / "a rec" / document).write_text('{"format": 1, "samebits": "0.1.0"}')
    assert cli.main(["vary", "a rec"]) == 2
    said = capsys.readouterr().err
    assert "a rec is a record, and vary takes a command." in said
    assert "samebits report 'a rec'" in said
