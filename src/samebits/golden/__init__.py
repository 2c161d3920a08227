"""Golden files: a check that is also compared with a small text file, which people commit beside their code.

`check` runs the trials and compares them with each other. If they agree, it compares them with the block of this
environment in the golden file. `trial_block` makes the block of the new trials out of `environment` and `steps`,
`blocks` has its text, `golden_file` the file around it, `differences` the comparison, `answer` the result.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from samebits import checks, controls, words
from samebits.checks import Check
from samebits.errors import NotFoundError
from samebits.options import DEFAULT_SEED
from samebits.reports import check_targets, write_file
from samebits.store.record import RESULT

if TYPE_CHECKING:
    from samebits.experiment import Progress, Request
    from samebits.golden.golden_file import GoldenFile
    from samebits.model import Result
    from samebits.store.record import Record

__all__ = ["check"]


def check(request: Request, path: Path, progress: Progress | None = None, *, update: bool = False) -> Check:
    """Check a training, and compare it with a golden file. `update`: write the block of this environment.

    Raises what `checks.run` raises, and UsageError or NotFoundError for a golden file that cannot be used.
    """
    from samebits.golden.golden_file import read_golden  # here and below, because it imports NumPy

    check_targets({"golden": str(path)})
    file, held = read_golden(path), _controls(request)
    if not file.header and not update:
        again = f"samebits check --golden {path} --update -- {words.command(request.command)}"
        raise NotFoundError(f"There is no golden file {path}, so there is nothing to compare with.", again)
    file.refuse_other_controls(held)
    ended = checks.run(replace(request, settled=file.laws), progress, hash_wanted=file.hash)
    result = _result(file, ended.experiment.record, ended.result, held if update else None)
    ended.experiment.write(RESULT, result)
    return Check(ended.experiment, result)


def _controls(request: Request) -> str:
    """Return the controls in words, then the options that decide what is compared."""
    held = controls.resolve(request.controls, request.preset)
    seed = request.seed if request.seed is not None else DEFAULT_SEED
    texts = [f"{', '.join(held)}, seed {seed}" if held else "none"]
    patterns = (("--artifact", request.options.artifacts), ("--ignore", request.options.ignores))
    texts += [f"{flag} {shlex.quote(pattern)}" for flag, values in patterns for pattern in sorted(values)]
    return words.one_line("; ".join(texts))


def _result(file: GoldenFile, record: Record, was: Result, held: str | None) -> Result:
    """Return the result with the answer about the golden file. `held`: the controls, if the file is to be written."""
    from samebits.golden import answer
    from samebits.golden.golden_file import header_of
    from samebits.golden.trial_block import NoBlock, block_of_trials

    if was.verdict != "repeated":
        return answer.not_compared(file, was)
    try:
        new = block_of_trials(record, was)
    except NoBlock as why:
        return answer.no_block(file, was, why)
    if held is None:
        return answer.compared(file, was, new)
    header = file.header or header_of(record.file.hash, held)
    write_file("golden", str(file.path), file.text_with(new, header))
    return answer.written(file, was, new, file.block_for(new))
