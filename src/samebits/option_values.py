"""Reads the values of options: turns a text of the command line into a value.

A reader raises ValueError with a sentence about the text. Readers are pure: they do not check that a file or an
interpreter exists. The code that opens it checks that.
"""

from __future__ import annotations

import math
import re
from typing import Literal

MOST_TRIALS = 999  # trial folders have three digits, so that paths have equal length in every trial
MOST_STEPS = 10**15
SETTLE = ("auto", "never", "always")
MOST_SECONDS = 366 * 24 * 3600.0
UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)")


def read_whole(text: str, lowest: int, highest: int, what: str) -> int:
    """Return a whole number between two bounds, both included."""
    if not re.fullmatch(r"[+-]?\d{1,30}", text, re.ASCII):
        raise ValueError(f"{text!r} is not a whole number; {what} is from {lowest:,} to {highest:,}.")
    number = int(text)
    if not lowest <= number <= highest:
        raise ValueError(f"{text} is out of range; {what} is from {lowest:,} to {highest:,}.")
    return number


def read_duration(text: str) -> float:
    """Return the seconds in "90", "90s", "5m", "1h30m" or "2d": more than 0, at most a year."""
    seconds = _seconds(text.strip().lower())
    if seconds is None or not math.isfinite(seconds):
        raise ValueError(f"{text!r} is not a time; write 90, 90s, 5m, 1h30m or 2d.")
    if seconds <= 0:
        raise ValueError(f"{text} leaves no time at all; write 90, 90s, 5m, 1h30m or 2d.")
    if seconds > MOST_SECONDS:
        raise ValueError(f"{text} is more than a year.")
    return seconds


def _seconds(text: str) -> float | None:
    if re.fullmatch(r"[+-]?\d{1,30}(\.\d{1,30})?", text, re.ASCII):
        return float(text)
    parts = DURATION_PART.findall(text)
    if not parts or DURATION_PART.sub("", text).strip() or not text.isascii():
        return None
    return sum(float(number) * UNIT_SECONDS[unit] for number, unit in parts)


def read_trials(text: str) -> int:
    if text.strip() == "1":
        raise ValueError("one trial has nothing to be compared with; at least two are needed.")
    return read_whole(text, 2, MOST_TRIALS, "the number of trials")


def read_added(text: str) -> int:
    return read_whole(text, 1, MOST_TRIALS, "the number of trials to add")


def read_kept(text: str) -> int:
    return read_whole(text, 0, 10**6, "the number of records to keep")


def read_steps(text: str) -> int:
    return read_whole(text, 1, MOST_STEPS, "the number of steps")


def read_step_or_steps(text: str) -> tuple[int, int]:
    """Return (first, last) for "3" or "0-2"."""
    first, dash, last = text.partition("-")
    if dash and not (first.strip() and last.strip()):
        raise ValueError(f"{text!r} is not a step; write 0, 3 or 0-2.")
    begin = read_whole(first.strip(), 0, MOST_STEPS, "a step")
    end = read_whole(last.strip(), 0, MOST_STEPS, "a step") if dash else begin
    if end < begin:
        raise ValueError(f"{text!r} ends before it begins; write 0, 3 or 0-2.")
    return begin, end


def read_repeats(text: str) -> int:
    return read_whole(text, 1, MOST_TRIALS, "the number of replays")


def read_jobs(text: str) -> int | Literal["auto"]:
    if text.strip() == "auto":
        return "auto"
    return read_whole(text, 1, MOST_TRIALS, "the number of trials at a time (or auto)")


def read_settle(text: str) -> str:
    if text not in SETTLE:
        raise ValueError(f"{text!r} is none of {', '.join(SETTLE)}.")
    return text


def read_stop(text: str) -> str:
    if text not in ("kill", "term"):
        raise ValueError(f"{text!r} is none of kill, term.")
    return text


def read_seed(text: str) -> int:
    return read_whole(text, 0, 2**32 - 1, "a seed")


def read_seeds(text: str) -> list[int]:
    """Return seeds that are separated by commas."""
    return [read_seed(word) for word in read_names(text)]


def read_moments(text: str) -> list[int]:
    """Return numbers of steps that are separated by commas."""
    return sorted({read_steps(word) for word in read_names(text)})


def read_exit_status(text: str) -> int:
    return read_whole(text, 0, 255, "an exit status")


def read_metric(text: str) -> tuple[str, str]:
    """Return (name, regex) for NAME=REGEX. The number is the first group, or the whole match if there is none."""
    name, equals, pattern = text.partition("=")
    if not equals or not name.strip() or not pattern:
        raise ValueError(f"{text!r} is not NAME=REGEX; write --metric 'accuracy=acc: ([0-9.]+)'.")
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as why:
        raise ValueError(f"the regular expression {pattern!r} of {name.strip()!r} cannot be read: {why}.") from None
    if not compiled.groups and re.escape(pattern).replace("\\ ", " ") == pattern:
        advice = f"put the number into parentheses: --metric '{name.strip()}={pattern}[ :=]*([0-9.]+)'."
        raise ValueError(f"the regular expression {pattern!r} of {name.strip()!r} always finds the same text; {advice}")
    if compiled.groups > 1:
        raise ValueError(f"the regular expression {pattern!r} has {compiled.groups} groups; use one for the number.")
    return name.strip(), pattern


def read_cases(text: str) -> tuple[str, str]:
    """Return (name, regex) for NAME=REGEX. The regex finds test cases: group 1 is the case, group 2 its number."""
    name, equals, pattern = text.partition("=")
    try:
        groups = re.compile(pattern).groups
    except (re.error, RecursionError, OverflowError) as why:
        raise ValueError(f"the regular expression {pattern!r} cannot be read: {why}.") from None
    if not equals or not name.strip() or groups != 2:
        what = "is not NAME=REGEX with two groups, the case and its number"
        raise ValueError(f"{text!r} {what}; write --cases 'dice=image ([a-z0-9]+): ([0-9.]+)'.")
    return name.strip(), pattern


def read_factor(text: str) -> tuple[str, list[str]]:
    """Return (name, values) for NAME or NAME=VALUE,VALUE. `values` is empty if none are named."""
    name, equals, values = read_text(text).partition("=")
    if not name.strip() or (equals and not values.strip()):
        raise ValueError(f"{text!r} is not a factor; write --factor threads, or --factor threads=1,2.")
    return name.strip(), read_names(values) if equals else []


def read_text(text: str) -> str:
    """Return a text that is not empty and holds no control characters. Raises ValueError for any other."""
    if not text.strip():
        raise ValueError("the value is empty; give one, or leave the option out.")
    if any(ord(character) < 32 for character in text):
        raise ValueError(f"{text!r} holds a control character; leave that out.")
    return text


def read_names(text: str) -> list[str]:
    """Return names that are separated by commas."""
    names = [name.strip() for name in read_text(text).split(",")]
    if not all(names):
        raise ValueError(f"{text!r} is not a list of names; write a,b,c.")
    return names
