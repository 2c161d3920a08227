"""Shows what differs: two samples of a batch and their difference, a histogram of distances, the order of rows."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from samebits import words
from samebits.model import Divergence, Result
from samebits.reports import result_words
from samebits.reports.table import Cell, Column, StyledText, Table, numbers
from samebits.reports.tree import BRIEF, DOCUMENT, PAGE, AnyBlock, Block, Code, Format, Notes, Section, Text
from samebits.tensor_pairs import MOST_RUNS, WITH_TENSORS, PicturePair, RowOrder, SamplePair, ShownDifference, UlpRange

TITLE = "The values that differ"
ABOUT = "Two trials ran again up to this step and kept the values of {}. The trials of the record keep fingerprints."
BESIDE_LOCATE = "samebits locate compared different trials, so its numbers can be different."
PNG_COLOURS = {1: 0, 3: 2}  # channels -> greys, colours: https://www.w3.org/TR/png-3/#6Colour-values


@dataclass(frozen=True)
class PixelImage:
    """A small picture. `address`: the picture itself, as a data URL; `said`: the picture in words."""

    label: str
    address: str
    said: str


@dataclass(frozen=True)
class PixelImages(Block):
    """Images side by side, below a line that says what they show."""

    caption: str
    pictures: tuple[PixelImage, ...]
    on: frozenset[Format] = field(default=PAGE, kw_only=True)


@dataclass(frozen=True)
class HistogramBar:
    """A bar. `share`: percent of the longest."""

    label: str
    share: float
    values: int


@dataclass(frozen=True)
class Histogram(Block):
    """Bars, one below the other. `said`: the bars in words."""

    caption: str
    bars: tuple[HistogramBar, ...]
    said: str
    on: frozenset[Format] = field(default=PAGE, kw_only=True)


def shown_values(result: Result) -> Iterator[Section]:
    """Yield the section; nothing if no tensor differs, or if none can be shown."""
    where = result.divergence
    if where is None or where.kind not in WITH_TENSORS:
        return
    difference = _kept_tensors(result, where)
    blocks = tuple(_blocks(difference)) if difference is not None else ()
    if blocks:
        about = [ABOUT.format(" > ".join(result_words.path(where)[-2:]))]
        about += [BESIDE_LOCATE] if result.location is not None else []
        yield Section(TITLE, "values", (Text(" ".join(about), "soft"), *blocks), on=DOCUMENT)
    elif difference is None and result.record is not None:
        command = Code(f"samebits locate {result_words.record_name(result)}")
        yield Section(TITLE, "values", (Text(_price(result), "soft"), command), on=PAGE)


def file_order(result: Result) -> Iterator[Section]:
    """Yield the section on files that the trials opened in a different order; nothing if they did not."""
    order = result.divergence.files if result.divergence is not None else None
    if order is None:
        return
    first, second = order.trials
    text = (
        f"Trials {first:,} and {second:,} opened the same {words.count(order.files, 'file')}, in a different order: "
        f"{words.count(order.moved, 'place')} {words.agree(order.moved, 'has', 'have')} a different file. This order "
        "can be the cause of the divergence, or a result of it."
    )
    rows = tuple(
        (f"{place:,}", StyledText("=" if one == other else "!=", "code"), one, other)
        for place, (one, other) in enumerate(zip(order.one, order.other, strict=True), order.start + 1)
    )
    columns = (*numbers("place"), Column(""), Column(f"trial {first:,}"), Column(f"trial {second:,}"))
    hidden = order.files - order.start - len(rows)
    notes = (f"{hidden:,} more are not shown.",) if hidden else ()
    table = Table("order of files", "", columns, rows, notes=notes)
    yield Section("Order of files", "file-order", (Text(text), table), on=DOCUMENT)


def _kept_tensors(result: Result, where: Divergence) -> ShownDifference | None:
    """Return the tensors that the check has kept, else those that locate has kept."""
    located = result.location.size if result.location is not None else None
    sizes = (size for size in (where.size, located) if size is not None and size.shown is not None)
    return next((size.shown for size in sizes), None)


def _price(result: Result) -> str:
    """Return what it takes to see the values."""
    longest = max((trial.seconds for trial in result.trials), default=0.0)
    return (
        "The record holds fingerprints, not the values themselves. One command adds the values. It runs at most "
        f"{MOST_RUNS} more trials, up to this step. The longest trial of this record took {words.span(longest)}."
    )


def _blocks(difference: ShownDifference) -> Iterator[AnyBlock]:
    for sample in difference.samples:
        yield from _sample(sample)
    if difference.ulps:
        yield _histogram(difference.ulps)
        yield _ranges(difference.ulps)
    if difference.not_finite:
        pairs = words.count(difference.not_finite, "pair")
        yield Notes(
            (f"{pairs} {words.agree(difference.not_finite, 'differs', 'differ')}, with infinity or NaN on one side.",)
        )
    if difference.order is not None:
        yield from _order(difference.order)


# -- samples ----------------------------------------------------------------------------------------------------------


def _sample(sample: SamplePair) -> Iterator[AnyBlock]:
    values = words.count(sample.values, "value")
    title = f"Sample {sample.row:,} of the batch: {sample.different:,} of {values} {_differ(sample.different)}."
    if sample.picture is not None:
        yield Text(title)
        yield _pictures(sample.picture)
    elif sample.form == "text":
        yield Text(title)
        yield from (Code("\n".join(side), name) for name, side in (("first", sample.one), ("second", sample.other)))
    else:
        yield Text(f"Row {sample.row:,}: {sample.different:,} of {values} {_differ(sample.different)}.")
        yield _numbers(sample)


def _differ(number: int) -> str:
    return words.agree(number, "differs", "differ")


def _numbers(sample: SamplePair) -> Table:
    """Return the values of both trials. Those that differ are marked."""
    columns = (*numbers("place"), Column(""), *numbers("first", "second"))
    rows = tuple(
        (str(sample.start + at), StyledText("=" if one == other else "!=", "code"), one, other)
        for at, (one, other) in enumerate(zip(sample.one, sample.other, strict=False))
    )
    return Table(f"values of row {sample.row}", "", columns, rows)


def _pictures(pair: PicturePair) -> PixelImages:
    low, high, largest = (f"{value:.6g}" for value in (pair.low, pair.high, pair.largest))
    caption = f"Black is {low}, white is {high}. In the difference, black is 0 and white is {largest}."
    images = (("first", pair.one, pair.channels), ("second", pair.other, pair.channels),
             ("difference", pair.difference, 1))  # fmt: skip
    size = f"{pair.height} by {pair.width} pixels"
    return PixelImages(
        caption,
        tuple(
            PixelImage(name, _address(pair, pixels, channels), f"{name}, {size}; {caption}")
            for name, pixels, channels in images
        ),
    )


def _address(pair: PicturePair, pixels: str, channels: int) -> str:
    """Return a PNG as a data URL: https://www.w3.org/TR/png-3/"""
    data, width = base64.b64decode(pixels), pair.width * channels
    lines = b"".join(b"\0" + data[at : at + width] for at in range(0, len(data), width))
    head = struct.pack(">IIBBBBB", pair.width, pair.height, 8, PNG_COLOURS[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, *zip(*chunks, strict=True)))
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


# -- distances and order ----------------------------------------------------------------------------------------------


def _histogram(ulps: list[UlpRange]) -> Histogram:
    most = max(span.values for span in ulps)
    bars = tuple(HistogramBar(_range(span), 100 * span.values / most, span.values) for span in ulps if span.values)
    text = "; ".join(f"{bar.label} ULP: {words.count(bar.values, 'value')}" for bar in bars)
    return Histogram("The number of values at each distance, in units in the last place (ULP).", bars, text)


def _ranges(ulps: list[UlpRange]) -> Table:
    rows = tuple((_range(span), f"{span.values:,}") for span in ulps if span.values)
    return Table("distances", "", numbers("ULP apart", "values"), rows, on=BRIEF)


def _range(span: UlpRange) -> str:
    return f"{span.first:,}" if span.first == span.last else f"{span.first:,} to {span.last:,}"


def _order(order: RowOrder) -> Iterator[AnyBlock]:
    places = words.agree(order.moved, "is in both, at a different place", "are in both, at different places")
    parts = [f"{order.moved:,} of {words.count(order.rows, 'row')} {places}"]
    parts += [f"{order.same:,} at the same place"] if order.same else []
    parts += [f"{order.alone:,} only in the first, {order.alone:,} only in the second"] if order.alone else []
    yield Text(f"Order: {'; '.join(parts)}.")
    rows: tuple[tuple[Cell, ...], ...] = tuple((f"{one:,}", f"{other:,}") for one, other in order.places)
    notes = (f"{order.moved - len(rows):,} more are not shown.",) if order.moved > len(rows) else ()
    yield Table("places of rows", "", numbers("place in the first", "place in the second"), rows, notes=notes)
