"""Notebooks: their cells and outputs, without what the kernel's clock and random ids put into them."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from samebits.store.content import Parts, add_json, fingerprint, parse_json
from samebits.store.masks import visible

MOST_BYTES = 64 << 20
_WIDGET = "application/vnd.jupyter.widget-view+json"
ID = "<id>"


def read_notebook(path: Path, parts: Parts) -> str:
    """Add a notebook as the JSON that it is. Raises ValueError."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    value = parse_json(path.read_bytes())
    cells = value.get("cells") if isinstance(value, dict) else None
    for number, cell in enumerate(cells if isinstance(cells, list) else []):
        if isinstance(cell, dict):
            _mask_cell(parts, f"cells.{number}", cell)
    if isinstance(value, dict) and isinstance(value.get("metadata"), dict):
        _mask(parts, "metadata.widgets", value["metadata"], "widgets")  # a state for each widget, by random ids
    add_json(parts, "", value)
    return "json"


def _mask_cell(parts: Parts, place: str, cell: dict[str, Any]) -> None:
    # a program that reads a notebook without ids gives each cell a random one:
    # https://jupyter.org/enhancement-proposals/62-cell-id/cell-id.html
    _mask(parts, f"{place}.id", cell, "id")
    if isinstance(cell.get("outputs"), list):
        cell["outputs"] = [one for group in _groups(cell["outputs"]) for one in group]
        for number, output in enumerate(cell["outputs"]):
            data = output.get("data") if isinstance(output, dict) else None
            if isinstance(data, dict) and isinstance(data.get(_WIDGET), dict):
                _mask(parts, f"{place}.outputs.{number}.data.{_WIDGET}.model_id", data[_WIDGET], "model_id")


def _mask(parts: Parts, name: str, owner: dict[str, Any], key: str) -> None:
    if key in owner:
        parts.masked[name] = fingerprint("id", json.dumps(owner[key], sort_keys=True).encode())
        owner[key] = ID


def _groups(outputs: list[Any]) -> list[list[Any]]:
    """The outputs of a cell; what was printed between two others is one output for each stream.

    A kernel sends what a cell prints in pieces, by its clock, so the same text comes in more pieces or fewer:
    https://github.com/jupyter/nbconvert/pull/2089
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
