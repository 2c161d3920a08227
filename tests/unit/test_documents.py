"""Documents are checked, frozen, and written so that they can be read again."""

import json

import pytest
from pydantic import ValidationError

from samebits.document import AnyNumber, Document
from samebits.model import Options, RecordFile

RECORD = {"samebits": "0.1.0", "created": "", "command": ["python"], "directory": "/", "hash": "xxh3"}


def test_fields_of_a_newer_version_are_ignored():
    assert RecordFile.model_validate({**RECORD, "newer": 1}) == RecordFile(**RECORD)


def test_a_document_cannot_change():
    with pytest.raises(ValidationError, match="frozen"):
        Options().trials = 3


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_written_as_a_text_and_read_back(number):
    class Loss(Document):
        loss: AnyNumber

    written = Loss(loss=number).model_dump_json()
    assert isinstance(json.loads(written)["loss"], str)
    assert Loss.model_validate_json(written, strict=True).model_dump_json() == written
