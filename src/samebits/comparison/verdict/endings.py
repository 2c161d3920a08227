"""How trials ended, sentences for those that did not end well, and which Python processes ran unwatched."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath

from samebits import words
from samebits.comparison.files.file_names import pattern_of
from samebits.comparison.traces.processes import AlignedTrial
from samebits.endings import SAMEBITS_ENDED
from samebits.model import PythonProcess, RecordFile, TrialFile
from samebits.store.formats import is_result
from samebits.store.trace import TrialTrace

_UNHIDE = (
    "Start Python without -I, -E or -S, and keep PYTHONPATH in its environment (new folders in front of what is there)."
)
_FLAGS = re.compile(r"-[bBdEiIOPqsSuvx]+")
_QUERIES = frozenset(("-V", "-VV", "--version", "-h", "-?", "--help"))


def unwatched_processes(file: TrialFile) -> list[PythonProcess]:
    """Return the Python processes of a trial that no probe watched. Those that only ask about Python are left out."""
    return [process for process in file.python_processes if not process.watched and not _asks(process)]


def asking_processes(files: Sequence[TrialFile]) -> list[str]:
    """Return the command lines of the unwatched processes that are left out.

    Runners use them only to ask the interpreter about itself.
    """
    asking = [process for file in files for process in file.python_processes if not process.watched and process.asks]
    return list(dict.fromkeys(words.command(process.argv, 60) for process in asking))


def unwatched(trial: TrialTrace) -> list[str]:
    """Return what ran unwatched in a trial: Python processes, other programs, forked copies that observed nothing."""
    hidden = [
        f"the process {words.command(process.argv)}" + (f" ({process.why})" if process.why else "")
        for process in unwatched_processes(trial.file)
    ]
    programs = [f"the program {program}" for program in trial.file.programs]
    return [*hidden, *programs, *_forked(trial)]


def _forked(trial: TrialTrace) -> Iterator[str]:
    """Yield copies that the program's own code forks.

    Those that observed something are processes of their own, and are left out.
    """
    parents = {process.facts.get("forked_from") for process in trial.observed}
    for process in trial.processes:
        for event in process.events_named("forked") if process.facts.get("pid") not in parents else []:
            yield f"the copy of itself that {PurePath(str(event.get('place'))).name} forks"


def _asks(process: PythonProcess) -> bool:
    """Return whether a process only asks the interpreter a question, also by its arguments, like `--version`."""
    queries = [word for word in process.argv[1:] if not _FLAGS.fullmatch(word)]
    return process.asks or (bool(queries) and _QUERIES.issuperset(queries))


def ran_unwatched(trials: Sequence[AlignedTrial]) -> tuple[str, str] | None:
    """Return (reason, advice) if one Python process was hidden while a different one was observed; else None."""
    hiding = [trial for trial in trials if trial.members and unwatched_processes(trial.trial.file)]
    if not hiding:
        return None
    which = words.trials([trial.id for trial in hiding])
    hidden = hidden_processes([trial.trial.file for trial in hiding])
    return f"Python ran unwatched in {which}, so what it did was not compared: {hidden}.", _UNHIDE


def hidden_processes(files: Sequence[TrialFile]) -> str:
    """Return the unwatched processes of the first of the trials that has any, in words; empty if there are none."""
    processes = next((hidden for file in files if (hidden := unwatched_processes(file))), [])
    return "; ".join(dict.fromkeys(_process_text(process) for process in processes))


def _process_text(process: PythonProcess) -> str:
    name = words.command(process.argv) if process.argv else process.executable or f"process {process.pid}"
    return f"{name} ({process.why})" if process.why else name


def nothing_observed(empty: Sequence[AlignedTrial], record: RecordFile) -> tuple[str, str, bool]:
    """Return (reason, advice, whether it names hidden processes) for trials that ended well without a step."""
    files = [trial.trial.file for trial in empty]
    which = words.trials([trial.id for trial in empty])
    late = [file for file in files if file.status == "stopped" and record.options.budget is not None]
    if late:
        start = words.agree(len(late), "its start", f"the start of trial {late[0].id}")
        return (
            f"--budget ran out before the first step of {words.trials([file.id for file in late])} "
            f"({late[0].seconds:.1f} s after {start}).",
            f"Give more time than --budget {record.options.budget:g}s, or --steps K instead.",
            False,
        )
    hidden = hidden_processes(files)
    if hidden:
        return f"no step was seen in {which}, and Python ran unwatched: {hidden}.", _UNHIDE, True
    results = likely_results([trial.trial for trial in empty])
    if results:
        saved, *others = results
        pattern = pattern_of(saved, others)
        single, many = "this file is the result, name it", "these files are the result, name them"
        return (
            f"no step was seen in {which}, only what was saved: {words.listed(saved[:3])}.",
            f"If {words.agree(len(saved), single, many)}: --artifact '{pattern}'. {_of_libraries(empty)}".strip(),
            False,
        )
    return f"no step was seen in {which}: {_ran(files)}.", _of_libraries(empty) or _OTHER_ADVICE, False


_ADVICE = {  # by the watcher of an imported library
    "ray_tasks": "If the program trains in workers of Ray: use ray.init(address='auto') on a node of the cluster "
    "instead of ray://, set no PYTHONPATH in runtime_env, and put the record on a disk that all nodes share "
    "(--out DIR).",
    "jax_loops": "Name the values of each step in the training loop with a line such as: "
    'import samebits_probe; samebits_probe.observe("weights", params, step=step)',
}
_OTHER_ADVICE = (
    "Compare what the program leaves: --artifact stdout for what it prints, --artifact 'out/*' for files. Or name its "
    "values with samebits_probe.observe(name, value, step=...)."
)


def likely_results(trials: Sequence[TrialTrace]) -> list[list[str]]:
    """Return the paths that each trial wrote, those that look like models first; trials without files are left out."""
    paths = [{file.path for file in trial.files.files} for trial in trials]
    return [sorted(written, key=lambda path: (not is_result(path), path)) for written in paths if written]


def _ran(files: Sequence[TrialFile]) -> str:
    ran = files[0].python_processes
    if not ran:
        return "no Python process ran below the command"
    names = dict.fromkeys(words.command(process.argv) for process in ran if process.argv)
    return f"samebits watched {words.listed(list(names)[:3]) or 'Python'} and saw no training that it knows"


def _of_libraries(empty: Sequence[AlignedTrial]) -> str:
    """Return what to do if a trial imported a library of which samebits does not see each training."""
    processes = [process for trial in empty for process in trial.trial.processes]
    watchers = {event.get("name") for process in processes for event in process.events_named("watcher")}
    return next((text for name, text in _ADVICE.items() if name in watchers), "")


Ending = tuple[str, str]
_MISSING = re.compile(r"\bNo module named '?([\w.]+)'?")


def ended_well(file: TrialFile, ok_exit: int) -> bool:
    """Return whether the program ended the way it says it should, or was stopped on purpose."""
    return file.status == "stopped" or (file.status == "complete" and file.exit_code in (0, ok_exit, None))


def is_usable(trial: TrialTrace, ok_exit: int) -> bool:
    """Return whether the trial takes part in the comparison: it ended well, and the probe worked."""
    return ended_well(trial.file, ok_exit) and not trial.failures()


def bad_endings(trials: Sequence[TrialTrace], record: RecordFile) -> Ending | None:
    """Return (reason, advice) for the worst ending of several trials; None if all ended well."""
    bad = [trial for trial in trials if not ended_well(trial.file, record.options.ok_exit)]
    if not bad:
        return None
    for status, say in _SAYINGS.items():
        ones = [trial for trial in bad if _status(trial) == status]
        if ones:
            (reason, advice), good = say(ones, record), len(trials) - len(bad)
            rest = f" ({words.count(good, 'other trial')} ended well)" if good else ""
            return f"{reason}{rest}.", advice
    raise AssertionError("every status has its sentence")


def _status(trial: TrialTrace) -> str:
    return "failed" if trial.file.status == "complete" else trial.file.status


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
        "samebits watches Python programs. If the command had nothing to do because its results are there (make), "
        "remove them first. To compare the files that a different program writes, name them: --artifact GLOB.",
    )


def _failed(trials: list[TrialTrace], record: RecordFile) -> Ending:
    codes = sorted({trial.file.exit_code for trial in trials if trial.file.exit_code is not None})
    ids = [trial.id for trial in trials]
    log = f"See trials/{ids[0]:03d}/stderr.txt in the record."
    if not codes:
        why = next((trial.file.why for trial in trials if trial.file.why), "")
        return f"{words.trials(ids)} could not be run{': ' + why if why else ''}", log
    ended = f"{words.trials(ids)} ended with exit status {words.listed(codes)}, not {record.options.ok_exit}"
    # Python ends with 1 for each exception that nothing catches
    if advice := _missing_module(trials):
        return ended, advice
    good = f" If {codes[0]} means success for this program, give --ok-exit {codes[0]}." if codes[0] > 1 else ""
    return ended, log + good


def _missing_module(trials: list[TrialTrace]) -> str:
    """Return the advice for a module that could not be imported: which Python ran, and how to name a different one."""
    for trial in trials:
        match = _MISSING.search(trial.file.said)
        if match:
            return (
                f"{_interpreter(trial)} does not have the module {match.group(1)}. Name a Python that has it: "
                "--python PATH, or --env NAME."
            )
    return ""


def _interpreter(trial: TrialTrace) -> str:
    """Return the interpreter of the last Python process: a runner's own ones come before it."""
    watched = [str(process.facts["executable"]) for process in trial.processes if process.facts.get("executable")]
    executables = [process.executable for process in trial.file.python_processes if process.executable]
    return next(reversed([*executables, *watched]), "the Python that ran")


def _killed(trials: list[TrialTrace], record: RecordFile) -> Ending:
    number = trials[0].file.signal
    by, ids = f" by {words.signal_name(number)}" if number else "", [trial.id for trial in trials]
    steps = max((process.steps for trial in trials for process in trial.observed), default=0)
    why = "" if by and trials[0].file.why.endswith(f"killed{by}") else trials[0].file.why
    memory = "; the system often kills a program that uses too much memory" if number == signal.SIGKILL else ""
    return (
        f"{words.trials(ids)} {words.were(ids)} killed{by} after {words.count(steps, 'step')}{why and f': {why}'}",
        "Run the command again, with --overwrite. Or run samebits check --add 1 RECORD: it runs these trials again."
        if trials[0].file.ended_by in SAMEBITS_ENDED
        else f"See trials/{ids[0]:03d}/stderr.txt in the record{memory}.",
    )


def _timeout(trials: list[TrialTrace], record: RecordFile) -> Ending:
    ids = [trial.id for trial in trials]
    limit = record.options.timeout
    after = f" after {limit:g} s" if limit else ""
    return (
        f"{words.trials(ids)} had not ended{after} (--timeout)",
        "Give more time with --timeout, or compare only the first steps with --steps.",
    )


# asked in this order: a reason that hides the others comes first
_SAYINGS: dict[str, Callable[[list[TrialTrace], RecordFile], Ending]] = {
    "unwatched": _unwatched,
    "failed": _failed,
    "killed": _killed,
    "timeout": _timeout,
}
