"""Who this process is, and on what machine."""

import os
import sys

from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    from .wire import MachineFacts, ProcessFacts, RankFacts, SiblingFacts

    RankNumbers = Tuple[Optional[int], ...]  # rank, rank on its machine, ranks in all

__all__ = [
    "at_exit_of_child",
    "facts",
    "folder_name",
    "is_alive",
    "machine",
    "packages",
    "standing",
]


def folder_name() -> str:
    """A name that sorts by the time at which the process was started."""
    return "%020d-%d" % (int(System.now() * 1e6), System.getpid())


def facts(forked_from: "Optional[int]" = None) -> "ProcessFacts":
    """Contents of process.json. What `standing` tells is asked again when something is observed for the first time."""
    return {
        "pid": System.getpid(),
        "parent": System.getppid(),
        "forked_from": forked_from,
        "started": System.now(),
        "argv": list(getattr(sys, "orig_argv", None) or _command_line()),
        "executable": sys.executable,
        "python": sys.version.split()[0],
        "directory": System.getcwd(),
        **standing(),
    }


def standing() -> "SiblingFacts":
    """What tells this process from its siblings: its rank, and which child of its parent multiprocessing made it.

    `identity` and `name` are null outside of multiprocessing, which gives both to children of every start method.
    """
    module = sys.modules.get("multiprocessing.process")
    own = module.current_process() if module is not None else None
    identity = getattr(own, "_identity", None)
    name = getattr(own, "_name", None) if identity else None
    return {**ranks(), "identity": list(identity) if identity else None, "name": name}


def _command_line() -> "List[str]":
    """The process' own arguments: `sys.argv` is not there yet when `sitecustomize` runs, and lacks `-m`."""
    try:
        return [System.fsdecode(word) for word in System.read("/proc/self/cmdline").split(b"\0")[:-1]]
    except OSError:
        return list(getattr(sys, "argv", []))


def machine() -> "MachineFacts":
    """What of the machine can change the bits: host, system, processor and its instruction sets, C library."""
    processor, system = _processor(), os.uname()
    return {
        "host": system.nodename,
        "system": system.sysname,
        "kernel": system.release,
        "libc": _libc(),
        "architecture": system.machine,
        "processor": processor.get("model name", ""),
        "instructions": " ".join(sorted(processor.get("flags", "").split())),
        "cores": os.cpu_count(),
    }


def _libc() -> str:
    """The C library that runs: Python's `platform.libc_ver` names the oldest that an interpreter could do with."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        import platform

        return " ".join(platform.libc_ver())


def _processor() -> "Dict[str, str]":
    """The first processor of /proc/cpuinfo as a dictionary (a machine of 200 cores has a long file)."""
    found = {}
    try:
        lines = System.read("/proc/cpuinfo").decode("utf-8", "replace").split("\n")
    except OSError:
        return {}
    for line in lines:
        if not line.strip():
            break
        key, _, value = line.partition(":")
        found[key.strip()] = value.strip()
    return found


def packages() -> "Dict[str, str]":
    """Versions of the top-level modules imported so far, read from their dictionaries (no lazy import is triggered).

    Modules of the standard library are left out: they come with the interpreter.
    """
    found = {}
    for name, module in list(sys.modules.items()):
        if "." not in name and not name.startswith("_") and name != __package__:
            fields = getattr(module, "__dict__", {})
            version = fields.get("__version__")
            if isinstance(version, str) and not _is_standard(fields.get("__file__")):
                found[name] = version
    return found


def _is_standard(path: "Any") -> bool:
    """Whether a module's file is part of the standard library."""
    if not isinstance(path, str):
        return path is None  # built in
    inside = path.startswith(os.path.dirname(os.__file__) + os.sep)
    return inside and "site-packages" not in path and "dist-packages" not in path


def at_exit_of_child(function: "Callable[[], None]") -> None:
    """Call a function when a forked child ends: it leaves through `os._exit`, which runs finalizers but no atexit."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, function, exitpriority=-100)


def is_alive(pid: int) -> bool:
    """Whether a process is there, of whichever user."""
    try:
        System.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# Which rank this process is of a distributed training; asked at the first observation, when its library knows.

# (rank, rank on its machine, ranks in all); the first pair of rank and number that is there is taken
_VARIABLES = (
    ("RANK", "LOCAL_RANK", "WORLD_SIZE"),  # torchrun, accelerate, Lightning, Ray Train
    ("HOROVOD_RANK", "HOROVOD_LOCAL_RANK", "HOROVOD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "MPI_LOCALRANKID", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_STEP_NUM_TASKS"),  # set by srun; a batch script alone has SLURM_NTASKS
)


def ranks() -> "RankFacts":
    """{"rank", "local_rank", "world_size"}: numbers, null outside a distributed run."""
    found = _of_torch() or _of_jax()
    local = next((number for number in (_number(names[1]) for names in _VARIABLES) if number is not None), None)
    if found is None:
        rank, local, size = next(filter(_is_whole, map(_numbers, _VARIABLES)), _numbers(_VARIABLES[0]))
    else:
        rank, size = found
    return {"rank": rank, "local_rank": local, "world_size": size}


def _numbers(names: "Tuple[str, str, str]") -> "RankNumbers":
    return tuple(map(_number, names))


def _is_whole(numbers: "RankNumbers") -> bool:
    return numbers[0] is not None and numbers[2] is not None


def _number(variable: str) -> "Optional[int]":
    text = os.environ.get(variable, "")
    return int(text) if text.isdigit() else None


def _of_torch() -> "Optional[Tuple[int, int]]":
    """(rank, number) of the default process group, if there is one."""
    module = sys.modules.get("torch.distributed")
    try:
        if module is not None and module.is_available() and module.is_initialized():
            return module.get_rank(), module.get_world_size()
    except Exception:  # a build without it: the environment tells
        return None
    return None


def _of_jax() -> "Optional[Tuple[int, int]]":
    """(rank, number) that `jax.distributed.initialize` was given; asking JAX itself would start its backends."""
    state = getattr(sys.modules.get("jax._src.distributed"), "global_state", None)
    rank, size = getattr(state, "process_id", None), getattr(state, "num_processes", None)
    return (rank, size) if isinstance(rank, int) and isinstance(size, int) and size > 1 else None
