"""Puts the lines that `fix` would write into an explanation, so that `explain` and `fix` say the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from samebits.checks import Check
from samebits.documents import Explanation, Fix
from samebits.errors import SamebitsError
from samebits.experiment import Experiment, Progress
from samebits.model import Result
from samebits.patches import FixRequest, fix
from samebits.patches.documents import PatchResult
from samebits.patches.program import Program, ProgramCall, look
from samebits.patches.proposal import shown
from samebits.store.record import RESULT

_HUNK = re.compile(r"@@ -(\d+)")


def with_patch(checked: Check, progress: Progress | None, *, run: bool = False) -> tuple[Check, PatchResult | None]:
    """Make the patch for the cause, in one more trial. Return the check with its lines, and the patch; None if none.

    If the cause is outside of the known controls, the check names the lines that may be to blame.
    """
    experiment, result = checked
    why, document = result.explanation, None
    if result.verdict != "diverged" or why is None or not (why.cause or why.outside_known_controls):
        return checked, None
    progress = progress or Progress()
    progress.note("one more trial finds the lines that matter")
    try:
        notes = _self_seeded(experiment, result, progress) if why.outside_known_controls else []
        document = fix(FixRequest(experiment.folder, run=run), progress) if why.cause else None
    except SamebitsError as error:  # the files have changed meanwhile: the cause is found all the same
        progress.note(f"no patch: {error}")
        return checked, None
    notes = list(dict.fromkeys([*why.notes, *notes, *(document.notes if document else [])]))
    explanation = why.model_copy(update={"fixes": fixes(document, why) if document else why.fixes, "notes": notes})
    result = result.model_copy(update={"explanation": explanation})
    experiment.write(RESULT, result)
    return Check(experiment, result), document


def _self_seeded(experiment: Experiment, result: Result, progress: Progress) -> list[str]:
    """Return a note for each line that ran and lets an object seed itself: `torch.Generator().seed()`."""
    assert result.divergence is not None
    findings, directory = look(experiment.record, result.divergence, progress), experiment.plan.directory
    program = Program(findings, directory, experiment.plan.seed, result.setup.packages)
    lines = [shown(program, call.source, call.node.lineno) for call in program.calls if seeds_itself(call)]
    return [f"this line takes a seed from the system, and no control fixes it: {line}" for line in dict.fromkeys(lines)]


def seeds_itself(call: ProgramCall) -> bool:
    """Return whether a call is `seed()` of an object, not of a module: the controls hold those of modules."""
    function = call.node.func
    if not isinstance(function, ast.Attribute) or function.attr != "seed" or call.node.args or call.node.keywords:
        return False
    owner = f"{call.source.dotted(function.value)}."
    return not any(owner.startswith(f"{dotted}.") for dotted in call.source.imports.values())


def fixes(document: PatchResult, why: Explanation) -> list[Fix]:
    """Return the lines of the patch with their places. Controls without a patch keep the lines that they have."""
    left = {missing.control for missing in document.unmended}
    cells = any(change.cell is not None for change in document.changes)
    if not document.patch or cells:  # a diff of a notebook shows its JSON text
        return why.fixes
    return [*_of_diff(document), *(former for former in why.fixes if former.control in left)]


def _of_diff(document: PatchResult) -> Iterator[Fix]:
    """Yield each group of new lines of the diff, with the line of the old file that it replaces or precedes."""
    file, line, new, replaced = "", 0, list[str](), 0
    for text in [*document.patch.splitlines(), " "]:
        if text.startswith(("--- ", "+++ ")):
            file = text[4:].partition("\t")[0].removeprefix("b/")
        elif hunk := _HUNK.match(text):
            line = int(hunk[1])
        elif text.startswith("\\"):  # "\\ No newline at end of file"
            continue
        elif text.startswith("+"):
            new.append(text[1:])
        elif text.startswith("-"):
            replaced, line = replaced + 1, line + 1
        else:
            if new:
                yield _fix(document, file, line - replaced, new, is_before=not replaced)
            new, replaced, line = [], 0, line + 1


def _fix(document: PatchResult, file: str, line: int, new: list[str], *, is_before: bool) -> Fix:
    changes = [change for change in document.changes if change.file.lstrip("/") == file]  # a diff has no absolute path
    near = min(changes, key=lambda change: abs(change.line - line))
    where = f"in {near.file}, {'before line' if is_before else 'line'} {line}"
    return Fix(control=near.control, library="", where=where, lines=[text.strip() for text in new if text.strip()])
