"""The rules of size that no linter has, for all packages."""

import ast
import statistics
import sys
from collections import Counter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
PACKAGES = ("samebits", "samebits_parity", "samebits_probe", "samebits_study")
FILES = sorted(path for package in PACKAGES for path in (SOURCE / package).rglob("*.py"))
sys.path.insert(0, str(SOURCE.parent / "benchmarks"))
from structure import is_verb_form  # noqa: E402

# exceptions are named as Python names its own; a state of affairs has no better noun; a control is named by what it does
ALLOWED = {"NotFound", "Untrusted", "Refused", "unwatched", "observing", "FillUninitialized"}
VAGUE = {"utils", "helpers", "misc", "common", "tools"}


def functions(path):
    """(name, lines) of the functions of a file, decorators left out, inner functions counted by themselves."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_has_fewer_than_350_lines_and_its_functions_at_most_50(path):
    assert len(path.read_text().splitlines()) < 350
    assert [(name, lines) for name, lines in functions(path) if lines > 50] == []
    assert path.stem not in VAGUE


def test_half_of_all_functions_have_at_most_eight_lines_and_nine_of_ten_at_most_25():
    lines = sorted(lines for path in FILES for _, lines in functions(path))
    assert statistics.median(lines) <= 8
    assert lines[len(lines) * 9 // 10] <= 25


def classes():
    """(file, name) of every class at the top of a module."""
    for path in FILES:
        yield from ((path, node.name) for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef))


def test_no_module_and_no_class_is_named_by_a_verb():
    names = {path.stem for path in FILES} | {name for _, name in classes()}
    assert sorted(name for name in names - ALLOWED if is_verb_form(name)) == []


def test_no_two_classes_have_one_name():
    plain = [name for path, name in classes() if "scripts" not in path.parts and not name.startswith("_")]
    assert [name for name, times in Counter(plain).items() if times > 1] == []
