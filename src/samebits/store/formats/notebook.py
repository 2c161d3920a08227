"""Reads a notebook as JSON, without the random ids of cells and widgets. What a cell prints is one text per stream."""

from __future__ import annotations

from itertools import groupby
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
    cells = value.get("cells") if isinstance(value, dict) else None
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict):
            _tidy(cell)
    if isinstance(value, dict) and isinstance(value.get("metadata"), dict):
        value["metadata"].pop("widgets", None)  # the state of each widget, by random ids
    add_json(parts, "", value)
    return "json"


def _tidy(cell: dict[str, Any]) -> None:
    # a program that reads a notebook without ids gives each cell a random one:
    # https://jupyter.org/enhancement-proposals/62-cell-id/cell-id.html
    cell.pop("id", None)
    if isinstance(cell.get("outputs"), list):
        cell["outputs"] = [output for group in _groups(cell["outputs"]) for output in group]
        for output in cell["outputs"]:
            data = output.get("data") if isinstance(output, dict) else None
            if isinstance(data, dict) and isinstance(data.get(_WIDGET), dict):
                data[_WIDGET].pop("model_id", None)


def _groups(outputs: list[Any]) -> list[list[Any]]:
    """Return the outputs of a cell in groups. What is printed between two other outputs becomes one output per stream.

    A kernel sends the text that a cell prints in pieces, by its clock. So the same text can come in more or fewer
    pieces: https://github.com/jupyter/nbconvert/pull/2089
    """
    groups = []
    for is_stream, some in groupby(outputs, key=_is_stream):
        group = list(some)
        groups.append(_streams(group) if is_stream else group)
    return groups


def _is_stream(output: Any) -> bool:
    return isinstance(output, dict) and output.get("output_type") == "stream" and isinstance(output.get("name"), str)


def _streams(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    texts: dict[str, str] = {}
    for output in outputs:
        text = output.get("text", "")
        pieces = text if isinstance(text, list) else [text]
        texts[output["name"]] = texts.get(output["name"], "") + "".join(map(str, pieces))
    return [
        {"name": name, "text": [line for line in map(visible, texts[name].split("\n")) if line]}
        for name in sorted(texts)
    ]
