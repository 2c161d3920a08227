"""Arrays that the program's globals held at the end and that differ: a model counts, a time is understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from samebits.compare.asides import EVALUATIONS, GLOBALS
from samebits.compare.files import FileDifference
from samebits.compare.meaning import Meaning, meaning, names_a_model
from samebits.store.patterns import matches_any
from samebits.store.trace import ProcessTrace, chunks
from samebits_probe import wire

_FED = frozenset(wire.CODE[kind] for kind in ("batch", "forward"))


def global_differences(
    a: ProcessTrace, b: ProcessTrace, names: Mapping[str, bool], ignores: Sequence[str]
) -> Iterator[FileDifference]:
    """What each difference means. `names`: of the points that differ; True for one that only one trial has."""
    facts = _facts(a), _facts(b)
    for name, missing in sorted(names.items()):
        if not matches_any(name, ignores):
            found = _meaning(name, facts, a, b)
            said = f"the array {name.removeprefix(GLOBALS)}, which the program held when it ended"
            said += " in some trials only" if missing else ""
            yield FileDifference(name, said, effect=found.effect, reason=found.reason, path=name)


def _facts(trace: ProcessTrace) -> dict[str, dict[str, bool]]:
    """What the probe says of each array: {"model": True, "nonnegative": True}."""
    found: dict[str, dict[str, bool]] = {}
    for event in trace.events_named("globals"):
        arrays = event.get("arrays")
        found.update(arrays if isinstance(arrays, dict) else {})
    return {name: facts for name, facts in found.items() if isinstance(facts, dict)}


def _meaning(
    name: str, facts: tuple[dict[str, dict[str, bool]], dict[str, dict[str, bool]]], a: ProcessTrace, b: ProcessTrace
) -> Meaning:
    path = name.removeprefix(GLOBALS)
    known = [one[path] for one in facts if path in one]
    by_name = meaning(path, nonnegative=all(bool(fact.get("nonnegative")) for fact in known))
    if by_name.effect == "understood":
        return by_name
    if any(fact.get("model") for fact in known) or names_a_model(path):
        return Meaning("counts", "it belongs to a model")
    if _went_through(a, name) and _went_through(b, name):
        return Meaning("understood", "it went through a model, which it did not change")
    return by_name


def _went_through(trace: ProcessTrace, name: str) -> bool:
    """Whether a model was given exactly these bits, or gave them."""
    numbers = [n for n, point in enumerate(trace.points) if (point.kind, point.name) == ("end", name)]
    prints = [row["fingerprint"] for n in numbers for row in trace.records[trace.records["point"] == n][-1:]]
    fed = np.array([_is_fed(point.kind, point.name) for point in trace.points], bool)
    return bool(prints) and any(_holds(part, fed, bytes(prints[-1])) for part in chunks(trace.records))


def _is_fed(kind: str, name: str) -> bool:
    return wire.CODE[kind] in _FED or (kind == "end" and name.startswith(EVALUATIONS))


def _holds(records: NDArray[np.void], fed: NDArray[np.bool_], fingerprint: bytes) -> bool:
    prints = np.ascontiguousarray(records[fed[records["point"]]]["fingerprint"])
    wanted = np.frombuffer(fingerprint, "<u8")
    return bool((prints.view("<u8").reshape(-1, 2) == wanted).all(axis=1).any())
