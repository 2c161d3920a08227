"""Figures beyond the paper: how weights move apart, and the losses of training."""

from __future__ import annotations

import math

from samebits_study.reports import phrases
from samebits_study.reports.figure import Curves, Figure, FigureCurve
from samebits_study.results import SetupResult, StudyResult


def figures(result: StudyResult) -> list[Figure]:
    """Distances and losses."""
    return [distances(result), losses(result)]


def distances(result: StudyResult) -> Figure:
    """Relative distance of weights from the reference trial's, over the epochs, on a logarithmic scale."""
    title = "How far the weights of different models are apart."
    parted = [setup for setup in result.setups if setup.distances]
    lines = [line for place, setup in enumerate(parted) for line in _distances(setup, place)]
    if not lines:
        return Figure("distances", title, why=f"This figure cannot be made: {_no_distances(result, parted)}.")
    caption = (
        "The norm of w - w0 over that of w0: all weights of one trial of each other group, and of the first trial of "
        "the largest, after each epoch that was kept. Equal weights (0) have no place on a logarithmic scale."
    )
    return Figure("distances", title, caption, Curves("epoch", "distance", (("", tuple(lines)),), logarithmic=True))


def _no_distances(result: StudyResult, parted: list[SetupResult]) -> str:
    if parted:
        return "the distances known are 0 or not finite"
    if any(len(setup.groups) > 1 for setup in result.setups):
        return "no distance of models that differ is known"
    if any(len(setup.models) > 1 for setup in result.setups):
        return "in no setup did two trials give different models"
    return "no setup has two trials"


def _distances(setup: SetupResult, place: int) -> list[FigureCurve]:
    found = []
    for one in setup.distances:
        points = [(x, y) for x, y in zip(one.epochs, one.relative, strict=True) if math.isfinite(y) and y > 0]
        if points:
            found.append(FigureCurve(setup.id, tuple(x for x, _ in points), tuple(y for _, y in points), place))
    return found


def losses(result: StudyResult) -> Figure:
    """Loss of training, and of validation where there is one: a panel a setup, a line for each different model."""
    title = "Loss over the epochs, a line for each different model."
    panels = tuple((setup.id, lines) for setup in phrases.done(result) if (lines := _losses(setup)))
    if not panels:
        why = "no trial has a finite loss" if phrases.done(result) else "no setup was run"
        return Figure("losses", title, why=f"This figure cannot be made: {why}.")
    validated = any(line.dashed for _, lines in panels for line in lines)
    caption = (
        "Continuous: training. Dashed: validation." if validated else "The loss of training; there is no validation."
    )
    if phrases.kind(result) == "cells":
        caption += " The losses of Keras hold the L2 term; PyTorch's weight decay is not part of its loss."
    return Figure("losses", title, caption, Curves("epoch", "loss", panels))


def _losses(setup: SetupResult) -> tuple[FigureCurve, ...]:
    lines = []
    for place, (_, model, _) in enumerate(phrases.distinct(setup)):
        lines += [_loss(model.loss, place), _loss(model.validation_loss, place, dashed=True)]
    return tuple(line for line in lines if line.x)


def _loss(values: list[float], place: int, *, dashed: bool = False) -> FigureCurve:
    points = [(epoch, value) for epoch, value in enumerate(values, 1) if math.isfinite(value)]
    return FigureCurve("", tuple(x for x, _ in points), tuple(y for _, y in points), place, dashed)
