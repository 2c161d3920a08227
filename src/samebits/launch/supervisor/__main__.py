"""The parent of one trial: starts its command, collects its orphans, and ends all that is below when it is told to.

    python -S -E supervisor STDOUT STDERR EXECUTABLE COMMAND...

It adopts every descendant that loses its parent (PR_SET_CHILD_SUBREAPER), so that the trial's tree is exactly what is
below this process, daemons included. It runs without site-packages; its environment and working folder are the
trial's.

Standard output: one JSON line when the command has started, {"pid"} or {"error"}; one when it has ended, {"code"} or
{"signal"}. Standard input: `T` sends SIGTERM to all that is below; the end of the input, which comes also when the
launcher dies, ends all that is below, and then the supervisor.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
import time

import descendants  # type: ignore[import-not-found]  # beside this file, which is run as a program

PR_SET_CHILD_SUBREAPER = 36
TRACKERS = ("resource_tracker", "semaphore_tracker")  # of multiprocessing: they free what killed processes shared
TRACKERS_MAY_TAKE = 0.5


def main(stdout: str, stderr: str, executable: str, *command: str) -> None:
    """Run the command; see the module's docstring."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wakeup = wake_on_signals()
    try:
        pid = start(executable, list(command), stdout, stderr)
        serve(pid, wakeup)
    finally:
        end_all()


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
    """A descriptor that becomes readable when a child has ended. Signals meant for the command are not for us."""
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
        report(error=error.strerror or str(error))
        return None
    report(pid=pid)
    return pid


def collect(pid: int | None) -> None:
    """Collect what has ended; tell when it is the command."""
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if ended == 0:
            return
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            report(**({"code": code} if code >= 0 else {"signal": -code}))


def obey(order: bytes) -> bool:
    """Do what the launcher asks for; False when it is over."""
    if order == b"T":
        for process in descendants.below(os.getpid()):
            send(process.pid, signal.SIGTERM)
        return True
    return False


def end_all() -> None:
    """End all that is below. The trackers of multiprocessing come last: they remove shared memory of the others."""
    patience = time.monotonic() + TRACKERS_MAY_TAKE
    while True:
        collect(None)
        left = descendants.below(os.getpid())
        if not left:
            return
        spared = [process for process in left if time.monotonic() < patience and is_tracker(process.pid)]
        for process in left:
            if process not in spared:
                send(process.pid, signal.SIGKILL)
        time.sleep(0.005)


def is_tracker(pid: int) -> bool:
    """Whether this is one of multiprocessing's trackers, which end by themselves when nobody needs them."""
    return any(name in word for word in descendants.command_line(pid) for name in TRACKERS)


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone."""
    try:
        os.kill(pid, number)
    except OSError:
        return


def report(**facts: object) -> None:
    """One line for the launcher, if it still listens."""
    try:
        os.write(1, json.dumps(facts).encode() + b"\n")
    except OSError:
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
