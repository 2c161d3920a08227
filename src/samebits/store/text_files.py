"""Reads text by its lines: logs, tables, settings, and the output of programs. Lines are masked (see `masks`).

Notebooks are compared without random ids. Pieces of printed text, which depend on the kernel's clock, are joined.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from samebits.model import Lines, SavedFile
from samebits.store.content import Parts, add_json, fingerprint, parse_json
from samebits.store.date_masks import without_profiles
from samebits.store.masks import Run, TooMany, masked_lines, visible

MOST_TEXT = 64 << 20  # bytes of a text that are read; of a longer text, its first and its last bytes
# of a longer text whose lines have more forms, only the first and the last lines are compared
MOST_LINES, MOST_FORMS = 40_000, 10_000
MOST_KEPT, MOST_KEPT_CHARACTERS = 4_000, 1 << 17  # of one file, in the record
MOST_WIDE = 300  # characters of a line that are kept
MOST_CELLS = 4_000  # of a table that is compared cell by cell
_IDS_OF_SVG = re.compile(r"(?<=[\"#(])[a-zA-Z]?[0-9a-f]{10}(?=[\"')])")
# the first characters of a model that LightGBM or XGBoost saved as text
MODEL_BEGINNINGS = ("tree\nversion=", "booster[0]:")
# LightGBM takes metrics as a set of Python, and writes them into the model in the order of that set. The order is
# different in each process: https://github.com/microsoft/LightGBM/blob/master/examples/python-guide/simple_example.py
_METRICS_OF_A_MODEL = re.compile(r"^(\[metric: )([^\]]*)(\])$")


class NotText(ValueError):
    """The error for bytes that are not text in UTF-8."""


def read_lines(path: Path, parts: Parts, begin: int = 0) -> Lines:
    """Add a text as one part, and return its lines. `begin`: the first byte that is read. Raises NotText."""
    data, is_cut = read_some(path, begin)
    text = decoded(data)
    if path.suffix.lower() == ".svg":
        text = without_ids_of_svg(text)
    is_model = text.startswith(MODEL_BEGINNINGS)
    if is_model:
        parts.models.append("")
    lines = lines_of(text, parts.run, is_model=is_model, is_cut=is_cut)
    parts.add("", "text", lines.ordered.encode())
    parts.values.add("")
    if lines.ordered != lines.raw:
        parts.masked[""] = lines.raw
    return lines


def is_model_as_text(path: Path) -> bool:
    """Return whether a file is a model that a library saved as text. A file that cannot be read is not."""
    try:
        with path.open("rb") as file:
            return file.read(len(max(MODEL_BEGINNINGS, key=len))).decode("latin1").startswith(MODEL_BEGINNINGS)
    except OSError:
        return False


def without_ids_of_svg(text: str) -> str:
    """Return a picture without the ids of clip paths and markers: Matplotlib makes new ones in every run."""
    return _IDS_OF_SVG.sub("<id>", text)


def read_some(path: Path, begin: int = 0) -> tuple[bytes, bool]:
    """Return (the bytes from `begin` on, False), or (their two ends, True) if they are more than MOST_TEXT."""
    with path.open("rb") as file:
        size = file.seek(0, 2) - begin
        file.seek(begin)
        if size <= MOST_TEXT:
            return file.read(), False
        head = file.read(MOST_TEXT // 2)
        file.seek(-MOST_TEXT // 2, 2)
        return head + b"\n" + file.read(), True


def decoded(data: bytes) -> str:
    """Return the text that bytes in UTF-8 hold. Raises NotText."""
    if b"\0" in data[:4096]:
        raise NotText("it holds zero bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotText(f"it is not UTF-8 (byte {error.start})") from None


def lines_of(text: str, run: Run, *, is_printed: bool = False, is_model: bool = False, is_cut: bool = False) -> Lines:
    """Return the lines of a text.

    `is_printed`: take each line as a terminal shows it, and leave out empty ones. `is_model`: the text is a model of a
    library. `is_cut`: only its first and last bytes were read.
    """
    text = without_profiles(text)
    split = [visible(line) for line in text.split("\n")] if is_printed else text.split("\n")
    whole = [line for line in split if line] if is_printed else split
    own = [run.without_own(line) for line in whole]
    try:
        found = masked_lines(own, run, sys.maxsize if len(own) <= MOST_LINES else MOST_FORMS)
    except TooMany:
        own, is_cut = [*own[: MOST_LINES // 2], *own[-MOST_LINES // 2 :]], True
        found = masked_lines(own, run)
    masked = run.without_pids([*map(_metrics_sorted, found)] if is_model else found)
    kept, room = [], MOST_KEPT_CHARACTERS
    for line in masked[:MOST_KEPT]:
        room -= min(len(line), MOST_WIDE) + 1
        if room < 0:
            break
        kept.append(line[:MOST_WIDE])
    return Lines(
        ordered=_digest(masked),
        sorted=_digest(sorted(masked)),
        raw=_digest(own),
        count=len(masked),
        timed=sum("<time>" in line or "<date>" in line for line in masked) * 2 > len(masked),
        kept=kept,
        cut=is_cut,
    )


def _metrics_sorted(line: str) -> str:
    return _METRICS_OF_A_MODEL.sub(lambda found: found[1] + ",".join(sorted(found[2].split(","))) + found[3], line)


def _digest(lines: Iterable[str]) -> str:
    return fingerprint("lines", "\n".join(lines).encode("utf-8", "surrogatepass"))


def read_json_lines(path: Path, parts: Parts) -> str:
    """Add one JSON value for each line, by the number of the line."""
    data, is_cut = read_some(path)
    if is_cut:
        raise ValueError(f"it has more than {MOST_TEXT:,} bytes")
    for number, line in enumerate(filter(str.strip, decoded(data).split("\n")), 1):
        add_json(parts, f"line {number}", json.loads(line))
    return "jsonl"


def read_table(path: Path, parts: Parts) -> str:
    """Add a table of text by its columns, or cell by cell if it is small."""
    data, is_cut = read_some(path)
    if is_cut:
        raise ValueError(f"it has more than {MOST_TEXT:,} bytes")
    text = decoded(data)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text[:4096])
    text = _add_head(parts, text) or text
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    heads = ["time" if head == "t" and tuple(rows[0][:2]) == ("r", "l") else head for head in _heads(rows)]
    body = rows[1:] if heads else rows
    parts.add_plain("columns", heads or len(rows[0]) if rows else 0)
    parts.add_plain("rows", len(body))
    by_cell = sum(map(len, body)) <= MOST_CELLS
    columns: dict[str, list[Any]] = {}
    for number, row in enumerate(body, 1):
        for place, cell in enumerate(row):
            name = (heads[place] if place < len(heads) else "") or f"column {place + 1}"
            if by_cell:
                parts.add_plain(f"row {number}.{name}", number_or_text(cell))
            else:
                columns.setdefault(name, []).append(cell)
    for name, cells in columns.items():
        parts.add_plain(name, [number_or_text(cell) for cell in cells])
    return "csv"


def _add_head(parts: Parts, text: str) -> str:
    """Add the JSON in the first line of a table, and return the rest; "" if the first line holds no JSON.

    Monitors of RL environments write it: https://github.com/DLR-RM/stable-baselines3/blob/master/stable_baselines3/common/monitor.py
    Their columns are r (reward), l (length) and t (the time since the start).
    """
    head, _, rest = text.partition("\n")
    try:
        value = json.loads(head.removeprefix("#")) if head.startswith("#{") else None
    except ValueError:
        value = None
    if value is None:
        return ""
    add_json(parts, "(head)", value)
    return rest


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _heads(rows: list[list[str]]) -> list[str]:
    """Return the first row if none of its cells is a number, else nothing."""
    heads = rows[0] if rows else []
    named = [head for head in heads if head.strip()]
    return heads if named and not any(isinstance(number_or_text(head), float) for head in named) else []


def number_or_text(cell: str) -> float | str:
    """Return the number that a cell holds, else its text."""
    try:
        return float(cell)
    except ValueError:
        return cell


def printed_file(path: Path, name: str, run: Run, *, named: bool) -> SavedFile:
    """Return the output of a program, as a text whose lines are compared."""
    try:
        data, is_cut = read_some(path)
    except OSError:
        data, is_cut = b"", False
    lines = lines_of(data.decode("utf-8", "replace"), run, is_printed=True, is_cut=is_cut)
    return SavedFile(path=name, named=named, format="printed", tensors={"": lines.raw}, values=[""], lines=lines)


MOST_BYTES = 64 << 20
_WIDGET = "application/vnd.jupyter.widget-view+json"
ID = "<id>"


def read_notebook(path: Path, parts: Parts) -> str:
    """Add a notebook as JSON. Raises ValueError."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    value = parse_json(path.read_bytes())
    cells = value.get("cells") if isinstance(value, dict) else None
    for number, cell in enumerate(cells if isinstance(cells, list) else []):
        if isinstance(cell, dict):
            _mask_cell(parts, f"cells.{number}", cell)
    if isinstance(value, dict) and isinstance(value.get("metadata"), dict):
        _mask(parts, "metadata.widgets", value["metadata"], "widgets")  # the state of each widget, by random ids
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
