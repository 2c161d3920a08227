"""`samebits fix`: from a record to a patch; with --apply, from a patch to files with which the trials repeat."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samebits import __version__, checks, controls, interrupt, store, words
from samebits.comparison.setup import scripts
from samebits.documents import Explanation
from samebits.errors import UsageError
from samebits.experiment import Progress, recorded_trials
from samebits.kept_record import judged
from samebits.launch import custody, facts, origin
from samebits.model import Divergence, Result
from samebits.options import DEFAULT_SEED
from samebits.patches import seeds
from samebits.patches.documents import (
    ChangedPlace,
    ControlWithoutPatch,
    PatchOutcome,
    PatchResult,
    PatchTrial,
    PlaceOfDraw,
)
from samebits.patches.earlier import draws_again, earlier, found_again, is_in_place
from samebits.patches.look import Draw, Look, look
from samebits.patches.patch import Patch, patches
from samebits.patches.patched_files import PatchedFiles
from samebits.patches.program import Program
from samebits.patches.restoration import COPIES, Restoration, keep_copies, remove_copies
from samebits.reports.result_words import folder_name
from samebits.store import Record
from samebits.store.content import digest_of

FIX = "fix.json"
IN_PLACE = "An earlier samebits fix --apply put this patch into the files."
FOLDER = "fix"  # of the record of the trials with the patch


@dataclass(frozen=True)
class FixRequest:
    """`apply`: change the files, and check again. `run`: run the command of a record from elsewhere, too.

    `restore`: only take out the patch that a fix has left in the files because it was killed.
    """

    record: Path
    apply: bool = False
    run: bool = False
    restore: bool = False


def fix(asked: FixRequest, progress: Progress | None = None) -> PatchResult:
    """Make the patch for the cause that explain found, and write fix.json into the record.

    Raises UsageError for a record without an explanation or with scripts that have changed since, Untrusted for one
    from elsewhere, NotFound if its command or its folder is gone.
    """
    began = time.monotonic()
    record = store.open_record(asked.record)
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
    changed = _changed(record)
    before = earlier(record.folder / FIX)
    if changed and before is not None and is_in_place(documents.unseen_program(), before):
        return before.model_copy(update={"sentence": f"{IN_PLACE} {before.sentence}"})
    if changed:
        made = documents.found_again(changed)
    else:
        made = documents.proposed(_program(record, result.divergence, result.setup.packages, progress))
    is_tried = asked.apply and made.patches and not made.missing
    found = _tried(made, progress) if is_tried else made.document
    known = {"seconds": time.monotonic() - began, "notes": [*notes, *found.notes]}
    return _written(record, found.model_copy(update=known))


def _restored(record: Record, files: Restoration) -> PatchResult:
    """Do what --restore asks for. UsageError if no fix of this record was killed."""
    before = earlier(record.folder / FIX)
    if before is None or before.outcome != "trying":
        why = f"No samebits fix --apply of {folder_name(record.folder)} was killed: there is nothing to restore."
        raise UsageError(why, "")
    return before.model_copy(update={"outcome": "restored", "sentence": files.restored()})


def _explanation(result: Result, folder: Path) -> Explanation:
    """What explain found. UsageError if it has not looked, or was ended midway, or if the record has no answer."""
    found = result.explanation
    if found is None and result.verdict == "repeated":
        return Explanation(cause=[], minimal_controls=[], evidence=[], sentence=result.sentence)
    if found is None and result.verdict == "inconclusive":
        raise UsageError(f"The record {folder} has no answer: {result.sentence}", result.advice or "")
    if found is None or found.unfinished:
        how = "says that the search for the cause was ended midway" if found else "does not say why its trials diverge"
        raise UsageError(f"The record {folder} {how}.", f"samebits explain {folder_name(folder)}")
    return found


def _without_a_cause(result: Result, why: Explanation) -> str:
    return (
        why.sentence
        if result.verdict == "repeated"
        else f"No cause was found, so there is nothing to change: {why.sentence}"
    )


def _changed(record: Record) -> str:
    """A script of the command that is not what it was when the record was made; "" if there is none."""
    directory = Path(record.file.directory)
    was, now = scripts(record.trials[0], str(directory)), facts.code(directory, record.file.command)["files"]
    return next((name for name in sorted(was) if was[name] != now.get(name)), "")


def _program(record: Record, where: Divergence, packages: Mapping[str, str], progress: Progress | None) -> Program:
    seen: Look = look(record, where, progress)
    drawn = {
        point.name for trial in record.trials for one in trial.observed for point in one.points if point.kind == "rng"
    }
    uses_cuda = any(name.startswith("torch-cuda") for name in drawn)
    return Program(seen, Path(record.file.directory), _seed(record), packages, uses_cuda)


def _seed(record: Record) -> int:
    return DEFAULT_SEED if record.file.seed is None else record.file.seed


@dataclass(frozen=True)
class Proposal:
    """The patches, the likeliest first; the controls for which there is none; and the document of the first."""

    record: Record
    result: Result
    why: Explanation
    program: Program
    patches: list[Patch]
    missing: list[str]
    document: PatchResult


@dataclass(frozen=True)
class FixDocuments:
    """Makes documents about one record, which no other samebits changes meanwhile (`lock`)."""

    record: Record
    result: Result
    why: Explanation
    lock: custody.Custody

    def nothing(self, sentence: str, advice: str) -> PatchResult:
        """There is no cause to mend."""
        repeated = self.result.verdict == "repeated"
        return self._document(
            outcome="nothing", verdict="repeated" if repeated else "inconclusive", sentence=sentence,
            reason=None if repeated else sentence, advice=None if repeated else advice,
        )  # fmt: skip

    def proposed(self, program: Program) -> Proposal:
        """The patches for the cause, as a proposal."""
        found, missing = patches(program, self.why.cause)
        unmended = [self._unmended(program, name) for name in (missing if found else self.why.cause)]
        document = self._document(
            outcome="proposed" if found else "nothing",
            verdict="inconclusive" if unmended else None,
            sentence=self._sentence(found, unmended),
            reason=unmended[0].why if unmended else None,
            advice=unmended[0].instead[0] if unmended and unmended[0].instead else None,
            draws=_draws(program, self.why.cause),
            unmended=unmended,
            notes=_notes(program, found, self.why),
        )
        document = of_patch(document, program, found[0]) if found else document
        return Proposal(self.record, self.result, self.why, program, found, missing, document)

    def found_again(self, changed: str) -> Proposal:
        """The patch of an earlier fix, for files that have changed since. UsageError if its lines are not there."""
        before = earlier(self.record.folder / FIX)
        program = self.unseen_program()
        patch = found_again(program, before) if before is not None else None
        if before is None or patch is None:
            what = f"{changed} has changed since {self.record.folder} was recorded"
            explain = f"samebits explain -- {words.command(self.record.file.command)}"
            raise UsageError(*_lost(what, before, self.record, explain))
        note = f"{changed} has changed since the record was made; the lines of the patch are still there"
        document = self._document(
            outcome="proposed", sentence=self._sentence([patch], ()), draws=draws_again(program, before), notes=[note]
        )
        return Proposal(self.record, self.result, self.why, program, [patch], [], of_patch(document, program, patch))

    def unseen_program(self) -> Program:
        """The program, of which no trial has told what it runs."""
        return Program(Look(), Path(self.record.file.directory), _seed(self.record), self.result.setup.packages)

    def _sentence(self, found: Sequence[Patch], unmended: Sequence[ControlWithoutPatch]) -> str:
        cause = words.listed(self.why.cause)
        if not found:
            return f"No change of a line mends {cause}."
        lines = words.count(found[0].number, "line")
        if unmended:
            rest = words.listed(one.control for one in unmended)
            return f"{lines} for a part of the cause; no change of a line mends {rest}."
        return f"{lines} for {cause}, not tried yet."

    def _unmended(self, program: Program, name: str) -> ControlWithoutPatch:
        instead = [line for one in self.why.fixes if one.control == name for line in one.lines]
        return ControlWithoutPatch(control=name, why=_why_not(program, name), instead=instead)

    def _document(self, **fields: object) -> PatchResult:
        file = self.record.file
        known = {
            "samebits": __version__, "command": file.command, "directory": file.directory,
            "python": self.result.setup.python,
            "record": str(self.record.folder.absolute()), "cause": self.why.cause,
        }  # fmt: skip
        return PatchResult.model_validate({**known, **fields})


def _lost(what: str, before: PatchResult | None, record: Record, explain: str) -> tuple[str, str]:
    """Why there is no patch for files that have changed, and the command that helps."""
    if before is None:
        return f"{what}.", explain
    if before.outcome == "trying":
        restore = f"samebits fix --restore {folder_name(record.folder)}"
        return f"{what}, and a samebits fix --apply was killed while its patch was in the files.", restore
    return f"{what}, and the lines of its patch are not there any more.", explain


def of_patch(document: PatchResult, program: Program, patch: Patch) -> PatchResult:
    """The document with this patch."""
    changes = [
        ChangedPlace(
            control=one.control, file=program.shown(one.source.path), about=one.about,
            line=one.source.text.count("\n", 0, one.edit.start) + 1, digest=_digest(one.source.path),
        )
        for one in patch.changes
    ]  # fmt: skip
    return document.model_copy(update={"patch": patch.diff(program), "changes": list(dict.fromkeys(changes))})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return digest_of(file)


def _draws(program: Program, cause: Iterable[str]) -> list[PlaceOfDraw]:
    names = sorted(seeds.generators([name for name in cause if seeds.is_seed(name)]))
    found = [program.first([name]) for name in names]
    return [_place_of(program, draw) for draw in found if draw is not None]


def _place_of(program: Program, draw: Draw) -> PlaceOfDraw:
    path, line = draw.places[0]
    source = program.source(path)
    text = source.lines[line - 1].strip() if source is not None and 0 < line <= len(source.lines) else ""
    return PlaceOfDraw(generator=draw.generator, file=program.shown(path), line=line, text=text)


def _why_not(program: Program, name: str) -> str:
    if not program.sources:
        return "the program has no source file that could be changed"
    if controls.name_of(name) == "clock":
        return "the program uses the clock for more than a seed: only you can say what should replace it"
    return f"no change of a line that ran can hold {name}"


def _notes(program: Program, found: Sequence[Patch], why: Explanation) -> list[str]:
    notes = [f"the trial that looked for the lines did not end well: {program.look.why}"] if program.look.why else []
    if found and "entropy" in why.cause:
        notes.append("a seeded draw is not secret: do not seed passwords, keys or tokens")
    if why.outside_known_controls:
        notes.append("no known control fixes a later difference")
    return notes


# -- apply ------------------------------------------------------------------------------------------------------------


def _tried(made: Proposal, progress: Progress | None) -> PatchResult:
    """Put one patch after the other into the files, until the trials repeat with it."""
    interrupt.tell(known="The files are as they were before the patch.")
    tried: list[PatchTrial] = []
    document, copies = made.document, made.record.folder / COPIES
    for patch in made.patches:
        document = of_patch(made.document, made.program, patch)
        _written(made.record, document.model_copy(update={"outcome": "trying"}))
        keep_copies(copies, patch.contents)
        with PatchedFiles(patch) as files:
            checked = _checked(made, progress)
            tried.append(_trial(document, checked))
            if checked.verdict == "repeated":
                files.keep()
                remove_copies(copies)
                return _outcome(document, "mended", tried)
        remove_copies(copies)
        document = _told(document, files)
    return _outcome(document, "refuted", tried)


def _checked(made: Proposal, progress: Progress | None) -> Result:
    """Check the program with the patch: the record's command and options, as many trials as explain needed."""
    request = recorded_trials.request_of(made.record)
    trials = max(len(made.result.trials), made.why.needed, 2)
    options = request.options.model_copy(update={"trials": trials})
    request = replace(request, out=made.record.folder.absolute() / FOLDER, overwrite=True, options=options)
    return checks.run(request, progress).result


def _trial(document: PatchResult, checked: Result) -> PatchTrial:
    return PatchTrial(
        patch=document.patch, verdict=checked.verdict, sentence=checked.sentence, trials=len(checked.trials),
        record=checked.record or "",
    )  # fmt: skip


def _told(document: PatchResult, files: PatchedFiles) -> PatchResult:
    notes = [f"{path} was changed while the trials ran, and was not put back" for path in files.strange]
    return document.model_copy(update={"notes": [*document.notes, *notes]})


def _outcome(document: PatchResult, outcome: PatchOutcome, tried: list[PatchTrial]) -> PatchResult:
    last = tried[-1]
    if outcome == "mended":
        said = f"with the patch, {last.trials} of {last.trials} trials repeat. The patch stays in the files."
    else:
        said = f"with the patch, the trials do not repeat. The files are as before: {last.sentence}"
    update = {
        "outcome": outcome, "verdict": last.verdict, "sentence": said[:1].upper() + said[1:], "tried": tried,
        "reason": last.sentence if last.verdict == "inconclusive" else None,
        "advice": f"samebits explain {folder_name(last.record)}" if last.verdict == "diverged" else None,
    }  # fmt: skip
    return document.model_copy(update=update)


def _written(record: Record, document: PatchResult) -> PatchResult:
    store.write_document(record.folder / FIX, document)
    return document
