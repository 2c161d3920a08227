"""Reads the metrics of each training from the output of its trials, and notes what could not be read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from samebits import words
from samebits.launch.plan import trial_name
from samebits.model import Result, Setup, TrialFile
from samebits.noise.result import MetricNoise, TrainingRun
from samebits.reports import result_words
from samebits.store.record import TRIALS, Record

__all__ = ["Readings", "sentence"]

OUTPUT = "stdout.txt"  # the output of the program, in the folder of a trial


class Readings:
    """The values of the trainings, seed after seed. `trainings`: those with a value. `warnings`: what was left out."""

    def __init__(self, metrics: Mapping[str, str], cases: Mapping[str, str]) -> None:
        self._metrics, self._cases = metrics, cases
        self.trainings: list[TrainingRun] = []
        self.warnings: list[str] = []
        self.unseeded: list[str] = []  # generators that no seed reaches
        self.results: dict[int | None, Result] = {}
        self.folders: dict[int | None, str] = {}

    def add(self, seed: int | None, record: Record, result: Result) -> None:
        """Read the trials of one seed."""
        self.results[seed], self.folders[seed] = result, record.folder.name
        letters = {trial: result_words.letter(place) for place, group in enumerate(result.groups) for trial in group}
        for trial in record.trials:
            if trial.file.status != "complete":
                self._leave_out(seed, trial.file, trial.file.why or trial.file.status)
                continue
            self._take(seed, trial.file, letters.get(trial.id), record.folder / TRIALS / trial_name(trial.id) / OUTPUT)

    def _take(self, seed: int | None, file: TrialFile, model: str | None, output: Path) -> None:
        cases = self._case_tables(seed, file, output) if self._cases else {}
        means = {name: float(np.mean(list(found.values()))) for name, found in cases.items()}
        values = {**means, **file.metrics}
        for name in [name for name in self._metrics if name not in values]:
            text = file.metrics_printed.get(name)
            self._leave_out(seed, file, f"{name}: " + (f"it printed {text}" if text else _unmatched("nothing", output)))
        if values:
            self.trainings.append(TrainingRun(seed=seed, trial=file.id, model=model, metrics=values, cases=cases))

    def _case_tables(self, seed: int | None, file: TrialFile, output: Path) -> dict[str, dict[str, float]]:
        """Return {metric: {test case: value}}. Values that are not finite are left out, with a warning."""
        tables, printed = {}, output.read_text(encoding="utf-8", errors="replace") if output.is_file() else ""
        for name, pattern in self._cases.items():
            found = case_values(pattern, printed)
            if not found:
                self._leave_out(seed, file, f"{name}: " + _unmatched("no test case", output))
            tables[name] = {case: value for case, value in found.items() if math.isfinite(value)}
            lost = [case for case in found if case not in tables[name]]
            if lost:
                rest = f" (and of {words.count(len(lost) - 1, 'more case')})" if len(lost) > 1 else ""
                self._leave_out(seed, file, f"{name}: the value of case {lost[0]}{rest} is not a finite number")
        return {name: table for name, table in tables.items() if table}

    def check_cases(self) -> None:
        """Warn if the trainings were not tested on the same cases: then their means cannot be compared."""
        for name in self._cases:
            tested = [set(one.cases[name]) for one in self.trainings if name in one.cases]
            common = set.intersection(*tested) if tested else set()
            if any(cases != common for cases in tested):
                said = f"{len(common)} of up to {max(map(len, tested))} {words.agree(len(common), 'is', 'are')} common"
                self.warnings.append(f"{name}: the trainings were not tested on the same cases: {said}")

    def _leave_out(self, seed: int | None, file: TrialFile, why: str) -> None:
        where = f"trial {file.id}" if seed is None else f"seed {seed}, trial {file.id}"
        self.warnings.append(words.one_line(f"left out: {where}: {why}"))

    # -- sentences about them -----------------------------------------------------------------------------------

    def setup(self) -> Setup:
        """Return the setup of the first seed."""
        return next(iter(self.results.values())).setup

    def models(self) -> list[int | None]:
        """Return how many different models the trainings of each seed gave; None if no model was seen."""
        return [_models(result) for result in self.results.values()]

    def repeats(self) -> bool | None:
        """Return whether the trainings of each seed have the same bits; None if that is not known."""
        models = self.models()
        return None if None in models else all(number == 1 for number in models)

    def why_nothing(self) -> str:
        """Return why no training gave a value."""
        first = self.warnings[0].removeprefix("left out: ") if self.warnings else "no trial ended"
        return f"no training gave a number ({first})."

    def check_seeds(self) -> None:
        """Warn if the seeds may not reach the program, or not all of its generators."""
        seen = [(one.metrics, one.seed) for one in self.trainings]
        if len(self.results) > 1 and len({seed for _, seed in seen}) > 1 and all(one == seen[0][0] for one, _ in seen):
            self.warnings.append("all seeds gave the same numbers: the seeds may not reach the program")
        diverged = [result for result in self.results.values() if result.verdict == "diverged"]
        if names := sorted({words.rng(name) for result in diverged for name in result.unseeded}):
            is_are = words.agree(len(names), "is", "are")
            said = f"{words.listed(names)} {is_are} unseeded"
            self.unseeded = names
            self.warnings.append(f"{said}: the floor contains what different seeds add")


def sentence(metrics: Sequence[MetricNoise], models: Sequence[int | None], *, repeats: bool | None) -> str:
    """Write the floor of each metric, and how many models there are. `models`: the number of models of each seed."""
    parts = [f"{one.name}: mean {one.mean:.4g}, noise floor {shown(one.same_seed)}" for one in metrics]
    said = f"{'; '.join(parts)} (standard deviation of trainings with the same seed)."
    only = ": only the seed matters" if len(models) > 1 else ""
    if repeats:
        return f"{said} Trainings with the same seed repeat bit for bit, so the floor is zero{only}."
    if all(one.same_seed == 0 for one in metrics):
        return f"{said} Trainings with the same seed print equal numbers{only}."
    known = [number for number in models if number]
    return f"{said} {_of_models(known)}" if known else said


def _models(result: Result) -> int | None:
    """Return the number of models of one seed; None if no model was seen.

    Trials without a model have groups too: by what they printed and wrote.
    """
    is_seen = result.verdict != "inconclusive" and all(trial.final for trial in result.trials)
    return len(result.groups) or None if is_seen else None


def _of_models(models: Sequence[int]) -> str:
    """Write `Trainings with the same seed gave 2 to 4 models.`"""
    low, high = min(models), max(models)
    number = words.count(low, "model") if low == high else f"{low} to {high} models"
    return f"Trainings with the same seed gave {number}."


def shown(value: float | None) -> str:
    """Write a standard deviation."""
    return "not measured" if value is None else f"{value:.3g}"


def case_values(pattern: str, printed: str) -> dict[str, float]:
    """Return {test case: the value that was printed last}. A text that is not a number becomes NaN."""
    found: dict[str, float] = {}
    for match in re.finditer(pattern, printed, re.MULTILINE):
        try:
            found[match[1] or ""] = float(match[2] or "nan")
        except ValueError:
            found[match[1] or ""] = math.nan
    return found


def _unmatched(what: str, output: Path) -> str:
    return f"its pattern matched {what} in {result_words.folder_name(output)}"
