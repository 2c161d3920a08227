"""Makes the documents of `samebits fix`: a proposed patch, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samebits import __version__, controls, words
from samebits.documents import Explanation
from samebits.errors import UsageError
from samebits.launch import custody
from samebits.model import Result
from samebits.options import DEFAULT_SEED
from samebits.patches import seeds
from samebits.patches.documents import FIX, ChangedPlace, ControlWithoutPatch, PatchResult, PlaceOfDraw
from samebits.patches.earlier import draws_again, earlier, found_again
from samebits.patches.notebooks import Notebook, why_not
from samebits.patches.patch import Patch, patches
from samebits.patches.program import Draw, LineChange, Look, Program
from samebits.store import Record
from samebits.store.record_files import digest_of

_RANKS = (
    "each rank gets a different seed, from the variable RANK (if your launcher sets a different variable, write its "
    "name there): with one seed, all ranks would draw the same random numbers"
)


@dataclass(frozen=True)
class Proposal:
    """A proposal. `patches`: the likeliest first. `missing`: controls without one. `document`: of the first patch."""

    record: Record
    result: Result
    why: Explanation
    program: Program
    patches: list[Patch]
    missing: list[str]
    document: PatchResult


@dataclass(frozen=True)
class FixDocuments:
    """Makes documents about one record. `lock`: keeps other samebits processes from changing the record.

    `notebook`: the notebook that the command runs; None if it runs none, or if no trial has shown it yet.
    """

    record: Record
    result: Result
    why: Explanation
    lock: custody.Custody
    notebook: Notebook | None = None

    def nothing(self, sentence: str, advice: str) -> PatchResult:
        """Return the document for a record without a cause to remove."""
        repeated = self.result.verdict == "repeated"
        return self._document(
            outcome="nothing", verdict="repeated" if repeated else "inconclusive", sentence=sentence,
            reason=None if repeated else sentence, advice=None if repeated else advice,
        )  # fmt: skip

    def proposed(self, program: Program) -> Proposal:
        """Return the patches for the cause, as a proposal."""
        found, missing = patches(program, self.why.cause)
        unmended = [self._unmended(program, name) for name in (missing if found else self.why.cause)]
        document = self._document(
            outcome="proposed" if found else "nothing",
            verdict="inconclusive" if unmended else None,
            sentence=self._sentence(found, unmended, program),
            reason=unmended[0].why if unmended else None,
            advice=unmended[0].instead[0] if unmended and unmended[0].instead else None,
            draws=self._draws(program),
            unmended=unmended,
            notes=_notes(program, found, self.why, self.notebook),
        )
        document = of_patch(document, program, found[0]) if found else document
        return Proposal(self.record, self.result, self.why, program, found, missing, document)

    def found_again(self, changed: str) -> Proposal:
        """Return the patch of an earlier fix for files that have changed since. Raises UsageError if its lines are
        gone.
        """
        before = earlier(self.record.folder / FIX)
        program = self.unseen_program()
        patch = found_again(program, before) if before is not None else None
        if before is None or patch is None:
            what = f"{changed} has changed since {self.record.folder} was recorded"
            explain = f"samebits explain -- {words.command(self.record.file.command)}"
            lost = ", and the lines of its patch are not there any more" if before is not None else ""
            raise UsageError(f"{what}{lost}.", explain)
        note = f"{changed} has changed since the record was made; the lines of the patch are still there"
        document = self._document(
            outcome="proposed",
            sentence=self._sentence([patch], (), program),
            draws=draws_again(program, before),
            notes=[note],
        )
        return Proposal(self.record, self.result, self.why, program, [patch], [], of_patch(document, program, patch))

    def unseen_program(self) -> Program:
        """Return the program before any trial has shown which lines it runs."""
        return Program(Look(), Path(self.record.file.directory), seed_of(self.record), self.result.setup.packages)

    def _sentence(self, found: Sequence[Patch], unmended: Sequence[ControlWithoutPatch], program: Program) -> str:
        cause = words.listed(self.why.cause)
        if not found and self._is_by_hand(program):
            what = "changes source files only" if self.notebook is None else f"cannot change {self.notebook.name}"
            return f"samebits {what}: put the lines for {cause} in by hand."
        if not found:
            return f"No patch fixes {cause}."
        lines = words.count(found[0].number, "line")
        if unmended:
            rest = words.listed(one.control for one in unmended)
            return f"{lines} for a part of the cause; no patch fixes {rest}."
        return f"{lines} for {cause}, not tried yet."

    def _unmended(self, program: Program, name: str) -> ControlWithoutPatch:
        instead = [line for one in self.why.fixes if one.control == name for line in one.lines]
        return ControlWithoutPatch(control=name, why=self._why_not(program, name), instead=instead)

    def _is_by_hand(self, program: Program) -> bool:
        """Return whether there are lines for the cause, but no source file to put them into."""
        is_closed = program.main is None or self.notebook is not None
        return is_closed and any(one.control in self.why.cause for one in self.why.fixes)

    def _why_not(self, program: Program, name: str) -> str:
        if self.notebook is not None and (program.main is None or seeds.is_seed(name)):
            return why_not(self.notebook, program, program.first(seeds.generators([name])))
        if not program.sources:
            return "the program has no source file that could be changed"
        if controls.name_of(name) == "clock":
            return "the program uses the clock for more than a seed: only you can say what should replace it"
        return f"no change of the lines that ran can hold {name}"

    def _draws(self, program: Program) -> list[PlaceOfDraw]:
        """Return the first draw of each generator that the cause seeds."""
        names = sorted(seeds.generators([name for name in self.why.cause if seeds.is_seed(name)]))
        found = [program.first([name]) for name in names]
        return [self._place_of(program, draw) for draw in found if draw is not None]

    def _place_of(self, program: Program, draw: Draw) -> PlaceOfDraw:
        path, line = draw.places[0]
        source = program.source(path)
        lines = source.lines if source is not None else []
        text = lines[line - 1].strip() if 0 < line <= len(lines) else draw.text
        cell, line = source.place_of(line) if source is not None else (None, line)
        return PlaceOfDraw(generator=draw.generator, file=program.shown(path), line=line, text=text, cell=cell)

    def _document(self, **fields: object) -> PatchResult:
        file = self.record.file
        known = {
            "samebits": __version__, "command": file.command, "directory": file.directory,
            "python": self.result.setup.python,
            "record": str(self.record.folder.absolute()), "cause": self.why.cause,
        }  # fmt: skip
        return PatchResult.model_validate({**known, **fields})


def of_patch(document: PatchResult, program: Program, patch: Patch) -> PatchResult:
    """Return the document with this patch."""
    changes = [_changed_place(program, one) for one in patch.changes]
    return document.model_copy(update={"patch": patch.diff(program), "changes": list(dict.fromkeys(changes))})


def _changed_place(program: Program, change: LineChange) -> ChangedPlace:
    source = change.source
    cell, line = source.place_of(source.text.count("\n", 0, change.edit.start) + 1)
    return ChangedPlace(
        control=change.control, file=program.shown(source.path), about=change.about, line=line, cell=cell,
        digest=_digest(source.path),
    )  # fmt: skip


def seed_of(record: Record) -> int:
    """Return the seed that the trials of a record used."""
    return DEFAULT_SEED if record.file.seed is None else record.file.seed


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return digest_of(file)


def _notes(program: Program, found: Sequence[Patch], why: Explanation, notebook: Notebook | None) -> list[str]:
    notes = [f"the trial that looked for the lines did not end well: {program.look.why}"] if program.look.why else []
    if found and "entropy" in why.cause:
        notes.append("a seeded draw is not secret: do not seed passwords, keys or tokens")
    if found and notebook is not None and any(change.source.path == notebook.path for change in found[0].changes):
        notes.append(f"if {notebook.name} is open in Jupyter, reload it before you save it, or the patch is lost")
    if notebook is not None:
        names = map(program.shown, program.look.left_out)
        notes += [
            f"a cell of {notebook.name} writes {name}, so the patch leaves {name} out: change that cell"
            for name in names
        ]
    if found and found[0].differs_by_rank:
        notes.append(_RANKS)
    if why.outside_known_controls:
        notes.append("no known control fixes a later difference")
    return notes
