"""The distances of two trainings, step by step, and the first distance that rounding does not explain.

An account is one explanation of it, or a setting that differs there. This module also writes the numbers of accounts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from samebits_parity.defaults.hypotheses import clip_of
from samebits_parity.train import layers, pairs
from samebits_parity.train.layers import OutputPair
from samebits_parity.train.pairs import WeightPair
from samebits_parity.train.values import FACTOR, Array, Distance, TrainingValues, allowed, relative, unit
from samebits_probe import wire


class Account(NamedTuple):
    """`id`: the default, as one word for the JSON document; `words`: a text with the values of both sides; `names`: of
    its weights. `proven`: it gives the values of both sides; if not, it is a setting that differs there.
    """

    id: str
    words: str
    names: tuple[str, ...] = ()
    proven: bool = True


def number(value: float) -> str:
    """Return a number such as 0.001, 1e-07 or 12. It has as few digits as it needs, at most four."""
    return f"{value:.4g}"


def sides(what: str, a: object, b: object) -> str:
    """Return a text such as: epsilon: 1e-07 in A, 1e-08 in B."""
    said = [number(value) if isinstance(value, float) else str(value) for value in (a, b)]
    return f"{what}: {said[0]} in A, {said[1]} in B"


KINDS = ("start", "batch", "forward", "gradient", "update")
# Adam's bias correction 1 - beta^t keeps few digits in float32: beta = 0.999 is itself rounded, so that 1 - beta^t is
# off by up to u / (1 - 0.999) of itself in every step; its root, by which the step is scaled, by half of that
CORRECTION = 2.0**-24 / (1 - 0.999)
START = 4.0  # times u: how far apart initial weights may be
STORED = 8.0  # times u and the weight: what is lost when a step is added to the weight
NOISE = 8.0  # an optimizer that divides by the size of a gradient enlarges the rounding in it by this factor
LOSS = "loss"


@dataclass(frozen=True)
class PointComparison:
    """One comparison: a tensor of A and of B in a step."""

    step: int
    kind: str
    name: str
    other: str
    distance: Distance


@dataclass
class TrainVerdict:
    """All that was compared, in order.

    `first`: where they diverge, or None. `cut`: layers whose outputs have different shapes, although what follows
    agrees.
    """

    a: TrainingValues
    b: TrainingValues
    pairs: list[WeightPair]
    layer_pairs: list[OutputPair]
    single: bool
    carried: bool
    steps: int
    points: list[PointComparison] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)

    @property
    def first(self) -> PointComparison | None:
        """The first point that differs by more than rounding and counts.

        A layer without weights counts if the next layer with weights, or the loss, differs too. Otherwise the libraries
        compute the same in different pieces.
        """
        owning = {pair.a for pair in self.layer_pairs if pair.owns} | {LOSS}
        for place, point in enumerate(self.points):
            if point.distance.parts:
                if point.kind != "forward" or point.name in owning:
                    return point
                behind = [one for one in self.points[place:] if one.step == point.step and one.name in owning]
                if behind and behind[0].distance.parts:
                    return point
        return None

    def of(self, kind: str, step: int | None = None) -> list[PointComparison]:
        """Return the comparisons of a kind (in one step)."""
        return [point for point in self.points if point.kind == kind and step in (None, point.step)]

    def before(self, pair: WeightPair, step: int) -> tuple[Array, Array]:
        """Return a weight at the beginning of the step, on both sides, in A's order of axes."""
        a = self.a.weight(step - 1, pair.a)
        if self.single if step else self.carried:  # B was given A's
            return a, a
        return a, pair.way.to_a(self.b.weight(step - 1, pair.b))

    def after(self, pair: WeightPair, step: int) -> tuple[Array, Array]:
        """Return a weight after the step."""
        return self.a.weight(step, pair.a), pair.way.to_a(self.b.weight(step, pair.b))

    def gradients(self, pair: WeightPair, step: int) -> tuple[Array, Array] | None:
        """Return the gradient of a weight as the optimizers use it; None if one side has none in this step."""
        if pair.a not in self.a.names(step, "gradient") or pair.b not in self.b.names(step, "gradient"):
            return None
        gradients = _gradient(self.a, step, pair.a), pair.way.to_a(_gradient(self.b, step, pair.b))
        return gradients if gradients[0].shape == gradients[1].shape else None


def _gradient(side: TrainingValues, step: int, name: str) -> Array:
    """Return a gradient as it was seen, then clipped if the optimizer is set to clip it."""
    clip = clip_of(side.optimizer(step))
    if clip is None:
        return side.value(step, "gradient", name)
    names = side.names(step, "gradient") if clip.over == "all" else [name]
    return clip.applied({one: side.value(step, "gradient", one) for one in names}, name)


def judge(
    a: TrainingValues, b: TrainingValues, pairs: list[WeightPair], *, single: bool, carried: bool
) -> TrainVerdict:
    """Compare. `single`: B began each step with A's weights; `carried`: B began the first step with A's weights."""
    judged = TrainVerdict(a, b, pairs, layers.paired(a, b, pairs), single, carried, min(a.steps, b.steps))
    _Judge(judged).run()
    return judged


def begin_alike(a: TrainingValues, b: TrainingValues, pairs: list[WeightPair]) -> bool:
    """Return whether the initial weights differ by no more than rounding."""
    most = START * _unit_of(a, b)
    return all(relative(*_start(a, b, pair)) <= most for pair in pairs)


def _start(a: TrainingValues, b: TrainingValues, pair: WeightPair) -> tuple[Array, Array]:
    return a.weight(-1, pair.a), pair.way.to_a(b.weight(-1, pair.b))


def _unit_of(a: TrainingValues, b: TrainingValues) -> float:
    dtypes = {tensor.dtype for side in (a, b) for tensor in side.names(-1, "start").values()}
    return unit({dtype for dtype in dtypes if "float" in dtype})


class _Judge:
    """Goes through the steps, and keeps the updates of each weight so far."""

    def __init__(self, judged: TrainVerdict) -> None:
        self.judged = judged
        a, b = judged.a, judged.b
        self.u = _unit_of(a, b)
        sizes = [tensor.shape for step, kind in a.tensors for tensor in a.names(step, kind).values() if step < 1]
        self.terms = int(max((np.prod(shape, dtype=float) for shape in sizes), default=1))
        self.apart = dict[str, float]()  # layer -> the distance of its weights before the step
        self.seen = 0.0  # the largest distance in the forward pass of the step
        self.moved = {pair.a: np.zeros(1) for pair in judged.pairs}  # the largest step of each element so far
        self.noise = {pair.a: np.zeros(1) for pair in judged.pairs}  # the largest difference of its gradients
        self.power = {pair.a: np.zeros(1) for pair in judged.pairs}  # the sum of its squared gradients

    def run(self) -> None:
        if not self.judged.carried:
            a, b = self.judged.a, self.judged.b
            for pair in self.judged.pairs:
                self._add((-1, "start"), (pair.a, pair.b), relative(*_start(a, b, pair)), START * self.u)
        for step in range(self.judged.steps):
            for fed in pairs.batch_inputs(self.judged.a, self.judged.b, step):
                self._add((step, "batch"), (fed.a_name, fed.b_name), relative(fed.a, fed.b), 4 * self.u)
            self._forward(step)
            self._gradient(step)
            self._update(step)

    def _add(self, at: tuple[int, str], names: tuple[str, str], distance: float, most: float) -> PointComparison:
        self.judged.points.append(PointComparison(*at, *names, Distance(distance, most)))
        return self.judged.points[-1]

    def _forward(self, step: int) -> None:
        """Compare the outputs of layers.

        Each layer may enlarge the distance of the layers before it and of its own weights.
        """
        a, b, self.seen = self.judged.a, self.judged.b, 0.0
        begin, unlike = len(self.judged.points), list[PointComparison]()
        owners, own = a.owners, dict[str, float]()
        for weight, distance in self.apart.items():
            own[owners.get(weight, "")] = max(own.get(owners.get(weight, ""), 0.0), distance)
        for pair in self.judged.layer_pairs:
            if all(wire.LAYER + name in side.names(step, "forward") for side, name in ((a, pair.a), (b, pair.b))):
                most = allowed(self.u, self.terms, max(self.seen, own.get(pair.a, 0.0)))
                outputs = pair.outputs(a, b, step)
                point = self._add((step, "forward"), (pair.a, pair.b), relative(*outputs), most)
                if outputs[0].shape != outputs[1].shape:
                    unlike.append(point)
                if not point.distance.parts:
                    self.seen = max(self.seen, point.distance.relative)
        if all(LOSS in side.names(step, "forward") for side in (a, b)):
            loss_a, loss_b = (side.value(step, "forward", LOSS).reshape(-1) for side in (a, b))
            carried = self.seen if self.judged.layer_pairs else max(self.apart.values(), default=0.0)
            most = self._of_loss(loss_a, carried)
            apart = self._add((step, "forward"), (LOSS, LOSS), relative(loss_a, loss_b), most).distance
            self.seen = carried if apart.parts else max(carried, apart.relative)
        self._leave_out(unlike, self.judged.points[begin:])

    def _leave_out(self, unlike: list[PointComparison], seen: list[PointComparison]) -> None:
        """Leave out a layer of a different shape if the next one agrees. One side cuts or pads the output there."""
        owning = {pair.a for pair in self.judged.layer_pairs if pair.owns} | {LOSS}
        for point in unlike:
            behind = [one for one in seen[seen.index(point) + 1 :] if one not in unlike and one.name in owning]
            if behind and not behind[0].distance.parts:
                self.judged.points.remove(point)
                self.judged.cut.add(point.name)

    def _of_loss(self, loss: Array, carried: float) -> float:
        """Compare the loss, which is a sum over the outputs.

        A loss below 1 is a small difference of numbers near 1 (probabilities, targets).
        """
        outputs = self.judged.layer_pairs[-1:]
        terms = int(np.prod(self.judged.a.outputs[outputs[0].a].shape)) if outputs else self.terms
        return allowed(self.u, terms, carried) * max(1.0, 1 / (_largest(loss) or 1.0))

    def _gradient(self, step: int) -> None:
        most, scales = allowed(self.u, self.terms, self.seen), dict[str, float]()
        trained = [(pair, self.judged.gradients(pair, step)) for pair in self.judged.pairs if pair.trains]
        found = [(pair, both) for pair, both in trained if both is not None]
        for pair, both in found:
            layer = layer_of(pair.a)
            scales[layer] = max(scales.get(layer, 0.0), *map(_largest, both))
        for pair, (a, b) in found:
            self._add((step, "gradient"), (pair.a, pair.b), relative(a, b, scales[layer_of(pair.a)]), most)
            self.noise[pair.a] = np.fmax(self.noise[pair.a], np.abs(a - b))
            self.power[pair.a] = self.power[pair.a] + a**2

    def _update(self, step: int) -> None:
        self.apart, scales, sizes = {}, dict[str, float](), dict[str, float]()
        for pair in self.judged.pairs:
            layer = layer_of(pair.a)
            (before_a, before_b), (after_a, after_b) = self.judged.before(pair, step), self.judged.after(pair, step)
            moves = after_a - before_a, after_b - before_b
            scales[layer] = max(scales.get(layer, 0.0), *map(_largest, moves))
            sizes[layer] = max(sizes.get(layer, 0.0), _largest(after_a))
            self.moved[pair.a] = np.fmax(self.moved[pair.a], np.fmax(*map(np.abs, moves)))
            carried = 0 if self.judged.single else self.seen
            most = STORED * self.u * np.fmax(np.abs(after_a), np.abs(before_a))
            most = most + (
                self._of_gradient(pair, step) if pair.trains else scales[layer] * allowed(self.u, self.terms, carried)
            )
            self._add((step, "update"), (pair.a, pair.b), *_worst(*moves, most))
            if not self.judged.single and sizes[layer]:
                self.apart[pair.a] = _largest(after_a - after_b) / sizes[layer]

    def _of_gradient(self, pair: WeightPair, step: int) -> Array:
        """Return how much rounding may change a step.

        Rounding occurs in the arithmetic of the step itself, and in its gradients.
        """
        typical = np.sqrt(self.power[pair.a] / (step + 1))
        with np.errstate(all="ignore"):
            noise = np.where(typical > 0, np.fmin(self.noise[pair.a] / typical, 1), 0)
        plain = all((side.optimizer(step) or {}).get("type") == "SGD" for side in (self.judged.a, self.judged.b))
        share: Array = (0 if plain else CORRECTION) + FACTOR * self.u + NOISE * noise
        return self.moved[pair.a] * share


def _largest(values: Array) -> float:
    return float(np.abs(values).max()) if values.size else 0.0


def _worst(a: Array, b: Array, most: Array) -> Distance:
    """Return the distance of two steps at the element where it is largest compared with what is allowed there.

    It is relative to the largest element, as for every tensor, and what is allowed is scaled in the same way.
    """
    if a.shape != b.shape:
        return Distance(float("inf"), 0.0)
    distance = relative(a, b)
    if not np.isfinite(distance):  # not a number on one side only
        return Distance(distance, 0.0)
    with np.errstate(all="ignore"):
        apart = np.abs(a - b)
        excess = np.where(apart == 0, 0.0, apart / most)
    worst = float(np.nanmax(excess)) if excess.size and not np.isnan(excess).all() else 0.0
    return Distance(distance, distance / worst if worst else distance or 1.0)


def layer_of(name: str) -> str:
    """Return the layer that a weight belongs to, from its name: `conv2d/kernel`, `0.weight`."""
    return re.split(r"[./](?=[^./]*$)", name)[0]
