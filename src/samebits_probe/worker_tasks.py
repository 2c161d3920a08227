"""Says when a worker process of joblib begins a task, and which task it is.

Chance decides which worker runs which task. So a draw of a task from the worker's generator depends on the tasks that
the worker ran before. The number of a task does not: joblib takes tasks from the program in order, and puts them into
batches (https://github.com/joblib/joblib/blob/main/joblib/parallel.py). A batch keeps its numbers in its pickle.
"""

import contextlib
import functools
import itertools
import sys

from . import callers, hooks
from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

    Place = Tuple[str, int]  # a file, and a line of it
    Item = Tuple[Callable[..., Any], Tuple[Any, ...], Dict[str, Any]]  # a function, and its arguments
    Method = Callable[..., Any]  # of a class of joblib
    End = Callable[[], Any]
    Begin = Callable[["Task"], Optional[End]]

_GIVEN = "_samebits_given"  # an attribute of a batch: (pid of the process that made it, numbers of the tasks, place)


class Task:
    """A task of a worker process.

    `number`: its place among the tasks of the process that gave it. `place`: the line of the program that ran then.
    """

    def __init__(self, number: int, place: "Optional[Place]", item: "Item") -> None:
        self.number, self.place, self._item = number, place, item

    def unseeded(self) -> "List[str]":
        """Return the classes of the estimators among its arguments whose parameter random_state has no value."""
        given = list(self._item[1]) + list(self._item[2].values())
        return sorted({name for value in given if hasattr(type(value), "get_params") for name in _unseeded(value)})


def _unseeded(estimator: "Any") -> "Iterator[str]":
    """Yield the classes of an estimator and of those in it: https://scikit-learn.org/stable/developers/develop.html."""
    parameters = estimator.get_params()
    for name, value in parameters.items():
        owner, _, last = name.rpartition("__")
        if last == "random_state" and value is None:
            yield type(parameters[owner] if owner else estimator).__name__


class _Now:
    """The task that this process runs, and the functions that watch tasks."""

    task: "Optional[Task]" = None
    begins: "List[Begin]" = []  # each is called before a task
    ends: "List[Optional[End]]" = []  # each is called after the task
    numbers = itertools.count()
    place: "Optional[Place]" = None  # the line of the program that gave tasks last
    is_followed = False


def number() -> "Optional[int]":
    """Return the number of the task that this process runs; None outside of tasks."""
    return None if _Now.task is None else _Now.task.number


def watch(begin: "Begin") -> None:
    """Call `begin(task)` before each task in a worker process. If it returns a function, call that after the task.

    A task may import the library that is watched: then call it now. Both must record their own errors: an exception
    would reach the program.
    """
    _Now.begins.append(begin)
    follow()
    if _Now.task is not None:
        _Now.ends.append(begin(_Now.task))


def follow() -> None:
    """Number the tasks from now on."""
    if not _Now.is_followed:
        _Now.is_followed = True
        hooks.after_import("joblib.parallel", _follow_batches)


def _follow_batches(module: "Any") -> None:
    batches = getattr(module, "BatchedCalls", None)
    own = vars(batches) if isinstance(batches, type) else {}
    for name, make in (("__init__", _numbered), ("__reduce__", _kept), ("__call__", _told)):
        if name in own:  # older releases pickle all attributes of a batch, without a method for that
            setattr(batches, name, functools.wraps(own[name])(make(own[name])))


def _numbered(original: "Method") -> "Method":
    def __init__(self: "Any", *args: "Any", **kwargs: "Any") -> None:
        original(self, *args, **kwargs)
        given = [next(_Now.numbers) for _ in getattr(self, "items", ())]
        _Now.place = _line_of_program() or _Now.place  # later batches are made in threads of joblib
        vars(self)[_GIVEN] = (System.getpid(), given, _Now.place)

    return __init__


def _kept(original: "Method") -> "Method":
    def __reduce__(self: "Any") -> "Tuple[Any, ...]":
        made: "Tuple[Any, ...]" = original(self)
        return made + ({_GIVEN: vars(self).get(_GIVEN)},) if len(made) == 2 else made

    return __reduce__


def _told(original: "Method") -> "Method":
    def __call__(self: "Any") -> "List[Any]":
        pid, given, place = vars(self).get(_GIVEN) or (None, (), None)
        if pid in (None, System.getpid()):  # a thread of the process that gave the tasks
            return original(self)  # type: ignore[no-any-return]  # a list of results
        items, results = self.items, []
        for own_number, item in zip(given, items):
            self.items = [item]  # the method of joblib runs what is here
            with _running(Task(own_number, place, item)):
                results += original(self)
        self.items = items
        return results

    return __call__


@contextlib.contextmanager
def _running(task: "Task") -> "Iterator[None]":
    _Now.task = task
    _Now.ends = [begin(task) for begin in _Now.begins]
    try:
        yield
    finally:
        for end in _Now.ends:
            if end is not None:
                end()
        _Now.task = None


def _line_of_program() -> "Optional[Place]":
    lines = callers.running(sys._getframe(1))
    return next(((file, line) for file, line, _ in lines if callers.kind_of(file) == callers.PROGRAM), None)
