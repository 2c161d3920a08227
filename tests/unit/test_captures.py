"""Runs that capture the tensors of a divergence: which trials are started together."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from samebits.experiment import captures
from samebits.launch.capacity.capacity import Capacity, Usage


def start_together():
    """What trials may do that train one by one."""
    found = Capacity("auto")
    found.learn(Usage(99, 1 << 20, starts_on_one_core=True), None)
    return found


@pytest.mark.parametrize(
    ("capacity", "begun"),
    [(Capacity(1), [1]), (Capacity(2), [1, 2]), (Capacity(8), [1, 2]), (start_together(), [1, 2])],
)
def test_only_two_trials_begin_side_by_side_however_many_fit(monkeypatch, capacity, begun):
    ran = []
    experiment = SimpleNamespace(
        capacity=capacity,
        recall=lambda trials: None,
        run=lambda limits, numbers: ran.append(list(numbers)),
        processes=lambda number: [],  # so that no tensor is found
    )
    monkeypatch.setattr(captures, "_request", lambda record: None)
    monkeypatch.setattr(captures, "Experiment", SimpleNamespace(inside=lambda *about, **more: nullcontext(experiment)))
    where = SimpleNamespace(kind="gradient", step=3, name="w", process=SimpleNamespace(order=0))
    assert captures.measure(None, where, capacity) is None
    assert ran == [begun]


@pytest.mark.parametrize(
    ("verdict", "kind", "seconds", "is_measurable"),
    [("diverged", "gradient", 0.1, True), ("diverged", "rng", 0.1, False), ("inconclusive", "gradient", 0.1, False),
     ("diverged", "gradient", 1e3, False)],
)  # fmt: skip
def test_only_a_divergence_with_values_whose_trials_are_short_is_measured(verdict, kind, seconds, is_measurable):
    result = SimpleNamespace(divergence=SimpleNamespace(kind=kind), verdict=verdict)
    assert (captures.measurable(result, [SimpleNamespace(seconds=seconds)]) is not None) == is_measurable
