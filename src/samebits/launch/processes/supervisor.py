"""The parent of one trial. It starts the command, collects orphans, and ends all that is below it when it is told to.

    python -B -S -I -c "import supervisor; supervisor.main()" FOLDER STDOUT STDERR EXECUTABLE COMMAND...

It adopts every descendant that loses its parent (PR_SET_CHILD_SUBREAPER), so that the trial's tree is exactly what is
below this process, daemons included. It runs without site-packages; its environment and working folder are the trial's.
The launcher finds the processes below it by the same look at /proc.

Each trial waits for the start of this process, so it imports only fast modules of the standard library. `json` and
`typing` would double the time. `_signal` is the module below `signal`, which imports `enum`, and `_ctypes` is the one
below `ctypes`. Python compiles a script at each start, but a module only once: so `-c` imports this module.

Standard output has one line when the command has started (`pid N` or `error WHY`), and one when it has ended (`code N
MEMORY LEFT` or `signal N MEMORY LEFT`). MEMORY is the most bytes that the command took, or any process for which it
waited. LEFT is 0 if no process is left below.

Standard input takes two orders. `G` starts the command: this process can start while the launcher still prepares the
trial. `T` sends SIGTERM to all processes below. The end of the input ends these processes, and then the supervisor. The
input also ends if the launcher dies.
"""

from __future__ import annotations

import _ctypes
import _signal as signal  # type: ignore[import-not-found]  # typeshed has no stubs of it
import os
import select
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
_WAIT_FOR_ALL = 0x40000000  # __WALL of linux/wait.h: also for children that end without SIGCHLD
SLURM_GUARD = "samebits-slurm-guard"  # a word of the process that cancels a job of Slurm (see `slurm_job`)
# a part of a word of processes that end last -> the seconds that they may take: multiprocessing's trackers free what
# killed processes shared
LAST = {"resource_tracker": 0.5, "semaphore_tracker": 0.5, SLURM_GUARD: 10.0}


def main() -> None:
    """Run the command, as the docstring of the module says."""
    _, stdout, stderr, executable, *command = sys.argv[1:]
    adopt_orphans()
    wakeup = wake_on_signals()
    try:
        if os.read(0, 1) == b"G":
            pid = start(executable, command, stdout, stderr)
            serve(pid, wakeup)
    finally:
        end_all()
    os._exit(0)  # Python has nothing to clean up


def adopt_orphans() -> None:
    """Become the parent of all descendants that lose their parent."""
    library = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # None: this process, as in ctypes.CDLL(None)
    function = _ctypes.dlsym(library, "prctl")
    _ctypes.call_function(function, (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def serve(pid: int | None, wakeup: int) -> None:
    """Collect what ends and obey, until it is over."""
    while True:
        ready, _, _ = select.select([0, wakeup], [], [])
        if wakeup in ready:
            os.read(wakeup, 4096)
            collect(pid)
        if 0 in ready and not obey(os.read(0, 1)):
            return


def wake_on_signals() -> int:
    """Return a descriptor that becomes readable when a child has ended.

    This process ignores signals that are meant for the command.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever ends this process ends the trial
    return reading


def start(executable: str, command: list[str], stdout: str, stderr: str) -> int | None:
    """Start the command in a session of its own, with empty input and its output in files."""
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, stdout, write, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, stderr, write, 0o644),
    ]
    default = [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP]  # Python ignores the first two
    try:
        pid = os.posix_spawn(
            executable, command, os.environ, file_actions=actions, setsid=True, setsigmask=[], setsigdef=default
        )
    except OSError as error:
        report("error", (error.strerror or str(error)).replace("\n", " "))
        return None
    report("pid", pid)
    return pid


def collect(pid: int | None) -> bool:
    """Collect what has ended; report it if it is the command. Return whether nothing is left below.

    Each process below is a child of this process, or descends from one, because this process adopts orphans. So nothing
    is left if there is no child.
    """
    ending = None
    while True:
        try:
            ended, status, usage = os.wait4(-1, os.WNOHANG | _WAIT_FOR_ALL)
        except ChildProcessError:
            is_left = False
            break
        if ended == 0:
            is_left = True
            break
        if ended == pid:
            ending = status, usage
    if ending is not None:
        status, usage = ending
        code = os.waitstatus_to_exitcode(status)
        report("code" if code >= 0 else "signal", f"{abs(code)} {usage.ru_maxrss * 1024} {int(is_left)}")
    return not is_left


def obey(order: bytes) -> bool:
    """Do what the launcher asks for; False when it is over."""
    if order == b"T":
        for process in below(os.getpid()):
            send(process.pid, signal.SIGTERM)
        return True
    return False


def end_all() -> None:
    """End all that is below. Processes that clean up after the others come last."""
    began = time.monotonic()
    while True:
        if collect(None):
            return
        left = below(os.getpid())
        if not left:
            return
        spared = cleaners(left, time.monotonic() - began)
        for process in left:
            if process.pid not in spared:
                send(process.pid, signal.SIGKILL)
        time.sleep(0.005)


def cleaners(processes: list[Process], seconds: float) -> set[int]:
    """Return the processes that end by themselves when nobody needs them.

    Processes that these started are added, as long as they still have time. `seconds`: how long ago the other processes
    were ended.
    """
    pids: set[int] = set()
    for process in processes:  # parents come first
        if process.parent in pids or seconds < may_take(process.pid):
            pids.add(process.pid)
    return pids


def may_take(pid: int) -> float:
    """Return the seconds that a process may take to clean up; 0 for any other."""
    words = command_line(pid)
    return max((seconds for name, seconds in LAST.items() if any(name in word for word in words)), default=0.0)


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone."""
    try:
        os.kill(pid, number)
    except OSError:
        return


def report(fact: str, value: int | str) -> None:
    """Write one line for the launcher, if it still listens: the name of a fact, then its value."""
    try:
        os.write(1, f"{fact} {value}\n".encode("utf-8", "replace"))
    except OSError:
        return


_FORKED_NOT_EXECUTED = 0x40  # PF_FORKNOEXEC of linux/sched.h: a forked copy of its parent, not a separate program


class Process:
    """A process at one moment. `started`: clock ticks since boot; with the pid it is unique."""

    __slots__ = ("forked", "parent", "pid", "started", "state")

    def __init__(self, pid: int, parent: int, state: str, started: int, forked: bool) -> None:  # noqa: FBT001
        self.pid, self.parent, self.state, self.started, self.forked = pid, parent, state, started, forked

    @property
    def is_alive(self) -> bool:
        """False for a zombie: it has ended and waits to be collected."""
        return self.state not in ("Z", "X")


def read_process(pid: int) -> Process | None:
    """Read a process from /proc; None if it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  (every poll reads many of these)
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return Process(
        pid, int(fields[1]), fields[0].decode(), int(fields[19]), bool(int(fields[6]) & _FORKED_NOT_EXECUTED)
    )


def below(pid: int) -> list[Process]:
    """Return all processes below `pid`, except zombies.

    The answer is complete at that moment, but needs a look at all processes.
    """
    everyone = [read_process(int(name)) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    children: dict[int, list[Process]] = {}
    for process in everyone:
        if process is not None:
            children.setdefault(process.parent, []).append(process)
    processes, waiting = [], [pid]
    while waiting:
        below_this = children.get(waiting.pop(), [])
        processes += [process for process in below_this if process.is_alive]
        waiting += [process.pid for process in below_this]
    return processes


def below_quickly(pid: int) -> list[Process]:
    """Return the same as `below`, from the kernel's lists of children.

    This is cheap, but misses a process that gets a new parent during the look.

    Falls back to `below` on kernels without these lists.
    """
    processes, waiting = [], [pid]
    while waiting:
        children = _children(waiting.pop())
        if children is None:
            return below(pid)
        waiting += children
        processes += [process for process in map(read_process, children) if process is not None and process.is_alive]
    return processes


def _children(pid: int) -> list[int] | None:
    tasks = f"/proc/{pid}/task"
    pids: list[int] = []
    try:
        for task in os.listdir(tasks):  # noqa: PTH208
            with open(f"{tasks}/{task}/children", "rb") as file:  # noqa: PTH123
                pids += map(int, file.read().split())
    except FileNotFoundError:
        return pids if not os.path.exists(tasks) or os.path.exists("/proc/1/task/1/children") else None  # noqa: PTH110
    except OSError:
        return pids
    return pids


def command_line(pid: int) -> list[str]:
    """Return the arguments of a process; empty if it has ended or is a zombie."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return []
    return [os.fsdecode(word) for word in text.split(b"\0")[:-1]]
