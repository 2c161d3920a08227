"""The words that terminal, tables and page share: about a setup in one line, its groups, and how it was run."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePath

from samebits import words
from samebits.model import HeldControl, Verdict
from samebits.reports import result_words
from samebits.reports.tree import SIGNS
from samebits_study.catalog import STUDIES
from samebits_study.results import SetupResult, StudyResult, TrainedModel

VERDICTS: dict[str, Verdict] = {sign: verdict for verdict, sign in SIGNS.items()}


def title(result: StudyResult) -> str:
    """Return what was studied, as the beginning of a sentence."""
    known = STUDIES.get(result.study)
    said = known.about if known else result.study
    return said[:1].upper() + said[1:]


def sign(setup: SetupResult) -> str:
    """Return the verdict.

    Models that one process trained have no verdict; for them it says whether their weights are equal. Weights that
    differ are never called the same, whatever else was observed.
    """
    found = SIGNS[setup.verdict] if setup.verdict else "=" if len(setup.models) > 1 else "?"
    return "!=" if found == "=" and len(setup.groups) > 1 else found


def trials(setup: SetupResult, result: StudyResult) -> str:
    """Return a text such as: 7 trials; 2 of 7 trials; not run."""
    number, wanted = len(setup.models), setup.trials or result.trials
    if not number:
        return "not run"
    of = f" of {wanted:,}" if number < wanted else ""
    return f"{number:,}{of} {'trial' if number == 1 and not of else 'trials'}"


def models(setup: SetupResult) -> str:
    """Return a text such as: one model; 3 models."""
    return "one model" if len(setup.groups) == 1 else f"{len(setup.groups)} models"


def groups(setup: SetupResult) -> str:
    """Return a text such as: A: 1-4,6; B: 5,7."""
    return "; ".join(f"{result_words.letter(place)}: {words.ids(group)}" for place, group in enumerate(setup.groups))


def letter(setup: SetupResult, model: TrainedModel) -> str:
    """Return the name of a model's group. Within a setup, equal letters mean equal weights."""
    return next(result_words.letter(place) for place, group in enumerate(setup.groups) if model.trial in group)


def where(setup: SetupResult) -> str:
    """Return a text such as `step 1 > update > conv2d_1/kernel`.

    It is empty if trials do not diverge, or if this is not known.
    """
    return " > ".join(result_words.path(setup.divergence)) if setup.divergence else ""


def distinct(setup: SetupResult) -> list[tuple[str, TrainedModel, list[int]]]:
    """Return each different model: its letter, the first trial that gave it, and all its trials."""
    by_trial = {model.trial: model for model in setup.models}
    return [(result_words.letter(place), by_trial[group[0]], group) for place, group in enumerate(setup.groups)]


def command(words: list[str]) -> str:
    """Return a command as people read it: files by their names, without the folders of the machine that ran it."""
    return " ".join(PurePath(word).name if PurePath(word).is_absolute() else word for word in words)


def took_effect(control: HeldControl) -> bool | None:
    """Return whether a control took effect. A value that is set but that nothing reads has no effect."""
    return None if control.effect == "unreadable" else control.effect in ("held", "overruled")


def data(result: StudyResult) -> list[tuple[str, str]]:
    """Return what the study's data is, without the folders of the machine that ran it."""
    facts = {name: value for name, value in result.data.items() if value not in (None, "", [], {})}
    return [(name, command([str(value)])) for name, value in facts.items()]


def done(result: StudyResult) -> list[SetupResult]:
    """Return the setups that gave a model."""
    return [setup for setup in result.setups if setup.models]


def kind(result: StudyResult) -> str:
    """Return what is judged: digits, cells, or scores. If the study gave no model: the name of its data, or nothing."""
    model = next((model for setup in result.setups for model in setup.models), None)
    if model is None:
        return str(result.data.get("study", ""))
    return "digits" if model.digits else "cells" if model.cells else "scores"


def again(result: StudyResult) -> str:
    """Return the command that makes the study again: its data, and the setups that gave a model."""
    return command(_words(result))


def again_in(result: StudyResult, folder: Path) -> str:
    """Return the same command for the study in this folder, ready to be typed on this machine."""
    return shlex.join([*_words(result), "--out", str(folder)])


def _words(result: StudyResult) -> list[str]:
    words = ["samebits", "study", result.study, "--scale", result.scale, "--trials", str(result.trials)]
    ran = ",".join(setup.id for setup in done(result))
    words += ["--setups", ran] if ran else []
    source = result.data.get("source")
    words += ["--data", str(source)] if source else []
    known = STUDIES.get(result.study)
    always = known is not None and result.scale in known.scales and known.scales[result.scale].watershed
    return [*words, *(["--watershed"] if result.watershed and not always else [])]
