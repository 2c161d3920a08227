"""outcome.json, which the script of a study writes: what it must hold, and what it may."""

import json

import pytest

from samebits.errors import DataError
from samebits_study.trainings import read_outcome

WHOLE = {"library": "torch 2", "train_seconds": 1.5, "test_seconds": 0.1, "loss": [0.5, "NaN"]}


def written(folder, content):
    (folder / "outcome.json").write_text(json.dumps(content))
    return folder


def test_an_outcome_is_read_and_fits_its_schema(tmp_path, fits_schema):
    found = read_outcome(written(tmp_path, {**WHOLE, "more": 1}))
    assert (found.library, found.train_seconds, found.validation_loss) == ("torch 2", 1.5, [])
    assert found.loss[0] == 0.5
    assert found.loss[1] != found.loss[1]
    fits_schema("outcome", json.dumps(WHOLE))
    fits_schema("outcome", found.model_dump_json())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({**WHOLE, "train_seconds": "long"}, "train_seconds: "),
        ({"library": "torch 2"}, "train_seconds: Field required"),
        ([], "is not the outcome of a training: it: "),
    ],
)
def test_an_outcome_that_lacks_something_says_what_and_where_the_schema_is(tmp_path, content, said):
    with pytest.raises(DataError) as refused:
        read_outcome(written(tmp_path, content))
    assert said in refused.value.message
    assert refused.value.advice.startswith("samebits schema outcome")


def test_a_file_that_is_no_json_cannot_be_read(tmp_path):
    (tmp_path / "outcome.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        read_outcome(tmp_path)
