"""IPython, which runs the cells of notebooks: an end is recorded after each cell.

A kernel is asked to leave when its notebook is over, and killed if it takes longer than its client waits
(https://jupyter-client.readthedocs.io/en/stable/api/manager.html, `shutdown_wait_time`), so its exit may never come.
"""

import itertools
from typing import TYPE_CHECKING, Any

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


def install(module: Library, probe: "Probe") -> None:
    """Record an end after each cell of every shell that is made; `module`: IPython.core.interactiveshell."""
    shell = module.InteractiveShell
    numbers = itertools.count(1)

    def begin_cell(info: Any) -> None:
        if info.store_history:  # these have the numbers that a notebook shows
            probe.event("cell-runs", step=probe.step + probe.is_sampled, number=next(numbers))

    def begin(_: Any, self: Any) -> None:
        self.events.register("pre_run_cell", begin_cell)
        self.events.register("pre_execute", probe.void_end)
        self.events.register("post_execute", lambda: probe.guard("the end of a cell", probe.end_now, "cell"))

    after(shell, "init_events", begin)
    before(shell, "atexit_operations", guarded(probe, "the end of a shell", lambda _: probe.end_now("shell")))
