"""Reads lengths of time, as people type them."""

from __future__ import annotations

import math
import re

__all__ = ["read_duration"]

MOST_SECONDS = 366 * 24 * 3600.0
UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)")


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
