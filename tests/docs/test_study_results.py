"""The study's results in the documentation: no folder of the machine that ran it, and the page is of the document beside it."""

import json
import re
import shutil
from pathlib import Path

import pytest
from builders import module_of

from samebits_study import catalog
from samebits_study.output import kept
from samebits_study.reports import phrases
from samebits_study.results import StudyResult

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = sorted((DOCS / "study").glob("*/study.json"))
SEEDS = sorted((DOCS / "study").glob("*/seeds.json"))


@pytest.fixture(scope="module")
def publishing():
    """The script that takes a study into the documentation, as a module."""
    return module_of(DOCS / "publish_study.py")


def test_of_an_absolute_path_the_last_part_stays(publishing):
    found = publishing.without_folders(
        {"a": ["python", "/home/me/x/train.py", "{out}/y", 3], "b": "at /a/b/c.py and d/e"}
    )
    assert found == {"a": ["python", "train.py", "{out}/y", 3], "b": "at c.py and d/e"}


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.parent.name)
def test_a_published_result_can_be_read_and_its_page_names_what_it_holds(path, publishing):
    result = StudyResult.model_validate(json.loads(path.read_text()))
    page = (path.parent.parent / f"{path.parent.name}.md").read_text()
    assert result.created[:10] in page
    for setup in result.setups:
        assert f"**{setup.id}**" in page
    for text in (page, path.read_text()):
        assert publishing.without_folders(text) == text


@pytest.mark.parametrize("path", [*RESULTS, *SEEDS], ids=lambda path: path.parent.name)
def test_each_page_is_what_its_document_gives_besides_its_note_and_captions(path, publishing, tmp_path, monkeypatch):
    pytest.importorskip("skimage", reason="the extra study (scikit-image) is not installed")
    name = path.parent.name
    shutil.copytree(path.parent, tmp_path / name)
    page = (DOCS / "study" / f"{name}.md").read_text()
    (tmp_path / f"{name}.md").write_text(page)
    monkeypatch.setattr(publishing, "HERE", tmp_path)
    publishing.publish_again(tmp_path / name)
    assert (tmp_path / f"{name}.md").read_text() == page


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.parent.name)
def test_report_and_a_study_that_goes_on_can_read_a_published_result(path):
    assert kept(path.parent).study == json.loads(path.read_text())["study"]


def test_every_command_beside_a_claim_names_its_scale_and_setups_that_there_are():
    text = (DOCS / "study" / "claims.md").read_text()
    commands = [words.split() for words in re.findall(r"`samebits study ([^`]+)`", text)]
    assert len(commands) > 10
    for study, *words in commands:
        given = dict(zip(words[::2], words[1::2], strict=True))
        catalog.scale_named(catalog.study_named(study), given["--scale"])
        assert set(given) <= {"--scale", "--setups", "--data"}
        assert given.get("--data") in (None, "dsb2018-stained", "dsb2018-fluorescence"), "folders that the page names"
        catalog.setups_named(given.get("--setups", "").split(",") if "--setups" in given else [])


def test_a_published_page_names_one_command_that_makes_it(publishing, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "HERE", tmp_path / "docs")
    known = json.loads((DOCS / "study" / "lenet5-small" / "study.json").read_text())
    (tmp_path / "study.json").write_text(json.dumps(known))
    command = phrases.again(StudyResult.model_validate(known))
    (tmp_path / "report.md").write_text(f"# Title\n\n## How this was made\n\n```\n{command}\n```\n")
    publishing.publish(tmp_path, "")
    page = (tmp_path / "docs" / "lenet5-small.md").read_text()
    assert re.findall(r"samebits study [^`\n]+", page) == [command]


def test_a_page_of_a_busy_machine_is_written_once_and_shows_no_time(publishing, tmp_path, monkeypatch):
    pages = []
    monkeypatch.setattr(publishing, "HERE", tmp_path / "docs")
    monkeypatch.setattr(publishing, "write", lambda name, result, text, note: pages.append((result.busy, text)))
    shutil.copy(DOCS / "study" / "regression-small" / "study.json", tmp_path)
    document = json.loads((tmp_path / "study.json").read_text())
    (tmp_path / "study.json").write_text(json.dumps({**document, "busy": False}))
    (tmp_path / "report.md").write_text("# Title\n\nTraining: 12.5 s\n")
    publishing.publish(tmp_path, "", busy=True)
    ((busy, text),) = pages
    assert busy
    assert "12.5 s" not in text
    assert "Times are not shown" in text
    assert json.loads((tmp_path / "docs" / "regression-small" / "study.json").read_text())["busy"]
