"""Colour for the terminal report: only on a terminal, and never where NO_COLOR asks for none."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from samebits.model import Result
from samebits.reports import terminal

if TYPE_CHECKING:
    from samebits.store.record import Record

COLOURS = {"repeated": "green", "diverged": "red", "inconclusive": "yellow"}
WIDEST = 160
LABELS = "where|what|size|looks|also|effect|next|page|held|unseen|agree"  # of terminal.render


def shown(result: Result, record: Record | None, stream: TextIO) -> str:
    """The report as this stream shows it: wrapped and coloured on a terminal, plain elsewhere."""
    return fitted(lambda width: terminal.render(result, record, width=width), result.verdict, stream)


def fitted(render: Callable[[int | None], str], verdict: str, stream: TextIO) -> str:
    """Lines as this stream shows them. `render`: makes them for a width, or whole for None; `verdict`: the colour."""
    if not is_terminal(stream):
        return render(None)
    text = render(min(shutil.get_terminal_size((100, 24)).columns, WIDEST))
    return painted(text, verdict) if wants_colour() else text


def is_terminal(stream: TextIO) -> bool:
    """Whether people look at the stream as it is written."""
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):
        return False


def wants_colour() -> bool:
    """https://no-color.org: the variable counts when it is set and not empty."""
    return not os.environ.get("NO_COLOR")


def painted(text: str, verdict: str) -> str:
    """The text with the verdict in colour; the words stay as they are."""
    from rich.console import Console
    from rich.text import Text

    styled = Text(text)
    colour = COLOURS[verdict]
    styled.highlight_regex(r"\A\S+ +[A-Z ]+:", f"bold {colour}")
    styled.highlight_regex(r"(?<=[a-z]) !=|(?<=[=\[])!", "bold red")
    styled.highlight_regex(r"(?m)^   (note|do this)\b", "yellow")
    styled.highlight_regex(rf"(?<=   )({LABELS})(?= {{1,5}}\S)", "dim")
    console = Console(force_terminal=True, width=10_000, color_system="standard", file=sys.stderr, legacy_windows=False)
    with console.capture() as captured:
        console.print(styled, end="", soft_wrap=True)
    return captured.get()
