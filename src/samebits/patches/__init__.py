"""Makes a patch for the cause that `samebits explain` found, and tests whether the trials repeat with it.

`program` runs one trial to find the lines that draw random numbers. `patch` makes the changes. `fix` puts them into the
files, checks again, and removes them if the trials still diverge.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samebits import checks, interrupt, store, words
from samebits.comparison.verdict.sought import evidence_of
from samebits.documents import Explanation
from samebits.errors import SamebitsError, UsageError
from samebits.experiment import Progress, recorded_trials
from samebits.experiment.estimates import CostEstimate
from samebits.kept_record import judged
from samebits.launch import origin
from samebits.launch.files import custody
from samebits.model import Result
from samebits.patches.documents import FIX, PatchOutcome, PatchResult, PatchTrial
from samebits.patches.notebooks import in_cells, notebook_of
from samebits.patches.patch import Patch
from samebits.patches.patched_files import (
    PatchedFiles,
    Restoration,
    content_of,
    digest,
    flush,
    keep_copies,
    remove_copies,
)
from samebits.patches.program import Look, Program, look
from samebits.patches.proposal import FixDocuments, Proposal, seed_of
from samebits.patches.seeds import with_own_seed
from samebits.ranks import have_ranks
from samebits.reports.result_words import folder_name
from samebits.store import Record
from samebits.store.record_files import read_document

__all__ = ["FixRequest", "fix"]

IN_PLACE = "An earlier samebits fix --apply put this patch into the files."
FOLDER = "fix"  # the folder, in the record, of the trials with the patch
LEAST = 5  # whole trials with the patch: explain has shown, in more trials, that its control removes the cause


@dataclass(frozen=True)
class FixRequest:
    """`apply`: change the files, and check again. `run`: run the command even if the record is from elsewhere.

    `restore`: only remove the patch that a fix left in the files because it was killed.
    """

    record: Path
    apply: bool = False
    run: bool = False
    restore: bool = False


def fix(asked: FixRequest, progress: Progress | None = None) -> PatchResult:
    """Make the patch for the cause that explain found, and write fix.json into the record.

    Raises UsageError if the record has no explanation, or if its scripts have changed since; UntrustedRecord if the
    record is from elsewhere; NotFoundError if its command or its folder is gone.
    """
    began = time.monotonic()
    record = store.open_record(asked.record)
    recorded_trials.usable(record)
    result = judged(record)
    why = _explanation(result, asked.record)
    documents = FixDocuments(record, result, why, custody.hold(record.folder.absolute()))
    if not why.cause or result.divergence is None:
        return documents.nothing(_without_a_cause(result, why), f"samebits locate {folder_name(asked.record)}")
    origin.require(record, run=asked.run)
    before = _earlier(record)
    files = Restoration(before, record.folder)
    if asked.restore:
        return _written(record, _restored(record, before, files))
    notes = files.before_a_fix(apply=asked.apply)
    if before is not None and before.outcome == "mended" and _is_in_place(record, before):
        return before.model_copy(update={"sentence": f"{IN_PLACE} {before.sentence}"})
    recorded_trials.refuse_changed(record, "explain")
    findings = look(record, result.divergence, progress)
    documents = replace(documents, notebook=notebook_of(record, findings))
    proposal = documents.proposed(_program(documents, in_cells(findings, documents.notebook)))
    is_tried = asked.apply and not proposal.missing
    document = proposal.document
    if proposal.patch is not None and is_tried:
        document = _tried(proposal, proposal.patch, progress)
    if document.outcome == "refuted":
        second = documents.proposed(proposal.program, is_second=True)
        if second.patch is not None and second.document.patch != proposal.document.patch:
            again = _tried(second, second.patch, progress)
            document = again.model_copy(update={"tried": [*document.tried, *again.tried]})
    update = {"seconds": time.monotonic() - began, "notes": [*notes, *document.notes]}
    return _written(record, document.model_copy(update=update))


def _earlier(record: Record) -> PatchResult | None:
    """Return the result of an earlier fix; None if there was none with a patch."""
    try:
        earlier = read_document(record.folder / FIX, PatchResult)
    except SamebitsError:
        return None
    return earlier if earlier.patch else None


def _is_in_place(record: Record, before: PatchResult) -> bool:
    """Return whether the files have the patch of an earlier fix with which the trials repeated.

    Raises UsageError if they have more than the patch, or if a file of the command has changed since its trials.
    """
    now = {change.file: digest(content_of(Path(before.directory) / change.file)) for change in before.changes}
    if all(now[change.file] == change.digest for change in before.changes):
        return False
    changed = next((change.file for change in before.changes if change.patched not in ("", now[change.file])), "")
    changed = changed or recorded_trials.changed_script(store.open_record(record.folder / FOLDER))
    if changed:
        check = f"samebits check -- {shlex.join(record.file.command)}"
        raise UsageError(f"{changed} has changed since the patch was tried.", check)
    return True


def _restored(record: Record, before: PatchResult | None, files: Restoration) -> PatchResult:
    """Restore the files, for --restore. Raises UsageError if no fix of this record was killed."""
    if before is None or before.outcome != "trying":
        why = f"No samebits fix --apply of {folder_name(record.folder)} was killed: there is nothing to restore."
        raise UsageError(why, "")
    return before.model_copy(update={"outcome": "restored", "sentence": files.restored()})


def _explanation(result: Result, folder: Path) -> Explanation:
    """Return the explanation of the record.

    Raises UsageError if there is none, if its search was stopped before its end, or if the record has no answer.
    """
    why = result.explanation
    if why is None and result.verdict == "repeated":
        return Explanation(cause=[], minimal_controls=[], evidence=[], sentence=result.sentence)
    if why is None and result.verdict == "inconclusive":
        raise UsageError(f"The record {folder} has no answer: {result.sentence}", result.advice or "")
    if why is None or why.unfinished:
        how = "says that the search was stopped before its end" if why else "does not say why its trials diverge"
        raise UsageError(f"The record {folder} {how}.", f"samebits explain {folder_name(folder)}")
    return why


def _without_a_cause(result: Result, why: Explanation) -> str:
    return (
        why.sentence
        if result.verdict == "repeated"
        else f"No cause was found, so there is nothing to change: {why.sentence}"
    )


def _program(documents: FixDocuments, findings: Look) -> Program:
    record = documents.record
    points = (point for trial in record.trials for process in trial.observed for point in process.points)
    uses_cuda = any(point.kind == "rng" and point.name.startswith("torch-cuda") for point in points)
    packages = documents.result.setup.packages
    has_ranks = have_ranks(process.facts for trial in record.trials for process in trial.processes)
    program = Program(findings, Path(record.file.directory), seed_of(record), packages, uses_cuda, has_ranks)
    return with_own_seed(program) if record.file.seed is None else program


# -- apply ------------------------------------------------------------------------------------------------------------


def _tried(proposal: Proposal, patch: Patch, progress: Progress | None) -> PatchResult:
    """Put the patch into the files, and run trials. It stays if they repeat. If not, the files are as before."""
    again = f"samebits fix --apply {folder_name(proposal.document.record)}"
    interrupt.tell(known="The files are as they were before the patch.", advice=again)
    checked, strange = _with_patch(proposal, patch, progress)
    trial = PatchTrial(
        patch=proposal.document.patch, verdict=checked.verdict, sentence=checked.sentence, trials=len(checked.trials),
        record=checked.record or "",
    )  # fmt: skip
    document = proposal.document.model_copy(update={"tried": [trial]})
    if strange:
        return _left(document, proposal, strange)
    return _outcome(document, "mended" if checked.verdict == "repeated" else "refuted", trial)


def _with_patch(proposal: Proposal, patch: Patch, progress: Progress | None) -> tuple[Result, list[Path]]:
    """Run trials with a patch. Return their result, and the files that somebody changed meanwhile.

    The patch may still be in these files. So their copies stay, and fix.json keeps the outcome `trying`.
    """
    copies, files = proposal.record.folder / custody.FIX_COPIES, PatchedFiles(patch)
    _written(proposal.record, proposal.document.model_copy(update={"outcome": "trying"}))
    flush(proposal.record.folder / FIX)
    try:
        keep_copies(copies, patch.contents.values())
        with files:
            checked = _checked(proposal, progress)
            if checked.verdict == "repeated":
                files.keep()
    except BaseException:
        if not files.strange:
            _written(proposal.record, proposal.document)
        raise
    finally:
        if not files.strange:
            remove_copies(copies)
    return checked, files.strange


def _checked(proposal: Proposal, progress: Progress | None) -> Result:
    """Check the program with the patch, as the record says. Say before what it costs."""
    request = recorded_trials.request_of(proposal.record)
    trials, ran = _trials(proposal), proposal.result.trials
    seconds = sum(trial.seconds for trial in ran) / len(ran)
    estimate = CostEstimate("the check with the patch runs", trials, trials, seconds, proposal.why.at_a_time)
    (progress or Progress()).estimate(estimate)
    options = request.options.model_copy(update={"trials": trials, "artifacts": _artifacts(proposal)})
    request = replace(request, out=proposal.record.folder.absolute() / FOLDER, overwrite=True, options=options)
    return checks.run(request, progress).result


def _trials(proposal: Proposal) -> int:
    """Return how many trials try the patch: LEAST, or as many as the record asks for.

    If most trials agreed without the control too, a few say little: then as many as explain needed.
    """
    sizes = [len(group) for group in proposal.result.groups]
    is_rare = 2 * max(sizes) > sum(sizes)
    return max(proposal.record.file.options.trials, proposal.why.needed if is_rare else 0, LEAST)


def _artifacts(proposal: Proposal) -> list[str]:
    """Return patterns of the files that count: those of the record.

    If the record has no steps and no pattern, this is the pattern of the file or stream that differed first. Without
    it, a check in which all files are equal has no verdict.
    """
    trials, patterns = proposal.record.trials, proposal.record.file.options.artifacts
    sought = evidence_of(proposal.result, trials)
    if patterns or sought is None or any(process.steps for trial in trials for process in trial.observed):
        return patterns
    return [sought.pattern] if sought.pattern else []


def _left(document: PatchResult, proposal: Proposal, strange: Sequence[Path]) -> PatchResult:
    """Return the document of a patch that may still be in the files: somebody changed them while the trials ran."""
    names = words.listed(proposal.program.shown(path) for path in strange)
    text = f"{names} changed while the trials ran, so the trials say nothing. The patch may still be in the files."
    update = {
        "outcome": "trying", "verdict": "inconclusive", "sentence": text, "reason": text,
        "advice": f"samebits fix --restore {folder_name(proposal.record.folder)}",
    }  # fmt: skip
    return document.model_copy(update=update)


def _outcome(document: PatchResult, outcome: PatchOutcome, last: PatchTrial) -> PatchResult:
    if outcome == "mended":
        text = f"with the patch, {last.trials} of {last.trials} trials repeat. The patch stays in the files."
    else:
        what = "do not repeat" if last.verdict == "diverged" else "give no answer"
        text = f"with the patch, the trials {what}. The files are as before. The check with the patch: {last.sentence}"
    update = {
        "outcome": outcome, "verdict": last.verdict, "sentence": text[:1].upper() + text[1:],
        "reason": last.sentence if last.verdict == "inconclusive" else None,
        "advice": f"samebits explain {folder_name(last.record)}" if last.verdict == "diverged" else None,
    }  # fmt: skip
    return document.model_copy(update=update)


def _written(record: Record, document: PatchResult) -> PatchResult:
    store.write_document(record.folder / FIX, document)
    return document
