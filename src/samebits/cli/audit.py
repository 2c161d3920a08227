"""Runs `samebits audit`: does a resumed training equal the uninterrupted one?"""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import launching
from samebits.options import REPORTS

if TYPE_CHECKING:
    from samebits.audit.result import AuditResult

__all__ = ["AUDIT", "show_audit"]

AUDIT_TEXT = """Does a resumed training equal the uninterrupted one? If not: what did the checkpoint forget?

samebits runs the training twice without an interruption. Then a fresh process resumes with the files that a kill one
step after a checkpoint would have left. By default it tries one checkpoint in the middle of an epoch, one at an epoch's
boundary, and a second resume. It puts parts of the uninterrupted run into a resumed one to see which ones were missing.

If you name a RECORD instead of a command, samebits takes the uninterrupted runs from this check or earlier audit.

Without --resume, the command itself resumes if it finds its files in {out} or in the working folder. The command of
--resume finds the checkpoint as {checkpoint}.

Exit status: 0 the resumed runs have the same bits, 1 one differs, 2 wrong use or an error, 3 no answer."""


def run_audit(**given: Any) -> int:
    """Run the arms, compare, and answer."""
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    requests.refuse_platform()
    is_record = requests.names_a_record(given["command"])
    request = requests.local_request(given, "audit")
    from samebits.audit import AuditRequest, audit

    audit_request = AuditRequest(
        request=request,
        record=Path(given["command"][0]) if is_record else None,
        resume=shlex.split(given["resume"] or ""),
        without_saving=shlex.split(given["without_saving"] or ""),
        pattern=given["checkpoints"],
        at=given["at"],
        windows=given["windows"],
        length=given["length"],
        budget=given["budget"],
        stop=given["stop"],
    )
    return _answer(audit(audit_request, partial(answers.titled_progress, ask=given["ask"])), targets)


def show_audit(folder: Path, targets: answers.Targets) -> int:
    """Show the result of an earlier audit."""
    from samebits.audit import read

    return _answer(read(folder), targets)


def _answer(result: AuditResult, targets: answers.Targets) -> int:
    from samebits.audit.report import report

    return answers.present(report(result), targets)


AUDIT = launching("audit", run_audit, AUDIT_TEXT)
