"""Losses that diverge although the outputs agree: finds the formula of output and labels that gives each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np

from samebits_parity.activations import applied
from samebits_parity.train import pairs
from samebits_parity.train.values import Array
from samebits_parity.train.verdict import LOSS, Account, PointComparison, TrainVerdict, number, sides

_NEAR = 1e-5


class Formula(NamedTuple):
    """A loss that gives a value: the input (`output`), the loss of each element, and how these become one number."""

    base: str
    output: str
    smoothing: float
    reduction: str

    @property
    def words(self) -> str:
        """Return a text such as: cross entropy of logits, label smoothing 0.1, mean over samples."""
        smoothed = f", label smoothing {number(self.smoothing)}" if self.smoothing else ""
        return f"{self.base} of {self.output}{smoothed}, {self.reduction}"


def reasons(judged: TrainVerdict, first: PointComparison) -> list[Account]:
    """Return what explains two losses: formulas that give them, a penalty of the weights, or one factor."""
    step = first.step
    if any(LOSS not in side.names(step, "forward") for side in (judged.a, judged.b)):
        return []
    a, b = (float(side.value(step, "forward", LOSS).reshape(-1)[0]) for side in (judged.a, judged.b))
    fed = pairs.batch_inputs(judged.a, judged.b, step)
    labels = next((one.a for one in fed if one.a_name.startswith("labels")), None)
    penalty = _penalty(judged, step, a, b)
    if penalty is not None or a == b:
        return [penalty] if penalty else []
    if labels is not None:
        formulas = [both for output in _outputs(judged, step) for both in values(output, labels)]
        found_a, found_b = ([formula for formula, value in formulas if _is(value, loss)] for loss in (a, b))
        nearest = min((_apart(x, y) for x in found_a for y in found_b if x != y), default=None)
        nearest = nearest or _beside_a_common_term(formulas, a, b)
        if nearest is not None:
            return [_of_formulas(nearest[1], nearest[2])]
    return _of_factor(judged, step, b / a if a else 0.0)


def _is(value: float, loss: float) -> bool:
    return bool(np.isclose(value, loss, rtol=_NEAR, atol=0))


def _apart(a: Formula, b: Formula) -> tuple[int, Formula, Formula]:
    return sum(x != y for x, y in zip(a, b, strict=True)), a, b


def _beside_a_common_term(
    formulas: list[tuple[Formula, float]], a: float, b: float
) -> tuple[int, Formula, Formula] | None:
    """Return two formulas whose values differ as the losses do.

    Both losses have one more term in common (a penalty).
    """
    plain = {formula: value for formula, value in formulas if not formula.smoothing and 0 < value < max(a, b)}
    found = [
        _apart(x, y)
        for (x, of_a), (y, of_b) in product(plain.items(), repeat=2)
        if of_a < a and of_b < b and abs((a - of_a) - (b - of_b)) <= 4 * _NEAR * abs(a - b) + 1e-7 * a
    ]
    return min(found, default=None)


def _of_formulas(a: Formula, b: Formula) -> Account:
    if a.reduction != b.reduction and a[:3] == b[:3]:
        return Account("reduction", sides("the loss' reduction", a.reduction, b.reduction))
    if a.smoothing != b.smoothing and a.output == b.output:
        return Account("label smoothing", sides("label smoothing", a.smoothing or "none", b.smoothing or "none"))
    if a.output != b.output and a.base == b.base:
        return Account("from_logits", sides("what the loss is given (from_logits)", a.output, b.output))
    return Account("loss", sides("the loss", a.words, b.words))


def _of_factor(judged: TrainVerdict, step: int, factor: float) -> list[Account]:
    shapes = [fed.shape for fed in judged.a.names(step, "batch").values() if fed.shape]
    outputs = [tensor.shape for tensor in judged.a.outputs.values()][-1:]
    counts = {shape[0]: "the number of samples" for shape in shapes}
    counts |= {int(np.prod(shape[1:])): "the number of values of a sample" for shape in outputs if len(shape) > 1}
    counts |= {int(np.prod(shape)): "the number of values" for shape in outputs}
    for count, said in counts.items():
        for ratio, words in ((count, f"{count}"), (1 / count, f"1/{count}")):
            if count > 1 and np.isclose(factor, ratio, rtol=_NEAR):
                return [Account("reduction", f"the loss' reduction: B's loss is {words} times A's, {said}")]
    return []


def _penalty(judged: TrainVerdict, step: int, a: float, b: float) -> Account | None:
    """Return a penalty l sum(w^2), halved or not, of all weights or of the kernels alone, with a round l."""
    weights = [(pair.a, judged.before(pair, step)[0]) for pair in judged.pairs if pair.trains]
    kernels = [(name, weight) for name, weight in weights if weight.ndim > 1]
    side, apart = ("B", b - a) if b > a else ("A", a - b)
    for said, chosen in (("all kernels", kernels), ("all weights", weights)):
        square = sum(float((weight**2).sum()) for _, weight in chosen)
        factor = apart / square if square else 0.0
        rounding = 4 * 2.0**-23 * max(abs(a), abs(b)) / square if square else 0.0
        for written, form in ((factor, "sum(w^2)"), (2 * factor, "sum(w^2) / 2")):
            rounded = float(f"{written:.1g}")
            if written > 1e-8 and abs(written - rounded) <= max(2e-4 * written, 2 * rounding) < 0.02 * written:
                words = f"L2: {side}'s loss has one more term, {number(rounded)} {form} of {said}"
                return Account("L2", f"{words} (weight decay is twice the L2 factor)")
    return None


def _outputs(judged: TrainVerdict, step: int) -> list[Array]:
    """Return the outputs of the models: the last layer's output on A, in A's axes; and B's, if it differs (logits)."""
    found = [pair.outputs(judged.a, judged.b, step)[0] for pair in judged.layer_pairs[-1:]]
    last = [pair for pair in judged.layer_pairs if pair.owns][-1:]
    return found + [replace(pair, activation="").outputs(judged.a, judged.b, step)[1] for pair in last]


def values(output: Array, labels: Array) -> Iterator[tuple[Formula, float]]:
    """Yield the losses that libraries make of an output and labels (classes, one-hot or numbers)."""
    yield from _cross_entropies(output, labels)
    if labels.shape == output.shape:
        yield from _regressions(output, labels)


def _cross_entropies(output: Array, labels: Array) -> Iterator[tuple[Formula, float]]:
    axis = output.ndim - 1
    classes = output.shape[axis]
    hot = labels if labels.shape == output.shape else None
    if hot is None and labels.shape == output.shape[:-1] and labels.size and labels.max() < classes:
        hot = np.eye(classes)[labels.astype(int)]
    if hot is None or classes < 2:
        return
    is_softmax = output.min() >= 0 and np.allclose(output.sum(axis), 1, atol=1e-4)
    once = np.clip(output, 1e-7, 1) if is_softmax else applied("softmax", output)
    twice = applied("log_softmax", once)
    logs = {"softmax, once": np.log(once), "softmax, twice (probabilities taken for logits)": twice}
    for (name, log), smoothing in product(logs.items(), (0.0, 0.05, 0.1, 0.2)):
        smooth = hot * (1 - smoothing) + smoothing / classes
        yield from _reductions("cross entropy", name, smoothing, -(smooth * log).sum(axis))


def _regressions(output: Array, labels: Array) -> Iterator[tuple[Formula, float]]:
    apart = output - labels
    absolute = np.abs(apart)
    each = {
        "squared error": apart**2, "half the squared error": apart**2 / 2, "absolute error": absolute,
        "Huber loss": np.where(absolute < 1, apart**2 / 2, absolute - 0.5), "log cosh": np.log(np.cosh(apart)),
    }  # fmt: skip
    for name, values in each.items():
        yield from _reductions(name, "the output", 0.0, values)
    if output.min() >= 0 and output.max() <= 1 and labels.min() >= 0 and labels.max() <= 1:
        clipped = np.clip(output, 1e-7, 1 - 1e-7)
        entropy = -(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped))
        yield from _reductions("binary cross entropy", "probabilities", 0.0, entropy)
    logistic = np.logaddexp(0, output) - labels * output
    yield from _reductions("binary cross entropy", "logits", 0.0, logistic)


def _reductions(base: str, output: str, smoothing: float, each: Array) -> Iterator[tuple[Formula, float]]:
    yield Formula(base, output, smoothing, "mean"), float(each.mean())
    yield Formula(base, output, smoothing, "sum"), float(each.sum())
    if each.ndim > 1:
        yield Formula(base, output, smoothing, "mean over samples of their sums"), float(each.sum() / len(each))
