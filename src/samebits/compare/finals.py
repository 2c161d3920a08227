"""The final of a trial: one fingerprint over the model that it ended with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from samebits.compare.align import AlignedTrial
from samebits.compare.pairing import shown_path
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
    processes = sorted(sorted(_end_weights(member.trace)) for member in aligned.members)
    return [part for parts in processes for part in parts]


def _end_weights(trace: ProcessTrace) -> Iterator[tuple[str, bytes]]:
    """(name, fingerprint) of the weights at the end, which are named like the initial weights."""
    weights = weight_names(trace)
    ends = point_numbers(trace, "end")
    numbers = [number for number in ends if not weights or trace.points[number].name in weights]
    for row in trace.records[np.isin(trace.records["point"], numbers)]:
        yield f"{trace.points[int(row['point'])].name}#{row['occurrence']}", row["fingerprint"].tobytes()


def weight_names(trace: ProcessTrace) -> set[str]:
    """Names of initial weights and buffers; where none were seen, of what had a gradient."""
    starts = {point.name for point in trace.points if point.kind == "start"}
    return starts or {point.name for point in trace.points if point.kind == "gradient"}


def _named_files(trial: TrialTrace) -> Iterator[tuple[str, bytes]]:
    for file in trial.files.files:
        for name, digits in file.tensors.items() if file.named else []:
            yield f"{shown_path(file, trial)} > {name}", digits.encode()
