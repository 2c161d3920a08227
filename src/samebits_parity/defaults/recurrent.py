"""LSTM and GRU in numpy, with any order of gates, any gate function, and the reset before or after the product."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import permutations, product
from typing import NamedTuple

import numpy as np

from samebits_parity.activations import hard_fifth, hard_sixth, sigmoid
from samebits_parity.defaults.behaviour import Behaviour, Sense
from samebits_parity.defaults.hypotheses import Array

UNITS = 2


GATES: tuple[tuple[str, str, Callable[[Array], Array]], ...] = (
    ("sigmoid", "sigmoid", sigmoid),
    ("hard fifth", "clip(0.2 x + 0.5)", hard_fifth),
    ("hard sixth", "clip(x / 6 + 0.5)", hard_sixth),
)


class Weights(NamedTuple):
    """inputs (steps, 1); kernel (1, blocks * UNITS); recurrent (UNITS, blocks * UNITS); bias (blocks * UNITS,)."""

    inputs: Array
    kernel: Array
    recurrent: Array
    bias: Array

    def block(self, place: int) -> tuple[Array, Array, Array]:
        """Return kernel, recurrent kernel and bias of one gate."""
        columns = slice(place * UNITS, (place + 1) * UNITS)
        return self.kernel[:, columns], self.recurrent[:, columns], self.bias[columns]

    def ask(self, layer: str) -> dict[str, object]:
        """Return what a script is asked."""
        arrays = {name: values.tolist() for name, values in self._asdict().items()}
        return {"do": "recurrent", "layer": layer, "units": UNITS, **arrays}


def weights(blocks: int) -> Weights:
    """Return the numbers without a pattern. They put the gates into a range in which their functions differ."""
    waves = np.cos(np.arange(1, 1 + 4 * blocks * UNITS) ** 2) * 1.5
    kernel, recurrent, bias = np.split(waves, [blocks * UNITS, 3 * blocks * UNITS])
    inputs = np.array([[0.9], [-1.4], [0.6], [1.7]])
    return Weights(inputs, kernel[None], recurrent.reshape(UNITS, -1), bias)


def gru(given: Weights, order: str, reset: str, gate: Callable[[Array], Array]) -> Array:
    """Return the states (steps, UNITS).

    `order`: of z (update), r (reset), h (candidate); `reset`: before or after the product.
    """
    state, path = np.zeros(UNITS), []
    for x in given.inputs:
        ready = {name: (x @ kernel + bias, recurrent)
                 for name, (kernel, recurrent, bias) in zip(order, map(given.block, range(3)),
                                                            strict=True)}  # fmt: skip
        z, r = (gate(ready[name][0] + state @ ready[name][1]) for name in "zr")
        candidate = r * (state @ ready["h"][1]) if reset == "after" else (r * state) @ ready["h"][1]
        state = z * state + (1 - z) * np.tanh(ready["h"][0] + candidate)
        path.append(state)
    return np.array(path)


def lstm(given: Weights, order: str, gate: Callable[[Array], Array]) -> Array:
    """Return the states (steps, UNITS). `order`: of i (input), f (forget), c (candidate), o (output)."""
    state, cell, path = np.zeros(UNITS), np.zeros(UNITS), []
    for x in given.inputs:
        ready = {name: x @ kernel + state @ recurrent + bias
                 for name, (kernel, recurrent, bias) in zip(order, map(given.block, range(4)),
                                                            strict=True)}  # fmt: skip
        i, f, o = (gate(ready[name]) for name in "ifo")
        cell = f * cell + i * np.tanh(ready["c"])
        state = o * np.tanh(cell)
        path.append(state)
    return np.array(path)


def _facets(key: str, ask: dict[str, object], head: str, axes: dict[str, tuple[tuple[str, str], ...]],
            formula: Callable[..., Array]) -> list[Behaviour]:  # fmt: skip
    """Return a behaviour for each axis of the formula. A meaning is a place on that axis, whatever the others are."""
    every = [
        (place, partial(formula, *place)) for place in product(*([key for key, _ in axis] for axis in axes.values()))
    ]
    return [
        Behaviour(
            id=f"{key}.{name}", group="layers", words=f"{head}: {name}", ask=ask,
            meanings=tuple(Sense(choice, words, tuple(run for place, run in every if place[at] == choice))
                           for choice, words in axis))
        for at, (name, axis) in enumerate(axes.items())
    ]  # fmt: skip


def _orders(names: str) -> tuple[tuple[str, str], ...]:
    return tuple(("".join(order), ", ".join(order)) for order in permutations(names))


def _behaviours() -> list[Behaviour]:
    functions = {key: function for key, _, function in GATES}
    gates = tuple((key, words) for key, words, _ in GATES)
    of_gru, of_lstm = weights(3), weights(4)
    resets = (("before", "before the product with U"), ("after", "after the product with U"))
    return [
        *_facets("gru", of_gru.ask("gru"), "GRU", {"order of gates": _orders("zrh"), "reset acts": resets,
                                                   "gate function": gates},
                 lambda order, reset, gate: gru(of_gru, order, reset, functions[gate])),
        *_facets("lstm", of_lstm.ask("lstm"), "LSTM", {"order of gates": _orders("ifco"), "gate function": gates},
                 lambda order, gate: lstm(of_lstm, order, functions[gate])),
    ]  # fmt: skip


BEHAVIOURS = tuple(_behaviours())
