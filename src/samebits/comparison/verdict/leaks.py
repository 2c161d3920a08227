"""Says which trials used files that earlier trials had left, and what to do."""

from __future__ import annotations

import shlex
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from samebits import words
from samebits.model import Leak, RecordFile
from samebits.store.trace import TrialTrace


def trials_with_leaks(trials: Sequence[TrialTrace]) -> list[TrialTrace]:
    """Return the trials that read files of earlier trials, without the files that a trial only could find."""
    used = ((trial, [leak for leak in trial.file.leaks if leak.how != "there"]) for trial in trials)
    return [replace(trial, file=trial.file.model_copy(update={"leaks": leaks})) for trial, leaks in used if leaks]


def leak_contents(trial: TrialTrace) -> Hashable:
    """Return what the trial found in files of earlier trials. Unknown content equals no other content."""
    used = (leak for leak in trial.file.leaks if leak.how != "there")
    return frozenset((leak.path, leak.content or f"unknown to trial {trial.id}") for leak in used)


def leak_sentence(leaking: Sequence[TrialTrace], record: RecordFile) -> str:
    """Say which trials started from which trials' files, or could find them."""
    leaks = [leak for trial in leaking for leak in trial.file.leaks]
    verb = "could find" if all(leak.how == "there" for leak in leaks) else "started from"
    paths = sorted({str(_relative(leak.path, record.directory)) for leak in leaks})
    by = sorted({leak.written_by for leak in leaks})
    who = f"trial {by[0]}" if len(by) == 1 else "earlier trials"
    what = f"{words.agree(len(paths), 'a file', 'files')} that {who} had written ({words.first_few(paths, 3)})"
    return f"{words.trials([trial.id for trial in leaking])} {verb} {what}"


def begin_without(leak: Leak, record: RecordFile) -> str:
    """Return what to do so that no trial finds the file."""
    if record.options.isolate:
        return f"Remove {leak.path} before each trial: --isolate leaves it where it is."
    if leak.path.startswith("/dev/shm/"):  # noqa: S108
        return f"Remove {leak.path} before each trial."
    return "Run with --isolate: each trial then begins without the file."


def leak_advice(leak: Leak, record: RecordFile) -> str:
    """Return what to do: name {out} instead of the file's folder, use `--isolate`, or remove the file."""
    path = _relative(leak.path, record.directory)
    command = [_with_out(word, path) for word in record.command]
    if command != record.command:
        return f"samebits check -- {_shell(command)}"
    if record.options.isolate or leak.path.startswith("/dev/shm/"):  # noqa: S108
        return begin_without(leak, record)
    return f"samebits check --isolate -- {_shell(command)}   (or give the program '{{out}}' as its output folder)"


def _relative(path: str, directory: str) -> PurePosixPath:
    pure = PurePosixPath(path)
    return pure.relative_to(directory) if directory and pure.is_relative_to(directory) else pure


def _with_out(word: str, path: PurePosixPath) -> str:
    option, equals, value = word.rpartition("=") if word.startswith("-") else ("", "", word)
    value_path = PurePosixPath(value)
    if value in ("", ".", "/") or not (value_path == path or value_path in path.parents):
        return word
    ending = f"/{value_path.name}" if value_path == path else ""
    return f"{option}{equals}{{out}}{ending}"


def _shell(command: list[str]) -> str:
    return " ".join(f"'{word}'" if "{out}" in word else shlex.quote(word) for word in command)
