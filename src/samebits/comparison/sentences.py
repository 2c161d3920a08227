"""The verdict in one sentence, with its scope."""

from __future__ import annotations

from samebits import words
from samebits.comparison.coverage import only_files
from samebits.comparison.groups import Comparison
from samebits.model import Divergence, Scope

_MOST_FILES = 3


def repeated(comparison: Comparison, scope: Scope, leak: str | None = None) -> str:
    """``5 trials, one model: all 1,200 steps have the same bits.``, and what limits that."""
    said = _repeated(comparison, scope)
    return f"{said[:-1]}, but {leak}." if leak else said


def _repeated(comparison: Comparison, scope: Scope) -> str:
    trials = words.count(len(comparison.aligned), "trial")
    if all(only_files(trial.trial) for trial in comparison.aligned):
        files = max(len(trial.trial.files.files) for trial in comparison.aligned)
        what = "the file has" if files == 1 else f"all {files:,} files have"
        return f"{trials}, one result: {what} the same content."
    steps = scope.steps_compared
    if scope.kind == "prefix":
        first = f"the first {words.count(steps, 'step')} {words.agree(steps, 'has', 'have')}"
        return f"{trials}, one model so far: {first} the same bits."
    what = "its one step has" if steps == 1 else f"all {words.count(steps, 'step')} have"
    return f"{trials}, one model: {what} the same bits."


def diverged(comparison: Comparison, divergence: Divergence) -> str:
    """``5 trials, 3 models: they diverge at step 0 (gradient of embed.weight).``"""
    trials = words.count(len(comparison.aligned), "trial")
    steps = any(trial.steps for trial in comparison.aligned)
    what = words.count(len(comparison.groups), "model" if steps else "result")
    return f"{trials}, {what}: they diverge {_when(divergence)} ({_what(divergence)}){_files(comparison, divergence)}."


def _files(comparison: Comparison, divergence: Divergence) -> str:
    """``; the file policy.bin differs too``: what is left on disk, where a value in memory names the divergence."""
    return f"; {different_files(comparison, divergence)}" if divergence.kind == "end" else ""


def different_files(comparison: Comparison, divergence: Divergence) -> str:
    """``the file policy.bin differs too``: files that trials left and that differ in what counts.

    Empty if there are none, or if a file is the divergence itself.
    """
    written = {file.path for trial in comparison.aligned for file in trial.trial.files.files}
    unlike = {file.path for pair in comparison.against_reference().values() for file in pair.files} & written
    if not unlike or any(divergence.name == path or divergence.name.startswith(path + " >") for path in unlike):
        return ""
    shown = sorted(unlike)[:_MOST_FILES]
    more = f" (and {len(unlike) - len(shown)} more)" if len(unlike) > len(shown) else ""
    verb = words.agree(len(unlike), "the file {} differs too", "the files {} differ too")
    return verb.format(words.listed(shown) + more)


def _what(divergence: Divergence) -> str:
    """The kind, the name, and the process if it has a name of its own."""
    kind, name = divergence.kind, divergence.name or "?"
    where = f" in the process {divergence.process.name}" if divergence.process.name else ""
    return f"{kind}{where}" if name == kind else f"{kind} of {name}{where}"


def _when(divergence: Divergence) -> str:
    if divergence.kind == "end":
        return "after the last step"
    if not divergence.process.trains:
        return "in a process that makes no step"
    return "before the first step" if divergence.step < 0 else f"at step {divergence.step:,}"
