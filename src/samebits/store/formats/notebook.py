"""Reads a notebook as JSON, without the random ids of cells and widgets. What a cell prints is one text per stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samebits.store.content import Parts, add_json, parse_json
from samebits.store.text_files import MOST_TEXT, visible

_WIDGET = "application/vnd.jupyter.widget-view+json"


def read(path: Path, parts: Parts) -> str:
    """Add everything in the notebook."""
    if path.stat().st_size > MOST_TEXT:
        raise ValueError(f"it has more than {MOST_TEXT:,} bytes")
    value = parse_json(path.read_bytes())
    if isinstance(value, dict) and "cells" in value:
        for cell in value["cells"]:
            _tidy(cell)
        value.get("metadata", {}).pop("widgets", None)  # the state of each widget, by random ids
    add_json(parts, "", value)
    return "json"


def _tidy(cell: dict[str, Any]) -> None:
    """Remove random ids, and join what the cell printed.

    A kernel sends the text that a cell prints in pieces, by its clock. So the same text can come in more or fewer
    pieces: https://github.com/jupyter/nbconvert/pull/2089
    """
    # a program that reads a notebook without ids gives each cell a random one:
    # https://jupyter.org/enhancement-proposals/62-cell-id/cell-id.html
    cell.pop("id", None)
    texts: dict[str, str] = {}
    outputs = []
    for output in cell.get("outputs", []):
        if output.get("output_type") == "stream":
            texts[output["name"]] = texts.get(output["name"], "") + "".join(output["text"])
            continue
        output.get("data", {}).get(_WIDGET, {}).pop("model_id", None)
        outputs.append(output)
    for name in sorted(texts, reverse=True):
        outputs.insert(0, {"name": name, "text": list(filter(None, map(visible, texts[name].split("\n"))))})
    if "outputs" in cell:
        cell["outputs"] = outputs
