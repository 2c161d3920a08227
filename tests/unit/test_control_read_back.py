"""What is said of a control that was read back more than once."""

from types import SimpleNamespace

from samebits.compare import setup


def read(*events):
    process = SimpleNamespace(events_named=lambda _: [{"id": "session-threads", **event} for event in events])
    return setup.control("session-threads", [SimpleNamespace(observed=[process], processes=[process])])


def test_why_a_control_could_not_be_read_at_first_is_not_said_of_one_that_was_read_later():
    early = {"when": "start", "took_effect": None, "detail": "no step has run yet"}
    found = read(early, {"when": "end", "took_effect": True, "detail": ""})
    assert (found.took_effect, found.detail) == (True, "")
    found = read(early)
    assert (found.took_effect, found.detail) == (None, "no step has run yet")
