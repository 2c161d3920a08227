"""Makes the statement of a record."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from samebits import words
from samebits.comparison import judge
from samebits.errors import UsageError
from samebits.model import Result
from samebits.statements.claim import COMMIT, Claim, Resource, TestOutcome
from samebits.statements.model_files import model_files, parts_of, sha256, whole_trial
from samebits.store.record import Record
from samebits.store.trace import TrialTrace

__all__ = ["statement_of", "tested"]

_LOCKS = ("*.lock", "pylock*.toml", "requirements*.txt")  # the names of files that pin versions
_AGAIN = "run the check again, then make the statement."


def statement_of(record: Record, result: Result) -> Claim:
    """Return the statement of a record whose result is not `inconclusive`.

    Raises UsageError if no trial left a model, or if a file is no longer as the trials left it.
    """
    trial = whole_trial(record)
    files = model_files(record, trial) if trial is not None else {}
    if trial is None or not files:
        what = "no trial left a final model, so there is nothing that a statement could be about."
        raise UsageError(f"{record.folder}: {what}", "let the program save its model, and leave --steps out.")
    if result.setup.code_changed:
        raise UsageError(f"{record.folder}: the code was changed between the trials.", _AGAIN)
    for name, file in files.items():
        if not file.path.is_file() or parts_of(file.path) != file.parts:
            raise UsageError(f"{name} is no longer as the trials left it ({file.path}).", _AGAIN)
    subject = [_resource(name, file.path) for name, file in files.items()]
    code = trial.file.code
    if code.get("commit") and not code.get("dirty"):
        subject.append(Resource(name="commit", digest={COMMIT: str(code["commit"])}))
    return Claim(subject=subject, predicate=_outcome(record, result, trial))


def _outcome(record: Record, result: Result, trial: TrialTrace) -> TestOutcome:
    configuration = [*_configuration(record, trial)]
    name = tested(result)
    if result.verdict == "diverged":
        return TestOutcome(result="FAILED", configuration=configuration, failedTests=[name])
    if _has_caveat(record):
        return TestOutcome(result="WARNED", configuration=configuration, warnedTests=[name])
    return TestOutcome(result="PASSED", configuration=configuration, passedTests=[name])


def tested(result: Result) -> str:
    """Return the name of the test: how many trials, and which steps."""
    scope, trials = result.scope, sum(map(len, result.groups))
    which = "all" if scope.kind == "whole" else "the first"
    return f"repeat/{words.count(trials, 'trial')}/{which} {words.count(scope.steps_compared, 'step')}"


def _has_caveat(record: Record) -> bool:
    options = record.file.options.model_copy(update={"strict": True})
    return judge(record.file.model_copy(update={"options": options}), record.trials).verdict != "repeated"


def _configuration(record: Record, trial: TrialTrace) -> Iterator[Resource]:
    """Yield the record, the scripts that the command names, and the files that pin versions."""
    document = record.folder / "record.json"
    yield _resource(os.path.relpath(document), document)
    folder = Path(record.file.directory)
    for name, digest in trial.file.code.get("files", {}).items():
        path = folder / name
        if not path.is_file() or hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() != digest:
            raise UsageError(f"{name} is no longer the program that the trials ran.", _AGAIN)
        yield _resource(name, path)
    began = datetime.fromisoformat(trial.file.started).timestamp()
    for path in sorted({path for pattern in _LOCKS for path in folder.glob(pattern) if path.is_file()}):
        if path.stat().st_mtime > began:
            raise UsageError(f"{path.name} was changed after the trials began.", _AGAIN)
        yield _resource(path.name, path)


def _resource(name: str, path: Path) -> Resource:
    return Resource(name=name, digest={"sha256": sha256(path)})
