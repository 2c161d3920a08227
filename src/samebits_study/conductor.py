"""Runs a study from its name to its result: makes the data, runs one setup after another, tests saved weights again,
and writes the document of the results.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits import __version__, checks, clock, comparison, places, store
from samebits.errors import EnvironmentFailure, NotFoundError, RecordError, SamebitsError, UsageError
from samebits.experiment import Progress, Request
from samebits.model import Options
from samebits.store import write_document
from samebits_study import catalog, collection, data, runs, scores, trainings
from samebits_study.catalog import SETUPS, Study, StudySetup
from samebits_study.results import RESULT, Retest, SetupResult, StudyResult
from samebits_study.trainings import Work

LOCK = ".lock"


@dataclass(frozen=True, kw_only=True)
class StudyRequest:
    """The request of `samebits study`.

    `trials`: None for the number of the scale; `source`: see `data.prepare`. `watershed`: split touching cells before
    they are counted. `host`, `each`: of the trials, see `Request`. `seed`: see `Work`. `data`: the folder of the
    prepared data; None for one in `folder`.
    """

    study: str
    scale: str
    folder: Path
    setups: list[str] = field(default_factory=list)
    trials: int | None = None
    source: Path | None = None
    watershed: bool = False
    host: str = "local"
    each: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    data: Path | None = None


def conduct(asked: StudyRequest, progress: Progress) -> StudyResult:
    """Run what is missing of a study. The result is written after each setup, so an interruption loses nothing.

    Raises UsageError, DataError. A setup that cannot be run is named in the result with the reason, and the others go
    on.
    """
    _refuse_file(asked.folder)
    study = catalog.study_named(asked.study)
    scale = catalog.scale_named(study, asked.scale)
    if asked.watershed and study.data != "cells":
        raise UsageError(f"{study.name} counts no cells that a watershed could split.", "Leave --watershed out.")
    setups = catalog.setups_named(asked.setups)
    folder = asked.folder.absolute()
    with places.alone(folder / LOCK, lambda: progress.note(f"a different samebits process works in {folder}; waiting")):
        prepared = asked.data or folder / "data"
        made = data.prepare(study, scale, prepared, asked.source, progress.note)
        work = Work(study=study, scale_name=asked.scale, scale=scale, trials=asked.trials or scale.trials,
                    folder=folder, data=prepared / data.FILE, seed=asked.seed,
                    watershed=asked.watershed or scale.watershed if study.data == "cells" else None,
                    host=asked.host, each=asked.each)  # fmt: skip
        elsewhere = run_elsewhere(work, made)
        whole = {one.id for one in elsewhere if one.status == "done"}
        reasons, known = dict[str, str](), dict[str, SetupResult]()
        for setup in (one for one in setups if one.id not in whole):
            reasons[setup.id] = _run(work, setup, progress)
            known.pop(setup.id, None)
            write_document(folder / RESULT, result(work, made, reasons, elsewhere, known))
        found = result(work, made, reasons, elsewhere, known)
        write_document(folder / RESULT, found)
        return found


def _refuse_file(folder: Path) -> None:
    """Raise UsageError if the study's folder is a file, or lies below one."""
    found = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    if found.exists() and not found.is_dir():
        raise UsageError(f"{found} is a file: a study is kept in a folder.", "name a different folder with --out DIR.")


def run_elsewhere(work: Work, made: dict[str, Any]) -> list[SetupResult]:
    """Return the setups in the folder's study.json whose trainings are not here.

    These ran on a different machine, or were removed. They stay in the result, and are not run again if they are
    complete. Raises UsageError if that study.json belongs to a study that cannot be compared with this one.
    """
    path = work.folder / RESULT
    if not path.is_file():
        return []
    try:
        known = StudyResult.model_validate_json(path.read_bytes())
    except ValueError:
        raise UsageError(
            f"{path} is not the result of a study.", "Remove it, or name a different folder with --out DIR."
        ) from None
    unknown = [one.id for one in known.setups if one.id not in SETUPS]
    if unknown:
        what = f"{path} has a setup {unknown[0]!r}, which this release of samebits does not know."
        raise UsageError(what, "Name a different folder with --out DIR, or use the release that wrote it.")
    found = [one for one in known.setups if one.models and not runs.record_folder(work, SETUPS[one.id]).is_dir()]
    asked, before = _comparable(_result(work, made, [])), _comparable(known)
    differ = [name for name, value in before.items() if value is not None and value != asked[name]]
    if found and differ:
        what = f"{path} is of a study with different {' and '.join(differ)}."
        raise UsageError(what, "Name a different folder with --out DIR.")
    return found


def _comparable(found: StudyResult) -> dict[str, Any]:
    """Return what two results must have in common to be one study.

    The digests of the data are part of it, but the folder is not. None: not known, because the document is of an older
    release.
    """
    same = found.model_dump(include={"study", "scale", "trials", "epochs", "arguments", "seed", "watershed"})
    return {**same, "data": found.data.get("digest"), "true cells": found.data.get("digest_of_truth")}


@contextmanager
def _damage_said(work: Work, setup: StudySetup) -> Iterator[None]:
    """Add to the error of an unreadable record what to do about it in a study."""
    try:
        yield
    except RecordError as why:
        what = f"Remove {work.setup_folder(setup)}: the study runs {setup.id} again."
        raise RecordError(why.message, what) from None


def _run(work: Work, setup: StudySetup, progress: Progress) -> str:
    """Run a setup. Returns the reason if it is not done."""
    progress.note(f"{work.study.name} > {setup.id}: {setup.about}")
    try:
        with _damage_said(work, setup):
            runs.run_setup(work, setup, progress)
    except (NotFoundError, EnvironmentFailure, runs.StudyTrainingFailure) as why:
        progress.note(f"{setup.id}: {why.message}")
        return " ".join(part for part in (why.message, why.advice) if part)
    return ""


def result(
    work: Work,
    made: dict[str, Any],
    reasons: dict[str, str],
    elsewhere: list[SetupResult],
    known: dict[str, SetupResult],
) -> StudyResult:
    """Return the study as far as it has been run.

    It holds the requested setups, and others that ran before in the same folder or elsewhere. `reasons`: why a
    requested setup is not done. Other setups have the number of trials last requested for them. `known`: results
    that were collected before, so that no record is read again; new ones are added to it.
    """
    judge = collection.judge_of(work.study, work.data.parent, watershed=bool(work.watershed))
    others = {one.id: one for one in elsewhere}
    for setup in SETUPS.values():
        if setup.id in known:
            continue
        if setup.id in reasons or runs.record_folder(work, setup).is_dir():
            with _damage_said(work, setup):
                own = work if setup.id in reasons else replace(work, trials=runs.trials_wanted(work, setup))
                known[setup.id] = collection.collect(own, setup, judge, retest(own, setup), reasons.get(setup.id, ""))
        elif setup.id in others:
            known[setup.id] = others[setup.id]
    found = _result(work, made, [known[name] for name in SETUPS if name in known])
    beside = scores.cell_baselines(work.study.data, work.data.parent, judge)
    return found.model_copy(update={"baselines": beside or scores.baselines(work.study, work.data)})


def _result(work: Work, made: dict[str, Any], setups: list[SetupResult]) -> StudyResult:
    return StudyResult(
        samebits=__version__,
        study=work.study.name,
        scale=work.scale_name,
        created=clock.date(),
        data=made,
        trials=work.trials,
        epochs=work.scale.epochs,
        arguments=list(work.scale.arguments),
        seed=work.seed,
        watershed=work.watershed,
        measures=list(work.study.measures),
        setups=setups,
    )


@dataclass(frozen=True)
class RetestFactor:
    """One thing that is varied.

    `variables`: environment variables; `control`: held in addition to the setup's own, or with a different value.
    """

    name: str
    variables: dict[str, str | None] = field(default_factory=dict)
    control: str | None = None


# oneDNN chooses its kernels by ONEDNN_MAX_CPU_ISA (DNNL_ and MKLDNN_ before), ATen by ATEN_CPU_CAPABILITY, MKL by
# MKL_ENABLE_INSTRUCTIONS; Eigen's kernels are chosen when TensorFlow is built, so they cannot be varied
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
    """Test the first model's weights again, once for each factor; not in a study of several seeds.

    A test that cannot be run has its reason in its place. A setup with one process has no tests.

    The paper tested its models on a second GPU and found the same results (section IX). On a CPU, what can differ
    between two machines is how many threads share the work and which instructions do it. Each test runs as the trials
    did, under the setup's own controls, and differs from them only in the factor that names it.
    """
    places = [] if setup.one_process or work.seed is not None else collection.places_of_models(work, setup)[:1]
    return [_retest(work, setup, factor, place) for place in places for factor in FACTORS]


def _retest(work: Work, setup: StudySetup, factor: RetestFactor, model: tuple[int, Path]) -> Retest:
    number, place = model
    record = work.setup_folder(setup) / "retests" / factor.name.replace(" ", "-") / runs.RECORD
    out = record / "trials" / "001" / "out"
    try:
        if not zipfile.is_zipfile(out / trainings.PREDICTIONS):
            _test(work, setup, factor, collection.last_weights(place), record)
        again, without_effect = collection.read_predictions(out), _without_effect(record, factor)
    except SamebitsError as failed:
        return Retest(factor=factor.name, trial=number, same=None, detail=failed.message[:300])
    before = collection.read_predictions(place)
    return Retest(
        factor=factor.name,
        trial=number,
        same=before.tobytes() == again.tobytes(),
        same_decisions=same_decisions(work.study, before, again),
        largest=float(np.abs(before.astype(np.float64) - again).max()),
        detail=without_effect,
    )


def _test(work: Work, setup: StudySetup, factor: RetestFactor, weights: Path, record: Path) -> None:
    """Run the test as a trial is run. Raises NotFoundError, TrainingFailure."""
    request = Request(
        command=trainings.test_command(work, setup, weights, "{out}"),
        directory=work.folder,
        options=Options(trials=1, jobs=1, full=True),
        python=trainings.interpreter(setup),
        environment=setup.environment,
        preset=setup.preset,
        controls=[*setup.controls, *([factor.control] if factor.control else [])],
        out=record,
        overwrite=True,  # left by an interruption
        variables=factor.variables,
    )
    trial = checks.record(request).trial
    if trial.exit_code != 0:
        said = runs.last_words(record / "trials" / "001")
        raise runs.StudyTrainingFailure(f"the test ended badly ({trial.why or trial.status}): {said}", runs.AGAIN)


def _without_effect(record: Path, factor: RetestFactor) -> str:
    """Return the sentence for a factor whose control had no effect; nothing if it had one."""
    opened = store.open_record(record)
    name = str(factor.control).partition("=")[0]
    judged = comparison.judge(opened.file, opened.trials)
    held = [one for one in judged.setup.controls if one.id.partition("=")[0] == name]
    idle = [one for one in held if factor.control and not one.took_effect]
    return "; ".join(f"{one.id} took no effect" + (f": {one.detail}" if one.detail else "") for one in idle)


def same_decisions(study: Study, before: NDArray[Any], again: NDArray[Any]) -> bool | None:
    """Return whether two predictions lead to the same decisions; None if such predictions decide nothing."""
    decide = partial(scores.decisions, study) if study.measures else decisions
    first, second = decide(before), decide(again)
    return None if first is None or second is None else bool(np.array_equal(first, second))


def decisions(predictions: NDArray[Any]) -> NDArray[Any]:
    """Return the decisions: digits (n,) from probabilities (n, 10), or cells (n, height, width).

    The latter come from the probabilities of pixels. NaN gives no decisions.
    """
    if predictions.ndim == 2:
        return collection.classes_of(predictions)
    return np.where(np.isnan(predictions), collection.UNDECIDED, predictions > 0.5)
