"""The final of a trial: one fingerprint of the model that it ended with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from samebits.comparison import networks
from samebits.comparison.classification import (
    EVALUATIONS,
    GLOBALS,
    NUMBERS,
    Classification,
    aside,
    classify,
    names_a_model,
)
from samebits.comparison.file_pairs import shown_path
from samebits.comparison.files import FileDifference
from samebits.comparison.processes import AlignedTrial
from samebits.comparison.values import point_numbers
from samebits.globs import matches_any
from samebits.store.trace import ProcessTrace, TrialTrace, chunks
from samebits_probe import wire


def final(aligned: AlignedTrial) -> str | None:
    """32 hex digits over the end weights of all processes, or over the files if nothing else of the trial was seen.

    None if the end was not seen.
    """
    if not aligned.whole:
        return None
    parts = _of_processes(aligned) or sorted(_named_files(aligned.trial))
    if not parts:
        return None
    digest = hashlib.blake2b(digest_size=16)
    for name, fingerprint in parts:
        digest.update(name.encode("utf-8", "backslashreplace") + b"\0" + fingerprint)
    return digest.hexdigest()


def _of_processes(aligned: AlignedTrial) -> list[tuple[str, bytes]]:
    """Return the end weights of all processes, in the order of their content: siblings begin in any order."""
    processes = sorted(end_weights(member.trace) for member in aligned.members)
    return [part for parts in processes for part in parts]


def end_weights(trace: ProcessTrace) -> list[tuple[str, bytes]]:
    """Return (name, fingerprint) of the last values of models.

    These are all values whose initial value was seen. If the modules that were alive at the end were read, these are
    all tensors of the process. Networks are in the order of their content, whatever their labels.
    """
    weights, labels = weight_names(trace), networks.labels(trace)
    networks_found: dict[str, list[tuple[str, bytes]]] = {}
    numbers = [number for number in point_numbers(trace, "end") if _is_weight(trace, number, weights)]
    for row in trace.rows[np.isin(trace.rows["point"], numbers)]:
        label, rest = networks.split(trace.points[int(row["point"])].name, labels)
        part = (f"{rest}#{row['occurrence']}", row["fingerprint"].tobytes())
        # what the program's globals hold belongs to no network
        networks_found.setdefault(GLOBALS if rest.startswith(GLOBALS) else label, []).append(part)
    return [part for parts in sorted(sorted(parts) for parts in networks_found.values()) for part in parts]


def _is_weight(trace: ProcessTrace, number: int, weights: set[str]) -> bool:
    point = trace.points[number]
    if not weights or point.name in weights:
        return True
    return bool(trace.events_named("model")) and aside(point) is None and point.dtype not in NUMBERS


def weight_names(trace: ProcessTrace) -> set[str]:
    """Return the names of initial weights and buffers; if none were seen, names of what had a gradient."""
    starts = {point.name for point in trace.points if point.kind == "start"}
    return starts or {point.name for point in trace.points if point.kind == "gradient"}


def _named_files(trial: TrialTrace) -> Iterator[tuple[str, bytes]]:
    for file in trial.files.files:
        for name, digits in file.tensors.items() if file.named else []:
            yield f"{shown_path(file, trial)} > {name}", digits.encode()


# -- arrays that the program's globals held at the end and that differ ------------------------------------------------


_FED = frozenset(wire.CODE[kind] for kind in ("batch", "forward"))


def global_differences(
    a: ProcessTrace, b: ProcessTrace, names: Mapping[str, bool], ignores: Sequence[str]
) -> Iterator[FileDifference]:
    """Say what each difference means. `names`: name of each point that differs -> whether only one trial has it."""
    facts = _facts(a), _facts(b)
    for name, missing in sorted(names.items()):
        if not matches_any(name, ignores):
            found = _classification(name, facts, a, b)
            said = f"the array {name.removeprefix(GLOBALS)}, which the program held when it ended"
            said += " in some trials only" if missing else ""
            yield FileDifference(name, said, effect=found.effect, reason=found.reason, path=name)


def _facts(trace: ProcessTrace) -> dict[str, dict[str, bool]]:
    """Return what the probe says of each array: {"model": True, "nonnegative": True}."""
    found: dict[str, dict[str, bool]] = {}
    for event in trace.events_named("globals"):
        arrays = event.get("arrays")
        found.update(arrays if isinstance(arrays, dict) else {})
    return {name: facts for name, facts in found.items() if isinstance(facts, dict)}


def _classification(
    name: str, facts: tuple[dict[str, dict[str, bool]], dict[str, dict[str, bool]]], a: ProcessTrace, b: ProcessTrace
) -> Classification:
    path = name.removeprefix(GLOBALS)
    known = [one[path] for one in facts if path in one]
    by_name = classify(path, nonnegative=all(bool(fact.get("nonnegative")) for fact in known))
    if by_name.effect == "understood":
        return by_name
    if any(fact.get("model") for fact in known) or names_a_model(path):
        return Classification("counts", "it belongs to a model")
    if _went_through(a, name) and _went_through(b, name):
        return Classification("understood", "it went through a model and did not change it")
    return by_name


def _went_through(trace: ProcessTrace, name: str) -> bool:
    """Return whether exactly these bits went into a model, or came out of one."""
    numbers = [n for n, point in enumerate(trace.points) if (point.kind, point.name) == ("end", name)]
    prints = [row["fingerprint"] for n in numbers for row in trace.rows[trace.rows["point"] == n][-1:]]
    fed = np.array([_is_fed(point.kind, point.name) for point in trace.points], bool)
    return bool(prints) and any(_holds(part, fed, bytes(prints[-1])) for part in chunks(trace.rows))


def _is_fed(kind: str, name: str) -> bool:
    return wire.CODE[kind] in _FED or (kind == "end" and name.startswith(EVALUATIONS))


def _holds(rows: NDArray[np.void], fed: NDArray[np.bool_], fingerprint: bytes) -> bool:
    prints = np.ascontiguousarray(rows[fed[rows["point"]]]["fingerprint"])
    wanted = np.frombuffer(fingerprint, "<u8")
    return bool((prints.view("<u8").reshape(-1, 2) == wanted).all(axis=1).any())
