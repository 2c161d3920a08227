"""Takes recorded trials into a new record (`--against`), or adds trials to them (`--add`)."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from samebits import store, words
from samebits.endings import ENDED_WELL, SAMEBITS_ENDED, STOPPED_BY_USER
from samebits.errors import RecordError, UsageError
from samebits.launch import environment, origin
from samebits.launch.files import custody
from samebits.launch.plan import Plan, Request, arrange, trial_name
from samebits.launch.processes import facts
from samebits.launch.processes.command import find
from samebits.model import RecordFile, TrialFile

SLOWER = 10.0  # samebits ends a trial that it adds if it takes this many times as long as each recorded trial,
LEAST_SECONDS = 30.0  # but not before this time
# signals by which users, batch systems and the system end processes. A program that crashes gets a different signal
_SIGNALS = frozenset((signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
_SHELL = 128  # a shell ends with this number plus the number of the signal that ended its program


def usable(record: store.Record) -> list[TrialFile]:
    """Return the trials that new ones can be compared with.

    Raises RecordError if there is none. Then there is nothing to explain, to locate, to fix or to add trials to.
    """
    files = [trial.file for trial in _uncut(record) if trial.file.status in ENDED_WELL]
    if not files:
        reason, advice = _why_not_usable(record)
        raise RecordError(f"{record.folder} holds no trial that ended well: {reason}", advice)
    return files


def _why_not_usable(record: store.Record) -> tuple[str, str]:
    """Return (reason, advice) for trials of which none ended well."""
    from samebits.comparison.verdict.endings import bad_endings  # here, because it imports NumPy

    reason, advice = bad_endings(record.trials, record.file) or (f"{STOPPED_BY_USER}.", "Run the command again.")
    last_words = next((trial.file.said for trial in record.trials if trial.file.said), "")
    return reason + (f" It said: {last_words}" if last_words else ""), advice


def interrupted(record: store.Record) -> list[int]:
    """Return the trials that ended because samebits itself was stopped. They say nothing about the program."""
    waited = 0  # steps that a trial was allowed to make if it was ended while it waited for its first step
    return [t.id for t in record.trials if t.file.ended_by in SAMEBITS_ENDED or t.file.stop_after == waited]


def kill(file: TrialFile) -> str:
    """Return who or what killed a trial from outside; "" if nobody did. A kill says nothing about the held controls."""
    number = file.signal or (file.exit_code or 0) - _SHELL
    if file.status == "killed" and file.ended_by in ("supervisor", "node"):
        return f"trial {file.id} was killed: {file.why}"
    if file.status in ("killed", "failed") and number in _SIGNALS:
        return f"trial {file.id} was killed by {words.signal_name(number)}"
    return ""


def _uncut(record: store.Record) -> list[store.TrialTrace]:
    """Return the trials without those that samebits cut short."""
    cut = interrupted(record)
    return [trial for trial in record.trials if trial.id not in cut]


def is_unfinished(record: store.Record) -> bool:
    """Return whether samebits was stopped before any trial was whole, or had made the steps that the user asked for.

    Then the trials show only that their first steps agree. A divergence is an answer even if they made few steps.
    """
    whole, options = _uncut(record), record.file.options
    if any(trial.file.status != "stopped" for trial in whole) or options.budget is not None:
        return False
    return not whole or (last_steps(record) != options.steps and _verdict(record, whole) != "diverged")


def refuse_useless(record: store.Record) -> None:
    """Raise RecordError if more trials would give no answer, because a trial of the program did not end well."""
    from samebits.comparison.verdict.endings import bad_endings  # here, because it imports NumPy

    whole = _uncut(record)
    ending = bad_endings(whole, record.file)
    if ending is not None and _verdict(record, whole) == "inconclusive":
        what = f"More trials give no answer: {ending[0]}"
        raise RecordError(what, f"{ending[1]} Then check again: samebits check -- {words.command(record.file.command)}")


def _verdict(record: store.Record, trials: Sequence[store.TrialTrace]) -> str:
    from samebits.comparison import judge  # here, because it imports NumPy

    return judge(record.file, trials).verdict


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
    holder = custody.resume(record.folder.absolute())
    if not is_own:  # a record from elsewhere may hold the code of a stranger
        environment.copy_probe(holder.folder)
        environment.make_shims(holder.folder, record.file.python)
    plan = arrange(request_of(record), holder.folder, hash_wanted=record.file.hash)
    return replace(plan, custody=holder)


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
        weights=Path(file.weights) if file.weights else None,
        settled=file.settled,
    )


def last_steps(record: store.Record) -> int | None:
    """Return how many steps each trial of the record's last round was allowed to make; None for whole trials.

    If samebits was stopped in the first round, return the most steps after which samebits stopped a trial.
    """
    if record.file.rounds:
        return record.file.rounds[-1].steps
    numbers = [trial.file.stop_after for trial in _uncut(record) if trial.file.status == "stopped"]
    return max([steps for steps in numbers if steps], default=record.file.options.steps)


def seconds_allowed(files: Sequence[TrialFile], own: float | None) -> float:
    """Return after how many seconds samebits ends a trial that it adds to explain or to measure something.

    `files`: the recorded trials. `own`: the limit that the user gave.
    """
    limit = max(LEAST_SECONDS, SLOWER * max((file.seconds for file in files), default=0.0))
    return limit if own is None else min(own, limit)


def changed_script(record: store.Record) -> str:
    """Return a file of the command that has changed since the record was made; "" if there is none."""
    from samebits.comparison.verdict.setup import scripts  # here, because it imports NumPy

    directory = Path(record.file.directory)
    was, now = scripts(record.trials[0], str(directory)), facts.code(directory, record.file.command)["files"]
    return next((name for name in sorted(was) if was[name] != now.get(name)), "")


def refuse_changed(record: store.Record, command: str) -> None:
    """Raise UsageError if new trials would run different code: a file of the command, or its program, has changed.

    `command`: the command of samebits that begins again.
    """
    file, changed = record.file, changed_script(record)
    if changed:
        again = f"samebits {command} -- {words.command(file.command)}"
        raise UsageError(f"{changed} has changed since {record.folder} was recorded.", again)
    if Path(file.program).is_file():
        program = find(file.command, Path(file.directory), environment.search_path(None))
        if program != file.program:
            what = f"{file.command[0]} was {file.program} when {record.folder} was recorded, and is {program} now."
            raise UsageError(what, f'put its folder first: export PATH="{Path(file.program).parent}:$PATH"')


def setup_differences(old: RecordFile, new: RecordFile, before: TrialFile, after: TrialFile) -> list[str]:
    """Return a sentence for each difference between the setups of the recorded run and of the new trials."""
    scripts = _in_both(before.code.get("files") or {}, after.code.get("files") or {})
    pairs = [
        ("the command", " ".join(old.command), " ".join(new.command)),
        ("the controls", ", ".join(old.controls) or "none", ", ".join(new.controls) or "none"),
        ("the seed", str(old.seed), str(new.seed)),
        ("the interpreter", str(old.python), str(new.python)),
        ("the place of the trials", old.host, new.host),
        ("the commit", _commit(before), _commit(after)),
        *((f"the script {name}", was[:8], now[:8]) for name, was, now in scripts),
        *((f"the package {name}", was, now) for name, was, now in _in_both(before.packages, after.packages)),
        ("the machine", str(before.machine.get("host")), str(after.machine.get("host"))),
    ]
    return [f"{what} of the recorded run: {was}; now: {now}" for what, was, now in pairs if was != now]


def _commit(file: TrialFile) -> str:
    commit = str(file.code.get("commit"))[:12]
    return f"{commit} with changes" if file.code.get("dirty") else commit


def _in_both(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str, str]]:
    return [(name, str(before[name]), str(after[name])) for name in sorted(set(before) & set(after))]
