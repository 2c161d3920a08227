"""Offers the option --metric for a number that the program printed, ready to paste."""

from __future__ import annotations

import re
import shlex

from samebits.model import Result
from samebits.reports import result_words
from samebits.store.record import TRIALS, Record

_NAMED = re.compile(r"(([^\W\d]+)[ \t:=]+)-?\d+\.\d+(?![\w.])")  # a word, then a number with a decimal point
_MOST = 1 << 20  # characters of the output that are read


def effect(result: Result, record: Record | None) -> str:
    """Return the effect of the difference on the outcome. If no metric was named, offer one."""
    text = result_words.effect(result)
    option = offered(record) if record is not None and text == result_words.NOT_MEASURED else ""
    return f"not measured; to compare a number that the program prints, add {option}" if option else text


def offered(record: Record) -> str:
    """Return the option for the last number that follows a word, if each whole trial printed it; "" without one."""
    whole = [trial.id for trial in record.trials if trial.file.status == "complete"]
    texts = [_output(record, number) for number in whole]
    for before, name in dict.fromkeys(reversed(_NAMED.findall(texts[0]))) if texts else ():
        pattern = re.escape(before).replace("\\ ", " ") + "(-?[0-9.]+)"
        if all(re.search(pattern, text) for text in texts):
            return f"--metric {shlex.quote(f'{name.lower()}={pattern}')}"
    return ""


def _output(record: Record, trial: int) -> str:
    try:
        with (record.folder / TRIALS / f"{trial:03d}" / "stdout.txt").open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST)
    except OSError:
        return ""
