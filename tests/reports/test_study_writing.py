"""What is written of a study: files, the document, the page; and what the terminal shows."""

import ast
import html.parser
import json
import os
import re
import shutil
import urllib.parse
import xml.etree.ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from samebits import cli
from samebits.reports.presenters import junit, terminal
from samebits.store import write_document
from samebits_study import output
from samebits_study.catalog import STUDIES
from samebits_study.reports import DrawnFigure, report
from samebits_study.reports.figures import Figure
from samebits_study.results import RESULT, SetupResult, StudyResult

pytest.importorskip("matplotlib", reason="the extra study (matplotlib) is not installed")

VOID = {"meta", "link", "img", "br", "hr"}


@pytest.fixture(scope="module")
def written(documents, tmp_path_factory):
    """(the study, its folder, the files)."""
    folder = tmp_path_factory.mktemp("study")
    result = documents.lenet5()
    return result, folder, output.write(result, folder)


def summary(result, folder=Path("nowhere")):
    """What the terminal shows."""
    return terminal.render(output.summary(result, folder))


class Tags(html.parser.HTMLParser):
    """Checks that what is opened is closed, in order; collects ids and addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.ids, self.addresses = [], set(), [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.seen.add(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.addresses += [given[name] for name in ("src", "href") if name in given]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(text):
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    return tags


def test_every_table_is_written_in_three_formats_and_every_figure_in_two(written):
    _, folder, files = written
    names = {str(path.relative_to(folder)) for path in files}
    for suffix in ("md", "csv", "tex"):
        assert {f"tables/table-{name}.{suffix}" for name in ("1", "6", "7", "models", "controls")} <= names
    for suffix in ("png", "svg"):
        assert {f"figures/figure-{name}.{suffix}" for name in ("3", "setups", "distances", "losses")} <= names
    assert files[-2:] == [folder / "report.md", folder / "page.html"]
    assert all(path.stat().st_size > 0 for path in files)


def test_the_same_document_gives_the_same_bytes(written, tmp_path):
    result, folder, files = written
    again = output.write(StudyResult.model_validate_json(result.model_dump_json()), tmp_path)
    for before, after in zip(files, again, strict=True):
        assert before.relative_to(folder) == after.relative_to(tmp_path)
        assert before.read_bytes() == after.read_bytes(), before.name


def test_what_an_earlier_writing_left_is_taken_away(written, tmp_path):
    result, _, _ = written
    for old in ("tables/table-parting.md", "figures/figure-9.svg", "tables/notes-of-mine.txt"):
        (tmp_path / old).parent.mkdir(exist_ok=True)
        (tmp_path / old).write_text("old")
    output.write(result.model_copy(update={"setups": result.setups[1:3]}), tmp_path)
    assert not (tmp_path / "tables/table-parting.md").exists()
    assert not (tmp_path / "figures/figure-9.svg").exists()
    assert (tmp_path / "tables/notes-of-mine.txt").exists()


def test_the_svg_is_xml_without_a_date_and_dark_for_those_who_prefer_it(written):
    _, folder, _ = written
    for path in folder.glob("figures/*.svg"):
        text = path.read_text(encoding="utf-8")
        xml.etree.ElementTree.fromstring(text)
        assert "prefers-color-scheme: dark" in text
        assert "dc:date" not in text


def test_the_page_is_whole_and_asks_for_nothing(written):
    _, folder, _ = written
    tags = read((folder / "page.html").read_text(encoding="utf-8"))
    assert len(tags.ids) == len(set(tags.ids))
    assert all(address.startswith(("data:", "#")) for address in tags.addresses)
    assert {address[1:] for address in tags.addresses if address.startswith("#")} <= set(tags.ids)


def test_the_page_holds_every_table_and_every_figure(written):
    _, folder, files = written
    tags = read((folder / "page.html").read_text(encoding="utf-8"))
    assert {path.stem for path in files if path.parent != folder} <= set(tags.ids)
    assert sum(address.startswith("data:image/svg") for address in tags.addresses) == 4


def test_the_document_links_to_the_figures_beside_it(written):
    _, folder, _ = written
    text = (folder / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert len(links) == 4
    assert all((folder / link).is_file() for link in links)


def test_names_from_outside_break_neither_page_nor_document(documents, tmp_path):
    hostile = "</style><script>alert(1)</script>|`*_\x1b[2J\x00&\"'"
    setup = documents.setup(
        "pytorch", [documents.model(1, "a", documents.digits(5))], about=hostile, library=hostile, reason=hostile,
        status="partial", verdict="inconclusive", sentence=hostile, command=["python", hostile],
    )  # fmt: skip
    result = documents.study("lenet5", [setup], data={"study": "digits", "about": hostile})
    written = output.write(result, tmp_path)
    tags = read((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "script" not in tags.seen
    for path in written:
        if path.suffix in {".html", ".md", ".tex"}:
            text = path.read_text(encoding="utf-8")
            assert "<script>" not in text, path
            assert "\x1b" not in text, path
    assert "\x1b" not in summary(result, tmp_path)


def test_the_terminal_has_a_line_a_setup_and_how_to_get_what_was_skipped(written):
    result, folder, _ = written
    lines = summary(result, folder).splitlines()
    assert lines[0] == (
        "!= keras-tf1.14          3 trials, 2 models; they diverge at step 41 > update > conv2d_1/kernel; "
        "accuracy 98.82 +- 0.081 %"
    )
    assert lines[1] == "=  keras-tf1.14-threads  3 trials, one model; accuracy 98.69 +- 0 %"
    assert lines[3] == "?  keras-tf2.1           not run"
    assert lines[4].strip() == "There is no environment keras-tf2.1. samebits env create keras-tf2.1"
    assert lines[-1] == f"   page   {folder / 'page.html'}"
    assert all(line.isascii() for line in lines)


def test_models_that_one_process_trained_are_judged_by_their_weights(documents):
    models = [documents.model(1, "a", documents.digits(5)), documents.model(2, "b", documents.digits(7))]
    one = documents.setup("keras-tf1.14-one-process", models, verdict=None)
    said = summary(documents.study("lenet5", [one], trials=2))
    assert said == "!= keras-tf1.14-one-process  2 trials, 2 models; accuracy 99.94 +- 0.014 %\n"


def test_weights_that_differ_are_never_called_the_same(documents):
    models = [documents.model(1, "a", documents.digits(5)), documents.model(2, "b", documents.digits(5))]
    signs = {}
    for verdict in ("repeated", "diverged", None, "inconclusive"):
        one = documents.setup("pytorch", models, verdict=verdict)
        signs[verdict] = summary(documents.study("lenet5", [one], trials=2)).split()[0]
    assert signs == {"repeated": "!=", "diverged": "!=", None: "!=", "inconclusive": "?"}


def test_fewer_trials_than_asked_for_are_counted(documents):
    one = documents.setup("pytorch", [documents.model(1, "a", documents.digits(5))], status="partial", verdict=None)
    said = summary(documents.study("lenet5", [one]))
    assert said.startswith("?  pytorch  1 of 3 trials, one model;")


def test_an_undefined_error_rate_is_said_in_the_terminal(documents):
    nothing = documents.cells(None, undefined={"error_rate": "no cell in the ground truth"})
    trials = [documents.model(1, "a", nothing), documents.model(2, "b", documents.cells(5.0))]
    said = summary(documents.study("unet", [documents.setup("pytorch", trials[:1])], trials=1))
    assert "error rate undefined (no cell in the ground truth)" in said
    assert "F1 0.815, Dice 0.810, error rate" in said
    said = summary(documents.study("unet", [documents.setup("pytorch", trials)], trials=2))
    assert "error rate 5.00 %, undefined in 1 trial (no cell in the ground truth)" in said


def test_the_command_that_is_shown_has_the_setups_and_the_data_of_the_study(written):
    _, folder, _ = written
    command = "samebits study lenet5 --scale small --trials 3 --setups keras-tf1.14,keras-tf1.14-threads,pytorch-1.3"
    assert f"\n{command} --data mnist\n" in (folder / "report.md").read_text(encoding="utf-8")
    assert f">{command} --data mnist\n</pre>" in (folder / "page.html").read_text(encoding="utf-8")


def test_a_watershed_is_part_of_the_command_that_is_shown(documents, tmp_path):
    output.write(documents.unet().model_copy(update={"watershed": True}), tmp_path)
    assert " --data mnist --watershed\n" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_study_that_the_paper_does_not_have_has_no_heading_of_the_paper(documents, tmp_path):
    output.write(documents.lenet5().model_copy(update={"study": "perceptron"}), tmp_path)
    for name in ("report.md", "page.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "The paper's tables" not in text
        assert "The paper's figures" not in text
        assert "Table 7" not in text


def test_figures_of_cells_that_the_paper_does_not_have_are_named_by_words(documents, tmp_path):
    output.write(documents.unet().model_copy(update={"study": "other"}), tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Figure frame." in text
    assert not re.search(r"Figure \d", text)
    assert "The paper's" not in text


def test_a_page_folds_the_figures_of_the_paper_that_the_entry_of_the_study_names(documents, monkeypatch):
    drawn = [DrawnFigure(Figure(number, "A figure."), []) for number in ("2", "4")]
    for folded in (("4",), ("2",), ()):
        monkeypatch.setitem(STUDIES, "unet", replace(STUDIES["unet"], folded_figures=folded))
        blocks = report(documents.unet(), [], drawn).blocks
        (section,) = (one for one in blocks if getattr(one, "id", "") == "paper-figures")
        assert {one.id.removeprefix("figure-") for one in section.blocks if one.is_folded} == set(folded)


def test_a_study_of_cells_is_written_without_its_data_and_says_what_is_missing(documents, tmp_path):
    files = output.write(documents.unet(), tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Figure 4 cannot be made" in text
    assert "figure-2.svg" in {path.name for path in files}


def test_a_study_without_setups_can_be_written(documents, tmp_path):
    result = documents.study("lenet5", [])
    output.write(result, tmp_path)
    read((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert summary(result, tmp_path) == f"   page   {tmp_path / 'page.html'}\n"


@pytest.fixture
def kept(written):
    """The folder of a study, with its document."""
    result, folder, _ = written
    write_document(folder / RESULT, result)
    return folder


def test_a_study_is_shown_again_with_its_tables_and_the_figures_that_lie_there(kept, tmp_path, capsys):
    page, document, again = tmp_path / "page.html", tmp_path / "report.md", tmp_path / "study.json"
    status = cli.main(["report", str(kept), "--html", str(page), "--md", str(document), "--json", str(again)])
    assert status == 3  # one of its setups was skipped
    assert capsys.readouterr().out.startswith("!= keras-tf1.14 ")
    for made in (page, document):
        lines = (path.read_text(encoding="utf-8").splitlines() for path in (made, kept / made.name))
        # headings are a level lower, and links lead from a different folder
        way = f"{os.path.relpath(kept, tmp_path)}/"
        shown, before = ([line.replace("#", "").replace(way, "") for line in some] for some in lines)
        assert shown == before
    assert json.loads(again.read_text()) == json.loads((kept / RESULT).read_text())


def test_junit_has_a_test_for_each_setup_and_none_passes_that_is_not_done(documents, kept, tmp_path, capsys):
    cli.main(["report", str(kept), "--junit", str(tmp_path / "junit.xml")])
    suites = xml.etree.ElementTree.parse(tmp_path / "junit.xml").getroot().findall("testsuite")
    names = [suite.find("testcase").get("name") for suite in suites]
    assert names == [f"lenet5 small {one.id}" for one in documents.lenet5().setups]
    states = [[said.tag for said in suite.find("testcase")] for suite in suites]
    assert states == [["failure"], [], [], ["error"]]
    assert suites[0].find("testcase/failure").get("message") == "3 trials, 2 models; as the groups say"
    assert "samebits env create keras-tf2.1" in suites[3].find("testcase/error").text
    properties = {one.get("name"): one.get("value") for one in suites[0].findall("properties/property")}
    assert properties["trial.3"] == "group B"
    assert properties["kind.update"] == "differs"
    half = documents.lenet5().setups[1].model_copy(update={"status": "partial"})
    assert [one.state for one in output.summary(documents.study("lenet5", [half]), kept).cases] == ["error"]


def junit_states(folder, capsys):
    """What `samebits report` ends with, and the state of each setup in its JUnit XML."""
    status = cli.main(["report", str(folder), "--junit", "-"])
    suites = xml.etree.ElementTree.fromstring(capsys.readouterr().out).findall("testsuite")
    return status, [[said.tag for said in suite.find("testcase")] for suite in suites]


def test_a_setup_without_a_script_is_skipped_in_junit_and_not_in_the_exit_status(
    documents, tmp_path, monkeypatch, capsys
):
    without_keras = replace(STUDIES["lenet5"], scripts={"pytorch": "lenet5_pytorch.py"})
    monkeypatch.setitem(STUDIES, "other", without_keras)
    models = [documents.model(trial, "a", documents.digits(5)) for trial in (1, 2, 3)]
    none = SetupResult(id="keras-tf2.1", about="", status="skipped", reason="no script")
    whole = [documents.setup("pytorch-1.3-glorot", models), none]
    write_document(tmp_path / RESULT, documents.study("other", whole))
    assert junit_states(tmp_path, capsys) == (0, [[], ["skipped"]])
    write_document(tmp_path / RESULT, documents.study("other", [none]))
    assert junit_states(tmp_path, capsys) == (3, [["error"]])  # nothing passes of which nothing was run
    write_document(tmp_path / RESULT, documents.study("a study of somebody else", whole))
    assert junit_states(tmp_path, capsys) == (3, [[], ["error"]])


def test_a_setup_that_nobody_asked_for_is_skipped_in_junit_and_still_fails_if_its_trials_differ(documents):
    result = documents.lenet5()
    setups = [one.model_copy(update={"status": "partial"}) for one in result.setups]
    asked = output.summary(result.model_copy(update={"setups": setups}), Path("nowhere"), ["pytorch-1.3"])
    assert [case.state for case in asked.cases] == ["failure", "skipped", "error", "skipped"]
    assert 'skipped="1"' in junit.render(asked)
    assert "<skipped message=" in junit.render(asked)


def test_figures_of_other_results_are_not_shown_and_the_page_says_what_draws_them(documents, kept, tmp_path, capsys):
    folder = Path(shutil.copytree(kept, tmp_path / "study"))

    def shown():
        assert cli.main(["report", str(folder), "--md", str(tmp_path / "again.md")]) == 3
        return (tmp_path / "again.md").read_text(encoding="utf-8")

    assert shown().count("![") == 4
    whole = documents.lenet5()
    write_document(folder / RESULT, whole.model_copy(update={"setups": whole.setups[1:]}))  # as an interruption does
    assert "![" not in shown()
    command = "--scale small --trials 3 --setups keras-tf1.14-threads,pytorch-1.3 --data /home/somebody/mnist --out"
    assert f"To draw it: samebits study lenet5 {command} {folder}" in shown().replace("\\", "")
    (folder / output.FIGURES / output.DRAWN_FROM).unlink()  # older releases wrote none: then the times tell
    os.utime(folder / RESULT, (0, 0))
    assert "![" in shown()
    os.utime(folder / RESULT, (2**32, 2**32))
    assert "![" not in shown()


@pytest.mark.parametrize("place", ["beside", "in a folder", "on the screen"])
def test_the_links_of_a_document_lead_to_the_figures_wherever_it_is_written(kept, place, tmp_path, capsys):
    beside = tmp_path / "notes of mine"
    beside.mkdir()
    target = {"beside": kept / "again.md", "in a folder": beside / "study.md", "on the screen": "-"}[place]
    assert cli.main(["report", str(kept), "--md", str(target)]) == 3
    text = capsys.readouterr().out if target == "-" else target.read_text(encoding="utf-8")
    links = [urllib.parse.unquote(link) for link in re.findall(r"!\[.*?\]\((.*?)\)", text)]
    assert len(links) == 4
    assert all((beside / link if target == "-" else target.parent / link).is_file() for link in links)
    assert [Path(link).is_absolute() for link in links] == [target == "-"] * 4


def test_a_damaged_study_says_so(kept, tmp_path, capsys):
    (tmp_path / RESULT).write_text((kept / RESULT).read_text()[:-9])
    assert cli.main(["report", str(tmp_path)]) == 2
    assert RESULT in capsys.readouterr().err


def test_only_one_file_of_the_package_needs_matplotlib_and_it_is_not_needed_to_start():
    users = [
        path.name
        for path in sorted(Path(output.__file__).parents[1].rglob("*.py"))
        if any("matplotlib" in name for name in imported(path))
    ]
    assert users == ["plots.py"]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
