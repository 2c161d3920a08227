"""Workers of process pools: an end is recorded after each task, before its result is handed over.

A program that has all results may end the workers at once. Leaving the `with` of a `multiprocessing.Pool` does so
(https://docs.python.org/3/library/multiprocessing.html#multiprocessing.pool.Pool.terminate), and joblib ends its
workers when their parent exits.
"""

import threading
from typing import TYPE_CHECKING, Any

from ..wrappers import before, wrap
from .objects import Function, Library

if TYPE_CHECKING:
    from ..probe import Probe

SEEN = [
    (
        "end of a worker",
        "the state after each task of `multiprocessing.Pool`, `concurrent.futures`, joblib's loky and Ray, before its "
        "result is handed over; a later task replaces it",
        "the program's own workers, if a signal ends them",
        "the trial has no end: inconclusive",
    )
]


def install(module: Library, probe: "Probe") -> None:
    """Wrap what hands over results. `module`: a module with the loop of a pool's worker."""
    if hasattr(module, "_sendback_result"):
        before(module, "_sendback_result", lambda *_, **__: end_task(probe))
    else:
        name = "worker" if hasattr(module, "worker") else "_process_worker"  # concurrent.futures before Python 3.7
        wrap(module, name, lambda original: _seen_worker(original, probe))


def end_task(probe: "Probe") -> None:
    """Record an end, if this process has observed anything. A task of a pool of threads ends nothing."""
    if threading.current_thread() is threading.main_thread() and probe.is_here() and probe.has_observed():
        probe.guard("the end of a task", _take_end, probe)


def _take_end(probe: "Probe") -> None:
    probe.once("pooled")
    probe.end_now("task")


class _Results:
    """A worker's queue of results. It records an end before each result."""

    def __init__(self, queue: Any, probe: "Probe") -> None:
        self._queue, self._probe = queue, probe

    def put(self, result: Any) -> Any:
        end_task(self._probe)
        return self._queue.put(result)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


def _seen_worker(original: Function, probe: "Probe") -> Function:
    def worker(inqueue: Any, outqueue: Any, *args: Any, **kwargs: Any) -> Any:
        return original(inqueue, _Results(outqueue, probe), *args, **kwargs)

    return worker
