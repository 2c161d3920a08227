"""`samebits parity defaults`: what is wrong in the words is said, and what libraries answered is judged and shown."""

import json
import re

import pytest

from samebits.cli import main
from samebits.reports.presenters import terminal
from samebits_parity import defaults, sides
from samebits_parity.defaults import BEHAVIOURS, LibraryAnswer, behaviours, concluded, result
from samebits_parity.defaults.result import Defaults
from samebits_parity.options import GROUPS
from samebits_parity.sides import SIDES, LibraryFailure

NOTHING = {"none": "it has none"}
SIGNATURES = {
    "pytorch": {"Adam": [["params", None], ["lr", "0.001"], ["betas", "(0.9, 0.999)"], ["eps", "1e-08"]]},
    "flax": {"Adam": [["learning_rate", "1e-3"], ["beta_1", "0.9"], ["beta_2", "0.999"], ["epsilon", "1e-07"]]},
}


COUNT = next(behaviour for behaviour in BEHAVIOURS if behaviour.id == "adam.count")


def answered(library, **measured):
    """A library that has nothing but what is said. Dots in ids are written as underlines."""
    told = {behaviour.id: measured.get(behaviour.id.replace(".", "_"), NOTHING) for behaviour in behaviours(GROUPS)}
    said = {"version": "1.0", "measured": told, "signatures": SIGNATURES.get(library, {})}
    return LibraryAnswer(SIDES[library], said)


def numbers(*values):
    return {"numbers": list(values)}


def line(found, behaviour):
    return next(one for one in found.behaviours if one.behaviour == behaviour)


@pytest.fixture
def libraries(monkeypatch):
    """Function(*answers): the libraries that are here."""

    def install(*answers):
        each = {answer.side.id: answer for answer in answers}
        monkeypatch.setattr(sides, "SIDES", {name: SIDES[name] for name in each})
        monkeypatch.setattr(sides, "interpreter", lambda side: "python")
        monkeypatch.setattr(defaults, "_measured", lambda side, groups: each[side.id])

    return install


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--libraries", "theano"], "'theano'"),
        (["--libraries", "pytorch,,jax"], "not a list"),
        (["--only", "initializers"], "optimizers, losses, layers"),
        (["--only", ""], "--only"),
        (["--json", "/nowhere/a.json"], "/nowhere"),
        (["--html", "."], "folder"),
        (["--json", "-", "--md", "-"], "one report only"),
        (["pytorch"], "pytorch"),
    ],
)
def test_wrong_words_end_with_two_before_anything_is_measured(words, said, capsys, monkeypatch):
    monkeypatch.setattr(defaults, "_measured", None)
    assert main(["parity", "defaults", *words]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_a_library_that_is_not_here_is_an_error_where_it_is_named_and_else_a_note(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SAMEBITS_HOME", str(tmp_path))
    assert main(["parity", "defaults", "--libraries", "keras-tf1.14"]) == 2
    assert "samebits env create keras-tf1.14" in capsys.readouterr().err
    monkeypatch.setattr(sides, "SIDES", {name: SIDES[name] for name in ("keras-tf1.14", "pytorch-1.3")})
    assert main(["parity", "defaults"]) == 3
    said = capsys.readouterr().out
    assert "NO ANSWER" in said
    assert "samebits env create pytorch-1.3" in said


def test_a_library_that_ends_badly_is_an_error_or_a_note(capsys, monkeypatch, libraries):
    def fails(side, groups):
        raise LibraryFailure(f"{side.id}: behaviour_pytorch.py ended with exit status 1: no module")

    libraries(answered("pytorch"))
    monkeypatch.setattr(defaults, "_measured", fails)
    assert main(["parity", "defaults"]) == 3
    assert "not measured: pytorch" in capsys.readouterr().out
    assert main(["parity", "defaults", "--libraries", "pytorch"]) == 2


def test_libraries_that_differ_end_with_one_and_those_that_agree_with_zero(capsys, libraries):
    libraries(answered("pytorch", sgd_rate=numbers(-0.01)), answered("flax", sgd_rate=numbers(-0.3)))
    assert main(["parity", "defaults"]) == 1
    assert "1 of 1 behaviours of optimizers differs between pytorch and flax." in capsys.readouterr().out
    libraries(answered("pytorch", sgd_rate=numbers(-0.3)), answered("flax", sgd_rate=numbers(-0.30000001)))
    assert main(["parity", "defaults"]) == 0
    assert "0 of 1 behaviours of optimizers differ" in capsys.readouterr().out


def test_one_library_alone_is_no_comparison(capsys, libraries):
    libraries(answered("pytorch", sgd_rate=numbers(-0.3)))
    assert main(["parity", "defaults"]) == 3
    assert "only pytorch was measured" in capsys.readouterr().out


def test_what_is_absent_or_failed_is_no_difference():
    for other in (NOTHING, {"failed": "ValueError: x"}):
        found = concluded(
            [answered("pytorch", mse_reduction=numbers(5.0)), answered("flax", mse_reduction=other)], GROUPS
        )
        assert line(found, "mse.reduction").differs is None


def test_what_is_drawn_at_random_is_said_with_how_often_each_was_found():
    one, two = ([float(value) for value in place.numbers()[0]] for place in COUNT.meanings)
    drawn = {"numbers": one, "draws": [one, two, two]}
    found = concluded([answered("pytorch", adam_count=numbers(*one)), answered("flax", adam_count=drawn)], GROUPS)
    line_of_flax = found.of("adam.count", "flax")
    assert line_of_flax.meaning == "drawn"
    assert line_of_flax.words == "not the same each time: as step 2 in 2 of 3, as step 1 in 1 of 3"
    assert line(found, "adam.count").differs is True
    steady = {"numbers": one, "draws": [one, one]}
    found = concluded([answered("pytorch", adam_count=numbers(*one)), answered("flax", adam_count=steady)], GROUPS)
    assert line(found, "adam.count").differs is False


def test_numbers_that_no_formula_gives_differ_from_each_other_by_their_values():
    each = [answered(name, mse_reduction=numbers(*[value] * 7)) for name, value in (("pytorch", 5.0), ("flax", 6.0))]
    assert line(concluded(each, GROUPS), "mse.reduction").differs is True
    assert line(concluded([each[0], each[0]], GROUPS), "mse.reduction").differs is False


def test_the_document_reads_back_with_infinite_numbers(fits_schema):
    found = concluded([answered("pytorch", bce_zero=numbers(float("inf"))), answered("flax")], GROUPS)
    fits_schema("parity-defaults", found.model_dump_json())
    again = Defaults.model_validate_json(found.model_dump_json())
    assert again == found
    assert again.of("bce.zero", "pytorch").words == "infinite"


def test_only_some_groups_are_measured_and_shown(libraries, capsys, tmp_path):
    libraries(answered("pytorch", sgd_rate=numbers(-0.3)), answered("flax", sgd_rate=numbers(-0.3)))
    assert main(["parity", "defaults", "--only", "optimizers", "--json", str(tmp_path / "a.json")]) == 0
    document = json.loads((tmp_path / "a.json").read_text())
    assert {one["group"] for one in document["behaviours"]} == {"optimizers"}
    assert "cross entropy" not in capsys.readouterr().out
    asked = result.asked(SIDES["pytorch"], ("layers",))
    assert asked["Dense"] == "nn.Linear"
    assert "Adam" not in asked


def test_layers_alone_have_signatures_and_no_answer(libraries, capsys, tmp_path):
    layer = answered("pytorch")
    layer.said["signatures"] = {"Batch norm": [["eps", "1e-05"]]}
    libraries(layer, answered("flax"))
    assert main(["parity", "defaults", "--only", "layers", "--md", str(tmp_path / "a.md")]) == 3
    assert "does not measure them" in " ".join(capsys.readouterr().out.split())
    assert "| Batch norm | epsilon |  | eps=1e-05 | none |" in (tmp_path / "a.md").read_text()


def test_jax_alone_has_nothing_to_measure(capsys):
    assert main(["parity", "defaults", "--libraries", "jax"]) == 3
    assert "jax has no optimizers and no losses" in capsys.readouterr().out


def test_signatures_stand_side_by_side_under_one_name(libraries, tmp_path, capsys):
    libraries(answered("pytorch", sgd_rate=numbers(-0.3)), answered("flax", sgd_rate=numbers(-0.3)))
    assert main(["parity", "defaults", "--md", str(tmp_path / "a.md"), "--html", str(tmp_path / "a.html")]) == 0
    rows = (tmp_path / "a.md").read_text().replace("\\", "")
    assert "| Adam | learning rate | = | lr=0.001 | learning_rate=1e-3 |" in rows
    assert "| Adam | betas | = | betas=(0.9, 0.999) | beta_1=0.9, beta_2=0.999 |" in rows
    assert "| Adam | epsilon | != | eps=1e-08 | epsilon=1e-07 |" in rows
    assert "| Adam | params |  | params | none |" in rows
    assert "Signatures of optimizers" not in capsys.readouterr().out
    assert not re.search(r"<script|https?:", (tmp_path / "a.html").read_text())


def test_a_row_shows_meaning_and_number_and_what_is_not_there():
    failed = {"failed": "ValueError: x"}
    found = concluded([answered("pytorch", mse_reduction=numbers(5.0), sgd_rate=failed), answered("flax")], GROUPS)
    text = terminal.render(defaults.report(found))
    assert re.search(r"Mean squared error: reduction +none of the known \(5\) +none\n", text)
    assert re.search(r"SGD: learning rate +failed: ValueError: x +none\n", text)
