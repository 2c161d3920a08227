"""What trials take from the machine, and may have to share: cores, memory, GPUs, ports, shared memory, locks."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

SHARED_MEMORY = "/dev/shm"  # noqa: S108
_MARGIN = 1.25  # a training takes more memory later on
_NVIDIA = ("/dev/nvidia", "/dev/dxg")
_OTHER_DEVICES = ("/dev/kfd", "/dev/accel", "/dev/davinci")  # devices that nobody can be asked about how full they are
_QUERY = ["nvidia-smi", "--format=csv,noheader,nounits"]
_MEBIBYTE = 1 << 20


class MemoryUse(NamedTuple):
    """Bytes of main memory and of GPU memory, taken or free. None: not known."""

    main: int
    gpu: int | None = 0

    def beyond(self, other: MemoryUse) -> MemoryUse:
        """Return how much this is more than the other one."""
        gpu = None if self.gpu is None or other.gpu is None else max(self.gpu - other.gpu, 0)
        return MemoryUse(max(self.main - other.main, 0), gpu)


def why_no_room(needs: Sequence[MemoryUse], free: MemoryUse) -> str:
    """Return why trials that need so much more memory do not fit beside the present ones; empty if they fit."""
    if any(need.gpu is None for need in needs):
        return "the memory use of the GPU is unknown"
    main, gpu = sum(need.main for need in needs), sum(need.gpu or 0 for need in needs)
    for name, wanted, left in (("memory", main, free.main), ("GPU memory", gpu, free.gpu)):
        if wanted and (left is None or wanted * _MARGIN > left):
            room = "the free memory is unknown" if left is None else f"{_size(left)} are free"
            return f"the trials do not fit in {name} side by side (they need {_size(wanted)} more, and {room})"
    return ""


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def used_memory(pids: Sequence[int]) -> MemoryUse:
    """Return how much memory processes take. Shared pages are divided among the processes that share them."""
    return MemoryUse(sum(map(_proportional, pids)), _gpu_used(pids))


def _proportional(pid: int) -> int:
    own = Path(f"/proc/{pid}")
    return kibibytes(own / "smaps_rollup", "Pss") or kibibytes(own / "status", "VmRSS") or 0


def free_memory(root: Path = Path("/")) -> MemoryUse:
    """Return how much memory is free on this machine, or in this process's control group if that is less."""
    available = kibibytes(root / "proc/meminfo", "MemAvailable")
    left = [] if available is None else [available]
    return MemoryUse(min([*left, *_left_in_groups(root)], default=0), _gpu_free())


def _left_in_groups(root: Path) -> Iterator[int]:
    """Yield how many bytes the control groups leave, from the files of cgroup version 2 or 1."""
    for numbers, stat in (
        (["memory.max", "memory.current"], "memory.stat"),
        (["memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"], "memory/memory.stat"),
    ):
        words, rows = group_words(root, *numbers) or [], group_words(root, stat)
        if rows is not None and len(words) == 2 and words[0].isdecimal():
            most, used = map(int, words)
            yield max(most - used + _reclaimable(rows), 0)


def _reclaimable(stat: list[str]) -> int:
    rows = dict(zip(stat[::2], stat[1::2], strict=False))
    return int(rows.get("total_inactive_file") or rows.get("inactive_file") or 0)


def free_cores(others: float, root: Path = Path("/")) -> float:
    """Return the cores that this process may use and that nothing else keeps busy."""
    return max(0.0, min([len(os.sched_getaffinity(0)) - others, *_quota(root)]))


def _quota(root: Path) -> Iterable[float]:
    """Yield the cores that the control group may use, from the files of cgroup version 2 or 1."""
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        words = group_words(root, *names) or []
        if len(words) == 2:
            quota, period = words
            if quota.isdecimal() and int(period):
                yield int(quota) / int(period)
            return


def uses_gpu(pids: Iterable[int]) -> bool:
    """Return whether a process has a GPU, or a similar device, open."""
    return any(target.startswith((*_NVIDIA, *_OTHER_DEVICES)) for pid in pids for target in _descriptors(pid))


def _gpu_used(pids: Sequence[int]) -> int | None:
    """Return how many bytes processes take on NVIDIA's devices; None if they use devices that cannot be asked."""
    targets = [target for pid in pids for target in _descriptors(pid)]
    if any(target.startswith(_OTHER_DEVICES) for target in targets):
        return None
    if not any(target.startswith(_NVIDIA) for target in targets):
        return 0
    rows = _gpu_rows("--query-compute-apps=pid,used_memory")
    own = [int(row[1]) for row in rows or [] if row[0].isdecimal() and int(row[0]) in pids and row[1].isdecimal()]
    return sum(own) * _MEBIBYTE if own else None


def _gpu_free() -> int | None:
    """Return how many bytes are free on the fullest of NVIDIA's devices; None if no device can be asked."""
    rows = _gpu_rows("--query-gpu=memory.free")
    return min((int(row[0]) * _MEBIBYTE for row in rows or [] if row[0].isdecimal()), default=None)


def _gpu_rows(query: str) -> list[list[str]] | None:
    """Return the cells of each line that nvidia-smi prints; None if it cannot be asked."""
    try:
        output = subprocess.run([*_QUERY, query], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return [[cell.strip() for cell in line.split(",")] for line in output.splitlines()]


# -- numbers that the kernel gives in files ---------------------------------------------------------------------------


def kibibytes(path: Path, name: str) -> int | None:
    """Return how many bytes a line such as `NAME: 12 kB` of a file in /proc means.

    The result is None if there is no such file or line.
    """
    try:
        match = re.search(rf"^{name}:\s+(\d+) kB".encode(), path.read_bytes(), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) * 1024 if match else None


def group_words(root: Path, *names: str) -> list[str] | None:
    """Return the words in files of this process's control group; None for a file that does not exist.

    https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    try:
        return [word for name in names for word in (root / "sys/fs/cgroup" / name).read_text().split()]
    except OSError:
        return None


def _descriptors(pid: int) -> list[str]:
    targets = []
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
            targets.append(os.readlink(f"/proc/{pid}/fd/{name}"))  # noqa: PTH115
    except OSError:
        return targets
    return targets


# -- what processes hold under a name ---------------------------------------------------------------------------------


def held_resource(pids: Iterable[int]) -> str:
    """Return what processes hold that another trial may need or find; empty if nothing is known."""
    own = set(pids)
    resource = next((resource for pid in own for resource in _named_resources(pid, own)), None)
    if resource is not None:
        return f"a trial {resource}"
    return "a trial holds a lock on a file" if own & _lock_holders() else ""


def _named_resources(pid: int, own: set[int]) -> Iterator[str]:
    """Yield what a process holds under a name that is the same in all trials. Such a name holds no process number."""
    sockets = {target[8:-1] for target in _descriptors(pid) if target.startswith("socket:[")}
    if sockets:
        yield from (f"listens on port {port}" for port in _named_ports(pid, sockets))
    names = [*(_abstract_names(pid, sockets) if sockets else ()), *_shared_memory(pid)]
    yield from (f"holds {name}" for name in names if own.isdisjoint(map(int, re.findall(r"\d+", name))))


def _named_ports(pid: int, sockets: set[str]) -> list[int]:
    """Return the ports that a process listens on and that the system did not choose."""
    first, last = _chosen_by_the_system()
    tables = [(name + six, state) for name, state in _LISTENS.items() for six in ("", "6")]
    rows = [row for name, state in tables for row in _cells(pid, name) if row[3] == state]
    ports = {int(row[1].rpartition(":")[2], 16) for row in rows if row[9] in sockets}
    return sorted(port for port in ports if not first <= port <= last)


def _abstract_names(pid: int, sockets: set[str]) -> list[str]:
    """Return the names of abstract sockets, which lie in no folder, except names that the system chose.

    They are gone with their process.
    """
    names = [row[7] for row in _cells(pid, "unix") if len(row) > 7 and row[6] in sockets]
    return [f"the socket {name}" for name in names if name[0] == "@" and not re.fullmatch("@[0-9a-f]{5}", name)]


def _shared_memory(pid: int) -> list[str]:
    """Return the shared memory, without names that a library drew at random."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines()
    except OSError:
        return []
    names = sorted({name for line in lines if (name := line.partition(f" {SHARED_MEMORY}/")[2])})
    return [f"the shared memory {name}" for name in names if not is_drawn(name)]


def is_drawn(name: str) -> bool:
    """Return whether a library drew the name of shared memory at random: no other process finds it."""
    return _DRAWN.fullmatch(name) is not None


_DRAWN = re.compile(r"psm_[0-9a-f]{8}|sem\.(mp|loky)-.*|nccl-.*|.* \(deleted\)")
_LISTENS = {"tcp": "0A", "udp": "07"}  # TCP_LISTEN and TCP_CLOSE of linux/tcp_states.h: without a peer


def _cells(pid: int, table: str) -> list[list[str]]:
    try:
        return [line.split() for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
    except OSError:
        return []


def _chosen_by_the_system() -> tuple[int, int]:
    try:
        first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    except (OSError, ValueError):
        return 32768, 60999
    return first, last


def _lock_holders() -> set[int]:
    """Return the processes that keep others from a file: `1: FLOCK ADVISORY WRITE 1234 08:01:99 0 EOF`."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return set()
    cells = [line.split() for line in lines]
    return {int(row[4]) for row in cells if len(row) > 4 and row[3] == "WRITE" and row[4].isdecimal()}
