"""What is said of a control that was read back more than once."""

import sys
from types import SimpleNamespace

import pytest

from samebits.compare import setup
from samebits_probe.controls import cudnn, gpu


def read(*events):
    process = SimpleNamespace(events_named=lambda _: [{"id": "session-threads", **event} for event in events])
    return setup.control("session-threads", [SimpleNamespace(observed=[process], processes=[process])])


def test_why_a_control_could_not_be_read_at_first_is_not_said_of_one_that_was_read_later():
    early = {"when": "start", "took_effect": None, "detail": "no step has run yet"}
    found = read(early, {"when": "end", "took_effect": True, "detail": ""})
    assert (found.took_effect, found.detail) == (True, "")
    found = read(early)
    assert (found.took_effect, found.detail) == (None, "no step has run yet")


@pytest.mark.parametrize(
    ("cuda", "visible", "said"),
    [
        (None, True, "this PyTorch is built without CUDA: nothing reads it"),
        ("10.1", False, "there is no GPU here: nothing reads it"),
        ("10.1", True, ""),
    ],
)
def test_a_flag_of_cudnn_says_where_nothing_reads_it(cuda, visible, said, monkeypatch):
    torch = SimpleNamespace(
        version=SimpleNamespace(cuda=cuda), backends=SimpleNamespace(cudnn=SimpleNamespace(deterministic=True))
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(gpu, "is_visible", lambda: visible)
    flag = next(
        one for one in vars(cudnn).values() if isinstance(one, type) and getattr(one, "flag", "") == "deterministic"
    )
    assert flag.read_back(SimpleNamespace(flag="deterministic", value=True)) == (True, said)
