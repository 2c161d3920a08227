"""The processes below a process, from /proc. Standard library alone: the supervisor runs without any other package."""

from __future__ import annotations

import os
from typing import NamedTuple

_FORKED_NOT_EXECUTED = 0x40  # PF_FORKNOEXEC of linux/sched.h: a copy of its parent, not a program of its own


class Process(NamedTuple):
    """A process at one moment. `started`: clock ticks since boot; with the pid it is unique."""

    pid: int
    parent: int
    state: str
    started: int
    forked: bool

    @property
    def is_alive(self) -> bool:
        """False for a zombie: it has ended and waits to be collected."""
        return self.state not in ("Z", "X")


def read(pid: int) -> Process | None:
    """What /proc says of a process; None where it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  (every poll reads many of these)
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return Process(
        pid, int(fields[1]), fields[0].decode(), int(fields[19]), bool(int(fields[6]) & _FORKED_NOT_EXECUTED)
    )


def below(pid: int) -> list[Process]:
    """All processes below `pid`, zombies left out. Complete at the moment of the look, at the cost of a look at all."""
    everyone = [read(int(name)) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    children: dict[int, list[Process]] = {}
    for process in everyone:
        if process is not None:
            children.setdefault(process.parent, []).append(process)
    found, waiting = [], [pid]
    while waiting:
        below_this = children.get(waiting.pop(), [])
        found += [process for process in below_this if process.is_alive]
        waiting += [process.pid for process in below_this]
    return found


def below_quickly(pid: int) -> list[Process]:
    """The same from the kernel's lists of children: cheap, and blind to a process that moves during the look.

    Falls back to `below` on kernels without these lists.
    """
    found, waiting = [], [pid]
    while waiting:
        children = _children(waiting.pop())
        if children is None:
            return below(pid)
        waiting += children
        found += [process for process in map(read, children) if process is not None and process.is_alive]
    return found


def _children(pid: int) -> list[int] | None:
    tasks = f"/proc/{pid}/task"
    found: list[int] = []
    try:
        for task in os.listdir(tasks):  # noqa: PTH208
            with open(f"{tasks}/{task}/children", "rb") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    except FileNotFoundError:
        return found if not os.path.exists(tasks) or os.path.exists("/proc/1/task/1/children") else None  # noqa: PTH110
    except OSError:
        return found
    return found


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty where it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return []
    return [os.fsdecode(word) for word in text.split(b"\0")[:-1]]
