"""The client of a Ray cluster: a process of its own between samebits and the cluster.

Standard input: ("connect", address), then ("admit", needs), ("nodes", needs), ("start", OrderFiles, trial, needs)
and ("cancel", OrderFiles). The end of the input cancels all trials and ends the process. Standard output: ("ready",
value) or ("refused", what, advice) for each of the first three, where the value is how many trials can run now, or
names of nodes. Before the answer to "connect" comes one more ("ready", None), as soon as Ray is loaded. The outcome of
a trial goes into its file.
"""

from __future__ import annotations

import importlib
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray import exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from samebits.launch.node.keeper import outcome_here
from samebits.launch.node.orders import CODE, FOLDER, Delivery, OrderFiles, Post, received, sent
from samebits.launch.remote.ray_address import refusal, without_raylet
from samebits.launch.remote.ray_nodes import NotAdmitted, Placement, fitting, name_of

_PACE = 0.02
_OBEYS = 10.0  # seconds that a cancelled trial may take to end by itself; then its worker is killed
_PACE_OF_NODES = 1.0  # seconds between two looks at the nodes
_LOST = (
    exceptions.WorkerCrashedError,
    exceptions.NodeDiedError,
    exceptions.LocalRayletDiedError,
    exceptions.OutOfMemoryError,
    exceptions.ObjectLostError,
    exceptions.TaskUnschedulableError,
    exceptions.TaskCancelledError,
)


def main() -> None:
    """Run the client; see the module's docstring."""
    orders, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    _, address = received(orders)
    inbox = Inbox(orders)
    sent(answers, ("ready", None))
    try:
        connect(address)
    except NotAdmitted as why:
        sent(answers, ("refused", *why.args))
        return
    sent(answers, ("ready", None))
    Client(answers).serve(inbox)


class Inbox:
    """The messages of samebits. If samebits ends before the cluster lets this process in, this process ends, too."""

    def __init__(self, handle: int) -> None:
        self.messages: list[Any] = []
        self.is_closed = self.is_served = False
        self._handle = handle
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while (message := received(self._handle)) is not None:
            self.messages.append(message)
        self.is_closed = True
        if not self.is_served:
            os._exit(1)


def connect(address: str) -> None:
    """Become a client of a cluster; without an address, of the one that Ray finds or starts. Raises NotAdmitted."""
    if address and not has_raylet():
        raise NotAdmitted(*without_raylet(address))
    try:
        ray.init(address=address or None, log_to_driver=False, include_dashboard=None if address else False)
    except Exception as why:  # any error: samebits must report it
        raise NotAdmitted(*refusal(address, str(why))) from None


def has_raylet() -> bool:
    """Return whether a node of Ray runs on this machine; True if this version of Ray does not tell.

    Without a node, `ray.init` would search for a minute.
    """
    try:
        return bool(importlib.import_module("ray._private.services").find_node_ids())
    except (ImportError, AttributeError):
        return True


@dataclass
class PendingTrial:
    """A trial that was started. `node`: where it has to run. `cancelled`: since when its end was asked for."""

    files: OrderFiles
    placement: Placement
    node: str | None = None
    cancelled: float | None = None

    def has_a_node(self, nodes: Sequence[Any]) -> bool:
        """Return whether a living node can run it, or runs it."""
        if self.node is not None:
            return any(node["Alive"] and node["NodeID"] == self.node for node in nodes)
        with suppress(NotAdmitted):
            return bool(fitting(nodes, self.placement.needs))
        return False


class Client:
    """Runs trials as tasks."""

    def __init__(self, answers: int) -> None:
        self._answers = answers
        self._tasks: dict[Any, PendingTrial] = {}
        self._placements: dict[str, Placement] = {}
        self._kept: dict[tuple[int, int, int], Any] = {}  # a file -> Ray's reference to its content
        self._next_look = 0.0
        self._run = ray.remote(run_trial)

    def serve(self, inbox: Inbox) -> None:
        """Do what samebits asks and bring the outcomes of trials, until samebits has ended."""
        inbox.is_served = True
        while not inbox.is_closed or inbox.messages:
            while inbox.messages:
                self._obey(*inbox.messages.pop(0))
            self._bring()
            time.sleep(_PACE)
        for submission in self._tasks.values():
            self._cancel(submission.files)
        while self._tasks:
            self._bring()
            time.sleep(_PACE)
        ray.shutdown()

    def _obey(self, verb: str, *about: Any) -> None:
        verbs: dict[str, Callable[..., Any]] = {
            "start": self._start,
            "cancel": self._cancel,
            "admit": lambda needs: self._placement(needs).admit(ray.nodes(), free_resources()),
            "nodes": self._nodes,
        }
        try:
            answer = verbs[verb](*about)
        except NotAdmitted as why:
            self._say("refused", *why.args)
        except FileNotFoundError:  # samebits is gone, with its folder
            return
        else:
            if answer is not None:
                self._say("ready", answer)

    def _say(self, *message: Any) -> None:
        with suppress(BrokenPipeError):  # samebits is gone
            sent(self._answers, message)

    def _nodes(self, needs: Mapping[str, str]) -> list[str]:
        nodes = ray.nodes()
        return [name_of(node, nodes) for node in fitting(nodes, needs)]

    def _placement(self, needs: Mapping[str, str]) -> Placement:
        return self._placements.setdefault(repr(sorted(needs.items())), Placement(needs))

    def _start(self, files: OrderFiles, trial: int, needs: Mapping[str, str]) -> None:
        try:
            nodes, placement = ray.nodes(), self._placement(needs)
            node = placement.of_trial(trial, nodes)
            options = placement.options(nodes, node)
        except NotAdmitted:  # the node that could run it is gone meanwhile
            deliver(files, Delivery(lost=True))
            return
        place = {"scheduling_strategy": pinned(node)} if node else {}
        shared = [self._reference(files.shared(name)) for name in (CODE, FOLDER)]
        task = self._run.options(**options, **place, max_retries=0).remote(files.post(), *shared)
        self._tasks[task] = PendingTrial(files, placement, node["NodeID"] if node else None)

    def _reference(self, path: Path) -> Any:
        """Return Ray's reference to the content of a file, which Ray gets once; None if there is no file."""
        if not path.exists():
            return None
        status = path.stat()
        key = status.st_ino, status.st_mtime_ns, status.st_size  # a new file may get the number of an old one
        if key not in self._kept:
            self._kept[key] = ray.put(path.read_bytes())
        return self._kept[key]

    def _cancel(self, files: OrderFiles) -> None:
        for task, submission in self._tasks.items():
            if submission.files == files and submission.cancelled is None:
                submission.cancelled = time.monotonic()
                ray.cancel(task, force=False)

    def _bring(self) -> None:
        """Bring the outcomes of trials that are over."""
        now = time.monotonic()
        for task, submission in self._tasks.items():
            if submission.cancelled is not None and now - submission.cancelled > _OBEYS:
                ray.cancel(task, force=True)
        over, _ = ray.wait(list(self._tasks), timeout=0) if self._tasks else ([], [])
        for task in over:
            deliver(self._tasks.pop(task).files, outcome_of(task))
        if now > self._next_look and self._tasks:
            self._next_look = now + _PACE_OF_NODES
            self._give_up(ray.nodes())

    def _give_up(self, nodes: Sequence[Any]) -> None:
        """End the trials that wait for a lost node: Ray would let them wait for ever."""
        for task, submission in list(self._tasks.items()):
            if not submission.has_a_node(nodes):
                ray.cancel(task, force=True)
                deliver(self._tasks.pop(task).files, Delivery(lost=True))


def deliver(files: OrderFiles, outcome: Delivery) -> None:
    """Put an outcome beside its order. If the disk is full, this process ends, which samebits reports."""
    with suppress(FileNotFoundError):  # samebits is gone, with its folder
        files.deliver(outcome)


def pinned(node: Any) -> Any:
    """Return Ray's strategy for running a task on this node or not at all."""
    return NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)


def free_resources() -> Mapping[str, Mapping[str, float]]:
    """Return the free resources by node id; nothing if this version of Ray does not tell them."""
    try:
        state = importlib.import_module("ray._private.state")
        return dict(state.available_resources_per_node())
    except (ImportError, AttributeError):
        return {}


def outcome_of(task: Any) -> Delivery:
    """Return the outcome of a task that is over."""
    try:
        outcome: Delivery = ray.get(task)
    except _LOST:
        return Delivery(lost=True)
    except Exception as why:  # any error: samebits must report it
        reason = " ".join(str(why).split())[-300:]
        what = f"A node of the Ray cluster could not run the trial: {reason}"
        return Delivery(message=what, advice="install the same samebits on all nodes.")
    return outcome


def run_trial(order: Post, code: bytes, folder: bytes | None) -> Delivery:
    """Run a trial on the node of this worker.

    `code`, `folder`: see `Post`; `folder` is None if the node has the working folder.
    """
    node = f"{socket.gethostname()} {ray.get_runtime_context().get_node_id()[:8]}"
    return outcome_here(replace(order, code=code, folder=folder or b""), node)
