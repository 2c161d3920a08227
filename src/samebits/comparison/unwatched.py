"""Which Python processes ran below the command, and what kept the probe out of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath, PurePosixPath

from samebits import words
from samebits.comparison.processes import AlignedTrial
from samebits.model import PythonProcess, RecordFile, TrialFile
from samebits.store.trace import TrialTrace

_UNHIDE = (
    "Start Python without -I, -E or -S, and keep PYTHONPATH in its environment (new folders in front of what is there)."
)
_FLAGS = re.compile(r"-[bBdEiIOPqsSuvx]+")
_QUERIES = frozenset(("-V", "-VV", "--version", "-h", "-?", "--help"))


def unwatched_processes(file: TrialFile) -> list[PythonProcess]:
    """The Python processes of a trial without a probe, those left out that only ask the interpreter about itself."""
    return [process for process in file.python_processes if not process.watched and not _asks(process)]


def asking_processes(files: Sequence[TrialFile]) -> list[str]:
    """Command lines of unwatched processes that are left out, since runners only ask the interpreter by them."""
    asking = [process for file in files for process in file.python_processes if not process.watched and process.asks]
    return list(dict.fromkeys(words.command(process.argv, 60) for process in asking))


def unwatched(trial: TrialTrace) -> list[str]:
    """What ran in a trial unwatched: Python processes, other programs, forked copies that observed nothing."""
    hidden = [
        f"the process {words.command(process.argv)}" + (f" ({process.why})" if process.why else "")
        for process in unwatched_processes(trial.file)
    ]
    programs = [f"the program {program}" for program in trial.file.programs]
    return [*hidden, *programs, *_forked(trial)]


def _forked(trial: TrialTrace) -> Iterator[str]:
    """Copies that the program's own code forks, unless they observed something and are processes of their own."""
    parents = {process.facts.get("forked_from") for process in trial.observed}
    for process in trial.processes:
        for event in process.events_named("forked") if process.facts.get("pid") not in parents else []:
            yield f"the copy of itself that {PurePath(str(event.get('place'))).name} forks"


def _asks(process: PythonProcess) -> bool:
    return process.asks or _only_asks(process.argv)


def _only_asks(argv: Sequence[str]) -> bool:
    """Whether the arguments are no more than `--version` or the like."""
    asked = [word for word in argv[1:] if not _FLAGS.fullmatch(word)]
    return bool(asked) and _QUERIES.issuperset(asked)


def ran_unwatched(trials: Sequence[AlignedTrial]) -> tuple[str, str] | None:
    """(reason, advice) where a Python process was hidden beside one that was observed; None where none was."""
    hiding = [trial for trial in trials if trial.members and unwatched_processes(trial.trial.file)]
    if not hiding:
        return None
    which = words.trials([trial.id for trial in hiding])
    hidden = hidden_processes([trial.trial.file for trial in hiding])
    return f"Python ran unwatched in {which}, so what it did was not compared: {hidden}.", _UNHIDE


def hidden_processes(files: Sequence[TrialFile]) -> str:
    """The unwatched processes of the first of the trials that has any, in words; empty where there are none."""
    found = next((hidden for file in files if (hidden := unwatched_processes(file))), [])
    return "; ".join(dict.fromkeys(_named(process) for process in found))


def _named(process: PythonProcess) -> str:
    name = words.command(process.argv) if process.argv else process.executable or f"process {process.pid}"
    return f"{name} ({process.why})" if process.why else name


def nothing_observed(empty: Sequence[AlignedTrial], record: RecordFile) -> tuple[str, str, bool]:
    """(reason, advice, whether it names hidden processes): of trials that ended well and in which no step was seen."""
    files = [trial.trial.file for trial in empty]
    which = words.trials([trial.id for trial in empty])
    late = [file for file in files if file.status == "stopped" and record.options.budget is not None]
    if late:
        return (
            f"the time of --budget was up before the first step of {words.trials([file.id for file in late])} "
            f"({late[0].seconds:.1f} s after its start).",
            f"Give more time than --budget {record.options.budget:g}s, or --steps K instead.",
            False,
        )
    hidden = hidden_processes(files)
    if hidden:
        return (
            f"no step was seen in {which}, and Python ran unwatched: {hidden}.",
            _UNHIDE,
            True,
        )
    saved = next(iter(likely_results([trial.trial for trial in empty])), [])
    if saved:
        return (
            f"no step was seen in {which}, only files that were saved: {words.listed(saved[:3])}.",
            f"If these files are the result, name them: --artifact '{pattern_of(saved)}'. {_for_jax(empty)}".strip(),
            False,
        )
    return f"no step was seen in {which}: {_ran(files)}.", _advice(empty), False


_LIKELY = (".pt", ".pth", ".safetensors", ".ckpt", ".h5", ".keras", ".onnx", ".bin", ".pkl", ".joblib", ".npz", ".npy")


def likely_results(trials: Sequence[TrialTrace]) -> list[list[str]]:
    """The paths that each trial wrote, those that look like models first; trials without files are left out."""
    paths = [{file.path for file in trial.files.files} for trial in trials]
    return [sorted(found, key=lambda path: (not path.endswith(_LIKELY), path)) for found in paths if found]


def pattern_of(paths: Sequence[str]) -> str:
    """A pattern that matches the first of some files, and others of its folder."""
    first = PurePosixPath(paths[0])
    alike = [path for path in paths if PurePosixPath(path).parent == first.parent]
    return str(first) if len(alike) == 1 else str(first.parent / f"*{first.suffix}")


def _ran(files: Sequence[TrialFile]) -> str:
    ran = files[0].python_processes
    if not ran:
        return "no Python process ran below the command"
    names = dict.fromkeys(words.command(process.argv) for process in ran if process.argv)
    return f"{words.listed(list(names)[:3]) or 'Python'} ran watched, and trained nothing that samebits knows"


def _for_jax(empty: Sequence[AlignedTrial]) -> str:
    """The line that a loop in JAX needs, if a trial imported JAX and made no step that samebits knows."""
    processes = [process for trial in empty for process in trial.trial.processes]
    if not any(event.get("name") == "jax_loops" for process in processes for event in process.events_named("watcher")):
        return ""
    return (
        "Name the values of each step in the training loop with a line such as: "
        'import samebits_probe; samebits_probe.observe("weights", params, step=step)'
    )


def _advice(empty: Sequence[AlignedTrial]) -> str:
    return _for_jax(empty) or (
        "Compare the files it writes with --artifact 'out/*', or name its values with "
        "samebits_probe.observe(name, value, step=...)."
    )
