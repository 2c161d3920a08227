"""Saved weights tested again: in a fresh process, with other thread counts, with other instruction sets.

The paper tested its models on a second GPU and found the same results (section IX). On a CPU, what can differ between
two machines is how many threads share the work and which instructions do it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.errors import SamebitsError
from samebits.study import collecting, commands, running
from samebits.study.catalog import Setup
from samebits.study.commands import Work
from samebits.study.results import Retest


@dataclass(frozen=True)
class Factor:
    """One thing that is varied. `variables`: of the environment; `arguments`: for the script, None for the setup's."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    arguments: list[str] | None = None


def _threads(setup: Setup) -> list[Factor]:
    if setup.library == "keras2":
        return [Factor("session of one thread", arguments=["--threads", "one"]),
                Factor("session of all threads", arguments=["--threads", "default"])]  # fmt: skip
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return [
        Factor(f"{number} thread{'s' if number > 1 else ''}", dict.fromkeys(names, str(number))) for number in (1, 2)
    ]


# oneDNN chooses its kernels by ONEDNN_MAX_CPU_ISA (DNNL_ and MKLDNN_ before), ATen by ATEN_CPU_CAPABILITY, MKL by
# MKL_ENABLE_INSTRUCTIONS; Eigen's kernels in TensorFlow are chosen when it is built, and cannot be varied
_NARROW = {
    "ONEDNN_MAX_CPU_ISA": "SSE41", "DNNL_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
}  # fmt: skip


def factors(setup: Setup) -> list[Factor]:
    """What is varied for a setup's library."""
    return [Factor("fresh process"), *_threads(setup), Factor("instructions of SSE4", _NARROW)]


def retest(work: Work, setup: Setup) -> list[Retest]:
    """Test the first model's weights again, once for each factor. Raises TrainingFailed."""
    places = collecting.places_of_models(work, setup)
    if not places:
        return []
    number, place = places[0]
    return [_retest(work, setup, factor, (number, place)) for factor in factors(setup)]


def _retest(work: Work, setup: Setup, factor: Factor, model: tuple[int, Path]) -> Retest:
    number, place = model
    out = work.setup_folder(setup) / "retests" / factor.name.replace(" ", "-")
    weights = collecting.last_weights(place)
    if not (out / "predictions.npz").is_file():
        words = commands.testing(work, setup, weights, out, factor.arguments)
        try:
            running.run_alone(setup, words, work.folder, factor.variables)
        except SamebitsError as failed:
            return Retest(factor=factor.name, trial=number, same=None, detail=failed.message[:300])
    before, again = collecting.read_predictions(place), collecting.read_predictions(out)
    return Retest(
        factor=factor.name,
        trial=number,
        same=before.tobytes() == again.tobytes(),
        same_decisions=bool(np.array_equal(decisions(before), decisions(again))),
        largest=float(np.abs(before.astype(np.float64) - again).max()),
    )


def decisions(predictions: NDArray[Any]) -> NDArray[Any]:
    """Digits (n,) from probabilities (n, 10), or cells (n, height, width) from those of pixels."""
    decided: NDArray[Any] = predictions.argmax(axis=1) if predictions.ndim == 2 else predictions > 0.5
    return decided
