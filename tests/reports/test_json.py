"""JSON is the result: it reads back as it was."""

import json
import math

import pytest

from samebits.documents import NOT_FINITE
from samebits.model import Result
from samebits.reports.presenters import json_
from samebits.reports.result_report import report
from samebits.store import write_document
from samebits.vary.result import Outcome

CONTRACT = {
    "format", "samebits", "verdict", "sentence", "reason", "precision", "scope", "setup", "trials", "groups",
    "divergence", "detection", "warnings",
}  # fmt: skip


@pytest.mark.parametrize("name", ["repeated", "diverged", "inconclusive", "hostile"])
def test_json_reads_back(name, request):
    result = request.getfixturevalue(name)
    assert Result.model_validate_json(json_.render(report(result))) == result


def test_json_has_what_the_contract_names(diverged):
    document = json.loads(json_.render(report(diverged)))
    assert set(document) >= CONTRACT
    assert document["scope"] == {
        "kind": "prefix",
        "steps_compared": 0,
        "steps_total": None,
        "files_compared": 0,
        "not_observed": [],
        "unwatched": [],
    }
    assert set(document["divergence"]) >= {"step", "kind", "name", "trials", "process", "detail", "details"}
    assert set(document["trials"][0]) >= {"id", "status", "exit_code", "steps", "seconds", "final", "metrics"}


def test_json_is_ascii(repeated):
    odd = repeated.model_copy(update={"warnings": ["caf\u00e9 \U0001f600"]})
    assert json_.render(report(odd)).isascii()


def refuse(constant):
    raise ValueError(f"{constant} is not JSON")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_is_strict_and_reads_back_where_a_number_is_not_finite(number):
    outcome = Outcome(name="last loss", base=0.5, value=number)
    text = outcome.model_dump_json()
    assert json.loads(text, parse_constant=refuse)["value"] in NOT_FINITE
    assert str(Outcome.model_validate(json.loads(text), strict=True).value) == str(number)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_no_document_holds_a_number_that_json_does_not_have(diverged, number):
    odd = diverged.model_copy(
        update={
            "setup": diverged.setup.model_copy(update={"machine": {"load": [number]}}),
            "divergence": diverged.divergence.model_copy(update={"details": [{"far": number}]}),
        }
    )
    written = json.loads(json_.render(report(odd)), parse_constant=refuse)
    assert written["setup"]["machine"]["load"][0] in NOT_FINITE
    assert written["divergence"]["details"][0]["far"] in NOT_FINITE


@pytest.mark.parametrize("name", ["lenet5", "unet"])
def test_the_document_of_a_study_is_strict(documents, name, tmp_path):
    study = getattr(documents, name)()
    (one, *others), rest = study.setups[0].models, study.setups[1:]
    models = [one.model_copy(update={"loss": [2.0, math.nan, math.inf]}), *others]
    study = study.model_copy(update={"setups": [study.setups[0].model_copy(update={"models": models}), *rest]})
    write_document(tmp_path / "study.json", study)
    text = (tmp_path / "study.json").read_text()
    json.loads(text, parse_constant=refuse)
    again = type(study).model_validate_json(text).setups[0].models[0].loss
    assert [str(loss) for loss in again] == ["2.0", "nan", "inf"]
    older = text.replace('"NaN"', "NaN").replace('"Infinity"', "Infinity")
    assert type(study).model_validate_json(older).model_dump_json() == study.model_dump_json()


def test_a_document_without_a_model_is_refused_before_it_is_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_document(tmp_path / "odd.json", {"number": math.nan})
    assert not list(tmp_path.iterdir())
