"""Reads the sides of `versus`: the trainings of a `noise`, a check, a setup of a study, or a table of numbers."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from samebits import kept_record, words
from samebits.errors import RecordError, UsageError
from samebits.model import Document
from samebits.noise.readings import Readings
from samebits.noise.result import NoiseResult, TrainingRun, metric_names
from samebits.reports import result_words
from samebits.store import record_files
from samebits.store.record import RECORD, open_record

__all__ = [
    "STUDY",
    "MetricSide",
    "NoNumbers",
    "TestedCases",
    "of_noise",
    "read_side",
    "several_machines",
    "study_setup",
]

NOISE, STUDY, STUDY_FORMAT = "noise.json", "study.json", 1
MEASURES = ("digits", "cells", "scores")  # the measures of a model in study.json; which one depends on the study
FIRST = ("f1", "dice")  # these lead: in an error rate of counts, false cells cancel missed ones
FIXED = ("true_count", "fields", "undecided", "cells", "counted")  # of the data, or numbers without a better side
LOWER = ("error_rate", "wrong")  # measures of a study for which a lower number is better
SINGLE = {"digits": "wrong", "cells": "recall"}  # the measure to which each case contributes as right or wrong
METRIC = "samebits noise --metric 'accuracy=acc: ([0-9.]+)'"
ABOUT = ("seed", "trial", "case", "machine")  # columns of a table that are not metrics


class NoNumbers(UsageError):
    """The trainings gave no value of any requested metric, so there is no answer."""


class TestedCases(Document):
    """Test cases that a model gets right or wrong. `data`: the digests of the tests. `right`, `wrong`: the value of
    such a case in the metric.
    """

    data: str
    number: int
    right: float
    wrong: float


class MetricSide(Document):
    """One side. `lower`: the metrics for which lower is known to be better. `machines`: where it was trained.

    `tested`: metric -> all its test cases, if each training names the cases that it `missed`. `repeats`: whether the
    trainings of each seed have the same bits; null if that is not known. `unseeded`: generators that no seed reaches.
    """

    name: str
    trainings: list[TrainingRun]
    machines: list[str] = []
    lower: list[str] = []
    tested: dict[str, TestedCases] = {}
    repeats: bool | None = None
    warnings: list[str] = []
    unseeded: list[str] = []


def several_machines(names: Iterable[str], what: str) -> list[str]:
    """Return a warning if the trainings ran on more than one machine. `what`: the spread, or the difference."""
    machines = sorted(set(names))
    said = f"the trainings ran on {words.count(len(machines), 'machine')} ({'; '.join(machines)})"
    return [f"{said}: these may cause a part of the {what}"] if len(machines) > 1 else []


def read_side(text: str) -> MetricSide:
    """Read a folder of samebits, FOLDER:SETUP of a study, or a CSV file. Raises UsageError or RecordError."""
    path, setup = study_setup(text)
    if path is not None:
        return _of_study(text, path, setup)
    place = Path(text)
    if place.suffix == ".csv":
        return _of_table(text, place)
    if (place / NOISE).is_file():
        from samebits.noise import read

        return of_noise(text, read(place))
    if (place / RECORD).is_file():
        return _of_check(text)
    advice = "Give a folder of noise, check or study; FOLDER:SETUP of a study; a CSV file; or a command, with --metric."
    raise UsageError(f"{text} holds no trainings that versus can read.", advice)


def of_noise(name: str, found: NoiseResult) -> MetricSide:
    """Return the side that a result of `noise` holds."""
    if found.verdict:
        raise NoNumbers(f"{name}: {found.sentence}", METRIC)
    machine = str(found.setup.machine.get("processor", ""))
    more = {"repeats": found.repeats, "warnings": found.warnings, "unseeded": found.unseeded}
    return _side(name, found.trainings, machines=[machine], **more)


def _side(name: str, trainings: list[TrainingRun], *, machines: Iterable[str] = (), **given: Any) -> MetricSide:
    if not any(training.metrics for training in trainings):
        raise UsageError(f"{name}: no training has a metric.", METRIC)
    return MetricSide(name=name, trainings=trainings, machines=sorted(set(filter(None, machines))), **given)


def _of_check(name: str) -> MetricSide:
    """Return the side that a check with --metric holds: its trials are trainings of one seed."""
    opened = open_record(name)
    judged = kept_record.judged(opened)
    taken = Readings(opened.file.options.metrics, {})
    taken.add(opened.file.seed, opened, judged)
    if opened.file.options.metrics and not taken.trainings:
        raise NoNumbers(f"{name}: {taken.why_nothing()}", METRIC)
    machine = str(judged.setup.machine.get("processor", ""))
    return _side(name, taken.trainings, machines=[machine], repeats=taken.repeats(), warnings=taken.warnings)


# -- a study ----------------------------------------------------------------------------------------------------------


def study_setup(text: str) -> tuple[Path | None, str]:
    """Return (study.json, the setup) that a text names; (None, "") if it names no study. A missing setup is ""."""
    for name, setup in ((text, ""), tuple(text.rpartition(":")[::2])):
        place = Path(name)
        if name and place.name == STUDY and place.is_file():
            return place, setup
        if name and (place / STUDY).is_file():
            return place / STUDY, setup
    return None, ""


def _of_study(name: str, path: Path, setup: str) -> MetricSide:
    """Return the side of one setup in a study file: its trials are trainings of one seed."""
    content = record_files.as_object(record_files.parse(record_files.read_bytes(path), path), path)
    record_files.check_format(content, path, STUDY_FORMAT)
    try:
        setups = {one["id"]: one for one in content["setups"]}
        if setup not in setups:
            said = f"{path} has no setup {setup!r}." if setup else f"{path} is a study, and no setup of it is named."
            raise UsageError(said, f"Give {path}:SETUP, with one of: {', '.join(setups)}.")
        return _of_setup(name, setups[setup], content)
    except (KeyError, TypeError, ValueError) as why:
        raise RecordError(f"{path} cannot be read: {why!r}.", "run the study again") from None


def _of_setup(name: str, setup: Mapping[str, Any], study: Mapping[str, Any]) -> MetricSide:
    """Return the side of one setup of a study."""
    groups = setup.get("groups", [])
    letters = {trial: result_words.letter(place) for place, group in enumerate(groups) for trial in group}
    trainings = [
        TrainingRun(
            trial=model["trial"],
            model=letters.get(model["trial"]),
            metrics=found,
            missed=_missed(model),
            machine=model.get("machine", ""),
        )
        for model in setup["models"]
        if (found := _measures(model))
    ]
    repeats = len(groups) == 1 if groups else None
    tested = _tested(setup["models"], study["data"])
    machines = [one.machine for one in trainings]
    warnings = list(_undefined(setup["models"], metric_names(trainings)))
    lower = [*LOWER, *(one["name"] for one in study.get("measures", []) if one.get("lower"))]
    return _side(name, trainings, machines=machines, lower=lower, repeats=repeats, tested=tested, warnings=warnings)


def _undefined(models: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """Yield a warning for each model that lacks a measure that other models have."""
    for model in models:
        lost = [name for name in names if name not in _measures(model)]
        if lost:
            yield f"left out: trial {model['trial']}: {', '.join(lost)}: undefined, or not a finite number"


def _missed(model: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the digits that the model got wrong, or the cells that it did not find, by measure."""
    found = {measure: (model.get(group) or {}).get("missed") for group, measure in SINGLE.items()}
    return {
        measure: [case if isinstance(case, str) else f"test digit {case}" for case in missed]
        for measure, missed in found.items()
        if missed is not None
    }


def _tested(models: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> dict[str, TestedCases]:
    """Return the test cases, if the document names the cases that each model missed."""
    if not models or not all(map(_missed, models)):
        return {}
    tests = " ".join(str(data.get(name, "")) for name in ("digest", "digest_of_truth"))
    digits, cells = (models[0].get(group) or {} for group in SINGLE)
    if digits:
        number = sum(map(sum, digits["confusion"])) + digits.get("undecided", 0)
        return {SINGLE["digits"]: TestedCases(data=tests, number=number, right=0, wrong=1)}
    return {SINGLE["cells"]: TestedCases(data=tests, number=cells["cells"], right=1, wrong=0)}


def _measures(model: Mapping[str, Any]) -> dict[str, float]:
    """Return the finite measures of a model, the leading ones first."""
    found = {
        name: float(value)
        for group in MEASURES
        for name, value in (model.get(group) or {}).items()
        if name not in FIXED and isinstance(value, int | float) and math.isfinite(value)
    }
    return {name: found[name] for name in (*filter(found.__contains__, FIRST), *found)}


# -- a table ----------------------------------------------------------------------------------------------------------


_LINES = "Write a line for each training: seed,trial,accuracy"


def _of_table(name: str, path: Path) -> MetricSide:
    """Read a CSV file: a line for each training, or for each test case of one. Columns outside `ABOUT` are metrics."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file.", _LINES)
    try:
        text = record_files.read_bytes(path).decode("utf-8-sig")
        rows = list(csv.DictReader(text.splitlines()))
        if not rows:
            raise UsageError(f"{path} has no line below its header.", _LINES)
        groups: dict[tuple[int | None, int], list[dict[str, str]]] = {}
        for number, row in enumerate(rows, 1):
            seed = int(row["seed"]) if row.get("seed") else None
            groups.setdefault((seed, int(row.get("trial") or (1 if row.get("case") else number))), []).append(row)
        trainings = [_of_rows(seed, trial, group) for (seed, trial), group in groups.items()]
    except (ValueError, csv.Error) as why:
        advice = "separate columns by commas; write a number with a decimal point for each metric"
        raise UsageError(f"{path} cannot be read: {why}.", advice) from None
    return _side(name, trainings, machines=[one.machine for one in trainings])


def _of_rows(seed: int | None, trial: int, rows: list[dict[str, str]]) -> TrainingRun:
    """Return one training, from its only line or from the lines of its cases."""
    names = [name for name in rows[0] if name and name not in ABOUT]
    values = {name: [_finite(name, row[name]) for row in rows] for name in names}
    has_cases = bool(rows[0].get("case"))
    if not has_cases and len(rows) > 1:
        raise ValueError(f"trial {trial} appears {len(rows)} times")
    cases = {name: dict(zip([row["case"] for row in rows], values[name], strict=True)) for name in names if has_cases}
    means = {name: float(np.mean(found)) for name, found in values.items()}
    return TrainingRun(seed=seed, trial=trial, metrics=means, cases=cases, machine=rows[0].get("machine") or "")


def _finite(name: str, text: str | None) -> float:
    value = float(text or "nan")
    if not math.isfinite(value):
        raise ValueError(f"{name} is {text!r}, which is not a finite number")
    return value
