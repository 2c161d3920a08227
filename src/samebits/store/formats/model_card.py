"""Reads a model card of the Hugging Face Hub by its lines, with its tags in alphabetical order.

Tags are for filters, so they have no order: https://huggingface.co/docs/hub/model-cards#model-card-metadata. TRL writes
them in the order of a set: https://github.com/huggingface/trl/blob/main/trl/trainer/base_trainer.py
"""

from __future__ import annotations

import re
from pathlib import Path

from samebits.store.content import Parts
from samebits.store.text_files import add_text, sorted_lines, whole_text

_BEGINNING = b"---\n"
_METADATA = re.compile(r"---\n.*?\n---\n", re.DOTALL)  # YAML
_TAGS = re.compile(r"(?<=^tags:\n)(?: *- .*\n)+", re.MULTILINE)


def owns(path: Path) -> bool:
    """Return whether a text begins with metadata."""
    with path.open("rb") as file:
        return file.read(len(_BEGINNING)) == _BEGINNING


def read(path: Path, parts: Parts) -> str:
    """Add the lines."""
    text = whole_text(path)
    match = _METADATA.match(text)
    if match:
        text = _TAGS.sub(sorted_lines, match[0]) + text[match.end() :]
    add_text(parts, text.encode())
    return "text"
