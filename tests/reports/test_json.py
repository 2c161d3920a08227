"""JSON is the result: it reads back as it was."""

import json

import pytest

from samebits.model import Result
from samebits.reports.presenters import json_
from samebits.reports.result import report

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
