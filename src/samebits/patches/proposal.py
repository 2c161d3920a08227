"""Makes the documents of `samebits fix`: a proposed patch, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from samebits import __version__, controls, words
from samebits.documents import Explanation
from samebits.launch.files import custody
from samebits.model import Result
from samebits.options import DEFAULT_SEED
from samebits.patches import seeds
from samebits.patches.documents import ChangedPlace, ControlWithoutPatch, PatchResult, PlaceOfDraw
from samebits.patches.notebooks import Notebook, why_not
from samebits.patches.patch import Patch, patch_for
from samebits.patches.patched_files import digest
from samebits.patches.program import Draw, LineChange, Program
from samebits.patches.source import SourceFile
from samebits.store import Record

_MOST_LINES = 8  # lines of a program that the answer shows for a control without a patch
_RANKS = (
    "each rank gets a different seed, from the variable RANK (if your launcher sets a different variable, write its "
    "name there): with one seed, all ranks would draw the same random numbers"
)


@dataclass(frozen=True)
class Proposal:
    """A proposal. `patch`: None if there is none. `missing`: the controls without a change."""

    record: Record
    result: Result
    why: Explanation
    program: Program
    patch: Patch | None
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

    def proposed(self, program: Program, *, is_second: bool = False) -> Proposal:
        """Return the patch for the cause, as a proposal. `is_second`: the trials do not repeat with the first one."""
        patch, missing = patch_for(program, self.why.cause, is_second=is_second)
        unmended = [self._unmended(program, name) for name in missing]
        document = self._document(
            outcome="proposed" if patch else "nothing",
            verdict="inconclusive" if unmended else None,
            sentence=self._sentence(patch, missing, program),
            reason=unmended[0].why if unmended else None,
            advice=unmended[0].instead[0] if unmended and unmended[0].instead else None,
            draws=self._draws(program),
            unmended=unmended,
            notes=list(self._notes(program, patch)),
            patch=patch.diff(program) if patch else "",
            changes=changed_places(program, patch) if patch else [],
        )
        return Proposal(self.record, self.result, self.why, program, patch, missing, document)

    def _sentence(self, patch: Patch | None, missing: list[str], program: Program) -> str:
        cause = words.listed(self.why.cause)
        if patch is None and self._is_by_hand(program):
            what = "changes source files only" if self.notebook is None else f"cannot change {self.notebook.name}"
            return f"samebits {what}: put the lines for {cause} in by hand."
        if patch is None:
            return f"No patch fixes {cause}."
        lines = words.count(patch.number, "line")
        if missing:
            return f"{lines} for a part of the cause; no patch fixes {words.listed(missing)}."
        return f"{lines} for {cause}, not tried yet."

    def _unmended(self, program: Program, name: str) -> ControlWithoutPatch:
        instead = [line for fix in self.why.fixes if fix.control == name for line in fix.lines]
        lines = list(dict.fromkeys(concerned_lines(program, name)))
        why = self._why_not(program, name, has_lines=bool(lines))
        return ControlWithoutPatch(control=name, why=why, instead=instead, lines=lines[:_MOST_LINES])

    def _is_by_hand(self, program: Program) -> bool:
        """Return whether there are lines for the cause, but no source file to put them into."""
        is_closed = program.main is None or self.notebook is not None
        return is_closed and any(fix.control in self.why.cause for fix in self.why.fixes)

    def _why_not(self, program: Program, name: str, *, has_lines: bool) -> str:
        if self.notebook is not None and (program.main is None or seeds.is_seed(name)):
            return why_not(self.notebook, program.first(seeds.generators([name])))
        if not program.sources:
            return "the program has no source file that could be changed"
        if has_lines:
            return "samebits does not change such lines: change them by hand"
        if seeds.is_seed(name):
            return "samebits finds no safe place for new lines after the imports and before the first draw"
        return f"no change of the lines that ran can hold {name}"

    def _draws(self, program: Program) -> list[PlaceOfDraw]:
        """Return the first draw of each generator that the cause seeds."""
        names = sorted(seeds.generators([name for name in self.why.cause if seeds.is_seed(name)]))
        draws = [program.first([name]) for name in names]
        return [self._place_of(program, draw) for draw in draws if draw is not None]

    def _place_of(self, program: Program, draw: Draw) -> PlaceOfDraw:
        path, line = draw.places[0]
        source = program.source(path)
        lines = source.lines if source is not None else []
        text = lines[line - 1].strip() if 0 < line <= len(lines) else draw.text
        cell, line = source.place_of(line) if source is not None else (None, line)
        return PlaceOfDraw(generator=draw.generator, file=program.shown(path), line=line, text=text, cell=cell)

    def _notes(self, program: Program, patch: Patch | None) -> Iterator[str]:
        if program.look.why:
            yield f"the trial that looked for the lines did not end well: {program.look.why}"
        notebook = self.notebook
        if patch and notebook is not None and notebook.path in patch.texts:
            yield f"if {notebook.name} is open in Jupyter, reload it before you save it, or the patch is lost"
        if patch and any(str(program.seed) in change.edit.text for change in patch.changes):
            yield self._seed_words(program)
        if patch and patch.differs_by_rank:
            yield _RANKS
        if self.why.outside_known_controls:
            yield "no known control fixes a later difference"

    def _seed_words(self, program: Program) -> str:
        if program.seed_place:
            return f"{program.seed} is the program's own seed ({program.seed_place})"
        if self.record.file.seed is not None:
            return f"{program.seed} is the value of --seed"
        return f"any seed will do: {program.seed} is samebits' own; to choose one, give --seed N to check or explain"

    def _document(self, **fields: object) -> PatchResult:
        file = self.record.file
        common = {
            "samebits": __version__, "command": file.command, "directory": file.directory,
            "python": self.result.setup.python,
            "record": str(self.record.folder.absolute()), "cause": self.why.cause,
        }  # fmt: skip
        return PatchResult.model_validate({**common, **fields})


def changed_places(program: Program, patch: Patch) -> list[ChangedPlace]:
    digests = {path: tuple(map(digest, pair)) for path, pair in patch.contents.items()}
    places = (_changed_place(program, change, digests[change.source.path]) for change in patch.changes)
    return list(dict.fromkeys(places))


def _changed_place(program: Program, change: LineChange, digests: tuple[str, ...]) -> ChangedPlace:
    cell, line = change.source.place_of(change.source.line_of(change.edit.start))
    return ChangedPlace(
        control=change.control, file=program.shown(change.source.path), about=change.about, line=line, cell=cell,
        digest=digests[0], patched=digests[1],
    )  # fmt: skip


def concerned_lines(program: Program, name: str) -> Iterator[str]:
    """Yield the lines that ran with the calls on which a control acts, each with its place."""
    calls = controls.describe(name).calls
    for call in program.calls:
        keywords = (keyword.arg for keyword in call.node.keywords)
        function = getattr(call.node.func, "attr", getattr(call.node.func, "id", ""))
        if call.name in calls or function in calls or not set(calls).isdisjoint(filter(None, keywords)):
            yield shown(program, call.source, call.node.lineno)


def shown(program: Program, source: SourceFile, line: int) -> str:
    """Return a line of the program with its place, for people."""
    cell, number = source.place_of(line)
    place = f":{number}" if cell is None else f", cell {cell}, line {number}"
    return f"{program.shown(source.path)}{place}   {source.lines[line - 1].strip()}"


def seed_of(record: Record) -> int:
    """Return the seed that the trials of a record used."""
    return DEFAULT_SEED if record.file.seed is None else record.file.seed
