"""IPython, which runs the cells of notebooks: an end is recorded after each cell.

A kernel is asked to leave when its notebook is over, and killed if it takes longer than its client waits
(https://jupyter-client.readthedocs.io/en/stable/api/manager.html, `shutdown_wait_time`), so its exit may never come.
"""

import sys
import traceback
from types import FrameType
from typing import TYPE_CHECKING, Any, Dict, Iterator, Set, Tuple

from .. import rng
from ..wrappers import after, before, guarded
from .objects import Library

if TYPE_CHECKING:
    from ..probe import Probe

_OF_A_FUNCTION = 1  # https://docs.python.org/3/library/inspect.html#inspect.CO_OPTIMIZED

SEEN = [
    (
        "end of a notebook",
        "the state after each cell (the events `pre_execute` and `post_execute` of IPython); a later cell replaces it, "
        "and so does the state at the exit, before IPython empties the notebook's globals (`atexit_operations`)",
        "what a kernel does after its last cell, if it is killed before its exit",
        "nothing: what the last cell left is compared",
    )
]


class ShellCells:
    """The cells that a shell runs: which step each begins with, the lines that make steps, and which cell raised."""

    def __init__(self, probe: "Probe", globals_of_cells: Dict[str, Any]) -> None:
        self._probe, self._globals = probe, globals_of_cells
        self._count = 0  # the cells with a number that a notebook shows
        self._number = 0  # that of the cell that runs; 0 if a notebook shows none
        self._above = 0  # blank lines above its first line: IPython removes them
        self._told: Set[Tuple[int, int]] = set()
        self._keep_unused = rng.keep_unused()

    def start(self) -> None:
        """Handle the start of each cell. Draws before the first cell and between two cells are those of the kernel."""
        self._probe.void_end()
        self._keep_unused()
        self._number = 0

    def begin(self, info: Any) -> None:
        """Tell that a cell begins, if it gets a number."""
        if info.store_history:
            self._number = self._count = self._count + 1
            text = info.raw_cell
            self._above = text[: len(text) - len(text.lstrip())].count("\n")
            step = self._probe.step + self._probe.is_sampled
            self._probe.event("cell-runs", step=step, number=self._number)

    def end_step(self) -> None:
        """Tell which line of the cell makes this step, once for each line."""
        line = self._line(traceback.walk_stack(sys._getframe(1))) if self._number else 0
        if line and (self._number, line) not in self._told:
            self._told.add((self._number, line))
            self._probe.event("cell-line", number=self._number, line=line)

    def end(self) -> None:
        """Handle the end of each cell."""
        self._keep_unused = rng.keep_unused()
        self._probe.end_now("cell")

    def tell_error(self, result: Any) -> None:
        """Tell the exception with which the cell ended, if there is one."""
        error = result.error_before_exec or result.error_in_exec
        if error is not None and self._number:
            text = ("%s: %s" % (type(error).__name__, error)).split("\n")[0].rstrip(": ")
            line = self._line(traceback.walk_tb(error.__traceback__))
            self._probe.event("cell-raised", number=self._number, line=line, text=text)

    def _line(self, frames: Iterator[Tuple[FrameType, int]]) -> int:
        """Return the line of the cell that runs in these frames; 0 if that is not known, as in a cell within a cell."""
        own = self._globals
        lines = [n for frame, n in frames if frame.f_globals is own and not frame.f_code.co_flags & _OF_A_FUNCTION]
        return lines[0] + self._above if len(lines) == 1 else 0


def install(module: Library, probe: "Probe") -> None:
    """Record an end after each cell of every shell that is made; `module`: IPython.core.interactiveshell."""
    shell = module.InteractiveShell

    def begin(_: Any, self: Any) -> None:
        cells = ShellCells(probe, self.user_global_ns)
        probe.closers.append(cells)
        for event, tell in (
            ("pre_execute", cells.start),
            ("pre_run_cell", cells.begin),
            ("post_execute", cells.end),
            ("post_run_cell", cells.tell_error),
        ):
            self.events.register(event, guarded(probe, "a cell", tell))

    after(shell, "init_events", guarded(probe, "a shell", begin))
    before(shell, "atexit_operations", guarded(probe, "the end of a shell", lambda _: probe.end_now("shell")))
