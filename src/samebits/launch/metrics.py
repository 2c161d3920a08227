"""Numbers that a program prints, found by `--metric NAME=REGEX`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path


def printed(stdout: Path, patterns: Mapping[str, str]) -> dict[str, str]:
    """Each metric's text as it was printed last: the pattern's first group, or the whole match."""
    if not patterns:
        return {}
    try:
        text = stdout.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    found = {}
    for name, pattern in patterns.items():
        for match in re.finditer(pattern, text, re.MULTILINE):
            found[name] = match.group(1 if match.re.groups else 0) or ""
    return {name: value for name, value in found.items() if value}


def numbers(texts: Mapping[str, str]) -> dict[str, float]:
    """Those that are finite numbers: JSON has no others, and what was printed is kept beside them."""
    found = {}
    for name, text in texts.items():
        try:
            found[name] = float(text.replace(",", "") if "," in text and "." in text else text)
        except ValueError:
            continue
    return {name: value for name, value in found.items() if math.isfinite(value)}
