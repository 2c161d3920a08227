"""Ray: an end is recorded after each task and each call of an actor's method, before its result is stored.

A process that gives Ray a function or an actor class to run reports that, because its workers may be hidden from the
probe. So does a process that connects to a cluster with Ray Client (`ray://`): its functions run in a different program
on the cluster.

A worker of Ray is ended by its raylet when its job is over, without Python's exit
(https://docs.ray.io/en/latest/ray-core/fault_tolerance/tasks.html); what `pools` says about workers is true for it,
too.
"""

import functools
import inspect
from typing import TYPE_CHECKING, Any, Dict, Set

from . import pools
from .objects import Function, Library

if TYPE_CHECKING:
    from ..probe import Probe


def install(module: Library, probe: "Probe") -> None:
    """Wrap the functions that a worker gets to execute, and the methods that export them; or Ray Client.

    `module`: ray._private.function_manager or ray.util.client.worker.
    """
    told: Set[int] = set()
    if not hasattr(module, "FunctionActorManager"):
        module.Worker.__init__ = _telling(module.Worker.__init__, "client-of-ray", told, probe)
        return
    manager = module.FunctionActorManager
    original = manager.get_execution_info
    known: Dict[Function, Function] = {}

    @functools.wraps(original)
    def get_execution_info(self: Any, *args: Any, **kwargs: Any) -> Any:
        info = original(self, *args, **kwargs)
        return probe.guard("a task of Ray", _seen, info, known, probe) or info

    manager.get_execution_info = get_execution_info
    for name in ("export", "export_actor_class"):
        if hasattr(manager, name):
            setattr(manager, name, _telling(getattr(manager, name), "gave-ray", told, probe))


def _telling(original: Function, event: str, told: Set[int], probe: "Probe") -> Function:
    """Return a method that reports once in each process (`told`) that it was called. Otherwise it does the same."""

    @functools.wraps(original)
    def gives(*args: Any, **kwargs: Any) -> Any:
        if probe.pid not in told:
            told.add(probe.pid)
            probe.guard("what Ray is given", probe.event, event)
        return original(*args, **kwargs)

    return gives


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
