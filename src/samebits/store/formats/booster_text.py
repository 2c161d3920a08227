"""Reads a model that LightGBM or XGBoost saved as text, by its lines.

LightGBM takes metrics as a set of Python, and writes them into the model in the order of that set, which is different
in each process: https://github.com/microsoft/LightGBM/blob/master/examples/python-guide/simple_example.py
"""

from __future__ import annotations

import re
from pathlib import Path

from samebits.store.content import Parts
from samebits.store.text_files import add_text, whole_text

_METRICS = re.compile(r"^\[metric: (.*)\]$", re.MULTILINE)


def read(path: Path, parts: Parts) -> str:
    """Add the text as one part, with its metrics in the order of their names."""
    parts.models.append("")
    add_text(parts, _METRICS.sub(_sorted, whole_text(path)).encode())
    return "text"


def _sorted(metrics: re.Match[str]) -> str:
    return f"[metric: {','.join(sorted(metrics[1].split(',')))}]"
