"""The client of a Ray cluster: a process of its own between samebits and the cluster.

Standard input: ("connect", address, needs), then ("start", number, Post) and ("cancel", number). The end of the
input cancels all trials and ends the process. Standard output: ("ready",) or ("refused", what, advice), then
("over", number, Delivery).
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray import exceptions

from samebits.launch.keeper import Post, outcome_here
from samebits.launch.parcels import Delivery, received, sent

__all__ = ["main"]

ANSWERS = 10.0  # seconds
_PACE = 0.02
_OBEYS = 10.0  # seconds in which a trial ends by itself that was cancelled; then its worker is killed
# https://httpwg.org/specs/rfc9113.html#preface: what a client of gRPC says first, with empty settings
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_SETTINGS = 4  # the type of the first frame of an answer
_LOST = (
    exceptions.WorkerCrashedError,
    exceptions.NodeDiedError,
    exceptions.LocalRayletDiedError,
    exceptions.OutOfMemoryError,
    exceptions.ObjectLostError,
    exceptions.TaskCancelledError,
)


class NotAdmitted(Exception):
    """The cluster cannot do what is asked. Its arguments: what is the matter, and what to do next."""


def main() -> None:
    """Be the client; see the module's docstring."""
    orders, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    _, address, needs = received(orders)
    inbox = Inbox(orders)
    try:
        with limited(answers, address):
            connect(address)
        client = Client(answers, dict(needs))
    except NotAdmitted as why:
        sent(answers, ("refused", *why.args))
        return
    sent(answers, ("ready",))
    client.serve(inbox)


class Inbox:
    """The messages of samebits. If samebits ends before the cluster has let this process in, the process ends, too."""

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
    """Become a client of the cluster at an address; of the one of this machine if none is given. Raises NotAdmitted."""
    if address and not is_there(address):
        raise NotAdmitted(*_no_answer(address))
    try:
        ray.init(address=address or None, log_to_driver=False, include_dashboard=None if address else False)
    except Exception as why:  # whatever it is, samebits must say it
        raise NotAdmitted(*_refusal(address, str(why))) from None


@contextmanager
def limited(answers: int, address: str) -> Iterator[None]:
    """A block that gives up if a cluster that has an address takes too long."""
    timer = threading.Timer(ANSWERS, _give_up, [answers, address])
    if address:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _give_up(answers: int, address: str) -> None:
    sent(answers, ("refused", *_no_answer(address)))
    os._exit(1)


def _no_answer(address: str) -> tuple[str, str]:
    return (
        f"No Ray cluster answered at {address} within {ANSWERS:g} s.",
        "give the address that `ray start --head` has printed; if it has a token, export RAY_AUTH_MODE=token.",
    )


def is_there(address: str) -> bool:
    """Whether a server of gRPC is there. Ray itself would go on asking for a minute."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS) as connection:
            if os.environ.get("RAY_USE_TLS") == "1":
                return True
            connection.sendall(_GREETING)
            frame = connection.recv(9)
    except (OSError, ValueError, OverflowError):
        return False
    return len(frame) == 9 and frame[3] == _SETTINGS


def _refusal(address: str, why: str) -> tuple[str, str]:
    """A sentence about what Ray said."""
    where, said = address or "of this machine", " ".join(why.split())
    if "ersion mismatch" in why:
        return (
            f"The Ray cluster {where} has a different Ray or Python: {said}",
            "install the same version of Ray and Python here and on all nodes.",
        )
    if "uthentication" in why or "token" in why.lower():
        return (
            f"The Ray cluster {where} asks for its token: {said}",
            "export RAY_AUTH_MODE=token, with the cluster's token in ~/.ray/auth_token.",
        )
    return f"samebits could not connect to the Ray cluster {where}: {said}", "look at it with `ray status`."


class Client:
    """Runs trials as tasks. `needs`: what each of them needs of a node. Raises NotAdmitted if no node has that."""

    def __init__(self, answers: int, needs: dict[str, str]) -> None:
        self._answers, self._needs = answers, needs
        self._tasks: dict[Any, int] = {}
        self._cancelled: dict[Any, float] = {}
        self.options()
        self._run = ray.remote(run_trial)

    def serve(self, inbox: Inbox) -> None:
        """Start and cancel trials, and tell what came of them, until samebits has ended."""
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

    def _obey(self, verb: str, number: int, order: Post | None = None) -> None:
        if verb == "start":
            self._start(number, order)
            return
        for task in [task for task, known in self._tasks.items() if known == number]:
            self._cancel(task)

    def _start(self, number: int, order: Post | None) -> None:
        try:
            options = self.options()
        except NotAdmitted as why:  # the node that could run it has gone meanwhile
            self._answer(number, Delivery(message=why.args[0], advice=why.args[1]))
            return
        self._tasks[self._run.options(**options).remote(order)] = number

    def _cancel(self, task: Any) -> None:
        self._cancelled.setdefault(task, time.monotonic())
        ray.cancel(task, force=False)

    def _tell(self) -> None:
        for task, since in self._cancelled.items():
            if time.monotonic() - since > _OBEYS:
                ray.cancel(task, force=True)
        over, _ = ray.wait(list(self._tasks), timeout=0) if self._tasks else ([], [])
        for task in over:
            number = self._tasks.pop(task)
            self._cancelled.pop(task, None)
            self._answer(number, outcome_of(task))

    def _answer(self, number: int, outcome: Delivery) -> None:
        try:
            sent(self._answers, ("over", number, outcome))
        except OSError:  # samebits is gone
            return

    def options(self) -> dict[str, Any]:
        """The options of a task. Raises NotAdmitted if no node has what it needs."""
        nodes = [node for node in ray.nodes() if node["Alive"]]
        wanted = {"num_cpus": float(self._needs.get("num_cpus", 1)), "num_gpus": float(self._needs.get("num_gpus", 0))}
        for name, resource in (("num_cpus", "CPU"), ("num_gpus", "GPU")):
            most = max((node["Resources"].get(resource, 0.0) for node in nodes), default=0.0)
            if wanted[name] > most:
                what = f"--each {name}={wanted[name]:g}: no node of the Ray cluster has more than {most:g}."
                raise NotAdmitted(what, "add a node that has as many, or give a smaller number.")
        return {**wanted, "max_retries": 0, **_labelled(self._needs.get("label"), nodes)}


def _labelled(label: str | None, nodes: list[Any]) -> dict[str, Any]:
    """The options that place a task on a node with a label: a resource of that name, or the value of a label."""
    if label is None:
        return {}
    if any(label in node["Resources"] for node in nodes):
        return {"resources": {label: 0.001}}
    pairs = [pair for node in nodes for pair in (node.get("Labels") or {}).items()]
    for name, value in pairs:
        if value == label:
            return {"label_selector": {name: value}}
    known = sorted({name for node in nodes for name in node["Resources"] if ":" not in name} - _USUAL)
    known += sorted({value for name, value in pairs if not name.startswith("ray.io/")})
    raise NotAdmitted(
        f"--each label={label}: no node of the Ray cluster has it.",
        f"known: {', '.join(known)}." if known else f"ray start --resources '{{\"{label}\": 1}}' gives it to a node.",
    )


_USUAL = {"CPU", "GPU", "memory", "object_store_memory"}


def outcome_of(task: Any) -> Delivery:
    """What came of a task that is over."""
    try:
        found: Delivery = ray.get(task)
    except _LOST:
        return Delivery(lost=True)
    except Exception as why:  # whatever it is, samebits must say it
        said = " ".join(str(why).split())[-300:]
        return Delivery(message=f"A node of the Ray cluster could not run the trial: {said}", advice=_SAME)
    return found


_SAME = "install the same samebits on all nodes."


def run_trial(order: Post) -> Delivery:
    """Run a trial on the node of this worker."""
    context = ray.get_runtime_context()
    return outcome_here(order, f"{socket.gethostname()} {context.get_node_id()[:8]}")
