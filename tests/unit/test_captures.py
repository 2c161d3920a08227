"""Runs that capture the tensors of a divergence: which trials are started together."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from samebits.experiment import captures
from samebits.launch.capacity import Capacity


@pytest.mark.parametrize(("jobs", "begun"), [(1, [1]), (2, [1, 2]), (8, [1, 2])])
def test_only_two_trials_begin_side_by_side_however_many_fit(monkeypatch, jobs, begun):
    ran = []
    experiment = SimpleNamespace(
        capacity=Capacity(jobs),
        recall=lambda trials: None,
        run=lambda limits, numbers: ran.append(list(numbers)),
        processes=lambda number: [],  # so that no tensor is found
    )
    monkeypatch.setattr(captures, "request_of", lambda record: None)
    monkeypatch.setattr(captures, "Experiment", SimpleNamespace(inside=lambda *about: nullcontext(experiment)))
    where = SimpleNamespace(kind="gradient", step=3, name="w", process=SimpleNamespace(order=0))
    assert (
        captures.measure(None, SimpleNamespace(divergence=where, verdict="diverged"), [SimpleNamespace(seconds=0.1)])
        is None
    )
    assert ran == [begun]
