"""IPython, which runs the cells of notebooks: an end is recorded after each cell.

A kernel is asked to leave when its notebook is over, and killed if it takes longer than its client waits
(https://jupyter-client.readthedocs.io/en/stable/api/manager.html, `shutdown_wait_time`), so its exit may never come.
"""

from typing import TYPE_CHECKING, Any

from .. import rng
from ..wrappers import after, before, guarded
from .objects import Library

if TYPE_CHECKING:
    from ..probe import Probe

SEEN = [
    (
        "end of a notebook",
        "the state after each cell (the events `pre_execute` and `post_execute` of IPython); a later cell replaces it, "
        "and so does the state at the exit, before IPython empties the notebook's globals (`atexit_operations`)",
        "what a kernel does after its last cell, if it is killed before its exit",
        "nothing: what the last cell left is compared",
    ),
]


class Cells:
    """The cells that a shell runs, and which step each begins with."""

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe
        self._number = 0  # that of the latest cell with a number that a notebook shows
        self._keep_unused = rng.keep_unused()

    def start(self) -> None:
        """Handle the start of each cell. What draws between two cells, or before the first, is the kernel."""
        self._probe.void_end()
        self._keep_unused()

    def begin(self, info: Any) -> None:
        """Tell that a cell begins, if it gets a number."""
        if info.store_history:
            self._number += 1
            step = self._probe.step + self._probe.is_sampled
            self._probe.event("cell-runs", step=step, number=self._number)

    def end(self) -> None:
        """Handle the end of each cell."""
        self._keep_unused = rng.keep_unused()
        self._probe.end_now("cell")


def install(module: Library, probe: "Probe") -> None:
    """Record an end after each cell of every shell that is made; `module`: IPython.core.interactiveshell."""
    shell = module.InteractiveShell

    def begin(_: Any, self: Any) -> None:
        cells = Cells(probe)
        for event, tell in (
            ("pre_execute", cells.start),
            ("pre_run_cell", cells.begin),
            ("post_execute", cells.end),
        ):
            self.events.register(event, guarded(probe, "a cell", tell))

    after(shell, "init_events", guarded(probe, "a shell", begin))
    before(shell, "atexit_operations", guarded(probe, "the end of a shell", lambda _: probe.end_now("shell")))
