"""Runs one trial to find which lines of the program run, and at which lines the state of a generator changes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from samebits.experiment import Experiment, Limits, Progress, recorded_trials
from samebits.launch import observations
from samebits.model import ENDED_WELL, Divergence
from samebits.store import Record
from samebits_probe import wire

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


@dataclass
class Look:
    """The lines that a trial ran, by file, and its draws. `main`: the file that was started; None if there is none.

    `why`: the reason, if the trial did not end well. `copied`: (the folder of the trial, the user's folder that it is a
    copy of). `named`: the files that the command names. `cells`: the texts of the cells that ran in the kernel of a
    notebook, by the names that the kernel gives them. `opened`, `wrote`: the notebooks that the trial opened or wrote.
    `left_out`: files whose lines ran, but which a cell of the notebook writes.
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
    left_out: list[Path] = field(default_factory=list)

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


def look(record: Record, where: Divergence, progress: Progress | None = None) -> Look:
    """Run one trial on this machine up to the step in which the record's trials diverge, and remove its folder.

    Raises NotFound if the record's command or folder is gone.
    """
    request = recorded_trials.request_of(record)
    options = request.options.model_copy(update={"trials": 1, "jobs": 1, "artifacts": [], "metrics": {}})
    steps = None if where.kind in NO_STEPS else max(where.step, 0) + 1
    request = replace(request, options=options, host="local", each={})  # lines must be those of the user's own files
    with Experiment.inside(record, FOLDER, request, progress or Progress()) as experiment:
        finished = experiment.run(Limits(steps=steps, draws=True), [1])
        found = _read(experiment.plan.trial_folder(1), experiment.plan.directory, request.command)
        trial = finished.files[0]
        found.why = "" if trial.status in ENDED_WELL else trial.why or trial.status
    return found


def _read(folder: Path, directory: Path, command: list[str]) -> Look:
    """Read the events of a trial's processes. `directory`: the user's folder; isolated trials run in a copy of it."""
    found = Look(copied=(folder / "work", directory), named=frozenset(directory / word for word in command))
    for process in sorted((folder / wire.PROCESSES).glob("*")):
        for event in observations.events(process):
            found.take(event)
    return found
