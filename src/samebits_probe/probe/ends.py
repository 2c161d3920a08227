"""Records a provisional end of a process whenever the process may be killed next.

The kernel of a notebook or the worker of a pool may be killed at any moment after its last cell or task. So an end is
taken after each cell and task, and at the exit. A later end replaces an earlier one. A later observation voids it:
first end.json is removed, then the rows of the end are cut off the trace. Because an end is provisional, the functions
that record it must not change their own state.
"""

import atexit
import contextlib
import functools
import threading

from .. import process, wire
from ..system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, ContextManager, Dict, List, Optional, Set, Tuple

    from ..trace import Held, Mark
    from . import Probe

EXIT = "exit"
_SHELL = "shell"  # IPython exits, and will clear the program's globals
_FINAL = (EXIT, _SHELL)
# true even if the end is voided
_AT_ONCE = frozenset(("probe-failed", "machine", "opened", "wrote", "handed", "bound", "warning"))


class Ends:
    """Takes the ends of a process for its probe. `functions`: record points of kind "end"."""

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe
        self.start_again()

    def start_again(self) -> None:
        """Forget the state of the parent, in a forked child."""
        self.functions: List[Callable[[], Any]] = []
        self.last: List[Callable[[], Any]] = []  # called after them
        self.events: Optional[List[Dict[str, Any]]] = None  # the events of the end that is being taken, else None
        self._told: Set[Tuple[str, ...]] = set()  # events that are written once
        self._mark: Optional[Mark] = None
        self._held: Optional[Held] = None
        self._reason: Optional[str] = None

    @property
    def is_taking(self) -> bool:
        """Whether an end is being taken: rows that are recorded now may be cut off again."""
        return self.events is not None

    @property
    def is_final(self) -> bool:
        """Whether no end is being taken, or the last end of the process."""
        return self.events is None or self._reason in _FINAL

    def is_due(self, reason: str) -> bool:
        """Return whether an end can be recorded now.

        It cannot while a different thread observes, because the end would hold half a step. It cannot after a shell has
        cleared the program's globals either, unless something was observed since then.
        """
        if self._reason == _SHELL and self._mark is not None:
            return False
        thread = self._probe.thread
        is_quiet = thread is None or thread is threading.current_thread() or not thread.is_alive()
        return not self.is_taking and (reason in _FINAL or is_quiet)

    def keeps(self, event: str, fields: "Dict[str, Any]") -> bool:
        """Keep an event for the document of the end that is being recorded.

        Returns False if it must be written at once.
        """
        if self.events is None or event in _AT_ONCE:
            return False
        self.events.append(dict(fields, event=event))
        return True

    def is_new(self, event: str, fields: "Dict[str, str]") -> bool:
        """Return whether this process has not written the same event. Each end repeats what it finds itself."""
        told = (event, *fields.values())
        if told in self._told:
            return False
        if self.events is not None:
            return dict(fields, event=event) not in self.events
        self._told.add(told)
        return True

    def take(self, reason: str, state: "ContextManager[None]") -> None:
        """Record the present state as the end, and write end.json. `state`: a context that restores the state."""
        recorder = self._probe.recorder
        self._probe.guard("write", recorder.hold)
        self._reason, self.events = reason, []
        try:
            with state:
                self._record()
                document = self._document(self.events)
        finally:
            self.events, held = None, recorder.held()
        self._probe.guard("write", self._write, held)
        document["rows"] = recorder.rows()
        self._probe.conclude(wire.END, document)

    def _write(self, held: "Held") -> None:
        """Write the rows of an end. Equal rows of the last end stay, because the process may be killed meanwhile."""
        if self._mark is None or held != self._held:
            self.void()
            self._mark, self._held = self._probe.recorder.append(held), held

    def _record(self) -> None:
        probe = self._probe
        probe.tell(probe.last_step)
        for function in [*self.functions, *self.last]:
            probe.guard("end", function)
        if probe.has_observed():
            probe.guard("rng at the end", probe.sample_rng, probe.step)
        else:
            probe.guard("rng at the end", probe.states.tell_used, probe)
        if probe.is_told():
            probe.event("packages", packages=process.packages())
        probe.guard("write", probe.recorder.flush)

    def _document(self, events: "List[Dict[str, Any]]") -> "wire.EndFacts":
        probe = self._probe
        return {
            **probe.progress(),
            "reason": self._reason,
            "seconds": System.now() - probe.began if probe.began else None,
            "events": events,
            "rows": 0,
        }

    def void(self) -> None:
        """Void the last end, and cut off its rows. Its document is removed first, in case of a crash."""
        if self._mark is not None:
            mark, self._mark = self._mark, None
            self._probe.guard("void an end", self._cut, mark)

    def _cut(self, mark: "Mark") -> None:
        recorder = self._probe.recorder
        with contextlib.suppress(FileNotFoundError):
            System.unlink(System.join(recorder.folder, wire.END))
        recorder.cut(mark)


def stay_registered(function: "Callable[[], None]") -> None:
    """Call `function` at the exit, even if the program changes the table of exit functions.

    `atexit._run_exitfuncs()` calls all functions and forgets them; `multiprocessing` clears the table in children.
    """
    atexit.register(function)
    for name in ("_run_exitfuncs", "_clear"):
        original = getattr(atexit, name, None)
        if original is not None:
            setattr(atexit, name, _followed(original, function))


def _followed(original: "Callable[[], None]", function: "Callable[[], None]") -> "Callable[[], None]":
    @functools.wraps(original)
    def followed() -> None:
        try:
            original()
        finally:
            atexit.unregister(function)
            atexit.register(function)

    return followed
