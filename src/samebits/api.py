"""Provides the commands that run and judge trials as functions.

Each function takes the options of its command as keyword arguments, prints nothing, and returns its result. A training
command is a list of words, or the path of a script. The word `python` in it means the Python of the caller, unless
`python=` or `environment=` names a different one.

Every function raises SamebitsError if the request is impossible: an unknown option, a bad value, or a script or a
record that does not exist. Trials that diverge, fail or give no answer are results, not errors.
"""

from __future__ import annotations

import html
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits import requests
from samebits.errors import UsageError
from samebits.keywords import (
    AddOptions,
    AnyPath,
    CheckOptions,
    ExplainOptions,
    LocateOptions,
    RecordOptions,
    ReportOptions,
    value,
    values,
    words,
)
from samebits.model import Result
from samebits.options import REPORTS, read_added, read_text
from samebits.reports import SCREEN, check_targets, report_of_result, write_file

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from samebits.checks import OneTrialRecord
    from samebits.experiment import Request
    from samebits.store import Record

__all__ = ["Command", "add", "check", "compare", "explain", "locate", "record", "report"]

Command = AnyPath | Sequence[AnyPath]
FILES = tuple(option.name for option in REPORTS)
OF_A_RECORD = {*FILES, "alternatives", "run", "progress"}  # keywords that can be given with a record


def check(command: Command, **options: Unpack[CheckOptions]) -> Result:
    """Run a training several times in fresh processes, and say whether it repeats bit for bit.

    Returns the result. `result.record` is the folder of the record.
    """
    given = values("check", CheckOptions, options)
    requests.refuse_golden_options(given)
    given["trials"] = requests.trials(given, is_default="trials" not in options)
    request = _request(command, given)
    if given["golden"]:
        from samebits import golden

        path = Path(given["directory"] or ".", given["golden"])
        ended = golden.check(request, path, given["progress"], update=given["update"])
        return _written(ended.result, ended.experiment.record, given)
    from samebits import checks

    ended = checks.run(request, given["progress"])
    return _written(ended.result, ended.experiment.record, given)


def add(record: AnyPath, trials: int, **options: Unpack[AddOptions]) -> Result:
    """Run more trials of a record, and judge all its trials together.

    Returns the result of all trials. Raises UntrustedRecord, a SamebitsError, for a record that was made elsewhere or
    changed, unless `run=True`.
    """
    given = values("check", AddOptions, options)
    more = value("trials", read_added, trials)
    _prepare(given)
    from samebits import checks

    addition = checks.Addition(more, **{name: given[name] for name in checks.OF_ADDITION})
    ended = checks.run_more(_folder(record), addition, given["progress"])
    return _written(ended.result, ended.experiment.record, given)


def record(command: Command, **options: Unpack[RecordOptions]) -> OneTrialRecord:
    """Run a training once and keep what was observed, without a verdict.

    Returns the folder of the record, and how the trial ended. `check(..., against=folder)` compares with it.
    """
    given = values("record", RecordOptions, options)
    request = _request(command, given)
    from samebits import checks

    return checks.record(request, given["progress"])


def compare(first: AnyPath, second: AnyPath, **options: Unpack[ReportOptions]) -> Result:
    """Judge the trials of two records together.

    Returns the result. In it, the numbers of the second record's trials follow those of the first.
    """
    given = values("compare", ReportOptions, options)
    check_targets(_targets(given))
    from samebits.kept_record import judged_pair

    joined, result = judged_pair(_folder(first), _folder(second))
    return _written(result, joined, given)


def explain(command: Command, **options: Unpack[ExplainOptions]) -> Result:
    """Find out why trials diverge, and find the cheapest controls with which they repeat.

    `command`: a command, which is checked first, or the folder of a record, which holds its own command. Returns the
    result. `result.explanation` holds what was found; it is None if the trials give no answer.
    """
    given = values("explain", ExplainOptions, options)
    request = _request_or_folder(command, given, options)
    from samebits import causes
    from samebits.patches.shown_lines import with_patch

    checked = causes.run(request, given["progress"], run=given["run"], alternatives=given["alternatives"])
    ended, _ = with_patch(checked, given["progress"], run=given["run"])
    return _written(ended.result, ended.experiment.record, given)


def locate(command: Command, **options: Unpack[LocateOptions]) -> Result:
    """Narrow a divergence down from the step to the module and the operator.

    `command`: a command, which is checked first, or the folder of a record, which holds its own command. Returns the
    result. `result.location` holds what was found; it is None if the trials do not diverge.
    """
    given = values("locate", LocateOptions, options)
    request = _request_or_folder(command, given, options)
    from samebits import localization

    opened, result = localization.run(request, given["progress"], run=given["run"], heat=given["heat"])
    return _written(result, opened, given)


def report(record: AnyPath, **options: Unpack[ReportOptions]) -> Result:
    """Judge the trials of a record again, and write its reports.

    Returns the same kind of result as the function that made the record.
    """
    given = values("report", ReportOptions, options)
    check_targets(_targets(given))
    from samebits.kept_record import reported
    from samebits.store import open_record

    opened = open_record(_folder(record))
    return _written(reported(opened), opened, given)


def _prepare(given: Mapping[str, Any]) -> None:
    """Raise UsageError if trials cannot run here, or if their report could not be written."""
    requests.refuse_platform()
    check_targets(_targets(given))


def _request_or_folder(command: Command, given: dict[str, Any], options: Mapping[str, Any]) -> Request | Path:
    """Return the request for a command, or the folder if a record was given instead."""
    parts = words(command)
    if not requests.names_a_record(parts):
        return _request(parts, given)
    _prepare(given)
    idle = sorted(options.keys() - OF_A_RECORD)
    if idle:
        raise UsageError(f"{idle[0]}: a record already holds its command and its options.", "give the command instead.")
    return _folder(parts[0])


def _request(command: Command, given: dict[str, Any]) -> Request:
    """Make the request for the launcher. Raises UsageError or NotFoundError."""
    _prepare(given)
    python = given["python"]
    if python is None and given["environment"] is None and not _is_on_path():
        python = sys.executable or None
    request = requests.request({**given, "command": words(command), "python": python}, "check")
    return replace(request, directory=Path(given["directory"]).absolute()) if given["directory"] else request


def _is_on_path() -> bool:
    """Return whether `python` on PATH is the Python of the caller. If so, a record does not have to name it."""
    python = shutil.which("python")
    if python is None or Path(python).absolute().parent != Path(sys.executable).parent:
        return False
    return Path(python).samefile(sys.executable)


def _folder(given: AnyPath) -> Path:
    return Path(value("record", read_text, given))


def _targets(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the files to write: format -> path. Raises UsageError for `-`."""
    targets = {name: given[name] for name in FILES if given.get(name)}
    if SCREEN in targets.values():
        raise UsageError(f"{SCREEN!r} is not a file: the function returns the result.", "name a file.")
    return targets


def _written(result: Result, record: Record, given: Mapping[str, Any]) -> Result:
    """Write the reports of a result, and return it. The working folder gets the files of the last whole trial."""
    from samebits.launch.files.working_folder import SharedFolder

    SharedFolder.settle_all()
    targets = _targets(given)
    if targets:
        from samebits.reports import presenters

        report = report_of_result(result, record, targets)
        for name, target in targets.items():
            write_file(name, target, presenters.render(name, report))
    return result


def _html(result: Result) -> str:
    """Return the report that a terminal shows, as HTML."""
    from samebits.reports.presenters import terminal
    from samebits.reports.result_report import report as report_of

    return f"<pre>{html.escape(terminal.render(report_of(result, is_whole=False)))}</pre>"


# a notebook calls this method of the last value of a cell. It is not in the model, which imports no reports
Result._repr_html_ = _html  # type: ignore[attr-defined]
