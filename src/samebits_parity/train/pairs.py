"""Pairs the tensors of two trainings: by equal values, else by order and shape.

Inputs are brought into one order of axes, and labels into one form (numbers, or one-hot).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from samebits_parity.train.values import Array, TrainingValues, relative
from samebits_parity.weights import rules
from samebits_parity.weights.pairs import in_running_order

Convert = Callable[[Array], Array]
_ALIKE = 0.05  # two layers closer than this (relative) give the same, apart from a default that differs


class AxisOrder(NamedTuple):
    """How numbers of one side are brought into the other side's order of axes, and back.

    `name`: this order in words.
    """

    name: str
    to_a: Convert
    to_b: Convert


@dataclass(frozen=True)
class WeightPair:
    """A weight or buffer of A, the one of B that stands for it. `equal`: whether they begin with the same values."""

    a: str
    b: str
    way: AxisOrder
    equal: bool
    trains: bool


@dataclass(frozen=True)
class LoneTensor:
    """A tensor without a counterpart. `wanted`: the shape on the other side that would match it."""

    side: str
    name: str
    shape: tuple[int, ...]
    wanted: tuple[int, ...]


SAME = AxisOrder("as it is", lambda array: array, lambda array: array)


def _from(name: str, rule: rules.ArrayRule, *, a_is_keras: bool) -> AxisOrder:
    if a_is_keras:
        return AxisOrder(name, rule.to_keras, rule.to_pytorch)
    return AxisOrder(name, rule.to_pytorch, rule.to_keras)


class Pairer:
    """Pairs the tensors of two trainings."""

    def __init__(self, a: TrainingValues, b: TrainingValues) -> None:
        self.a, self.b = a, b
        self._shapes = _image_shapes(a, b) | _image_shapes(b, a)
        self._channels = _channels(a) | _channels(b)

    def pairs(self) -> tuple[list[WeightPair], list[LoneTensor]]:
        """Pairs of weights, then of buffers, in A's order; and what is left over on either side."""
        pairs, left = list[WeightPair](), list[LoneTensor]()
        both = (self.a.weights, self.b.weights), (self.a.buffers, self.b.buffers)
        equal = {True: list(self._by_value(*both[0], trains=True)), False: list(self._by_value(*both[1], trains=False))}
        partners = self._partners({pair.a: pair.b for known in equal.values() for pair in known})
        for trains, names in ((True, both[0]), (False, both[1])):
            found, without = self._paired(names, equal[trains], partners, trains=trains)
            pairs += found
            left += without
        return pairs, left

    def _partners(self, equal: dict[str, str]) -> dict[str, str]:
        """Return the weights of layers that belong together, A's -> B's.

        Outputs show this, else the order in which the layers run.
        """
        rows = [list(_weights_of_layers(side).items()) for side in (self.a, self.b)]
        back = {b: a for a, b in equal.items()}

        def fits(i: int, j: int) -> bool:
            ours, theirs = rows[0][i][1], rows[1][j][1]
            return len(ours) == len(theirs) and all(
                equal.get(a, b) == b and back.get(b, a) == a and self._fit(a, b)
                for a, b in zip(ours, theirs, strict=True)
            )

        names = tuple([name for name, _ in row] for row in rows)
        near = nearest_outputs((self.a, self.b), (names[0], names[1]), fits)
        left = [[n for n in range(len(row)) if n not in {pair[side] for pair in near}] for side, row in enumerate(rows)]
        found, moved = in_running_order((len(left[0]), len(left[1])), lambda i, j: fits(left[0][i], left[1][j]))
        pairs = [*near, *((left[0][i], left[1][j]) for i, j in found + moved)]
        return {a: b for i, j in pairs for a, b in zip(rows[0][i][1], rows[1][j][1], strict=True)}

    def _fit(self, a: str, b: str) -> bool:
        return any(self.ways(self.a.names(-1, "start")[a].shape, self.b.names(-1, "start")[b].shape))

    def _paired(
        self, names: tuple[list[str], list[str]], equal: list[WeightPair], partners: dict[str, str], *, trains: bool
    ) -> tuple[list[WeightPair], list[LoneTensor]]:
        known = {pair.a: pair for pair in equal}
        taken = {pair.b for pair in equal}
        for name in sorted(names[0], key=lambda one: one not in partners):  # those of known layers first
            free = [other for other in names[1] if other not in taken and other == partners.get(name, other)]
            pair = self._by_order(name, free, trains=trains) if name not in known else None
            if pair is not None:
                known[name] = pair
                taken.add(pair.b)
        left = [self._lone("A", name) for name in names[0] if name not in known]
        left += [self._lone("B", name) for name in names[1] if name not in taken]
        return [known[name] for name in names[0] if name in known], left

    def _by_value(self, names_a: list[str], names_b: list[str], *, trains: bool) -> Iterator[WeightPair]:
        """Pairs whose initial values are equal up to the order of axes, and are not all the same number."""
        free = list(names_b)
        for name in names_a:
            start = self.a.weight(-1, name)
            ways = ((other, self._equal_way(start, self.b.weight(-1, other))) for other in free if _tells(start))
            other, way = next((both for both in ways if both[1] is not None), ("", None))
            if way is not None:
                free.remove(other)
                yield WeightPair(name, other, way, equal=True, trains=trains)

    def _equal_way(self, a: Array, b: Array) -> AxisOrder | None:
        if a.size != b.size or not np.array_equal(np.sort(a, None), np.sort(b, None)):
            return None
        return next((way for way in self.ways(a.shape, b.shape) if np.array_equal(a, way.to_a(b))), None)

    def _by_order(self, name: str, others: list[str], *, trains: bool) -> WeightPair | None:
        start = self.a.weight(-1, name)
        for other in others:
            values = self.b.weight(-1, other)
            way = next(iter(self.ways(start.shape, values.shape)), None)
            if way is not None:
                return WeightPair(name, other, way, equal=np.array_equal(start, way.to_a(values)), trains=trains)
        return None

    def _lone(self, side: str, name: str) -> LoneTensor:
        own, other = (self.a, self.b) if side == "A" else (self.b, self.a)
        shape = wanted = own.names(-1, "start")[name].shape
        if own.is_keras != other.is_keras and len(shape) > 1:
            rule = rules.CONVOLUTION if len(shape) > 2 else rules.DENSE
            wanted = (rule.to_pytorch if own.is_keras else rule.to_keras)(np.empty(shape, bool)).shape
        return LoneTensor(side, name, shape, wanted)

    def ways(self, shape_a: tuple[int, ...], shape_b: tuple[int, ...]) -> Iterator[AxisOrder]:
        """Yield the ways in which a tensor of B's shape can stand for one of A's; the most likely first."""
        if self.a.is_keras != self.b.is_keras:
            yield from self._across(shape_a, shape_b)
        if shape_a == shape_b:
            yield SAME

    def _across(self, shape_a: tuple[int, ...], shape_b: tuple[int, ...]) -> Iterator[AxisOrder]:
        keras, torch = (shape_a, shape_b) if self.a.is_keras else (shape_b, shape_a)
        of = dict(a_is_keras=self.a.is_keras)
        if len(keras) == len(torch) == 2 and keras == torch[::-1]:
            yield from self._dense(keras, of)
        if len(keras) == len(torch) > 2:
            if rules.CONVOLUTION.to_pytorch(np.empty(keras, bool)).shape == torch:
                yield _from("kernel", rules.CONVOLUTION, **of)
            elif torch[1] == 1 and torch[0] == keras[-2] * keras[-1] and torch[2:] == keras[:-2]:
                yield _from("depthwise kernel", rules.depthwise(keras[-2]), **of)

    def _dense(self, keras: tuple[int, ...], of: dict[str, bool]) -> Iterator[AxisOrder]:
        """Yield the ways of a dense layer behind a flattening of channels last.

        It takes its rows in a different order.
        """
        flattened = [shape for shape in sorted(self._shapes) if np.prod(shape) == keras[0]]
        flattened = [shape for shape in flattened if shape[-1] > 1 and np.prod(shape[:-1]) > 1]
        for shape in flattened:
            yield _from(f"dense after flattening {shape}", rules.dense_after_flatten(*shape), **of)
        yield _from("dense", rules.DENSE, **of)
        # if no layer showed the image (PyTorch pools by a function), only its channels count: those of a convolution
        for channels in sorted(self._channels - {shape[-1] for shape in flattened}):
            if keras[0] > channels and not keras[0] % channels:
                rule = rules.dense_after_flatten(keras[0] // channels, channels)
                yield _from(f"dense after flattening {channels} channels", rule, **of)


def _weights_of_layers(training: TrainingValues) -> dict[str, list[str]]:
    """Return the weights and buffers of each layer that has some, in the order in which the layers run."""
    kept = {*training.weights, *training.buffers}
    found = {name: [one for one in training.layers[name]["weights"] if one in kept]
             for name in training.outputs if name in training.layers}  # fmt: skip
    return {name: weights for name, weights in found.items() if weights}


def nearest_outputs(
    sides: tuple[TrainingValues, TrainingValues], names: tuple[list[str], list[str]], fits: Callable[[int, int], bool]
) -> list[tuple[int, int]]:
    """Return the layers of one shape that give about the same in the first step, the nearest first."""
    a, b = sides
    found = list[tuple[int, int]]()
    apart = [(_apart(a.output(0, names[0][i]), b.output(0, names[1][j])), i, j)
             for i, j in product(range(len(names[0])), range(len(names[1]))) if fits(i, j)]  # fmt: skip
    for distance, i, j in sorted(apart):
        if distance <= _ALIKE and not any(i == one or j == other for one, other in found):
            found.append((i, j))
    return found


def _apart(a: Array, b: Array) -> float:
    return min((relative(a, form) for form in _forms(b, labels=False) if form.shape == a.shape), default=np.inf)


def _tells(values: Array) -> bool:
    """Return whether the values show which tensor it is: they are not all the same number."""
    return values.size > 1 and float(values.min()) != float(values.max())


def _channels(training: TrainingValues) -> set[int]:
    """Return the numbers of channels that its convolutions give, without 1."""
    shapes = [training.names(-1, "start")[name].shape for name in training.weights]
    return {shape[-1 if training.is_keras else 0] for shape in shapes if len(shape) > 2} - {1}


def _image_shapes(training: TrainingValues, other: TrainingValues) -> set[tuple[int, ...]]:
    """Return (height, width, channels) of the inputs and outputs of layers, channels last.

    A sequence (steps, features) that both sides have in this order is not an image: it has no channels to move.
    """
    shapes = {shape for shape in _shapes(training) if not _is_sequence(shape, other)}
    return shapes if training.is_keras else {(*shape[1:], shape[0]) for shape in shapes}


def _shapes(training: TrainingValues) -> set[tuple[int, ...]]:
    tensors = [*training.outputs.values(), *training.names(0, "batch").values()]
    return {tensor.shape[1:] for tensor in tensors if len(tensor.shape) > 2}


def _is_sequence(shape: tuple[int, ...], other: TrainingValues) -> bool:
    return len(shape) == 2 and shape[0] != shape[1] and shape in _shapes(other)


class BatchInput(NamedTuple):
    """One input or label of A and its counterpart in B, both in A's form (float64)."""

    a_name: str
    b_name: str
    a: Array
    b: Array


def batch_inputs(a: TrainingValues, b: TrainingValues, step: int) -> list[BatchInput]:
    """Pairs inputs with inputs and labels with labels, in their order. What only one side shows is left out."""
    found = []
    for labels in (False, True):
        names = [[name for name in side.names(step, "batch") if _is_label(name) == labels] for side in (a, b)]
        for name_a, name_b in zip(*names, strict=False):
            value_a, value_b = a.value(step, "batch", name_a), b.value(step, "batch", name_b)
            found.append(BatchInput(name_a, name_b, *_alike(value_a, value_b, labels=labels)))
    return found


def _is_label(name: str) -> bool:
    return name.startswith("labels")


def _alike(a: Array, b: Array, *, labels: bool) -> tuple[Array, Array]:
    """Return both in one form. Among the forms that fit, it is the one in which they are nearest."""
    forms = [(a, changed) for changed in _forms(b, labels=labels) if changed.shape == a.shape]
    forms += [(changed, b) for changed in _forms(a, labels=labels) if changed.shape == b.shape]
    return min(forms, key=lambda pair: relative(*pair), default=(a, b))


def _forms(value: Array, *, labels: bool) -> Iterator[Array]:
    yield value
    if value.ndim > 2:
        yield np.moveaxis(value, 1, -1)
        yield np.moveaxis(value, -1, 1)
    if value.ndim > 1 and value.shape[-1] == 1:
        yield value[..., 0]
    if value.ndim > 2 and value.shape[1] == 1:
        yield value[:, 0]
    if labels and value.ndim > 1:
        for axis in {1, value.ndim - 1}:
            if _is_one_hot(value, axis):
                yield value.argmax(axis).astype(float)


def _is_one_hot(value: Array, axis: int) -> bool:
    return bool(value.shape[axis] > 1 and np.isin(value, (0, 1)).all() and (value.sum(axis) == 1).all())
