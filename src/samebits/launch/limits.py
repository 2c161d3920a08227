"""Decides when samebits ends a trial, and how many steps a trial with fast steps may make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GROWTH = 10  # the number of steps grows at most by this factor at once


@dataclass(frozen=True)
class Limits:
    """When samebits ends a trial: after exactly `steps` steps, or after `seconds` seconds of a budget.

    `grows`: more steps are allowed, up to `most`, as long as they take less time than the start of the program.
    `waits`: a trial that has reached `steps` is not ended if it can wait for a next round. `tensors`, `details`,
    `replay`, `draws`: what is inspected on the way. `feed`: where weights come from that samebits sets (see
    `samebits_probe.wire`).
    """

    steps: int | None = None
    seconds: float | None = None
    grows: bool = False
    most: int | None = None
    waits: bool = False
    tensors: dict[str, Any] | None = None
    details: dict[str, Any] | None = None
    replay: dict[str, Any] | None = None
    feed: dict[str, Any] | None = None
    draws: bool = False


def grown(paused: Mapping[str, Any], began: float, most: int | None) -> int:
    """Return how many steps a trial may make in all, so that they take about as long as the start of the program.

    `paused`: how many steps it has made, and when the first and the last one ended. `began`: when it was started
    (epoch). A trial that could not make twice as many steps ends where it is.
    """
    made, (first, last) = int(paused["steps"]), paused["step_times"]
    if made < 2:
        return made
    fitting = int((first - began) * (made - 1) / max(last - first, 1e-6))
    steps = min(fitting, made * GROWTH, most or fitting)
    return steps if steps >= 2 * made or steps == most else made
