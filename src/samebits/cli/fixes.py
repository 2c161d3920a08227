"""Runs `samebits fix`: makes the patch for the cause that explain found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import plain, record_argument
from samebits.errors import UsageError
from samebits.options import OPTIONS, REPORTS

__all__ = ["FIX"]

FIX_TEXT = """Make the patch for the cause that `samebits explain` found: a unified diff with file and line.

samebits runs the command of the RECORD once more, up to the step in which its trials diverged. So it sees which lines
of the program run, and which of them draws the first random number. Without --apply no file changes.

--apply puts the patch into the files and checks again: the same command and options, at least as many trials. If the
trials repeat, the patch stays. If not, or if samebits is stopped, samebits restores the files. After a `kill -9`,
`samebits fix --restore RECORD` does that.

If the cause is the order of a set or of the files in a folder, the patch changes every such place that ran. --fewest
then tries halves of these changes, until it knows which are needed, and leaves out the others.

Exit status: 0 if there is a patch (with --apply: the trials repeat with it), if there is nothing to fix, or if the
files are restored; 1 if the trials diverge with the patch; 3 if no change to the lines removes the cause, or if there
is no answer; 2 wrong use or an error."""


def run_fix(record: str, **given: Any) -> int:
    """Make the patch, try it if --apply is given, and answer."""
    requests.refuse_platform()
    targets = {**{option.name: given[option.name] for option in REPORTS}, "patch": given["patch"]}
    answers.check_targets(targets)
    from samebits.patches.earlier import in_bytes
    from samebits.patches.fix import FixRequest, fix
    from samebits.patches.report import report

    flags = {name: given[name] for name in ("apply", "fewest", "run", "restore")}
    asked = FixRequest(Path(record), **flags)
    if asked.apply and asked.restore:
        raise UsageError("--apply and --restore cannot go together.", "give one: --apply restores the files first.")
    if asked.fewest and not asked.apply:
        raise UsageError("--fewest needs --apply: only trials show which changes are needed.", "add --apply.")
    with answers.shown_progress() as progress:
        result = fix(asked, progress)
    patch = targets.pop("patch")
    status = answers.present(report(result), targets, quiet=patch == answers.SCREEN)
    if patch:
        answers.write_bytes("patch", patch, in_bytes(result))
    return status


FIX = plain(
    "fix",
    run_fix,
    "Which patch removes the cause?\n\n" + FIX_TEXT,
    OPTIONS["fix"],
    [record_argument("record")],
)
