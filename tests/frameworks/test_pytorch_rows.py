"""Tensors that are hashed in one pass are found to be as they were only if every fact is the same."""

import gc
import weakref

import pytest
import torch
import xxhash._xxhash

from samebits_probe import fingerprint
from samebits_probe.watchers.pytorch import rows
from samebits_probe.watchers.pytorch.tensors import Fingerprints


def tensors():
    return [torch.nn.Parameter(torch.randn(4, 4)), torch.randn(3, 5), torch.tensor(1.0)]


def plan_of(some):
    hasher = fingerprint.make_hasher("xxh3", xxhash._xxhash.__file__)
    prints = Fingerprints(torch, hasher, lambda *_: None)
    (part,) = prints.plan_of(some, [bytes(16)] * len(some))
    return prints, part


CHANGES = {
    "dtype": lambda weight: weight.double(),
    "shape": lambda weight: weight.view(2, 8),
    "order": lambda weight: weight.t(),
    "device": lambda weight: weight.to("meta"),
    "layout": lambda weight: weight.to_sparse(),
    "kind": lambda weight: torch._neg_view(weight),
}


@pytest.mark.parametrize("has_guards", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_a_tensor_that_has_changed_is_noticed(change, has_guards, monkeypatch):
    if not has_guards:
        monkeypatch.delattr(torch._C._dynamo.guards, "TensorGuards")
    some = tensors()
    _, part = plan_of(some)
    assert part.fits(some)
    changed = CHANGES[change](some[0].detach())
    assert not part.fits([changed, *some[1:]])
    assert not part.fits(some[:2])
    assert part.fits(some)


def test_new_values_and_new_memory_are_no_change():
    some = tensors()
    prints, part = plan_of(some)
    for _ in range(3):
        some[0].data = torch.randn(4, 4)
        some[0].requires_grad_(not some[0].requires_grad)
        some[2].add_(1)
        assert part.fits(some)
        (found,) = prints.of_all(some, [part])
        assert found.prints() == [prints.of(tensor) for tensor in some]


def test_the_comparison_of_this_pytorch_is_one_call(monkeypatch):
    some = tensors()
    _, part = plan_of(some)
    monkeypatch.setattr(rows.PlanComparison, "fits", None)  # a call would raise
    assert part.fits(some)


def test_a_plan_keeps_no_tensor():
    some = tensors()
    _, part = plan_of(some)
    dead = weakref.ref(some[0])
    del some
    gc.collect()
    assert dead() is None
    assert part.count == 3


@pytest.mark.parametrize("maker", [None, lambda *tensors: None, "not a function"])
def test_a_pytorch_with_a_different_comparison_is_watched_all_the_same(maker, monkeypatch):
    monkeypatch.setattr(torch._C._dynamo.guards, "TensorGuards", maker)
    some = tensors()
    prints, part = plan_of(some)
    assert [row.prints() for row in prints.of_all(some, [part])] == [[prints.of(tensor) for tensor in some]]
