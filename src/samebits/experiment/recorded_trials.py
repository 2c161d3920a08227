"""Takes recorded trials into a new record (`--against`), or adds trials to them (`--add`)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from samebits import store, words
from samebits.errors import RecordError, UsageError
from samebits.launch import custody, environment, facts, origin
from samebits.launch.plan import Plan, Request, arrange, trial_name
from samebits.model import ENDED_WELL, RecordFile, TrialFile

SLOWER = 10.0  # samebits ends a trial that it adds if it takes this many times as long as each recorded trial,
LEAST_SECONDS = 30.0  # but not before this time


def usable(record: store.Record) -> list[TrialFile]:
    """Return the trials that new ones can be compared with. Raises RecordError if there is none."""
    ended = [trial.file for trial in record.trials if trial.file.status in ENDED_WELL]
    found = [file for file in ended if file.stop_after != 0]  # others were ended while they waited for their first step
    if not found:
        raise RecordError(f"{record.folder} holds no trial that ended.", "Record one: samebits record -- ...")
    return found


def adopt(source: store.Record, plan: Plan) -> list[TrialFile]:
    """Copy the usable trials of a different record into this one, numbered from 1. Link files if the disk allows it."""
    with custody.shared(source.folder):
        return [_adopt(source, plan, number, file) for number, file in enumerate(usable(source), 1)]


def _adopt(source: store.Record, plan: Plan, number: int, file: TrialFile) -> TrialFile:
    target = plan.trial_folder(number)
    shutil.copytree(source.folder / "trials" / trial_name(file.id), target, copy_function=_link, symlinks=True)
    adopted = file.model_copy(update={"id": number, "leaks": []})
    store.write_trial(target, adopted)
    return adopted


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        if Path(source).is_symlink() or Path(source).is_file():  # a pipe or a device has no content to compare
            shutil.copy2(source, target, follow_symlinks=False)


def reopen(record: store.Record) -> Plan:
    """Return the plan of a record, for more trials of it.

    Raises NotFoundError if its command or folder is gone, and RecordBusy if the record is in use.
    """
    is_own = origin.is_own(record)
    held = custody.resume(record.folder.absolute())
    if not is_own:  # a record from elsewhere may hold the code of a stranger
        environment.copy_probe(held.folder)
        environment.make_shims(held.folder, record.file.python)
    plan = arrange(request_of(record), held.folder, hash_wanted=record.file.hash)
    return replace(plan, custody=held)


def request_of(record: store.Record) -> Request:
    """Return the request that the record was made for."""
    file = record.file
    return Request(
        command=file.command,
        directory=Path(file.directory),
        options=file.options,
        python=file.python,
        environment=file.environment,
        host=file.host,
        each=file.each,
        preset=file.preset,
        controls=file.controls,
        seed=file.seed,
        out=record.folder,
        variables=file.variables,
    )


def last_steps(record: store.Record) -> int | None:
    """Return how many steps each trial of the record's last round was allowed to make; None for whole trials."""
    return record.file.rounds[-1].steps if record.file.rounds else record.file.options.steps


def seconds_allowed(files: Sequence[TrialFile], own: float | None) -> float:
    """Return after how many seconds samebits ends a trial that it adds to explain or to measure something.

    `files`: the recorded trials. `own`: the limit that the user gave.
    """
    limit = max(LEAST_SECONDS, SLOWER * max((file.seconds for file in files), default=0.0))
    return limit if own is None else min(own, limit)


def changed_script(record: store.Record) -> str:
    """Return a file of the command that has changed since the record was made; "" if there is none."""
    from samebits.comparison.setup import scripts  # here, because it imports NumPy

    directory = Path(record.file.directory)
    was, now = scripts(record.trials[0], str(directory)), facts.code(directory, record.file.command)["files"]
    return next((name for name in sorted(was) if was[name] != now.get(name)), "")


def refuse_changed(record: store.Record, command: str) -> None:
    """Raise UsageError if a file of the command has changed, so that new trials would run different code.

    `command`: the command of samebits that begins again.
    """
    changed = changed_script(record)
    if changed:
        again = f"samebits {command} -- {words.command(record.file.command)}"
        raise UsageError(f"{changed} has changed since {record.folder} was recorded.", again)


def setup_differences(old: RecordFile, new: RecordFile, before: TrialFile, after: TrialFile) -> list[str]:
    """Return a sentence for each difference between the setups of the recorded run and of the new trials."""
    pairs = [
        ("the command", " ".join(old.command), " ".join(new.command)),
        ("the controls", ", ".join(old.controls) or "none", ", ".join(new.controls) or "none"),
        ("the seed", str(old.seed), str(new.seed)),
        ("the interpreter", str(old.python), str(new.python)),
        ("the place of the trials", old.host, new.host),
        ("the commit", _commit(before), _commit(after)),
        *((f"the script {name}", *shown) for name, *shown in _scripts(before, after)),
        *((f"the package {name}", *shown) for name, *shown in _packages(before, after)),
        ("the machine", str(before.machine.get("host")), str(after.machine.get("host"))),
    ]
    return [f"{what} of the recorded run: {was}; now: {now}" for what, was, now in pairs if was != now]


def _commit(file: TrialFile) -> str:
    commit = str(file.code.get("commit"))[:12]
    return f"{commit} with changes" if file.code.get("dirty") else commit


def _scripts(before: TrialFile, after: TrialFile) -> list[tuple[str, str, str]]:
    was, now = before.code.get("files") or {}, after.code.get("files") or {}
    return [(name, str(was[name])[:8], str(now[name])[:8]) for name in sorted(set(was) & set(now))]


def _packages(before: TrialFile, after: TrialFile) -> list[tuple[str, str, str]]:
    both = sorted(set(before.packages) & set(after.packages))
    return [(name, before.packages[name], after.packages[name]) for name in both]
