"""A move of weights as a report, for every presenter, and as the JSON of `samebits parity weights`."""

from __future__ import annotations

from typing import Literal

from samebits import __version__
from samebits.documents import Document
from samebits.reports.table import Cell, Column, MissingValue, Number, Table, numbers
from samebits.reports.tree import Report
from samebits_parity.report import compared, parts
from samebits_parity.weights import files, verdict
from samebits_parity.weights.pairs import LonelyFile
from samebits_parity.weights.transfer import Transfer
from samebits_parity.weights.verdict import SettingFile, TransferVerdict, judge, shapes_said
from samebits_parity.weights.verification import ROUNDINGS


class ModelFile(Document):
    """A model, as the user named it."""

    model: str
    library: Literal["keras", "pytorch"]
    version: str
    weights: int


class LayerFile(Document):
    """A pair of layers.

    `apart`: ||a - b|| / ||a|| of their outputs, null if they were not compared; `allowed`: what rounding explains;
    `agrees`: null if it is not known, or if a layer before it got no weights.
    """

    a: str
    b: str
    kind: str
    weights_a: list[str]
    weights_b: list[str]
    apart: float | None
    allowed: float | None
    max_ulp: int | None
    agrees: bool | None
    why: str
    settings: list[SettingFile]


class WeightsFile(Document):
    """What was carried and compared.

    `first`: the place of the first pair that disagrees, from 0; `likely`: the settings that differ there or just before
    it; `out`: the file, null if nothing was carried.
    """

    format: int = 1
    samebits: str
    verdict: Literal["agree", "differ", "unknown"]
    sentence: str
    a: ModelFile
    b: ModelFile
    layers: list[LayerFile]
    not_matching: list[LonelyFile]
    no_counterpart: list[LonelyFile]
    first: int | None
    likely: list[SettingFile]
    model_apart: float | None
    model_allowed: float | None
    filled: int
    notes: list[str]
    out: str | None


def document(moved: Transfer, judged: TransferVerdict) -> WeightsFile:
    """Return all that was found."""
    whole = moved.whole_model
    a, b = (ModelFile(model=model.said, library=model.library, version=model.version, weights=len(model.weights))
            for model in (moved.source, moved.target))  # fmt: skip
    return WeightsFile(
        samebits=__version__,
        verdict=judged.verdict,
        sentence=judged.sentence,
        a=a,
        b=b,
        layers=[_layer(moved, judged, place) for place in range(len(moved.pairing.pairs))],
        not_matching=list(moved.pairing.lonely),
        no_counterpart=list(moved.pairing.refused),
        first=judged.first,
        likely=list(judged.likely),
        model_apart=whole.apart if whole else None,
        model_allowed=whole.allowed if whole else None,
        filled=moved.filled,
        notes=moved.carried.notes,
        out=str(moved.out) if moved.out else None,
    )


def _layer(moved: Transfer, judged: TransferVerdict, place: int) -> LayerFile:
    pair = moved.pairing.pairs[place]
    one = moved.layers[place] if moved.layers else None
    keras = (pair.keras.name, [moved.keras.weights[number].name for number in pair.keras.roles.values()])
    pytorch = (pair.pytorch.name, [moved.pytorch.weights[number].name for number in pair.pytorch.roles.values()])
    (a, weights_a), (b, weights_b) = moved.a_first(keras, pytorch)
    is_judged = judged.last is None or place < judged.last
    return LayerFile(
        a=a, b=b, kind=pair.keras.kind, weights_a=weights_a, weights_b=weights_b,
        apart=one.apart if one else None, allowed=one.allowed if one else None, max_ulp=one.max_ulp if one else None,
        agrees=one.agrees if one and is_judged else None, why=one.why if one else "not compared",
        settings=verdict.of_pair(pair),
    )  # fmt: skip


NOTHING_LIKELY = "samebits saw no setting that differs here or just before: compare the code between these layers"
MARKS = {True: "=", False: "!=", None: "?"}
FILLED = (
    "arrays hold one number only (zero biases, fresh averages). For the comparison, samebits filled them with random "
    "numbers. The file has the model's own numbers."
)
EXPLAINED = (
    f"Rounding explains {ROUNDINGS:.0f} times the larger of two numbers: the distance between float32 and float64 in "
    "PyTorch up to that layer, and 2^-23 times the square root of the length of the longest sum."
)


def report(moved: Transfer) -> Report:
    """Return what to show, and what to write as JSON."""
    judged = judge(moved)
    found = document(moved, judged)
    return compared(
        f"Weights of {moved.source.said}, carried to {moved.target.said}",
        judged.verdict,
        judged.sentence,
        found,
        parts(_facts(moved, judged), _tables(found), _notes(moved, judged)),
    )


def _facts(moved: Transfer, judged: TransferVerdict) -> list[tuple[str, str]]:
    facts = [(model.side, f"{model.said}, {model.version}") for model in (moved.source, moved.target)]
    facts += [("likely", _setting(one)) for one in judged.likely]
    if judged.first is not None and not judged.likely:
        facts.append(("likely", NOTHING_LIKELY))
    shapes = ", ".join(" x ".join(map(str, array.shape)) for array in moved.inputs.arrays)
    facts.append(("inputs", f"{shapes}, random"))
    if moved.out:
        facts.append(("file", str(moved.out)))
        lines = files.how_to_load(moved.out, moved.target, whole=moved.complete)
        facts += [("load" if not place else "", line) for place, line in enumerate(lines)]
    return facts


def _setting(one: SettingFile) -> str:
    keras, pytorch = one.layers
    return f"{one.setting}: {one.keras} in Keras ({keras}), {one.pytorch} in PyTorch ({pytorch})"


def _tables(found: WeightsFile) -> list[Table]:
    left = [*found.not_matching, *found.no_counterpart]
    columns = (
        Column("A"), Column("B"), Column("kind"), *numbers("difference", "explained by rounding", "ULP"), Column(""),
    )  # fmt: skip
    layers = tuple(
        (
            one.a, one.b, one.kind.replace("_", " "), _number(one.apart, one.why), _number(one.allowed, "not compared"),
            MissingValue("") if one.max_ulp is None else Number(one.max_ulp), MARKS[one.agrees],
        )
        for one in found.layers
    )  # fmt: skip
    heads = tuple(map(Column, ("side", "layer", "class", "shapes", "why", "would match")))
    without = tuple(
        (
            one.side, one.layer, one.layer_class, shapes_said(one.shapes), one.why,
            shapes_said(one.would_match) if one.would_match else "",
        )
        for one in left
    )  # fmt: skip
    both = (
        Table("layers", "Outputs of the layers, after the same weights and inputs", columns, layers),
        Table("left", "Layers whose weights were not carried", heads, without),
    )
    return [table for table in both if table.rows]


def _number(value: float | None, why: str) -> Cell:
    return MissingValue(why or "not compared") if value is None else Number(value, None)


def _notes(moved: Transfer, judged: TransferVerdict) -> list[str]:
    notes = list(moved.carried.notes)
    notes += [f"{pair.keras.name} and {pair.pytorch.name}: {why}" for pair, why in moved.carried.lost]
    notes += [f"{pair.keras.name} and {pair.pytorch.name} run at different places; nothing else fits them."
              for pair in moved.pairing.pairs if pair.moved]  # fmt: skip
    if judged.last is not None and judged.last < len(moved.pairing.pairs):
        notes.append("Layers that follow a layer without weights are not judged: their inputs differ.")
    if moved.filled:
        notes.append(f"{moved.filled} {FILLED}")
    if moved.layers:
        notes.append(EXPLAINED)
    return notes
