"""Documents are checked, frozen, and written so that they can be read again."""

import copy
import json
import pickle

import pytest
from pydantic import ValidationError

import samebits.model
from samebits.document import AnyNumber, Document
from samebits.documents import HeldControl, Size
from samebits.model import Options, RecordFile, SavedFile, TrialFile

RECORD = {"samebits": "0.1.0", "created": "", "command": ["python"], "directory": "/", "hash": "xxh3"}


def test_fields_of_a_newer_version_are_ignored():
    assert RecordFile.model_validate({**RECORD, "newer": 1}) == RecordFile(**RECORD)


@pytest.mark.parametrize(
    ("fields", "where"),
    [({"hash": "md5"}, "hash"), ({"seed": "three"}, "seed"), ({"options": {"trials": None}}, "options.trials")],
)
def test_an_error_names_the_field(fields, where):
    with pytest.raises(ValidationError) as why:
        RecordFile(**{**RECORD, **fields})
    assert ".".join(why.value.errors()[0]["loc"]) == where
    assert why.value.title == "RecordFile"


def test_a_value_that_fits_after_a_conversion_is_converted():
    assert Options(trials="7", metrics={}).trials == 7
    assert repr(Options(timeout=3).timeout) == "3.0"


def test_documents_share_no_default():
    one, other = RecordFile(**RECORD), RecordFile(**RECORD)
    assert one.notes is not other.notes
    assert one.options.ignores is not other.options.ignores


def test_a_document_cannot_change():
    with pytest.raises(ValidationError, match="frozen"):
        Options().trials = 3


@pytest.mark.parametrize("same", [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))])
def test_a_copy_is_equal(same):
    found = TrialFile(id=1, status="complete", started="", seconds=1.0, machine={"cores": 2})
    assert same(found) == found != found.model_copy(update={"id": 2})
    assert repr(same(found)) == repr(found)


def test_equal_documents_have_one_hash():
    sizes = {Size(elements=4, different=1), Size(elements=4, different=1), Size(elements=4, different=2)}
    assert len(sizes) == 2
    assert Size(elements=4, different=1) != Options()


def test_older_content_is_read_as_that_of_today_within_other_documents():
    setup = samebits.model.Setup.model_validate(
        {"command": [], "python": None, "controls": [{"id": "x", "took_effect": False, "detail": "off"}]}
    )
    assert setup.controls == [HeldControl(id="x", effect="undone", why="off")]
    assert setup.model_dump()["controls"] == [
        {"id": "x", "effect": "undone", "why": "off", "took_effect": False, "detail": "off"}
    ]


def test_a_class_inside_a_function_is_a_document_too():
    class Local(Document):
        number: int
        files: list[SavedFile] = []

    assert json.loads(Local(number=3).model_dump_json()) == {"number": 3, "files": []}
    with pytest.raises(ValidationError):
        Local(number="x")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_written_as_a_text_and_read_back(number):
    class Loss(Document):
        loss: AnyNumber

    written = Loss(loss=number).model_dump_json()
    assert isinstance(json.loads(written)["loss"], str)
    assert Loss.model_validate_json(written, strict=True).model_dump_json() == written
