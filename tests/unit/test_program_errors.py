"""A report shows what the program wrote last if a trial did not end well."""

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.kept_record import judged, judged_pair
from samebits.reports.presenters import html, junit, markdown, terminal
from samebits.reports.program_errors import program_error
from samebits.reports.result_report import report
from samebits.store import open_record
from samebits.store.outputs import LAST_LINES, last_lines

STDERR = "\n".join(
    [
        *(f"epoch {number}" for number in range(40)),
        " 10%|#\r100%|##########\r",
        "Traceback (most recent call last):",
        '  File "train.py", line 3, in <module>',
        "\x1b[31mValueError: no such <data>\x1b[0m",
        "",
    ]
)


@pytest.fixture(scope="module")
def records(writing, tmp_path_factory):
    """A record whose trial failed, and one whose second trial failed with a different error."""

    def fails(said):
        def write(folder, number):
            (folder / "stderr.txt").write_text(said)
            return {"status": "failed", "exit_code": 1, "why": "it failed"}

        return write

    folder = tmp_path_factory.mktemp("records")
    first = writing.record(folder / "first", [fails(STDERR)])
    second = writing.record(folder / "second", [writing.training(), fails("KeyError: 'second'\n")])
    good = writing.record(folder / "good", [writing.training()] * 3)
    return first, second, good


def reported(folder):
    record = open_record(folder)
    return report(judged(record), record)


def test_junit_holds_the_last_lines_of_the_program(records):
    root = ElementTree.fromstring(junit.render(reported(records[0])))
    lines = root.find("testsuite/testcase/error").text.splitlines()
    at = lines.index("last lines of trial 1 on standard error:")
    assert lines[-3:] == STDERR.replace("\x1b[31m", "").replace("\x1b[0m", "").splitlines()[-3:]
    assert "100%|##########" in lines
    assert "epoch 0" not in lines
    assert len(lines[at + 1 :]) == LAST_LINES


def test_documents_hold_them_and_a_terminal_holds_the_error(records):
    shown = reported(records[0])
    assert "ValueError: no such &lt;data&gt;" in html.render(shown)
    assert "ValueError: no such <data>" in markdown.render(shown)
    assert "it said  ValueError: no such <data>" in terminal.render(shown)


def test_a_trial_of_the_second_of_two_records_is_read_from_there(records):
    joined, result = judged_pair(records[2], records[1])
    error = program_error(result, joined)
    assert (error.trial, error.said) == (5, "KeyError: 'second'")


CELLS = [{"event": "cell-runs", "step": 0, "number": number} for number in (1, 2)]


@pytest.mark.parametrize(
    ("number", "line", "said"),
    [(2, 3, "In [2], line 3: KeyError: 'b'"), (2, 0, "In [2]: KeyError: 'b'"), (1, 3, "RuntimeError: of the runner")],
)
def test_the_exception_of_the_last_cell_of_a_notebook_is_told_with_its_place(writing, tmp_path, number, line, said):
    """A notebook goes on after a cell that may raise; then what its runner wrote last says more."""
    raised = {"event": "cell-raised", "number": number, "line": line, "text": "KeyError: 'b'"}
    train = writing.training(events=[*CELLS, raised], trial={"status": "failed", "exit_code": 1})

    def fails(folder, number):
        (folder / "stderr.txt").write_text("RuntimeError: of the runner\n")
        return train(folder, number)

    shown = terminal.render(reported(writing.record(tmp_path / "record", [fails])))
    assert f"it said  {said}\n" in shown


def test_trials_that_end_well_have_no_error(records):
    record = open_record(records[2])
    assert program_error(judged(record), record) is None
    assert program_error(judged(record), None) is None


@given(said=st.text(max_size=400))
def test_any_text_becomes_few_lines_without_controls_of_a_terminal(tmp_path_factory, said):
    folder = tmp_path_factory.mktemp("trial")
    (folder / "stderr.txt").write_bytes(said.encode("utf-8", "replace"))
    lines = last_lines(folder)
    assert len(lines) <= LAST_LINES
    assert all("\n" not in line and "\r" not in line for line in lines)
