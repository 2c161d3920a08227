"""The two processes on a different machine: the worker and the keeper.

A worker is what the host starts. It gives the order to a keeper, a separate process. The keeper is forked twice, so
that it survives its worker, and it has the user's environment instead of the worker's. It runs the trial (see
`samebits.launch.node.node_trial`) and sends the outcome. When its input ends, it ends the trial and all that belongs to
it. The input also ends if the worker or the node's agent is killed. Nothing heavy is imported: each worker imports this
module.
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from samebits.launch.node.orders import Delivery, OrderFiles, Post, has_more, received, sent

_BOOT = """
import os, sys
os.fork() and os._exit(0)
os.setsid()
sys.path.append(sys.argv[1])
from samebits.launch.node.keeper import stay
stay()
"""
_WORKER = "import sys; sys.path.append(sys.argv[1]); from samebits.launch.node.keeper import work; work(sys.argv[2])"
_FOLDER = str(Path(__file__).resolve().parents[3])
_LOOK = 0.1  # seconds; some engines interrupt a worker only between two calls


class Keeper:
    """Call `poll` until it gives the outcome, and `close` in any case.

    `node`: the node's name in the trial's facts. `notes`: sentences about how the engine ran the trial.
    """

    def __init__(self, post: Post, node: str, notes: Sequence[str] = ()) -> None:
        variables = {name: os.environ[name] for name in post.taken if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, _FOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**post.environment, **variables},
            cwd="/",
        )
        self._process.wait()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout.fileno()
        sent(self._input.fileno(), (node, tuple(notes), post.order, post.code, post.folder))

    def poll(self, seconds: float) -> Delivery | None:
        """Return the outcome, or None if it has not come within so many seconds."""
        if not has_more(self._output, seconds):
            return None
        outcome: Delivery | None = received(self._output)
        what = "The process that keeps the trial on its node was killed."
        return outcome or Delivery(message=what, advice="run the command again.")

    def close(self) -> None:
        """End the trial if it still runs. Return when all its processes are gone."""
        with suppress(OSError):
            self._input.close()
        while os.read(self._output, 1 << 16):
            continue
        assert self._process.stdout is not None
        self._process.stdout.close()


def outcome_here(post: Post, node: str, notes: Sequence[str] = ()) -> Delivery:
    """Run a trial to its end on this node. An exception in this function (an interruption) ends the trial first."""
    keeper = Keeper(post, node, notes)
    try:
        while (outcome := keeper.poll(_LOOK)) is None:
            continue
        return outcome
    finally:
        keeper.close()


def worker(files: OrderFiles) -> list[str]:
    """Return the command that runs an order on a node which has these files at the same place."""
    return [sys.executable, "-c", _WORKER, _FOLDER, files.stem]


def work(stem: str) -> None:
    """Be a worker: run the trial of an order, and put its outcome beside the order."""
    signal.signal(signal.SIGTERM, _end_at_signal)
    files = OrderFiles(stem)
    post = files.whole_post()
    node = os.environ.get("SLURMD_NODENAME") or socket.gethostname()
    files.path("began").write_text(node)
    files.deliver(outcome_here(post, node, _notes()))


def _notes() -> list[str]:
    """Say how often Slurm has preempted the job and queued it again: it then finds its order once more."""
    times = os.environ.get("SLURM_RESTART_COUNT", "0")
    often = "once" if times == "1" else f"{times} times"
    note = f"Slurm put this trial's job back into its queue {often}, so the trial started again"
    return [] if times == "0" else [note]


def stay() -> None:
    """Be the keeper."""
    signal.signal(signal.SIGTERM, _end_at_signal)
    importlib.import_module("samebits.launch.node.node_trial").keep()


def _end_at_signal(*_: object) -> None:
    """End this process, once: the handler of SIGTERM, which Slurm sends to all processes of a job that it ends."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)
