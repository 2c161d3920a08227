"""Makes the block of trials that agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone

import samebits
from samebits import words
from samebits.comparison.files.file_pairs import counted, shown_path
from samebits.comparison.traces.processes import AlignedTrial
from samebits.errors import SamebitsError
from samebits.golden import environment
from samebits.golden.blocks import GoldenBlock, checksum
from samebits.golden.differences import first_difference
from samebits.golden.steps import process_table
from samebits.model import Result
from samebits.store.record import Record
from samebits.store.trace import TrialTrace

__all__ = ["NoBlock", "block_of_trials"]


class NoBlock(SamebitsError):
    """The error for trials that no golden file can hold."""


def block_of_trials(record: Record, result: Result) -> GoldenBlock:
    """Return the block of the trials of a result that repeated. Raises NoBlock.

    It has only the files that are equal in all trials. A log with times in it is not one of them.
    """
    agreed = result.groups[0]
    laws = {law.place: law.law for law in [*record.file.settled, *result.settled] if law.law != "none"}
    blocks = [replace(_block(record, trial, len(agreed)), laws=laws) for trial in record.trials if trial.id in agreed]
    files = set.intersection(*(set(block.files.items()) for block in blocks))
    first, *others = [replace(block, files=dict(files)) for block in blocks]
    _refuse_different(first, others)
    if not first.processes and not first.files:
        raise NoBlock("no value was seen that a golden file can hold.", "name the result file: --artifact GLOB.")
    return first


def _refuse_different(first: GoldenBlock, others: Sequence[GoldenBlock]) -> None:
    difference = next(filter(None, (first_difference(first, other) for other in others)), None)
    if difference is not None:
        what = f"the trials agree in everything that counts, but {difference.where} differs in values that do not count"
        raise NoBlock(f"{what}. A golden file cannot hold these values.", "leave them out: --ignore 'KIND NAME'.")


def _block(record: Record, trial: TrialTrace, trials: int) -> GoldenBlock:
    aligned, ignores = AlignedTrial(trial, record.file.command), record.file.options.ignores
    tables = [process_table(member.trace, ignores, is_whole=aligned.whole) for member in aligned.members]
    files = {shown_path(file, trial): counted(file) for file in trial.files.files}
    printed = trial.file.metrics_printed
    return GoldenBlock(
        environment=environment.environment_of(trial),
        made=_origin(record, trial, trials),
        processes=[table for table in tables if table.lines or table.end],
        stopped_after=None if aligned.whole else aligned.steps,
        files={_name(path): checksum(" ".join(sorted(parts.values()))) for path, parts in files.items() if parts},
        metrics={_name(name): words.one_line(printed.get(name, "")) for name in record.file.options.metrics},
    )


def _name(text: str) -> str:
    """Return a name that can stand before a colon."""
    return words.one_line(text).replace(": ", ":")


def _origin(record: Record, trial: TrialTrace, trials: int) -> dict[str, str]:
    commit = str(trial.file.code.get("commit") or "none")[:12]
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "commit": f"{commit} with changes" if trial.file.code.get("dirty") else commit,
        "trials": str(trials),
        "samebits": samebits.__version__,
        "command": words.one_line(words.command(record.file.command, 1000)),
    }
