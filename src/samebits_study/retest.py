"""Saved weights tested again: in a fresh process, with other thread counts, with other instruction sets.

The paper tested its models on a second GPU and found the same results (section IX). On a CPU, what can differ between
two machines is how many threads share the work and which instructions do it. Each test runs as the trials did, under
the setup's own controls, and differs from them in the one thing that it is named after.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits import checks, comparison, store
from samebits.errors import SamebitsError
from samebits.experiment import Request
from samebits.model import Options
from samebits_study import collection, commands, outcomes, runs
from samebits_study.catalog import StudySetup
from samebits_study.commands import Work
from samebits_study.results import Retest


@dataclass(frozen=True)
class RetestFactor:
    """One thing that is varied. `variables`: of the environment; `control`: held beside the setup's own, or at another
    value than there."""

    name: str
    variables: dict[str, str | None] = field(default_factory=dict)
    control: str | None = None

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return self.name.replace(" ", "-")


# oneDNN chooses its kernels by ONEDNN_MAX_CPU_ISA (DNNL_ and MKLDNN_ before), ATen by ATEN_CPU_CAPABILITY, MKL by
# MKL_ENABLE_INSTRUCTIONS; Eigen's kernels in TensorFlow are chosen when it is built, and cannot be varied
_NARROW: dict[str, str | None] = {
    "ONEDNN_MAX_CPU_ISA": "SSE41", "DNNL_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
}  # fmt: skip

FACTORS = (
    RetestFactor("fresh process"),
    RetestFactor("1 thread", control="threads=1"),
    RetestFactor("2 threads", control="threads=2"),
    RetestFactor("instructions of SSE4", _NARROW),
)


def retest(work: Work, setup: StudySetup) -> list[Retest]:
    """Test the first model's weights again, once for each factor. What cannot be run is said in its place."""
    places = collection.places_of_models(work, setup)
    return [_retest(work, setup, factor, places[0]) for factor in FACTORS] if places else []


def _retest(work: Work, setup: StudySetup, factor: RetestFactor, model: tuple[int, Path]) -> Retest:
    number, place = model
    record = work.setup_folder(setup) / "retests" / factor.folder / runs.RECORD
    out = record / "trials" / "001" / "out"
    try:
        if not zipfile.is_zipfile(out / outcomes.PREDICTIONS):
            _run(work, setup, factor, collection.last_weights(place), record)
        again, without_effect = collection.read_predictions(out), _without_effect(record, factor)
    except SamebitsError as failed:
        return Retest(factor=factor.name, trial=number, same=None, detail=failed.message[:300])
    before = collection.read_predictions(place)
    return Retest(
        factor=factor.name,
        trial=number,
        same=before.tobytes() == again.tobytes(),
        same_decisions=bool(np.array_equal(decisions(before), decisions(again))),
        largest=float(np.abs(before.astype(np.float64) - again).max()),
        detail=without_effect,
    )


def _run(work: Work, setup: StudySetup, factor: RetestFactor, weights: Path, record: Path) -> None:
    """Run the test as a trial is run. Raises NotFound, TrainingFailure."""
    request = Request(
        command=commands.testing(work, setup, weights, "{out}"),
        directory=work.folder,
        options=Options(trials=1, full=True),
        python=commands.interpreter(setup),
        environment=setup.environment,
        preset=setup.preset,
        controls=[*setup.controls, *([factor.control] if factor.control else [])],
        out=record,
        overwrite=True,  # what an interruption left
        variables=factor.variables,
    )
    trial = checks.record(request).trial
    if trial.exit_code != 0:
        said = runs.last_words(record / "trials" / "001")
        raise runs.StudyTrainingFailure(f"it ended badly ({trial.why or trial.status}): {said}")


def _without_effect(record: Path, factor: RetestFactor) -> str:
    """What is said of a factor whose control was held without effect; nothing where it had one."""
    opened = store.open_record(record)
    name = str(factor.control).partition("=")[0]
    judged = comparison.judge(opened.file, opened.trials)
    held = [one for one in judged.setup.controls if one.id.partition("=")[0] == name]
    return "; ".join(f"{one.id} took no effect: {one.detail}" for one in held if factor.control and not one.took_effect)


def decisions(predictions: NDArray[Any]) -> NDArray[Any]:
    """Digits (n,) from probabilities (n, 10), or cells (n, height, width) from those of pixels."""
    decided: NDArray[Any] = predictions.argmax(axis=1) if predictions.ndim == 2 else predictions > 0.5
    return decided
