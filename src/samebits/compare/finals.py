"""The final of a trial: one fingerprint over the model that it ended with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from samebits.compare import networks
from samebits.compare.asides import NUMBERS, aside
from samebits.compare.file_pairs import shown_path
from samebits.compare.processes import AlignedTrial
from samebits.compare.values import point_numbers
from samebits.store.trace import ProcessTrace, TrialTrace


def final(aligned: AlignedTrial) -> str | None:
    """32 hex digits over the end weights of all processes; of a trial that is seen by its files alone, over these.

    None where the end was not seen.
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
    """The end weights of all processes, in the order of their content: siblings begin in any order."""
    processes = sorted(end_weights(member.trace) for member in aligned.members)
    return [part for parts in processes for part in parts]


def end_weights(trace: ProcessTrace) -> list[tuple[str, bytes]]:
    """(name, fingerprint) of what the models end with, networks in the order of their content, whatever their labels.

    That is all of which the initial value was seen, and all tensors of a process in which the modules that were alive
    at the end were read.
    """
    weights, labels = weight_names(trace), networks.labels(trace)
    networks_found: dict[str, list[tuple[str, bytes]]] = {}
    numbers = [number for number in point_numbers(trace, "end") if _is_weight(trace, number, weights)]
    for row in trace.records[np.isin(trace.records["point"], numbers)]:
        label, rest = networks.split(trace.points[int(row["point"])].name, labels)
        part = (f"{rest}#{row['occurrence']}", row["fingerprint"].tobytes())
        networks_found.setdefault(label, []).append(part)
    return [part for parts in sorted(sorted(parts) for parts in networks_found.values()) for part in parts]


def _is_weight(trace: ProcessTrace, number: int, weights: set[str]) -> bool:
    point = trace.points[number]
    if not weights or point.name in weights:
        return True
    return bool(trace.events_named("model")) and aside(point) is None and point.dtype not in NUMBERS


def weight_names(trace: ProcessTrace) -> set[str]:
    """Names of initial weights and buffers; where none were seen, of what had a gradient."""
    starts = {point.name for point in trace.points if point.kind == "start"}
    return starts or {point.name for point in trace.points if point.kind == "gradient"}


def _named_files(trial: TrialTrace) -> Iterator[tuple[str, bytes]]:
    for file in trial.files.files:
        for name, digits in file.tensors.items() if file.named else []:
            yield f"{shown_path(file, trial)} > {name}", digits.encode()
