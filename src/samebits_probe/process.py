"""Facts about this process and its machine."""

import os
import sys
import time

from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

    from .wire import MachineFacts, ProcessFacts, RankFacts, SiblingFacts, StartFacts

    RankNumbers = Tuple[Optional[int], ...]  # rank, rank on its machine, number of ranks

__all__ = [
    "at_exit_of_child",
    "clocks",
    "facts",
    "folder_name",
    "is_alive",
    "machine",
    "packages",
    "standing",
    "time_used",
]


_CLOCKS = (time.time, time.monotonic, time.perf_counter)
_BEGAN = System.now()


def folder_name() -> str:
    """Return a name for the folder of this process. Names sort by the time at which the probe started."""
    return "%020d-%d" % (int(System.now() * 1e6), System.getpid())


def facts(forked_from: "Optional[int]" = None) -> "ProcessFacts":
    """Return the content of process.json. The first observation asks again for the facts of `standing`."""
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
    """Return what distinguishes this process from its siblings: its rank, and its number among its parent's children.

    multiprocessing gives `identity` and `name` to children of every start method. Outside of it, both are null.
    """
    module = sys.modules.get("multiprocessing.process")
    own = module.current_process() if module is not None else None
    identity = getattr(own, "_identity", None)
    name = getattr(own, "_name", None) if identity else None
    return {**ranks(), "identity": list(identity) if identity else None, "name": name}


def _command_line() -> "List[str]":
    """Return the arguments of the process. `sys.argv` does not exist yet when `sitecustomize` runs, and lacks `-m`."""
    try:
        return [System.fsdecode(word) for word in System.read("/proc/self/cmdline").split(b"\0")[:-1]]
    except OSError:
        return list(getattr(sys, "argv", []))


def machine() -> "MachineFacts":
    """Return the facts of the machine that can change bits: host, system, processor, instruction sets, C library."""
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
        **_graphics(),
    }


def clocks() -> "List[List[float]]":
    """Return the reading of each clock when the process began, and its reading now."""
    age = System.now() - _BEGAN
    return [[clock() - age, clock()] for clock in _CLOCKS]


def time_used() -> "StartFacts":
    """Return the processor time that this process has used until now."""
    used = System.times()
    return {"at": System.now(), "seconds": used[0] + used[1], "threads": list(_thread_seconds())}


def _thread_seconds() -> "Iterator[Tuple[int, float]]":
    """Yield the id and the processor time of each thread: https://docs.kernel.org/scheduler/sched-stats.html"""
    main = str(System.getpid())
    try:
        for name in sorted(System.listdir("/proc/self/task"), key=lambda name: name != main):
            yield int(name), int(System.read("/proc/self/task/" + name + "/schedstat").split()[0]) / 1e9
    except (OSError, IndexError):  # a thread ended meanwhile, or the kernel counts nothing
        return


def _libc() -> str:
    """Return the C library that runs. Python's `platform.libc_ver` names the oldest one that the interpreter needs."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        import platform

        return " ".join(platform.libc_ver())


def _processor() -> "Dict[str, str]":
    """Return the first processor of /proc/cpuinfo as a dictionary. (With 200 cores, the file is long.)"""
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


_NVIDIA = "/proc/driver/nvidia/"  # files of NVIDIA's driver. Other drivers have none like these


def _graphics() -> "MachineFacts":
    """Return the models of the GPUs and the version of their driver. No library is asked, so that none begins to work.

    The version is the first number in `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05 ...`.
    """
    try:
        names = System.listdir(_NVIDIA + "gpus")
        texts = [System.read(_NVIDIA + "gpus/" + name + "/information").decode("utf-8", "replace") for name in names]
        words = System.read(_NVIDIA + "version").decode("utf-8", "replace").split()
    except OSError:
        return {}
    models = [line[6:].strip() for text in texts for line in text.split("\n") if line.startswith("Model:")]
    driver = next((word for word in words if word[0].isdigit() and "." in word), "")
    return {"gpus": ", ".join(sorted(models)), "driver": driver} if models else {}


def packages() -> "Dict[str, str]":
    """Return the versions of the top-level modules imported so far, from their dictionaries: so no lazy import runs.

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
    """Return whether a module's file is part of the standard library."""
    if not isinstance(path, str):
        return path is None  # built in
    inside = path.startswith(os.path.dirname(os.__file__) + os.sep)
    return inside and "site-packages" not in path and "dist-packages" not in path


def at_exit_of_child(function: "Callable[[], None]") -> None:
    """Call a function when a forked child ends. It leaves with `os._exit`, after finalizers, but without atexit."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, function, exitpriority=-100)


def is_alive(pid: int) -> bool:
    """Return whether a process of any user exists."""
    try:
        System.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# The rank of this process in a distributed training. It is read at the first observation, when the library knows it.

# (rank, rank on its machine, number of ranks); the first entry with a rank and a number of ranks counts
_VARIABLES = (
    ("RANK", "LOCAL_RANK", "WORLD_SIZE"),  # torchrun, accelerate, Lightning, Ray Train
    ("HOROVOD_RANK", "HOROVOD_LOCAL_RANK", "HOROVOD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "MPI_LOCALRANKID", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_STEP_NUM_TASKS"),  # set by srun; a batch script only has SLURM_NTASKS
)


def ranks() -> "RankFacts":
    """Return {"rank", "local_rank", "world_size"}: numbers; null outside of a distributed run."""
    found = _of_torch() or _of_jax()
    local = next((number for number in (_number(names[1]) for names in _VARIABLES) if number is not None), None)
    if found is None:
        whole = (one for one in map(_numbers, _VARIABLES) if one[0] is not None and one[2] is not None)
        rank, local, size = next(whole, _numbers(_VARIABLES[0]))
    else:
        rank, size = found
    return {"rank": rank, "local_rank": local, "world_size": size}


def _numbers(names: "Tuple[str, str, str]") -> "RankNumbers":
    return tuple(map(_number, names))


def _number(variable: str) -> "Optional[int]":
    text = os.environ.get(variable, "")
    return int(text) if text.isdigit() else None


def _of_torch() -> "Optional[Tuple[int, int]]":
    """Return (rank, number of ranks) of the default process group; None if there is none."""
    module = sys.modules.get("torch.distributed")
    try:
        if module is not None and module.is_available() and module.is_initialized():
            return module.get_rank(), module.get_world_size()
    except Exception:  # a build without it: the environment variables count
        return None
    return None


def _of_jax() -> "Optional[Tuple[int, int]]":
    """Return the (rank, number of ranks) given to `jax.distributed.initialize`. Asking JAX would start its backends."""
    state = getattr(sys.modules.get("jax._src.distributed"), "global_state", None)
    rank, size = getattr(state, "process_id", None), getattr(state, "num_processes", None)
    return (rank, size) if isinstance(rank, int) and isinstance(size, int) and size > 1 else None
