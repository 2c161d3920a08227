"""Makes a patch for the cause that `samebits explain` found, and tests whether the trials repeat with it.

`program` runs one trial to find the lines that draw random numbers. `patch` makes the changes. `fix` puts them into the
files, checks again, and removes them if the trials still diverge.
"""

from __future__ import annotations

import glob
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from samebits import checks, interrupt, store, words
from samebits.documents import Explanation
from samebits.errors import UsageError
from samebits.experiment import Progress, recorded_trials
from samebits.kept_record import judged
from samebits.launch import custody, origin
from samebits.model import Result
from samebits.patches.documents import FIX, PatchOutcome, PatchResult, PatchTrial
from samebits.patches.earlier import changed_elsewhere, earlier, is_in_place
from samebits.patches.notebooks import in_cells, notebook_of
from samebits.patches.patch import Patch
from samebits.patches.patched_files import PatchedFiles, Restoration, flush, keep_copies, remove_copies
from samebits.patches.program import Look, Program, look
from samebits.patches.proposal import FixDocuments, Proposal, of_patch, seed_of
from samebits.patches.reduction import MOST_CHECKS, Reduction, of_one_found_again, of_one_in_place, places
from samebits.ranks import have_ranks
from samebits.reports.result_words import folder_name
from samebits.store import Record

__all__ = ["FixRequest", "fix"]

IN_PLACE = "An earlier samebits fix --apply put this patch into the files."
FOLDER = "fix"  # the folder, in the record, of the trials with the patch
LEAST = 12  # trials with the patch: they miss a second source that affects half of all runs in 1 of 2,000 fixes


@dataclass(frozen=True)
class FixRequest:
    """`apply`: change the files, and check again. `run`: run the command even if the record is from elsewhere.

    `fewest`: after `apply`, leave out the changes that are not needed.

    `restore`: only remove the patch that a fix left in the files because it was killed.
    """

    record: Path
    apply: bool = False
    fewest: bool = False
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
    files = Restoration(documents.unseen_program(), earlier(record.folder / FIX), record.folder)
    if asked.restore:
        return _written(record, _restored(record, files))
    notes = files.before_a_fix(apply=asked.apply)
    before = earlier(record.folder / FIX)
    if before is not None and is_in_place(documents.unseen_program(), before):
        found = _mended_earlier(record, documents.unseen_program(), before)
        return found.model_copy(update={"notes": [*found.notes, *(of_one_in_place(found) if asked.fewest else [])]})
    changed = recorded_trials.changed_script(record)
    if changed:
        made = documents.found_again(changed)
    else:
        seen = look(record, result.divergence, progress)
        documents = replace(documents, notebook=notebook_of(record, seen))
        made = documents.proposed(_program(documents, in_cells(seen, documents.notebook)))
    is_tried = asked.apply and made.patches and not made.missing
    found = Attempts(made, progress).result(fewest=asked.fewest) if is_tried else made.document
    more = of_one_found_again(made) if asked.fewest and changed else []
    known = {"seconds": time.monotonic() - began, "notes": [*notes, *found.notes, *more]}
    return _written(record, found.model_copy(update=known))


def _mended_earlier(record: Record, program: Program, before: PatchResult) -> PatchResult:
    """Return the document of an earlier fix that mended. Raises UsageError if a file has changed since its trials."""
    changed = next(iter(changed_elsewhere(program, before)), "")
    changed = changed or recorded_trials.changed_script(store.open_record(record.folder / FOLDER))
    if changed:
        check = f"samebits check -- {shlex.join(record.file.command)}"
        raise UsageError(f"{changed} has changed since the patch was tried.", check)
    return before.model_copy(update={"sentence": f"{IN_PLACE} {before.sentence}"})


def _restored(record: Record, files: Restoration) -> PatchResult:
    """Restore the files, for --restore. Raises UsageError if no fix of this record was killed."""
    before = earlier(record.folder / FIX)
    if before is None or before.outcome != "trying":
        why = f"No samebits fix --apply of {folder_name(record.folder)} was killed: there is nothing to restore."
        raise UsageError(why, "")
    return before.model_copy(update={"outcome": "restored", "sentence": files.restored()})


def _explanation(result: Result, folder: Path) -> Explanation:
    """Return the explanation of the record.

    Raises UsageError if there is none, if its search was stopped before its end, or if the record has no answer.
    """
    found = result.explanation
    if found is None and result.verdict == "repeated":
        return Explanation(cause=[], minimal_controls=[], evidence=[], sentence=result.sentence)
    if found is None and result.verdict == "inconclusive":
        raise UsageError(f"The record {folder} has no answer: {result.sentence}", result.advice or "")
    if found is None or found.unfinished:
        how = "says that the search was stopped before its end" if found else "does not say why its trials diverge"
        raise UsageError(f"The record {folder} {how}.", f"samebits explain {folder_name(folder)}")
    return found


def _without_a_cause(result: Result, why: Explanation) -> str:
    return (
        why.sentence
        if result.verdict == "repeated"
        else f"No cause was found, so there is nothing to change: {why.sentence}"
    )


def _program(documents: FixDocuments, seen: Look) -> Program:
    record = documents.record
    drawn = {
        point.name for trial in record.trials for one in trial.observed for point in one.points if point.kind == "rng"
    }
    uses_cuda = any(name.startswith("torch-cuda") for name in drawn)
    packages = documents.result.setup.packages
    has_ranks = have_ranks(one.facts for trial in record.trials for one in trial.processes)
    return Program(seen, Path(record.file.directory), seed_of(record), packages, uses_cuda, has_ranks)


# -- apply ------------------------------------------------------------------------------------------------------------


@dataclass
class Attempts:
    """Puts one patch after the other into the files, and runs trials. `left`: the answer if somebody changed a file."""

    made: Proposal
    progress: Progress | None
    tried: list[PatchTrial] = field(default_factory=list)
    left: PatchResult | None = None
    documents: dict[Patch, PatchResult] = field(default_factory=dict)  # must be made while the files are as before

    def result(self, *, fewest: bool) -> PatchResult:
        """Return the outcome of the first patch with which the trials repeat. It stays in the files.

        If there is no such patch, the files are as before.
        """
        again = f"samebits fix --apply {'--fewest ' if fewest else ''}{folder_name(self.made.document.record)}"
        interrupt.tell(known="The files are as they were before the patch.", advice=again)
        for patch in self.made.patches:
            is_reduced = fewest and len(places(patch)) > 1
            if self._repeats(patch, stays=not is_reduced):
                found = self._reduced(patch) if is_reduced else self._outcome(patch, "mended")
                if found is not None:
                    return found
        return self.left or self._outcome(patch, "refuted")

    def _reduced(self, patch: Patch) -> PatchResult | None:
        """Try the smallest part of a patch once more, then the whole patch. Return the outcome of the first to repeat.

        None if neither repeats: then the patch had repeated by chance.
        """
        reduction = Reduction(patch, self._repeats)
        smallest = reduction.smallest()
        for one in dict.fromkeys((smallest, patch)):
            if self._repeats(one, stays=True):
                return _with_note(self._outcome(one, "mended"), reduction, one)
        return None

    def _repeats(self, patch: Patch, *, stays: bool = False) -> bool:
        """Return whether the trials repeat with a patch. `stays`: if so, the patch stays in the files."""
        if self.left is not None:
            return False
        document = self.documents.get(patch) or of_patch(self.made.document, self.made.program, patch)
        self.documents[patch] = document
        checked, strange = _with_patch(replace(self.made, document=document), patch, self.progress, stays=stays)
        self.tried.append(_trial(document, checked))
        if strange:
            self.left = _left(document.model_copy(update={"tried": self.tried}), self.made, strange)
        return checked.verdict == "repeated" and not strange

    def _outcome(self, patch: Patch, outcome: PatchOutcome) -> PatchResult:
        return _outcome(self.documents[patch], outcome, self.tried)


def _with_note(document: PatchResult, reduction: Reduction, kept: Patch) -> PatchResult:
    """Add a note to the document: how many changes were left out, and whether the search was complete."""
    every, some = len(places(reduction.patch)), len(places(kept))
    left = f"{every - some} of {words.count(every, 'change')} left out: the trials repeat without them, too"
    note = left if some < every else "no change could be left out"
    if reduction.is_cut:
        note += f"; the search ended after {MOST_CHECKS} checks, so some of the others may not be needed either"
    return document.model_copy(update={"notes": [*document.notes, note]})


def _with_patch(made: Proposal, patch: Patch, progress: Progress | None, *, stays: bool) -> tuple[Result, list[Path]]:
    """Run trials with a patch. Return their result, and the files that somebody changed meanwhile.

    The patch may still be in these files. So their copies stay, and fix.json keeps the outcome `trying`.
    """
    copies, files = made.record.folder / custody.FIX_COPIES, PatchedFiles(patch)
    _written(made.record, made.document.model_copy(update={"outcome": "trying"}))
    flush(made.record.folder / FIX)
    try:
        keep_copies(copies, patch.contents)
        with files:
            checked = _checked(made, progress)
            if stays and checked.verdict == "repeated":
                files.keep()
    except BaseException:
        if not files.strange:
            _written(made.record, made.document)
        raise
    finally:
        if not files.strange:
            remove_copies(copies)
    return checked, files.strange


def _checked(made: Proposal, progress: Progress | None) -> Result:
    """Check the program with the patch, as the record says, in LEAST trials, or in more if explain needed more."""
    request = recorded_trials.request_of(made.record)
    trials = max(len(made.result.trials), made.why.needed, LEAST)
    options = request.options.model_copy(update={"trials": trials, "artifacts": _artifacts(made)})
    request = replace(request, out=made.record.folder.absolute() / FOLDER, overwrite=True, options=options)
    return checks.run(request, progress).result


def _artifacts(made: Proposal) -> list[str]:
    """Return patterns of the files that count: those of the record.

    If the record observed only files and has no pattern, this is the pattern of the file that differed first. Without
    this pattern, a check in which all files are equal has no verdict.
    """
    trials, differed = made.record.trials, made.result.divergence
    named = made.record.file.options.artifacts
    if named or differed is None or any(trial.observed for trial in trials):
        return named
    paths = {file.path for trial in trials for file in trial.files.files}
    return sorted(glob.escape(path) for path in paths if f"{differed.name} > ".startswith(f"{path} > "))


def _trial(document: PatchResult, checked: Result) -> PatchTrial:
    return PatchTrial(
        patch=document.patch, verdict=checked.verdict, sentence=checked.sentence, trials=len(checked.trials),
        record=checked.record or "",
    )  # fmt: skip


def _left(document: PatchResult, made: Proposal, strange: Sequence[Path]) -> PatchResult:
    """Return the document of a patch that may still be in the files: somebody changed them while the trials ran."""
    names = words.listed(made.program.shown(path) for path in strange)
    said = f"{names} changed while the trials ran, so the trials say nothing. The patch may still be in the files."
    update = {
        "outcome": "trying", "verdict": "inconclusive", "sentence": said, "reason": said,
        "advice": f"samebits fix --restore {folder_name(made.record.folder)}",
    }  # fmt: skip
    return document.model_copy(update=update)


def _outcome(document: PatchResult, outcome: PatchOutcome, tried: list[PatchTrial]) -> PatchResult:
    last = tried[-1]
    if outcome == "mended":
        said = f"with the patch, {last.trials} of {last.trials} trials repeat. The patch stays in the files."
    else:
        what = "do not repeat" if last.verdict == "diverged" else "give no answer"
        said = f"with the patch, the trials {what}. The files are as before. The check with the patch: {last.sentence}"
    update = {
        "outcome": outcome, "verdict": last.verdict, "sentence": said[:1].upper() + said[1:], "tried": tried,
        "reason": last.sentence if last.verdict == "inconclusive" else None,
        "advice": f"samebits explain {folder_name(last.record)}" if last.verdict == "diverged" else None,
    }  # fmt: skip
    return document.model_copy(update=update)


def _written(record: Record, document: PatchResult) -> PatchResult:
    store.write_document(record.folder / FIX, document)
    return document
