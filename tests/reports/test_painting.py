"""Colour adds nothing to the words, and is there on a terminal only."""

import io
import re

import pytest
from builders import Terminal

from samebits.reports.presenters import terminal
from samebits.reports.result_report import report


@pytest.mark.parametrize("name", ["repeated", "diverged", "inconclusive", "hostile"])
def test_colour_changes_no_word(name, request):
    made = report(request.getfixturevalue(name))
    text = terminal.render(made)
    painted = terminal.render(made, colour=True)
    assert "\x1b[1;3" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == text


def test_a_file_gets_no_colour_and_whole_lines(diverged):
    assert terminal.shown(report(diverged), io.StringIO()) == terminal.render(report(diverged))


def test_a_terminal_gets_colour(diverged, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in terminal.shown(report(diverged), Terminal())


def test_no_color_is_respected(diverged, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in terminal.shown(report(diverged), Terminal())
    monkeypatch.setenv("NO_COLOR", "")
    assert "\x1b" in terminal.shown(report(diverged), Terminal())


def test_the_width_is_that_of_the_terminal(repeated, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "70")
    assert max(map(len, terminal.shown(report(repeated), Terminal()).splitlines())) <= 70
