"""Records which lines of the program run, and which of them draw from generators, for `samebits fix`.

A trace function sees each line of the program's own files, and compares the states of the generators before and after
the line. So it finds the line even if compiled code draws. It reads the states without changing them, and adds no frame
below those of the program. Only trials of `samebits fix` run it, and the bits of these trials are not compared.
"""

import linecache
import os
import sys
import threading

from . import callers, rng, worker_tasks
from .callers import OWN
from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable, Dict, List, Optional, Set, Tuple

    from .probe import Probe

    Place = Tuple[str, int]  # a file, and a line of it
    Tracer = Callable[[FrameType, str, Any], Any]

_INJECTED = os.path.join(os.path.dirname(OWN.rstrip(os.sep)), "")  # holds the probe, and the file that started it
_SKLEARN = os.sep + "sklearn" + os.sep
_CELL = "<ipython-input-"  # a cell, in kernels before ipykernel 6; later ones name a file that is not there
_MOST_PLACES = 1000  # the most draws that are reported


def watch(probe: "Probe") -> None:
    """Report from now on which lines run, and which of them draw."""
    log = DrawLog(probe)
    probe.closers.append(log)
    worker_tasks.watch(log.begin_task)
    threading.settrace(log.enter)
    sys.settrace(log.enter)


class DrawLog:
    """Writes events: `ran` for each line of the program, `drew` for each place at which a generator's state changed.

    `cell`: the text of each cell of a notebook that ran, as the kernel shows it.

    `enter` is the trace function of the interpreter: https://docs.python.org/3/library/sys.html#sys.settrace
    """

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe
        self._states: Dict[str, bytes] = {}
        self._ran: Set[Place] = set()
        self._files: Set[str] = set()  # those with lines that ran
        self._drew: Set[Tuple[str, Place]] = set()
        self._unseeded: List[str] = []  # names of scikit-learn that ran without a random_state since the last look
        self._paths: Dict[str, str] = {}
        self._libraries: Set[str] = set()  # files whose frames do not matter; this check ends most calls

    def enter(self, frame: "FrameType", event: str, _: "Any") -> "Optional[Tracer]":
        """Handle a function call: trace its lines if the function belongs to the program."""
        if event != "call" or frame.f_code.co_filename in self._libraries:
            return None
        return self._probe.guard("draws", self._entered, frame)

    def end_step(self) -> None:
        """Look at the end of a step, because a trial may end here, in the middle of a line."""
        self._look(sys._getframe(1))

    def begin_task(self, task: worker_tasks.Task) -> "Callable[[], Any]":
        """Look before and after a task of joblib. If no line of the program runs in it, the giver of the task draws."""
        self._probe.guard("draws", self._look, None)

        def end() -> None:
            self._unseeded += task.unseeded()
            self._look(None, giver=task.place)

        return lambda: self._probe.guard("draws", end)

    def _entered(self, frame: "FrameType") -> "Optional[Tracer]":
        file = frame.f_code.co_filename
        if _SKLEARN in file:
            self._note_unseeded(frame)
            return None
        if not _is_program(file):
            self._libraries.add(file)
            return None
        self._look(frame.f_back)
        return self._tracer(frame)

    def _tracer(self, frame: "FrameType") -> "Tracer":
        """Return the function that traces the lines of one frame."""
        at = [frame.f_lineno]

        def follow(frame: "FrameType", event: str, _: "Any") -> "Any":
            if event in ("line", "return"):
                self._probe.guard("draws", self._look, frame, at[0])
                at[0] = frame.f_lineno
                self._probe.guard("draws", self._run, frame)
            return follow

        return follow

    def _run(self, frame: "FrameType") -> None:
        place = frame.f_code.co_filename, frame.f_lineno
        if place not in self._ran:
            self._tell_cell(place[0])
            self._ran.add(place)
            is_main = frame.f_globals.get("__name__") == "__main__"
            self._tell("ran", path=self._path(place[0]), line=place[1], main=is_main)

    def _tell_cell(self, file: str) -> None:
        """Tell the text of code that is in no file, once: the kernel of a notebook keeps its cells in `linecache`."""
        if file not in self._files:
            self._files.add(file)
            text = "" if os.path.exists(file) else "".join(linecache.getlines(file))
            if text:
                self._tell("cell", path=self._path(file), text=text)

    def _look(self, frame: "Optional[FrameType]", line: int = 0, giver: "Optional[Place]" = None) -> None:
        """Compare the states with those of the last look.

        `frame` has run since then. `line`: the line that it ran, if it is at a different line now. `giver`: the line of
        a different process that made this one run.
        """
        for name, state in rng.states().items():
            given = rng.GIVEN.get(name)
            before = self._states.get(name, given)  # one line may both import a library and draw from it
            if state == self._states.get(name):
                continue
            self._states[name] = state
            if before is not None and state != given:
                self._draw(name, _places(frame, line) or ([giver] if giver is not None else []))
        self._unseeded = []

    def _draw(self, name: str, places: "List[Place]") -> None:
        key = (name, places[0]) if places else None
        if key is not None and key not in self._drew and len(self._drew) < _MOST_PLACES:
            self._drew.add(key)
            shown = [[self._path(file), line] for file, line in places]
            text = _text(*places[0])
            self._tell("drew", generator=name, places=shown, text=text, unseeded=sorted(set(self._unseeded)))

    def _note_unseeded(self, frame: "FrameType") -> None:
        """Keep the name of an estimator or a function that takes a random_state, but got none."""
        given = frame.f_locals
        if given.get("random_state", 0) is None:
            self._unseeded.append(frame.f_code.co_name)
        elif getattr(given.get("self"), "random_state", 0) is None:
            self._unseeded.append(type(given["self"]).__name__)

    def _path(self, file: str) -> str:
        if file not in self._paths:
            self._paths[file] = os.path.abspath(file)
        return self._paths[file]

    def _tell(self, event: str, **fields: "Any") -> None:
        if System.getpid() != self._probe.pid:  # a forked child without files of its own
            fields["pid"] = System.getpid()
        with self._probe.lock:
            self._probe.recorder.event(event, **fields)


def _is_program(file: str) -> bool:
    return file.startswith(_CELL) or (
        not file.startswith(("<", _INJECTED)) and callers.kind_of(file) == callers.PROGRAM
    )


def _text(file: str, line: int) -> str:
    """Return the text of a line that is in no file: the kernel of a notebook keeps its cells in `linecache`."""
    return "" if os.path.exists(file) else linecache.getline(file, line).strip()


def _places(frame: "Optional[FrameType]", line: int = 0) -> "List[Place]":
    """Return the lines of the program that run now, the innermost first. `line`: if given, the innermost line."""
    found: List[Place] = []
    while frame is not None:
        file = frame.f_code.co_filename
        if _is_program(file):
            found.append((file, line or frame.f_lineno))
        line, frame = 0, frame.f_back
    return found
