"""What a trace holds under keys."""

import time
from types import SimpleNamespace

import numpy as np

from samebits.comparison.verdict.judgement import _values


def trace(names, events):
    """A trace in which each point has one row, whose fingerprint holds its number, in reverse order."""
    records = np.zeros(len(names), dtype=[("point", "<u4"), ("fingerprint", "V16")])
    records["point"] = np.arange(len(names))[::-1]
    records["fingerprint"] = [bytes([number % 251]) * 16 for number in records["point"].tolist()]
    keyed = [{"name": name, "key": key, "point": f"{name} [{key}]"} for name, key in events]
    return SimpleNamespace(points=[SimpleNamespace(name=n) for n in names], rows=records, events_named=lambda _: keyed)


def test_the_parts_of_a_value_belong_to_its_key():
    names = ["loss", "loss [a]", "loss [a].b", "loss [a.b]", "loss [a.b].c.d", "loss [ab]"]
    found = _values(trace(names, [("loss", "a"), ("loss", "a.b"), ("loss", "none")]))
    assert found == {"loss": {"a": b"\2" * 16 + b"\1" * 16, "a.b": b"\4" * 16 + b"\3" * 16, "none": b""}}


def test_a_key_for_each_of_many_samples_takes_no_time():
    keys = [str(number) for number in range(20_000)]
    began = time.process_time()
    assert len(_values(trace([f"loss [{key}]" for key in keys], [("loss", key) for key in keys]))["loss"]) == 20_000
    assert time.process_time() - began < 5
