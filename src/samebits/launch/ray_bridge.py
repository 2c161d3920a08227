"""The client of a Ray cluster: a process of its own between samebits and the cluster.

Standard input: ("connect", where, given), then ("admit", needs), ("nodes", needs), ("lacking", needs, folder, listing),
("keep", name, packed), ("start", number, RayOrder) and ("cancel", number). The end of the input cancels all trials
and ends the process. Standard output: ("ready", value) or ("refused", what, advice) for each of the first five, where
the value is how many trials can run now, or names of nodes; and ("over", number, Delivery) for each trial. Before the
answer to "connect" comes one more ("ready", None), as soon as Ray is loaded.
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

from samebits.launch.keeper import Delivery, Post, RayOrder, outcome_here, received, sent
from samebits.launch.ray_address import refusal, without_raylet
from samebits.launch.ray_nodes import NotAdmitted, Placement, fitting, name_of

__all__ = ["main"]

_PACE = 0.02
_OBEYS = 10.0  # seconds that a cancelled trial may take to end by itself; then its worker is killed
_PACE_OF_NODES = 1.0  # seconds between two looks at the nodes
# seconds after which samebits gives up a trial that no node can run any more; Ray itself needs one second to say so
_HOPE = 5.0
_LOOKS = 60.0  # seconds that a node may take to say whether it has a folder
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
    _, where, given = received(orders)
    inbox = Inbox(orders)
    sent(answers, ("ready", None))
    try:
        connect(where, given)
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


def connect(where: str, given: str) -> None:
    """Become a client of a cluster (see `samebits.launch.ray_address.Cluster`). Raises NotAdmitted."""
    if where and not has_raylet():
        raise NotAdmitted(*without_raylet(where))
    try:
        ray.init(address=given or None, log_to_driver=False, include_dashboard=None if where else False)
    except Exception as why:  # any error: samebits must report it
        raise NotAdmitted(*refusal(where, str(why))) from None


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
    """A trial that was started. `node`: where it has to run. `cancelled`, `hopeless`: since when it is so."""

    number: int
    placement: Placement
    node: str | None = None
    cancelled: float | None = None
    hopeless: float | None = None

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
        self._kept: dict[str, Any] = {}  # name -> Ray's reference to what is packed
        self._next_look = 0.0
        self._run = ray.remote(run_trial)

    def serve(self, inbox: Inbox) -> None:
        """Do what samebits asks and send the outcomes of trials, until samebits has ended."""
        inbox.is_served = True
        while not inbox.is_closed or inbox.messages:
            while inbox.messages:
                self._obey(*inbox.messages.pop(0))
            self._tell()
            time.sleep(_PACE)
        for task in self._tasks:
            self._cancel(task)
        while self._tasks:
            self._tell()
            time.sleep(_PACE)
        ray.shutdown()

    def _obey(self, verb: str, *words: Any) -> None:
        if verb == "start":
            self._start(*words)
        elif verb == "cancel":
            for task in [task for task, known in self._tasks.items() if known.number == words[0]]:
                self._cancel(task)
        else:
            self._ask(verb, *words)

    def _ask(self, verb: str, *words: Any) -> None:
        """Answer a question."""
        questions: dict[str, Callable[..., Any]] = {
            "admit": self._admit,
            "nodes": self._nodes,
            "lacking": self._lacking,
            "keep": self._keep,
        }
        try:
            said = ("ready", questions[verb](*words))
        except NotAdmitted as why:
            said = ("refused", *why.args)
        self._send(said)

    def _admit(self, needs: Mapping[str, str]) -> int:
        return self._placement(needs).admit(ray.nodes(), free_resources())

    def _nodes(self, needs: Mapping[str, str]) -> list[str]:
        nodes = ray.nodes()
        return [name_of(node, nodes) for node in fitting(nodes, needs)]

    def _placement(self, needs: Mapping[str, str]) -> Placement:
        return self._placements.setdefault(repr(sorted(needs.items())), Placement(needs))

    def _lacking(self, needs: Mapping[str, str], folder: str, listing: str) -> list[str]:
        """Return the names of the nodes that do not have a folder, or have a different one.

        Nodes of this machine share its disks.
        """
        nodes, own = ray.nodes(), ray.util.get_node_ip_address()
        asked = {}
        for node in fitting(nodes, needs):
            if node["NodeManagerAddress"] != own:
                task = ray.remote(has_folder).options(num_cpus=0, max_retries=0, scheduling_strategy=pinned(node))
                asked[task.remote(folder, listing)] = name_of(node, nodes)
        return [name for task, name in asked.items() if not _said(task, name)]

    def _keep(self, name: str, packed: bytes) -> None:
        self._kept[name] = ray.put(packed)

    def _start(self, number: int, order: RayOrder) -> None:
        try:
            nodes, placement = ray.nodes(), self._placement(order.needs)
            node = placement.of_trial(order.trial, nodes)
            options = placement.options(nodes, node)
        except NotAdmitted:  # the node that could run it is gone meanwhile
            self._send(("over", number, Delivery(lost=True)))
            return
        place = {"scheduling_strategy": pinned(node)} if node else {}
        code, folder = self._kept[order.code], self._kept.get(order.folder)
        task = self._run.options(**options, **place, max_retries=0).remote(order.post, code, folder)
        self._tasks[task] = PendingTrial(number, placement, node["NodeID"] if node else None)

    def _cancel(self, task: Any) -> None:
        known = self._tasks[task]
        if known.cancelled is None:
            known.cancelled = time.monotonic()
            ray.cancel(task, force=False)

    def _tell(self) -> None:
        now = time.monotonic()
        for task, known in self._tasks.items():
            if known.cancelled is not None and now - known.cancelled > _OBEYS:
                ray.cancel(task, force=True)
        over, _ = ray.wait(list(self._tasks), timeout=0) if self._tasks else ([], [])
        for task in over:
            self._send(("over", self._tasks.pop(task).number, outcome_of(task)))
        if now > self._next_look and self._tasks:
            self._next_look = now + _PACE_OF_NODES
            self._give_up(now)

    def _give_up(self, now: float) -> None:
        """End the trials that wait for a lost node: Ray would let them wait for ever."""
        nodes = ray.nodes()
        for task, known in list(self._tasks.items()):
            if known.has_a_node(nodes):
                known.hopeless = None
            elif now - (known.hopeless or now) > _HOPE:
                ray.cancel(task, force=True)
                del self._tasks[task]
                self._send(("over", known.number, Delivery(lost=True)))
            else:
                known.hopeless = known.hopeless or now

    def _send(self, message: Any) -> None:
        with suppress(OSError):  # samebits is gone
            sent(self._answers, message)


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


def has_folder(folder: str, listing: str) -> bool:
    """Return whether a folder of this node has this listing (see `samebits.launch.folders`)."""
    from samebits.launch.folders import listing_of

    return Path(folder).is_dir() and listing_of(Path(folder)) == listing


def _said(task: Any, node: str) -> bool:
    """Return the answer of a node."""
    try:
        return bool(ray.get(task, timeout=_LOOKS))
    except exceptions.GetTimeoutError:
        raise NotAdmitted(f"the node {node} does not answer.", "look at it with `ray status`.") from None
    except Exception as why:  # any error: samebits must report it
        said = " ".join(str(why).split())[-300:]
        raise NotAdmitted(f"the node {node} could not be asked for the working folder: {said}.", _SAME) from None


def outcome_of(task: Any) -> Delivery:
    """Return the outcome of a task that is over."""
    try:
        found: Delivery = ray.get(task)
    except _LOST:
        return Delivery(lost=True)
    except Exception as why:  # any error: samebits must report it
        said = " ".join(str(why).split())[-300:]
        return Delivery(message=f"A node of the Ray cluster could not run the trial: {said}", advice=_SAME)
    return found


_SAME = "install the same samebits on all nodes."


def run_trial(order: Post, code: bytes, folder: bytes | None) -> Delivery:
    """Run a trial on the node of this worker.

    `code`, `folder`: see `Post`; `folder` is None if the node has the working folder.
    """
    node = f"{socket.gethostname()} {ray.get_runtime_context().get_node_id()[:8]}"
    return outcome_here(replace(order, code=code, folder=folder or b""), node)
