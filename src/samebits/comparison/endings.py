"""How trials ended, and the sentences for those that did not end well."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Sequence

from samebits import words
from samebits.comparison.unwatched import hidden_processes
from samebits.model import STOPPED_BY_USER, RecordFile, TrialFile
from samebits.options import OPTIONS
from samebits.store.trace import TrialTrace

Ending = tuple[str, str]
_MISSING = re.compile(r"^(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?")


_FLAGS = frozenset(
    flag
    for command in ("check", "record", "locate", "explain", "ops", "vary")
    for option in OPTIONS[command]
    for flag in option.flags
)


def misplaced(command: Sequence[str]) -> str:
    """What to do if an option that the program was given is one of samebits: the options of samebits stand first."""
    words_after = (word.partition("=")[0] for word in command[1:])
    flag = next((word for word in words_after if word in _FLAGS), None)
    if flag is None:
        return ""
    return (
        f" The option {flag} stands after the program's name, so the program received it."
        " If it is for samebits, put it before the program."
    )


def ended_well(file: TrialFile, ok_exit: int) -> bool:
    """Whether the program ended the way it says it should, or was stopped on purpose."""
    return file.status == "stopped" or (file.status == "complete" and file.exit_code in (0, ok_exit, None))


def is_usable(trial: TrialTrace, ok_exit: int) -> bool:
    """Whether the trial takes part in the comparison: it ended well, and the probe worked."""
    return ended_well(trial.file, ok_exit) and not trial.failures()


def never_started(file: TrialFile) -> bool:
    """Whether nothing of the program ran at all."""
    return file.status == "failed" and file.exit_code is None


def bad_endings(trials: Sequence[TrialTrace], record: RecordFile) -> Ending | None:
    """(reason, advice) for the worst ending of several trials; None where all ended well."""
    bad = [trial for trial in trials if not ended_well(trial.file, record.options.ok_exit)]
    if not bad:
        return None
    for status, say in _SAYINGS.items():
        ones = [trial for trial in bad if _status(trial) == status]
        if ones:
            reason, advice = say(ones, record)
            advice += misplaced(record.command) if status == "failed" else ""
            return f"{reason}{_rest(len(trials) - len(bad))}.", advice
    raise AssertionError("every status has its sentence")


def _status(trial: TrialTrace) -> str:
    return "failed" if trial.file.status == "complete" else trial.file.status


def _rest(good: int) -> str:
    return f" ({words.count(good, 'other trial')} ended well)" if good else ""


def _unwatched(trials: list[TrialTrace], record: RecordFile) -> Ending:
    if not any(trial.file.python_processes for trial in trials):
        return _no_python(trials, record)
    names = hidden_processes([trial.file for trial in trials])
    what = words.trials([trial.id for trial in trials])
    detail = f": {names}" if names else ""
    return (
        f"nothing was watched in {what}{detail}",
        "Start Python without -I, -E or -S, and leave PYTHONPATH as it is (or put the new folders in front of it).",
    )


def _no_python(trials: list[TrialTrace], record: RecordFile) -> Ending:
    return (
        f"no Python ran in {words.trials([trial.id for trial in trials])}, only {words.command(record.command)}",
        "samebits watches Python programs. To compare the files that a different program writes, name them: "
        "--artifact GLOB.",
    )


def _failed(trials: list[TrialTrace], record: RecordFile) -> Ending:
    codes = sorted({trial.file.exit_code for trial in trials if trial.file.exit_code is not None})
    ids = [trial.id for trial in trials]
    log = f"See trials/{ids[0]:03d}/stderr.txt in the record."
    if not codes:
        why = next((trial.file.why for trial in trials if trial.file.why), "")
        return f"{words.trials(ids)} could not be run{': ' + why if why else ''}", log
    ended = f"{words.trials(ids)} ended with exit status {words.listed(codes)}, not {record.options.ok_exit}"
    if advice := _missing_module(trials) or _outside(trials, record):
        return ended, advice
    good = f" If {codes[0]} means success for this program, give --ok-exit {codes[0]}." if codes[0] > 0 else ""
    return ended, log + good


def _missing_module(trials: list[TrialTrace]) -> str:
    """What to do about a module that could not be imported: which Python ran, and how to name a different one."""
    for trial in trials:
        found = _MISSING.search(trial.file.said)
        if found:
            return (
                f"{_interpreter(trial)} does not have the module {found.group(1)}. Name a Python that has it: "
                "--python PATH, or --env NAME."
            )
    return ""


def _outside(trials: list[TrialTrace], record: RecordFile) -> str:
    """What to do about a relative path that leads out of the working folder, of which each trial has its own."""
    words_out = [word for word in record.command if word.startswith("../")]
    if not words_out or not all(trial.files.apart for trial in trials):
        return ""
    return (
        f"With --isolate each trial runs in a working folder of its own, so {words_out[0]} leads elsewhere: "
        "give its absolute path."
    )


def _interpreter(trial: TrialTrace) -> str:
    """The interpreter of the last Python process: a runner's own ones come before it."""
    watched = [str(process.facts["executable"]) for process in trial.processes if process.facts.get("executable")]
    seen = [process.executable for process in trial.file.python_processes if process.executable]
    return next(reversed([*seen, *watched]), "the Python that ran")


def _killed(trials: list[TrialTrace], record: RecordFile) -> Ending:
    ids = [trial.id for trial in trials]
    number = trials[0].file.signal
    by = f" by {_signal_name(number)}" if number else ""
    steps = max((process.steps for trial in trials for process in trial.observed), default=0)
    why = trials[0].file.why
    return (
        f"{words.trials(ids)} {words.were(ids)} killed{by} after {words.count(steps, 'step')}{why and f': {why}'}",
        "Run the command again, with --overwrite."
        if why == STOPPED_BY_USER
        else f"See trials/{ids[0]:03d}/stderr.txt in the record; a program killed by the system often lacks memory.",
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _timeout(trials: list[TrialTrace], record: RecordFile) -> Ending:
    ids = [trial.id for trial in trials]
    limit = record.options.timeout
    after = f" after {limit:g} s" if limit else ""
    return (
        f"{words.trials(ids)} had not ended{after} (--timeout)",
        "Give more time with --timeout, or compare only the first steps with --steps.",
    )


# asked in this order: what hides the others comes first
_SAYINGS: dict[str, Callable[[list[TrialTrace], RecordFile], Ending]] = {
    "unwatched": _unwatched,
    "failed": _failed,
    "killed": _killed,
    "timeout": _timeout,
}
