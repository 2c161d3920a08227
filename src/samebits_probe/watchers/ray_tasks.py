"""Ray: an end is recorded after each task and each call of an actor's method, before its result is stored.

A worker of Ray is ended by its raylet when its job is over, without Python's exit
(https://docs.ray.io/en/latest/ray-core/fault_tolerance/tasks.html); what `pools` says about workers is true for it,
too.
"""

import functools
import inspect
from typing import TYPE_CHECKING, Any, Dict

from ..wrappers import wrap
from . import pools
from .objects import Function, Library

if TYPE_CHECKING:
    from ..probe import Probe


def install(module: Library, probe: "Probe") -> None:
    """Wrap the functions that a worker gets to execute. `module`: ray._private.function_manager."""
    known: Dict[Function, Function] = {}

    def make(original: Function) -> Function:
        def get_execution_info(*args: Any, **kwargs: Any) -> Any:
            info = original(*args, **kwargs)
            return probe.guard("a task of Ray", _seen, info, known, probe) or info

        return get_execution_info

    wrap(module.FunctionActorManager, "get_execution_info", make)


def _seen(info: Any, known: Dict[Function, Function], probe: "Probe") -> Any:
    """Return these functions, each wrapped so that it records an end.

    A coroutine has not ended when its function returns.
    """
    function = info.function
    if inspect.iscoroutinefunction(getattr(function, "method", function)):
        return info
    if function not in known:
        known[function] = _with_end(function, probe)
    return info._replace(function=known[function])


def _with_end(function: Function, probe: "Probe") -> Function:
    @functools.wraps(function)
    def with_end(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        finally:
            pools.end_task(probe)

    return with_end
