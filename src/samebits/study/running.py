"""Running a study: trial by trial, each kept when it is whole, so that a study broken off goes on where it stopped."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from samebits import check, store
from samebits.errors import SamebitsError
from samebits.launch import recorded
from samebits.launch.plan import Plan, Request, make_plan
from samebits.launch.progress import Progress
from samebits.launch.rounds import Trials
from samebits.launch.trial import Limits
from samebits.model import Options, TrialFile
from samebits.study import commands, weights
from samebits.study.catalog import SETUPS, Setup
from samebits.study.commands import Work
from samebits_probe import process

_machine: Callable[[], dict[str, Any]] = process.machine

RECORD, MACHINE = "record", "machine.txt"
LAST_WORDS = 800  # characters of a program's error that are shown
Note = Callable[[str], None]


class TrainingFailed(SamebitsError):
    """A training of a study that ended badly; the message has its last words."""


def run_setup(work: Work, setup: Setup, progress: Progress) -> None:
    """Run what is missing of a setup: its trials one at a time, and one training that is not watched.

    Raises NotFound where its interpreter is missing, TrainingFailed where a training ends badly.
    """
    initial = initial_weights(work, setup) if setup.initial else None
    plan = _plan(work, setup, initial)
    file = store.open_record(plan.record).file
    for number in _missing(plan):
        looked = Trials(plan, progress).run_round(Limits(), [number])
        _refuse_failure(setup, plan, looked.files[0])
        file = check.after(file, looked)
        check.save(plan, file)
    _run_plain(work, setup, initial, progress)


def record_folder(work: Work, setup: Setup) -> Path:
    """The record of a setup's trials."""
    return work.setup_folder(setup) / RECORD


def plain_folder(work: Work, setup: Setup) -> Path:
    """Where the training that is not watched leaves its results."""
    return work.setup_folder(setup) / "plain"


def _plan(work: Work, setup: Setup, initial: Path | None) -> Plan:
    """The plan of the setup's record, begun now or before."""
    folder = record_folder(work, setup)
    if (folder / check.RECORD).is_file():
        return recorded.reopen(store.open_record(folder))
    request = Request(
        command=commands.training(work, setup, "{out}", initial=initial),
        directory=work.folder,
        options=Options(trials=1 if setup.one_process else work.trials, full=True),
        python=commands.interpreter(setup),
        environment=setup.environment,
        preset=setup.preset,
        controls=list(setup.controls),
        out=folder,
    )
    plan = make_plan(request)
    check.save(plan, check.describe(plan))
    return plan


def _missing(plan: Plan) -> list[int]:
    """Numbers of the trials that are not whole. What an interruption left of one is cleared away."""
    wanted, missing = range(1, plan.options.trials + 1), []
    for number in wanted:
        folder = plan.trial_folder(number)
        path = folder / "trial.json"
        if path.is_file() and TrialFile.model_validate_json(path.read_bytes()).status == "complete":
            continue
        shutil.rmtree(folder, ignore_errors=True)
        missing.append(number)
    return missing


def _refuse_failure(setup: Setup, plan: Plan, file: TrialFile) -> None:
    if file.status == "complete" and file.exit_code == 0:
        return
    said = (plan.trial_folder(file.id) / "stderr.txt").read_text(errors="replace")[-LAST_WORDS:]
    shutil.rmtree(plan.trial_folder(file.id))  # so that it is run again when the cause is mended
    raise TrainingFailed(f"{setup.id}: trial {file.id} ended badly ({file.why or file.status}):\n{said}")


def _run_plain(work: Work, setup: Setup, initial: Path | None, progress: Progress) -> None:
    """One training that nothing watches: what watching costs, and whether it changes a bit.

    Not of a setup whose controls the script does not set itself: without the probe nothing would hold them.
    """
    out = plain_folder(work, setup)
    if setup.one_process or setup.preset == "strict" or (out / "outcome.json").is_file():
        return
    progress.note(f"{setup.id}: one training that is not watched")
    out.mkdir(parents=True, exist_ok=True)
    (out / MACHINE).write_text(name_of_machine(_machine()))
    run_alone(setup, commands.training(work, setup, str(out), initial=initial), work.folder)


def name_of_machine(facts: dict[str, Any]) -> str:
    """One line that tells machines apart; of the host's name only a digest, since results are published."""
    host = hashlib.blake2b(str(facts.get("host")).encode(), digest_size=2).hexdigest()
    return f"{facts.get('processor') or facts.get('architecture')}, {facts.get('cores')} cores ({host})"


def initial_weights(work: Work, setup: Setup) -> Path:
    """The initial weights of another setup's model in the form that this one's script reads; made where missing."""
    source = SETUPS[setup.initial or ""]
    folder = work.folder / "initial"
    carried = folder / f"{source.id}-for-pytorch.npz"
    if not carried.is_file():
        drawn = folder / source.id / "weights-00.npz"
        if not drawn.is_file():
            run_alone(source, commands.training(work, source, str(drawn.parent), epochs=0), work.folder)
        weights.carry(drawn, carried, work.study.name)
    return carried


def run_alone(setup: Setup, words: list[str], directory: Path, variables: dict[str, str] | None = None) -> None:
    """Run a command of a setup, unwatched. Raises NotFound, TrainingFailed."""
    python = commands.interpreter(setup)
    search = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, **(variables or {}), "PATH": search}
    done = subprocess.run(
        words, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr[-LAST_WORDS:]
        raise TrainingFailed(f"{setup.id}: {' '.join(words)} ended with {done.returncode}:\n{said}")
