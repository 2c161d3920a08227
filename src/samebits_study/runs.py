"""Runs a study trial by trial.

Each complete trial is kept, so a study that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from samebits import store
from samebits.errors import NotFoundError, SamebitsError
from samebits.experiment import Experiment, Limits, Progress, Request
from samebits.model import Options, RecordFile, TrialFile
from samebits.store.record import RECORD as RECORD_FILE
from samebits_probe import process
from samebits_study import catalog, trainings
from samebits_study.catalog import SETUPS, StudySetup
from samebits_study.trainings import Work

RECORD, MACHINE = "record", "machine.txt"
LAST_WORDS = 800  # characters of a program's error that are shown
AGAIN = "Remove the cause, and give the command again."


class StudyTrainingFailure(SamebitsError):
    """A training of a study that ended badly; the message has its last words."""


def run_setup(work: Work, setup: StudySetup, progress: Progress) -> None:
    """Run what is missing of a setup: its trials, one at a time, and one training that is not watched.

    Raises NotFoundError if its interpreter is missing, TrainingFailure if a training ends badly.
    """
    _refuse_missing(work, setup)
    initial = initial_weights(work, setup) if setup.initial else None
    experiment = _experiment(work, setup, initial, progress)
    progress.part_started(setup.id)
    experiment.progress = _OfStudy(progress, experiment.file.options.trials)
    missing = _missing(work, setup, experiment, progress)
    if missing:
        _refuse_lost_script(work, setup, experiment)
    for number in missing:
        experiment.recall(())
        looked = experiment.run(Limits(), [number])
        _refuse_failure(setup, experiment, looked.files[0])
    _run_plain(work, setup, initial, progress)


class _OfStudy(Progress):
    """Reports trials that run one by one, each in its own round, as the trials of one study."""

    def __init__(self, progress: Progress, trials: int) -> None:
        self._progress, self._trials = progress, trials

    def trial_started(self, trial: int, of: int, steps_total: int | None) -> None:
        """Report a trial, with the number of all trials that are wanted."""
        self._progress.trial_started(trial, self._trials, steps_total)

    def trial_step(self, trial: int, step: int) -> None:
        """Pass the event on."""
        self._progress.trial_step(trial, step)

    def trial_ended(self, trial: int, status: str, steps: int, seconds: float) -> None:
        """Pass the event on."""
        self._progress.trial_ended(trial, status, steps, seconds)


def trials_wanted(work: Work, setup: StudySetup) -> int:
    """Return how many trials the record of a setup is for.

    This is the number requested when it last ran; without a record, the number in `work`.
    """
    folder = record_folder(work, setup)
    if not (folder / RECORD_FILE).is_file():
        return work.trials
    file = store.open_record(folder).file
    return _repeats(file) if setup.one_process else file.options.trials


def _repeats(file: RecordFile) -> int:
    """Return how many models one process should train."""
    return int(file.command[file.command.index("--repeat") + 1]) if "--repeat" in file.command else 1


def _refuse_missing(work: Work, setup: StudySetup) -> None:
    """Raise NotFoundError if the study has no script for a setup, or with all environments that are missing."""
    why_not = catalog.why_not(work.study, setup)
    if why_not:
        raise NotFoundError(why_not)
    said, advice = [], []
    for one in (setup, *_drawn_by(work, setup)):
        try:
            trainings.interpreter(one)
        except NotFoundError as why:
            why_needed = "" if one is setup else f" (to draw the initial weights of {one.id})"
            said.append(f"{one.environment}{why_needed}")
            advice.append(why.advice)
    if said:
        what = "an environment that has" if len(said) == 1 else "environments that have"
        raise NotFoundError(f"{setup.id} needs {what} not been built: {' and '.join(said)}.", "; ".join(advice))


def _drawn_by(work: Work, setup: StudySetup) -> list[StudySetup]:
    """Return the setup that draws the initial weights for this one; None if they are there."""
    source = SETUPS[setup.initial] if setup.initial else None
    return [source] if source and not zipfile.is_zipfile(_carried(work, source)) else []


def record_folder(work: Work, setup: StudySetup) -> Path:
    """Return the record of a setup's trials."""
    return work.setup_folder(setup) / RECORD


def plain_folder(work: Work, setup: StudySetup) -> Path:
    """Return where the training that is not watched leaves its results."""
    return work.setup_folder(setup) / "plain"


def _experiment(work: Work, setup: StudySetup, initial: Path | None, progress: Progress) -> Experiment:
    """Return the setup's record, new or continued, for as many trials as are wanted now."""
    folder = record_folder(work, setup)
    known = store.open_record(folder) if (folder / RECORD_FILE).is_file() else None
    more = known is not None and setup.one_process and _repeats(known.file) < work.trials
    if more:
        progress.note(f"{setup.id}: one process trains all models, so all of them are trained again")
    if known is not None and not more:
        return _reopened(known, work, setup)
    request = Request(
        command=trainings.training_command(work, setup, "{out}", initial=initial),
        directory=work.folder,
        options=Options(trials=1 if setup.one_process else work.trials, jobs=1, full=True, ignores=trainings.IGNORED),
        python=trainings.interpreter(setup),
        environment=setup.environment,
        host=work.host,
        each=dict(work.each),
        preset=setup.preset,
        controls=list(setup.controls),
        out=folder,
        overwrite=more,
        settled=trainings.DURATIONS,
    )
    return Experiment.begin(request)


def _reopened(known: store.Record, work: Work, setup: StudySetup) -> Experiment:
    """Open an existing record.

    It is changed first if more or fewer trials are wanted, or if the study was moved. Missing trials run where --on
    says now.
    """
    trials = 1 if setup.one_process else work.trials
    options = known.file.options.model_copy(update={"trials": trials, "ignores": trainings.IGNORED})
    where = {"directory": str(work.folder), "host": work.host, "each": dict(work.each)}
    file = known.file.model_copy(update={"options": options, "settled": trainings.DURATIONS, **where})
    experiment = Experiment.resume(replace(known, file=file))
    if file != known.file:
        experiment.save()
    return experiment


def _missing(work: Work, setup: StudySetup, experiment: Experiment, progress: Progress) -> list[int]:
    """Return the numbers of the trials that are not complete.

    Remains of an interrupted or damaged trial are removed.
    """
    missing = []
    for number in range(1, experiment.file.options.trials + 1):
        folder = experiment.plan.trial_folder(number)
        file = trial_file(folder)
        ended = file is not None and file.status == "complete"
        if ended and all(map(trainings.is_whole, places_of_trial(setup, folder, work.trials))):
            continue
        if ended:
            progress.note(f"{setup.id}: the results of trial {number} are damaged or missing; it is run again")
        shutil.rmtree(folder, ignore_errors=True)
        missing.append(number)
    return missing


def places_of_trial(setup: StudySetup, folder: Path, models: int) -> list[Path]:
    """Return where a trial leaves its model; in a setup with one process, where it leaves each of its models."""
    out = folder / "out"
    return [out / f"model-{number}" for number in range(1, models + 1)] if setup.one_process else [out]


def trial_file(folder: Path) -> TrialFile | None:
    """Return the document of a trial; None if the trial was interrupted, or if the document is damaged."""
    try:
        return TrialFile.model_validate_json((folder / "trial.json").read_bytes())
    except (OSError, ValueError):
        return None


def _refuse_lost_script(work: Work, setup: StudySetup, experiment: Experiment) -> None:
    """Raise NotFoundError if the script of the earlier trials is gone: trials of a different script prove nothing."""
    script = next(word for word in experiment.file.command if word.endswith(".py"))
    if not Path(script).is_file():
        what = f"{setup.id}: its trials ran {script}, which is not there any more."
        raise NotFoundError(what, f"Remove {work.setup_folder(setup)}: the study runs {setup.id} again.")


def _refuse_failure(setup: StudySetup, experiment: Experiment, file: TrialFile) -> None:
    if file.status == "complete" and file.exit_code == 0:
        return
    said = last_words(experiment.plan.trial_folder(file.id))
    experiment.forget([file.id])  # so that it runs again after the cause is mended
    raise StudyTrainingFailure(f"{setup.id}: trial {file.id} ended badly ({file.why or file.status}):\n{said}", AGAIN)


def last_words(folder: Path) -> str:
    """Return the last lines that the program of a trial wrote to standard error."""
    return (folder / "stderr.txt").read_text(errors="replace")[-LAST_WORDS:]


def _run_plain(work: Work, setup: StudySetup, initial: Path | None, progress: Progress) -> None:
    """Run one training that nothing watches.

    It shows what watching costs, and whether it changes a bit. Setups whose controls are not set by the script itself
    are left out: without the probe, nothing would hold these controls.
    """
    out = plain_folder(work, setup)
    if setup.one_process or setup.preset == "strict" or work.seed is not None or trainings.is_whole(out):
        return
    progress.note(f"{setup.id}: one training that is not watched")
    out.mkdir(parents=True, exist_ok=True)
    (out / MACHINE).write_text(name_of_machine(process.machine()))
    run_alone(setup, trainings.training_command(work, setup, str(out), initial=initial), work.folder)


def name_of_machine(facts: Mapping[str, Any]) -> str:
    """Return one line that distinguishes machines.

    It has only a digest of the host's name, because results are published.
    """
    host = hashlib.blake2b(str(facts.get("host")).encode(), digest_size=2).hexdigest()
    return f"{facts.get('processor') or facts.get('architecture')}, {facts.get('cores')} cores ({host})"


def initial_weights(work: Work, setup: StudySetup) -> Path:
    """Return the initial weights of a different setup's model, in the form that this setup's script reads.

    They are made if they are missing.
    """
    source = SETUPS[setup.initial or ""]
    folder = work.folder / "initial"
    carried = _carried(work, source)
    if not zipfile.is_zipfile(carried):
        drawn = folder / source.id / "weights-00.npz"
        if not zipfile.is_zipfile(drawn):
            run_alone(source, trainings.training_command(work, source, str(drawn.parent), epochs=0), work.folder)
        catalog.carry_weights(drawn, carried, work.study.layers)
    return carried


def _carried(work: Work, source: StudySetup) -> Path:
    """Return where the initial weights of a Keras setup are kept for PyTorch."""
    return work.folder / "initial" / f"{source.id}-for-pytorch.npz"


def run_alone(setup: StudySetup, words: list[str], directory: Path) -> None:
    """Run a command of a setup, unwatched. Raises NotFoundError, TrainingFailure."""
    python = trainings.interpreter(setup)
    search = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": search}
    done = subprocess.run(
        words, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr[-LAST_WORDS:]
        what = f"{setup.id}: {' '.join(words)} ended with exit status {done.returncode}:\n{said}"
        raise StudyTrainingFailure(what, AGAIN)
