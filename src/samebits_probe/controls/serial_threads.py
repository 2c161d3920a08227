"""Runs the threads, pools and futures of the program one after the other."""

import _thread
import collections
import functools
import inspect
import itertools
import sys
import threading
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Optional

from .. import callers
from ..replacement import replace
from ..wire import HELD, UNDONE, UNREADABLE
from .control import CODE, Control, Edit

if TYPE_CHECKING:
    from ..replacement import AnyFunction
    from .control import ControlEffect, ImportHooks

PATIENCE = 10.0  # seconds for which the starter of a thread waits for the thread
_get_ident, _new_lock = _thread.get_ident, _thread.allocate_lock


class _ThreadTurn:
    """The time in which one thread of the program, or one call in a pool, runs alone."""

    def __init__(self) -> None:
        self._over = _new_lock()
        self._over.acquire()
        self.is_whole = False  # whether the function has returned, and does not only wait for a different thread

    def end(self) -> None:
        """Let the starter continue."""
        try:
            self._over.release()
        except RuntimeError:  # the lock is open: the starter has waited for PATIENCE, and has already continued
            pass

    def wait(self) -> bool:
        """Wait for the end of the turn. Return False if that takes too long."""
        return self._over.acquire(True, PATIENCE)


class SerialThreads(Control):
    """Runs the program's threads, pools and futures one at a time, in the order in which they are started."""

    id = "serial-threads"
    is_strict = False  # it replaces the concurrency that the program sees
    edits = (
        Edit(
            CODE,
            "# use results in the order in which the work was submitted, not in the order in which threads end:",
            "# [future.result() for future in futures], one place in a list for each thread, or one worker (n_jobs=1)",
        ),
    )
    calls = ("as_completed", "imap_unordered", "submit", "Thread")
    hints = {"batch": 1, "forward": 14, "update": 12, "structure": 2, "end": 8}
    may_break = True
    is_experiment = True
    can_be_undone = False  # threads that cannot run in order cannot do so from the beginning

    def __init__(self) -> None:
        self._turns: Dict[int, _ThreadTurn] = {}  # thread -> its present turn
        self._beside: collections.Counter[str] = collections.Counter()  # why something did not run alone -> how often
        self._any = False  # whether the program has started any thread or pool

    def at_start(self) -> None:
        self._hold_threads(threading)

    def after_import(self) -> "ImportHooks":
        return {
            "concurrent.futures.thread": self._hold_executor,
            "concurrent.futures.process": self._hold_processes,
            "concurrent.futures": _order_futures,
            "multiprocessing.pool": self._hold_pools,
        }

    def read_back(self) -> "ControlEffect":
        if self._beside:
            told = (
                "%s (%s)" % (what, "once" if n == 1 else "%d times" % n) for what, n in sorted(self._beside.items())
            )
            return UNDONE, "; ".join(told)
        return (HELD, "") if self._any else (UNREADABLE, "the program has started no thread or pool")

    # -- turns ------------------------------------------------------------------------------------------------

    def _in_turn(self, turn: _ThreadTurn, function: "AnyFunction", *args: Any, **kwargs: Any) -> Any:
        me, before = _get_ident(), self._turns.get(_get_ident())
        self._turns[me] = turn
        try:
            return function(*args, **kwargs)
        finally:
            turn.is_whole = True
            if before is None:
                self._turns.pop(me, None)
            else:
                self._turns[me] = before
            turn.end()

    def _let(self, turn: _ThreadTurn) -> None:
        self._any = True
        if not turn.wait():
            self._beside["a thread was still running beside its starter after %g s" % PATIENCE] += 1

    # -- threads ----------------------------------------------------------------------------------------------

    def _hold_threads(self, module: Any) -> None:
        control = self

        def make_start(original: "AnyFunction") -> "AnyFunction":
            def start(thread: Any) -> None:
                turn = _ThreadTurn() if callers.is_program(1) else None
                if turn is not None:
                    thread.run = functools.partial(control._in_turn, turn, thread.run)
                original(thread)
                if turn is not None:
                    control._let(turn)
                    if turn.is_whole:
                        module.Thread.join(thread, PATIENCE)  # the next thread begins after this one has ended

            return start

        def make_wait(original: "AnyFunction") -> "AnyFunction":
            def wait(condition: Any, timeout: "Optional[float]" = None) -> Any:
                turn = control._turns.get(_get_ident())
                if turn is not None:  # while it waits for a different thread, its starter must not wait for it
                    control._beside["a thread waited for a different one, so it did not run alone"] += 1
                    turn.end()
                return original(condition, timeout)

            return wait

        replace(module.Thread, "start", make_start)
        replace(module.Condition, "wait", make_wait)

    # -- executors and pools ----------------------------------------------------------------------------------

    def _hold_executor(self, module: Any) -> None:
        control = self

        def make(original: "AnyFunction") -> "AnyFunction":
            def submit(*args: Any, **kwargs: Any) -> Any:
                if not callers.is_for_program():
                    return original(*args, **kwargs)
                executor, function = args[:2]
                turn = _ThreadTurn()
                future = original(executor, control._in_turn, turn, function, *args[2:], **kwargs)
                control._let(turn)
                return future

            return submit

        replace(module.ThreadPoolExecutor, "submit", make)

    def _of_one(self, original: "AnyFunction", of_libraries: "Any" = ()) -> "AnyFunction":
        """Give pools of the program, and pools of the class `of_libraries`, one worker: their first argument."""
        control, name = self, list(inspect.signature(original).parameters)[1]

        def __init__(pool: Any, *args: Any, **kwargs: Any) -> None:
            if isinstance(pool, of_libraries) or callers.is_for_program():
                control._any = True
                if args:
                    args = (1,) + args[1:]
                else:
                    kwargs[name] = 1
            original(pool, *args, **kwargs)

        return __init__

    def _hold_processes(self, module: Any) -> None:
        replace(module.ProcessPoolExecutor, "__init__", self._of_one)

    def _hold_pools(self, module: Any) -> None:
        # forests of scikit-learn add what threads of joblib return, in any order:
        # https://github.com/scikit-learn/scikit-learn/blob/main/sklearn/ensemble/_forest.py (`_accumulate_prediction`)
        replace(module.Pool, "__init__", functools.partial(self._of_one, of_libraries=module.ThreadPool))
        replace(module.Pool, "imap_unordered", lambda _: lambda pool, *args, **kwargs: pool.imap(*args, **kwargs))


# -- futures --------------------------------------------------------------------------------------------------


def _number(future: Any) -> int:
    number: int = getattr(future, "_samebits_number", 0)
    return number


def _order_futures(module: Any) -> None:
    base, count = sys.modules["concurrent.futures._base"], itertools.count()

    def make_init(original: "AnyFunction") -> "AnyFunction":
        def __init__(self: Any) -> None:
            original(self)
            self._samebits_number = next(count)

        return __init__

    replace(base.Future, "__init__", make_init)
    base.Future.__hash__ = _number  # so a set of futures, as `wait` returns it, has the same order in each run
    module.as_completed = replace(base, "as_completed", _as_completed)


def _ordered(futures: "Iterable[Any]") -> "List[Any]":
    return sorted(futures, key=_number) if isinstance(futures, (set, frozenset)) else list(dict.fromkeys(futures))


def _as_completed(original: "AnyFunction") -> "AnyFunction":
    def as_completed(fs: "Iterable[Any]", timeout: "Optional[float]" = None) -> Any:
        futures = _ordered(fs)
        if not callers.is_for_program():
            return original(futures, timeout)
        return _one_by_one(futures, timeout)

    return as_completed


def _one_by_one(futures: "List[Any]", timeout: "Optional[float]") -> "Iterator[Any]":
    """Yield each future when it is done, in order. Raises TimeoutError as the original does."""
    base: Any = sys.modules["concurrent.futures._base"]
    end = None if timeout is None else base.time.monotonic() + timeout
    for position, future in enumerate(futures):
        left = None if end is None else max(0.0, end - base.time.monotonic())
        if base.wait([future], left).not_done:
            raise base.TimeoutError("%d (of %d) futures unfinished" % (len(futures) - position, len(futures)))
        yield future
