"""Plants known faults into a small training, and looks whether samebits notices them on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from samebits import checks
from samebits.experiment import Request
from samebits.model import Options, Verdict

__all__ = ["FAULTS", "FRAMEWORKS", "PlantedFault", "TriedFault", "planted"]

FRAMEWORKS = ("python", "torch", "keras", "jax")  # python: a loop that gives its values to samebits itself
_SCRIPT = Path(__file__).parent / "scripts" / "faults.py"
_SECONDS = 300.0  # for one trial


class PlantedFault(NamedTuple):
    """A fault. `verdict`: the right one. `step`: where the trials must diverge, if they must; -1 otherwise."""

    name: str
    about: str
    verdict: Verdict
    step: int = -1


FAULTS = (
    PlantedFault("none", "two trials without a fault agree", "repeated"),
    PlantedFault("flipped", "one flipped bit of a weight", "diverged", 2),
    PlantedFault("swapped", "two swapped samples of a batch", "diverged", 2),
    PlantedFault("killed", "a killed trial", "inconclusive"),
    PlantedFault("no-step", "a program without a step", "inconclusive"),
)


class TriedFault(NamedTuple):
    """A fault after its check. `said`: the sentence of the check, if samebits has not caught the fault."""

    fault: PlantedFault
    is_caught: bool
    said: str


def planted(framework: str, python: Path) -> Iterator[TriedFault]:
    """Yield each fault after a check of two trials, the second of which has the fault."""
    for fault in FAULTS:
        with tempfile.TemporaryDirectory(prefix="samebits-selftest-") as folder:
            request = Request(
                command=["python", str(_SCRIPT), framework, fault.name, "{trial}"],
                options=Options(trials=2, timeout=_SECONDS),
                python=str(python),
                out=Path(folder, "record"),
                directory=Path(folder),
            )
            result = checks.run(request).result
        step = result.divergence.step if result.divergence is not None else -1
        is_caught = (result.verdict, step) == (fault.verdict, fault.step)
        yield TriedFault(fault, is_caught, "" if is_caught else result.sentence)
