"""Reads text by its lines: logs, tables, settings, and the output of programs.

Notebooks are compared without random ids. Pieces of printed text, which depend on the kernel's clock, are joined.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from samebits.model import Lines, Part, SavedFile
from samebits.store.content import Parts, add_json, fingerprint, parse_json

MOST_TEXT = 64 << 20  # bytes of a text that are read; of a longer text, its first and its last bytes
MOST_KEPT_CHARACTERS = 1 << 20  # of the first lines of one file, in the record
MOST_TAIL = 1_000  # last lines of a longer text
MOST_WIDE = 4096  # characters of a line that are kept
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
    if text.startswith(MODEL_BEGINNINGS):
        parts.models.append("")
        text = "\n".join(map(_metrics_sorted, text.split("\n")))
    lines = lines_of(text, is_cut=is_cut)
    parts.add("", "text", lines.raw.encode())
    parts.values.add("")
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


def lines_of(text: str, *, is_printed: bool = False, is_cut: bool = False) -> Lines:
    """Return the lines of a text.

    `is_printed`: take each line as a terminal shows it, and leave out empty ones. `is_cut`: only its first and last
    bytes were read.
    """
    split = text.split("\n")
    whole = list(filter(None, map(visible, split))) if is_printed else split
    first, room = 0, MOST_KEPT_CHARACTERS
    while first < len(whole) and room > 0:
        room -= len(whole[first]) + 1
        first += 1
    rest = whole[first:]
    return Lines(
        raw=_digest(whole),
        count=len(whole),
        kept=list(map(_shortened, whole[:first])),
        tail=list(map(_shortened, rest[-MOST_TAIL:])),
        between=_digest(rest[:-MOST_TAIL]) if len(rest) > MOST_TAIL else "",
        cut=is_cut,
    )


def _shortened(line: str) -> str:
    """Return a line of which a record keeps all; of a longer one its beginning and the fingerprint of the whole."""
    return line if len(line) <= MOST_WIDE else f"{line[:MOST_WIDE]}... {_digest([line])}"


_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def visible(line: str) -> str:
    """Return a printed line as a terminal finally shows it: without escapes and without text that was overwritten."""
    shown = [part for part in re.split(r"[\r\b]+", _ESCAPES.sub("", line)) if part.strip()]
    return shown[-1].strip() if shown else ""


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


def printed_file(path: Path, name: str, *, named: bool) -> SavedFile:
    """Return the output of a program, as a text whose lines are compared."""
    try:
        data, is_cut = read_some(path)
    except OSError:
        data, is_cut = b"", False
    lines = lines_of(data.decode("utf-8", "replace"), is_printed=True, is_cut=is_cut)
    return SavedFile(path=name, named=named, format="printed", parts={"": Part(digest=lines.raw)}, lines=lines)


MOST_BYTES = 64 << 20
_WIDGET = "application/vnd.jupyter.widget-view+json"


def read_notebook(path: Path, parts: Parts) -> str:
    """Add a notebook as JSON. Raises ValueError."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    value = parse_json(path.read_bytes())
    cells = value.get("cells") if isinstance(value, dict) else None
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict):
            _without_ids(cell)
    if isinstance(value, dict) and isinstance(value.get("metadata"), dict):
        value["metadata"].pop("widgets", None)  # the state of each widget, by random ids
    add_json(parts, "", value)
    return "json"


def _without_ids(cell: dict[str, Any]) -> None:
    # a program that reads a notebook without ids gives each cell a random one:
    # https://jupyter.org/enhancement-proposals/62-cell-id/cell-id.html
    cell.pop("id", None)
    if isinstance(cell.get("outputs"), list):
        cell["outputs"] = [one for group in _groups(cell["outputs"]) for one in group]
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
