"""The guides for contributors name files that are there, and names that stand in them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ("CONTRIBUTING.md", "docs/explanation/architecture.md")
# a path of the guides begins at one of these
PLACES = ("", "src", "src/samebits", "src/samebits_probe", "src/samebits_parity", "tests/frameworks")
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]+|\w+\.py)`")
NAME = re.compile(r"`([\w.]+)`\s+in\s+`((?:[\w.-]+/)*\w+\.py)`")


def file_of(path):
    """The file that a guide means: it may leave out the ending of a module. None if there is none."""
    every = [ROOT / place / f"{path}{ending}" for place in PLACES for ending in ("", ".py")]
    return next((file for file in every if file.exists()), None)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_file_that_a_guide_names_is_there(guide):
    named = PATH.findall((ROOT / guide).read_text())
    assert len(named) > 20
    assert [path for path in named if file_of(path) is None] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_name_that_a_guide_finds_in_a_file_stands_there(guide):
    named = NAME.findall((ROOT / guide).read_text())
    assert len(named) > 5
    texts = {path: file_of(path).read_text() for _, path in named}
    assert [(name, path) for name, path in named if not re.search(rf"\b{name.split('.')[-1]}\b", texts[path])] == []
