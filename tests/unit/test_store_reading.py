"""Reading single files of a record."""

import json

import pytest

from samebits.errors import RecordError
from samebits.launch.metrics import numbers
from samebits.store.reading import parse, read_object


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_a_document_with_what_is_no_number_of_json_is_refused(tmp_path, text):
    path = tmp_path / "trial.json"
    path.write_text(f'{{"seconds": {text}}}')
    with pytest.raises(RecordError, match=f"{text} is not a number of JSON"):
        read_object(path)


def test_an_event_may_hold_nan(tmp_path):
    assert str(parse(b'{"detail": NaN}', tmp_path)["detail"]) == "nan"


def test_a_metric_that_is_no_finite_number_is_kept_as_text_only():
    assert numbers({"loss": "nan", "top": "inf", "acc": "0.5"}) == {"acc": 0.5}


def test_names_that_are_no_utf8_are_made_printable(tmp_path):
    value = parse(json.dumps({"caf\udce9": ["\udcff", "é"]}).encode(), tmp_path)
    assert value == {"caf\\xe9": ["\\xff", "é"]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": ', "ends too early: it was truncated"),
        (b'{"a": ]}', "is not valid JSON (line 1"),
        (b'{"a": "\xff"}', "is not UTF-8 text (byte 7)"),
        (b"[" * 200_000, "is not usable JSON"),
    ],
)
def test_what_is_wrong_with_json_is_said(tmp_path, data, message):
    with pytest.raises(RecordError) as caught:
        parse(data, tmp_path / "record.json")
    assert message in caught.value.message
