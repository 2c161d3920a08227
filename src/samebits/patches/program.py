"""The program that a patch is made for: its files, the lines that ran, and its libraries.

One trial finds which lines run, and at which lines the state of a generator changes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from samebits.endings import ENDED_WELL
from samebits.experiment import Experiment, Limits, Progress, recorded_trials
from samebits.launch.processes import observations
from samebits.model import Divergence
from samebits.patches.insertion import InsertionPoint
from samebits.patches.notebook_source import NotebookSource
from samebits.patches.source import SourceFile, TextEdit, touches
from samebits.ranks import of_rank
from samebits.store import Record
from samebits_probe import wire


@dataclass(frozen=True)
class LineChange:
    """An edit of a file, for a control. `about`: describes the edit."""

    control: str
    source: SourceFile
    edit: TextEdit
    about: str


class ProgramCall(NamedTuple):
    """A call that ran. `name`: its dotted name, resolved by the imports of the file; "" if it has none."""

    source: SourceFile
    node: ast.Call
    name: str


@dataclass(frozen=True)
class Program:
    """A program. `directory`: that of the trials. `packages`: the versions of the loaded packages.

    `seed`: the seed to write. `seed_place`: the line of the program that has it; "" if it is that of the trials.
    `has_ranks`: several processes train together, and each needs different random numbers.
    """

    look: Look
    directory: Path
    seed: int
    packages: Mapping[str, str]
    uses_cuda: bool = False
    has_ranks: bool = False
    seed_place: str = ""
    _sources: dict[Path, SourceFile | None] = field(default_factory=dict)

    @property
    def seed_words(self) -> str:
        """The seed as it stands in a line: a number, or an expression with a different value in each rank."""
        return of_rank(self.seed) if self.has_ranks else str(self.seed)

    def source(self, path: Path) -> SourceFile | None:
        """Return a file of the program; None if it cannot be read as Python, or as a notebook."""
        if path not in self._sources:
            try:
                self._sources[path] = (NotebookSource if path.suffix == NOTEBOOK else SourceFile).read(path)
            except (OSError, SyntaxError, ValueError):
                self._sources[path] = None
        return self._sources[path]

    @cached_property
    def sources(self) -> list[tuple[SourceFile, set[int]]]:
        """The files with lines that ran, and these lines. The main file comes first."""
        ordered = sorted(self.look.lines.items(), key=lambda item: (item[0] != self.look.main, item[0]))
        sources = ((self.source(path), lines) for path, lines in ordered)
        return [(source, lines) for source, lines in sources if source is not None]

    @cached_property
    def main(self) -> SourceFile | None:
        """The file that was started."""
        return self.source(self.look.main) if self.look.main is not None else None

    @cached_property
    def calls(self) -> list[ProgramCall]:
        """The calls on lines that ran."""
        calls = ((source, node) for source, node in self.nodes() if isinstance(node, ast.Call))
        return [ProgramCall(source, node, source.dotted(node.func)) for source, node in calls]

    def nodes(self) -> Iterator[tuple[SourceFile, ast.expr | ast.stmt]]:
        """Yield the expressions and statements on lines that ran."""
        for source, lines in self.sources:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.expr | ast.stmt) and touches(node, lines):
                    yield source, node

    def first(self, generators: Iterable[str] | None = None) -> Draw | None:
        """Return the first draw of the program from one of the generators (default: any); None if there is none."""
        wanted = set(generators) if generators is not None else None
        draws = (draw for draw in self.look.draws if wanted is None or draw.generator in wanted)
        return next((draw for draw in draws if not self._is_of_an_import(draw)), None)

    def _is_of_an_import(self, draw: Draw) -> bool:
        """Return whether a library drew during its import: the innermost line of the program only imports."""
        path, line = draw.places[0]
        source = self.source(path)
        nodes = ast.walk(source.tree) if source is not None else ()
        touched = [node for node in nodes if isinstance(node, ast.stmt) and touches(node, {line})]
        return bool(touched) and all(isinstance(node, ast.Import | ast.ImportFrom) for node in touched)

    def point(self, draw: Draw | None, source: SourceFile) -> InsertionPoint:
        """Return the place in a file for lines that must precede a draw."""
        return InsertionPoint(source, outermost_line(draw, source.path))

    def shown(self, path: Path) -> str:
        """Return the path of a file for people: relative to the folder of the trials if it lies there."""
        return str(path.relative_to(self.directory)) if path.is_relative_to(self.directory) else str(path)


# -- the trial that finds which lines run, and at which lines the state of a generator changes ------------------------

FOLDER = "fix-look"
_SUFFIXES = (".py", ".pyw")  # a file without one is an installed script (torchrun), or named by the command
NOTEBOOK = ".ipynb"
NO_STEPS = ("end", "structure")  # the kinds of divergence that only whole trials show


@dataclass(frozen=True)
class Draw:
    """A change of a generator's state. `places`: (file, line) of the lines that ran then, the innermost first.

    `unseeded`: the names of scikit-learn that ran there without a random_state. `text`: the text of the innermost line,
    if that is in no file.
    """

    generator: str
    places: tuple[tuple[Path, int], ...]
    unseeded: tuple[str, ...] = ()
    text: str = ""


def outermost_line(draw: Draw | None, path: Path) -> int | None:
    """Return the outermost line of a file that ran during a draw; None if there is none."""
    places = draw.places if draw is not None else ()
    return next((line for file, line in reversed(places) if file == path), None)


@dataclass
class Look:
    """The lines that a trial ran, by file, and its draws. `main`: the file that was started; None if there is none.

    `why`: the reason, if the trial did not end well. `copied`: (the folder of the trial, the user's folder that it is a
    copy of). `named`: the files that the command names. `cells`: the texts of the cells that ran in the kernel of a
    notebook, by the names that the kernel gives them. `opened`, `wrote`: the notebooks that the trial opened or wrote.
    """

    draws: list[Draw] = field(default_factory=list)
    lines: dict[Path, set[int]] = field(default_factory=dict)
    main: Path | None = None
    why: str = ""
    copied: tuple[Path, Path] = (Path("/dev/null"), Path())
    named: frozenset[Path] = frozenset()
    cells: dict[Path, str] = field(default_factory=dict)
    opened: list[Path] = field(default_factory=list)
    wrote: set[Path] = field(default_factory=set)

    def take(self, event: dict[str, Any]) -> None:
        """Add an event of the probe."""
        kind = event.get("event")
        if kind == "ran":
            path = self._own(event["path"])
            if path.suffix not in _SUFFIXES and path not in self.named and path not in self.cells:
                return
            self.lines.setdefault(path, set()).add(int(event["line"]))
            if event.get("main") and self.main is None and path.is_file():
                self.main = path
        elif kind == "cell":
            self.cells.setdefault(self._own(event["path"]), event["text"])
        elif kind in ("opened", "wrote") and str(event.get("path")).endswith(NOTEBOOK):
            path = self._own(event["path"])
            self.opened.append(path) if kind == "opened" else self.wrote.add(path)
        elif kind == "drew":
            places = tuple((self._own(file), int(line)) for file, line in event["places"])
            self.draws.append(Draw(event["generator"], places, tuple(event["unseeded"]), event.get("text", "")))

    def _own(self, file: str) -> Path:
        """Return the path of the user's own file."""
        path, (copy, own) = Path(file), self.copied
        return own / path.relative_to(copy) if path.is_relative_to(copy) else path


def is_installed(path: Path) -> bool:
    """Return whether a file is a script of an installed package, such as `torchrun`: in bin, beside lib/python3.11."""
    try:
        return path.parent.name == "bin" and path.is_file() and any((path.parent.parent / "lib").glob("python3*"))
    except OSError:  # a word of a command may be a text that is too long for a path
        return False


def look(record: Record, where: Divergence, progress: Progress | None = None) -> Look:
    """Run one trial on this machine up to the step in which the record's trials diverge, and remove its folder.

    Raises NotFoundError if the record's command or folder is gone.
    """
    request = recorded_trials.request_of(record)
    options = request.options.model_copy(update={"trials": 1, "jobs": 1, "artifacts": [], "metrics": {}})
    steps = None if where.kind in NO_STEPS else max(where.step, 0) + 1
    request = replace(request, options=options, host="local", each={})  # lines must be those of the user's own files
    with Experiment.inside(record, FOLDER, request, progress or Progress()) as experiment:
        finished = experiment.run(Limits(steps=steps, draws=True), [1])
        findings = _read(experiment.plan.trial_folder(1), experiment.plan.directory, request.command)
        trial = finished.files[0]
        findings.why = "" if trial.status in ENDED_WELL else trial.why or trial.status
    return findings


def _read(folder: Path, directory: Path, command: list[str]) -> Look:
    """Read the events of a trial's processes. `directory`: the user's folder; isolated trials run in a copy of it."""
    in_command = frozenset(path for word in command if not is_installed(path := directory / word))
    findings = Look(copied=(folder / "work", directory), named=in_command)
    for process in sorted((folder / wire.PROCESSES).glob("*")):
        for event in observations.events(process):
            findings.take(event)
    return findings
