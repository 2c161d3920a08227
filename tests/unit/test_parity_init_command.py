"""`samebits parity init` on the command line: what is asked for wrongly is said, what is missing is named."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from samebits.cli import main
from samebits.reports.table import Table
from samebits.reports.tree import SCREEN
from samebits_parity import init, sides
from samebits_parity.init import cases
from samebits_parity.init.cases import Case, DrawnWeight, Draws
from samebits_parity.sides import SIDES

KEYS = {
    "library",
    "version",
    "initializer",
    "shape",
    "family",
    "limit",
    "deviation",
    "documented",
    "agrees",
    "equation",
}
GLOROT = "draws from U[-limit, limit], where `limit` is `sqrt(6 / (fan_in + fan_out))`"


def drawn(limit, *, shape=(30, 100), name="glorot_uniform", side="keras-tf1.14", doc=GLOROT):
    """A library that draws one tensor from a uniform distribution, and what its docstring says."""
    unit = np.random.default_rng(0).integers(0, 2**23, (1, *shape)) / 2**23
    limit = np.float32(limit)
    values = (unit * 2 * float(limit)).astype(np.float32) - limit
    case = Case(name, f"initializers.{name}", {}, shape, "dense")
    return Draws(SIDES[side], "1.0", [DrawnWeight(case, "", doc, {}, values)], [], [])


@pytest.fixture
def library(monkeypatch):
    """Function(Drawn): what every library draws from here on."""

    def install(what):
        monkeypatch.setattr(sides, "interpreter", lambda side: "python")
        monkeypatch.setattr(cases, "draw", lambda side, folder: what._replace(side=side))

    return install


def test_json_is_a_list_with_the_keys_that_are_agreed(capsys, library, fits_schema):
    library(drawn(np.sqrt(6 / 130)))
    assert main(["parity", "init", "--libraries", "keras-tf1.14", "--json", "-"]) == 0
    written = capsys.readouterr().out
    fits_schema("parity-init", written)
    (line,) = json.loads(written)
    assert set(line) >= KEYS
    assert set(line["documented"]) >= {"formula", "limit"}
    assert (line["family"], line["agrees"], line["equation"]) == ("uniform", True, 1)
    assert line["limit"] == pytest.approx(np.sqrt(6 / 130), rel=1e-3)
    assert line["documented"]["limit"] == pytest.approx(np.sqrt(6 / 130))
    assert line["documented"]["formula"] == "limit = sqrt(6 / (fan_in + fan_out))"


@pytest.mark.parametrize(("limit", "status", "counts"), [(130, 0, ("0", "0")), (65, 1, ("1", "0"))])
def test_junit_has_one_test_which_passes_if_the_weights_are_drawn_as_documented(
    tmp_path, library, limit, status, counts
):
    library(drawn(np.sqrt(6 / limit)))
    target = tmp_path / "init.xml"
    assert main(["parity", "init", "--libraries", "keras-tf2.1", "--junit", str(target)]) == status
    (suite,) = ElementTree.parse(target).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", *counts)
    (case,) = suite.iter("testcase")
    assert case.get("classname") == "samebits.parity"
    assert [one.get("type") for one in case] == ["Difference"] * status


def test_equation_2_is_told_where_it_is_what_was_drawn(capsys, library):
    library(drawn(np.sqrt(6 / 65)))
    assert main(["parity", "init", "--libraries", "keras-tf2.1", "--json", "-"]) == 1
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["agrees"], line["equation"]) == (False, 2)
    assert line["instead"] == "limit = sqrt(6 / max(1, (fan_in + fan_out) / 2))"


def test_a_limit_that_is_off_by_a_hundredth_is_neither_equation(library):
    library(drawn(1.01 * np.sqrt(6 / 130)))
    (line,) = init.compare(["keras-tf2.1"], print).lines
    assert (line.agrees, line.equation, line.instead) == (False, None, None)


def test_a_formula_that_the_docstring_does_not_say_is_not_called_read():
    (line,) = init.measure(drawn(np.sqrt(6 / 130), doc="Draws."))
    assert (line.documented.read, line.documented.source, line.agrees) == (False, "not in the docstring", True)


def test_an_initializer_that_no_table_knows_is_not_called_documented():
    (line,) = init.measure(drawn(0.3, name="novel"))
    assert not line.agrees
    assert "no formula is known here" in line.documented.formula


def test_libraries_with_the_same_answer_share_a_row(library):
    library(drawn(np.sqrt(6 / 130)))
    compared = init.compare(["keras-tf1.14", "keras-tf2.1"], print)
    *others, everything = [block for block in compared.report.blocks if isinstance(block, Table)]
    assert [row[0] for row in everything.rows] == ["keras-tf1.14, keras-tf2.1"]
    assert [table.id for table in others if table.on >= SCREEN] == ["libraries", "equations"]
