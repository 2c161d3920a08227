"""What is said of a control that was read back more than once."""

import sys
from types import SimpleNamespace

import pytest

from samebits.comparison.verdict import setup
from samebits.documents import HeldControl, with_effect
from samebits_probe.controls import control, cudnn


def read(*events):
    process = SimpleNamespace(events_named=lambda _: [{"id": "session-threads", **with_effect(e)} for e in events])
    return setup.control("session-threads", [SimpleNamespace(observed=[process], processes=[process])])


def test_why_a_control_could_not_be_read_at_first_is_not_said_of_one_that_was_read_later():
    early = {"when": "start", "took_effect": None, "detail": "no step has run yet"}
    found = read(early, {"when": "end", "took_effect": True, "detail": ""})
    assert (found.took_effect, found.detail) == (True, "")
    found = read(early)
    assert (found.took_effect, found.detail) == (None, "no step has run yet")


@pytest.mark.parametrize(
    ("cuda", "visible", "effect", "said"),
    [
        (None, True, "idle", "this PyTorch is built without CUDA: nothing reads it"),
        ("10.1", False, "idle", "there is no GPU here: nothing reads it"),
        ("10.1", True, "held", ""),
    ],
)
def test_a_flag_of_cudnn_says_where_nothing_reads_it(cuda, visible, effect, said, monkeypatch):
    torch = SimpleNamespace(
        version=SimpleNamespace(cuda=cuda), backends=SimpleNamespace(cudnn=SimpleNamespace(deterministic=True))
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(control, "gpu_is_visible", lambda: visible)
    flag = next(
        one for one in vars(cudnn).values() if isinstance(one, type) and getattr(one, "flag", "") == "deterministic"
    )
    assert flag.read_back(SimpleNamespace(flag="deterministic", setting=True)) == (effect, said)


@pytest.mark.parametrize(
    ("took_effect", "detail", "effect", "why"),
    [
        (True, "", "held", ""),
        (True, "there is no GPU here: nothing reads it", "idle", "there is no GPU here: nothing reads it"),
        (True, "the program seeds it itself, and its seed wins", "overruled",
         "the program seeds it itself, and its seed wins"),
        (True, "no step has run yet", "held", ""),
        (False, "undone by the program before the last step", "undone", "undone by the program before the last step"),
        (None, "JAX runs on cpu here, where it has no such switch", "unreadable",
         "JAX runs on cpu here, where it has no such switch"),
    ],
)  # fmt: skip
def test_what_an_older_version_wrote_of_a_control_has_its_effect(took_effect, detail, effect, why):
    old = HeldControl.model_validate({"id": "x", "took_effect": took_effect, "detail": detail})
    assert (old.effect, old.why) == (effect, why)
    assert (old.took_effect, old.detail) == (took_effect, why)
    assert HeldControl.model_validate_json(old.model_dump_json()) == old


def test_no_sentence_decides_what_a_control_of_today_does():
    said = HeldControl(id="x", effect="held", why="nothing reads it, and its seed wins")
    assert said.effect == HeldControl.model_validate_json(said.model_dump_json()).effect == "held"


def test_the_reading_that_says_most_against_a_control_counts():
    held, idle, undone = ({"effect": effect, "why": effect} for effect in ("held", "idle", "undone"))
    assert read(held, idle, held).effect == "held"  # it was read after all
    assert read(idle, idle).effect == "idle"
    assert read(held, undone, idle).effect == "undone"
    assert read().effect == "unreadable"
