"""The JSON schemas that `samebits schema` prints, and documents that are validated against them by jsonschema."""

import json
import tarfile
from importlib.metadata import EntryPoint
from pathlib import Path

import jsonschema
import pytest

from samebits import cli
from samebits.cli import clients, supplies
from samebits.documents import Location
from samebits.vary.result import End, Outcome

ROOT = Path(__file__).resolve().parents[2]
# the keys of ../shared/contract.md, which no version renames
KEYS = {
    "result": "format samebits verdict sentence reason precision scope setup trials groups divergence detection warnings",
    "explain": "cause operator minimal_controls cost evidence outside_known_controls",
}  # fmt: skip
RECORDED = ("result", "record", "trial", "files", "ops", "vary")


def printed(capsys, *words):
    assert cli.main(["schema", *words]) == 0
    return capsys.readouterr().out


def test_every_document_has_a_name_and_a_line(capsys):
    lines = printed(capsys).splitlines()
    assert [line.split()[0] for line in lines] == supplies.document_names()
    assert {"result", "record", "explain", "locate", "vary", "study", "parity-train"} <= set(supplies.document_names())


@pytest.mark.parametrize("name", supplies.document_names())
def test_every_schema_is_one(name, capsys):
    schema = json.loads(printed(capsys, name))
    assert schema["$schema"] == supplies.DIALECT
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", KEYS)
def test_a_schema_has_the_keys_that_are_stable(name):
    assert set(KEYS[name].split()) <= set(supplies.schema_of(name)["properties"])


def test_a_document_that_there_is_not_is_refused_with_those_that_there_are(capsys):
    assert cli.main(["schema", "results"]) == 2
    said = capsys.readouterr().err
    assert "There is no document 'results'." in said
    assert "Did you mean result" in said


def test_a_client_that_cannot_be_imported_has_no_documents_and_harms_no_other(monkeypatch):
    broken = EntryPoint("broken", "a_module_that_is_not_there.cli:COMMAND", clients.PLUGGED)
    monkeypatch.setattr(clients, "entry_points", lambda: [broken])
    assert supplies.document_names() == list(supplies.DOCUMENTS)


def test_a_table_of_a_client_that_is_none_is_left_out(monkeypatch, tmp_path, capsys):
    (tmp_path / "client_with_a_function.py").write_text("def DOCUMENTS(): pass\nSHOWN = ['study.json']\n")
    monkeypatch.syspath_prepend(tmp_path)
    odd = EntryPoint("odd", "client_with_a_function:COMMAND", clients.PLUGGED)
    monkeypatch.setattr(clients, "entry_points", lambda: [odd])
    assert supplies.document_names() == list(supplies.DOCUMENTS)
    assert cli.main(["report", str(tmp_path / "nowhere")]) == 2
    assert "There is no record at" in capsys.readouterr().err


def test_a_folder_that_a_broken_client_may_have_written_is_said_with_why_it_is_broken(monkeypatch, tmp_path, capsys):
    broken = EntryPoint("study", "a_module_that_is_not_there.cli:COMMAND", clients.PLUGGED)
    monkeypatch.setattr(clients, "entry_points", lambda: [broken])
    assert cli.main(["report", str(tmp_path)]) == 2
    assert "this is not a record of samebits" in capsys.readouterr().err
    (tmp_path / "study.json").write_text("{}")
    assert cli.main(["report", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "study of a_module_that_is_not_there.cli:COMMAND cannot be imported: ModuleNotFoundError" in said


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    with tarfile.open(ROOT / "tests" / "records" / "a4ee9f7.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("name", RECORDED)
def test_the_documents_of_real_records_fit_their_schemas(records, fits_schema, name):
    found = sorted(records.rglob(f"{name}.json"))
    assert found
    for path in found:  # an earlier version wrote them: they are read, and written as this version does
        fits_schema(name, supplies.model_of(name).model_validate_json(path.read_bytes()).model_dump_json())


def test_an_explanation_of_a_real_run_fits_its_schema(records, fits_schema, tmp_path, capsys):
    assert cli.main(["report", "--json", str(tmp_path / "result.json"), str(records / "explained")]) == 1
    text = (tmp_path / "result.json").read_text()
    fits_schema("result", text)
    fits_schema("explain", json.dumps(json.loads(text)["explanation"]))


def test_a_location_fits_its_schema(fits_schema):
    place = {"level": "step", "name": "step 3"}
    apart = {"step": 3, "different": 1, "elements": 4, "max_ulp": 2, "relative": 1e-7}
    found = {"found": True, "sentence": "At step 3.", "step": 3, "kind": "forward", "name": "fc", "path": [place],
             "growth_of": "fc.weight", "growth": [apart]}  # fmt: skip
    fits_schema("locate", Location.model_validate(found).model_dump_json())


def test_a_number_that_is_not_finite_fits_and_other_text_does_not(fits_schema):
    schema = supplies.schema_of("vary")
    outcome = {**schema["$defs"]["Outcome"], "$defs": schema["$defs"]}
    written = json.loads(Outcome(name="loss", base=0.5, value=float("nan")).model_dump_json())
    jsonschema.validate(written, outcome)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**written, "value": "large"}, outcome)
    assert json.loads(End(relative=float("inf")).model_dump_json())["relative"] == "Infinity"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "study").glob("*/study.json")), ids=lambda path: path.parent.name
)
def test_the_published_studies_fit_the_schema(path, fits_schema):
    fits_schema("study", supplies.model_of("study").model_validate_json(path.read_bytes()).model_dump_json())


def test_what_does_not_fit_is_found(fits_schema):
    with pytest.raises(jsonschema.ValidationError):
        fits_schema("record", '{"format": 1}')
    with pytest.raises(ValueError, match="NaN"):
        fits_schema("record", '{"format": NaN}')
