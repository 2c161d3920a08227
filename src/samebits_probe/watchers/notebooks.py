"""IPython, which runs the cells of notebooks: an end is recorded after each cell.

A kernel is asked to leave when its notebook is over, and killed if it takes longer than its client waits
(https://jupyter-client.readthedocs.io/en/stable/api/manager.html, `shutdown_wait_time`), so its exit may never come.
"""

import functools
import itertools
from typing import TYPE_CHECKING, Any

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
    original, leave, numbers = shell.init_events, shell.atexit_operations, itertools.count(1)

    def before_cell(info: Any) -> None:
        if info.store_history:  # these have the numbers that a notebook shows
            probe.event("cell-runs", step=probe.step + probe.is_sampled, number=next(numbers))

    def after_cell() -> None:
        probe.guard("the end of a cell", probe.end_now, "cell")

    def init_events(self: Any) -> None:
        original(self)
        self.events.register("pre_run_cell", before_cell)
        self.events.register("pre_execute", probe.void_end)
        self.events.register("post_execute", after_cell)

    @functools.wraps(leave)
    def atexit_operations(self: Any) -> Any:
        probe.guard("the end of a shell", probe.end_now, "shell")
        return leave(self)

    init_events.__doc__ = original.__doc__
    shell.init_events, shell.atexit_operations = init_events, atexit_operations
