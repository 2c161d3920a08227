"""Workers of process pools: an end is taken after each task, before its result is handed over.

A program that has all results may end the workers at once: leaving the `with` of a `multiprocessing.Pool` does so
(https://docs.python.org/3/library/multiprocessing.html#multiprocessing.pool.Pool.terminate), and joblib ends its
workers when their parent exits.
"""

import functools
import threading

SEEN = [
    (
        "end of a worker",
        "the state after each task of `multiprocessing.Pool`, `concurrent.futures`, joblib's loky and Ray, before its "
        "result is handed over; a later task replaces it",
        "the program's own workers, if a signal ends them",
        "the trial has no end: inconclusive",
    ),
]


def install(module, probe):
    """Wrap what hands over results; `module`: one of those that hold the loop of a pool's worker."""
    if hasattr(module, "_sendback_result"):
        module._sendback_result = _after_task(module._sendback_result, probe)
    else:
        module.worker = _seen_worker(module.worker, probe)


def _after_task(original, probe):
    @functools.wraps(original)
    def after_task(*args, **kwargs):
        end_task(probe)
        return original(*args, **kwargs)

    return after_task


def end_task(probe):
    """Take an end, if this process has observed anything; a task of a pool of threads ends nothing."""
    if threading.current_thread() is threading.main_thread() and probe.is_here() and probe.has_observed():
        probe.guard("the end of a task", _take_end, probe)


def _take_end(probe):
    if getattr(probe, "pooled_in", None) != probe.pid:
        probe.pooled_in = probe.pid
        probe.event("pooled")
    probe.end_now("task")


class _Results:
    """The queue of results that a worker is given: takes an end before each."""

    def __init__(self, queue, probe):
        self._queue, self._probe = queue, probe

    def put(self, result):
        end_task(self._probe)
        return self._queue.put(result)

    def __getattr__(self, name):
        return getattr(self._queue, name)


def _seen_worker(original, probe):
    @functools.wraps(original)
    def worker(inqueue, outqueue, *args, **kwargs):
        return original(inqueue, _Results(outqueue, probe), *args, **kwargs)

    return worker
