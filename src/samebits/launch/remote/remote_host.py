"""Trials on different machines: what is the same for each host of such machines.

It packs an order, watches for its outcome, and puts the folder that comes back into the record.
"""

from __future__ import annotations

import hashlib
import math
import os
import pickle
import platform
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tarfile import TarError

from samebits import __version__, clock, store
from samebits.endings import ENDED_BEFORE, NODE_WAS_LOST, Status
from samebits.errors import SamebitsError
from samebits.launch import origin
from samebits.launch.files import custody, folders
from samebits.launch.files.stays import Writers
from samebits.launch.files.working_folder import SharedFolder
from samebits.launch.hosts import RemoteTask, TaskState, TrialOrder
from samebits.launch.node.orders import Delivery, NodeOrder, OrderFiles, Post, unpack
from samebits.launch.plan import Plan
from samebits.launch.remote.exchange import Exchange
from samebits.model import FilesFile, TrialFile
from samebits.store.record import read_trial

_PLACE = Path("/tmp")  # noqa: S108  (of every node)
_PACE = 0.1
_SETTLES = 10.0  # seconds in which a file can still appear when its order is over: shared disks may show it late
_TELLS = 5.0  # seconds until the user hears what keeps a trial from running
_PATIENCE = 30.0  # seconds in which a trial whose end was asked for should be gone
_STILL_RUNS = "had not ended when samebits stopped waiting for it, and may still run"


class Visit:
    """A visit to the working folder by a trial on a different machine, if the machines share the folder."""

    def __init__(self, plan: Plan, number: int) -> None:
        self._is_own = plan.options.isolate
        self._room, self._is_inside = SharedFolder.of(plan.directory), False
        self._stay = self._room.stay(plan.record, number)

    def begin(self) -> None:
        """Make the folder as the trial needs it."""
        if not self._is_own:
            self._is_inside = True
            self._room.enter(self._stay)

    def end(self, wrote: Iterable[Path], *, is_whole: bool) -> None:
        """Note that the trial is over. `wrote`: the files that it wrote, as its machine saw."""
        if self._is_inside:
            self._is_inside = False
            self._room.leave(self._stay, folders.snapshot(self._room.directory), Writers(list(wrote)))
            self._room.end(self._stay, is_whole=is_whole)


class RemoteHost:
    """A host of other machines. A subclass says how an order starts (`begin`), and what is different there.

    `no_waiting`, `slots`: see Host. `why_packed`: why the working folder is sent to the nodes; empty if they find it.
    `taken`: see Post. `own`: the beginnings of names of variables that stay here. `cleanup`, `environment`: see
    Exchange.
    """

    no_waiting = ""
    slots = 1
    why_packed = ""
    taken: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    cleanup = "true"
    environment: Mapping[str, str] | None = None
    _exchange: Exchange | None = None

    def reach(self, directory: Path) -> str:
        """See Host."""
        if not self.why_packed:  # a node that does not find the folder says so itself
            return ""
        return f"the working folder ({folders.refuse_large(directory)}) is sent to the nodes, {self.why_packed}"

    def nodes(self) -> list[str]:
        """See Host."""
        return []

    def start(self, order: TrialOrder) -> RemoteTrial:
        """See Host."""
        visit = Visit(order.plan, order.id)
        visit.begin()
        self._exchange = self._exchange or self._new_exchange(order.plan)
        files = self._exchange.order(order.id, self._post(order))
        return RemoteTrial(order, files, self.begin(order.id, files), visit)

    def _new_exchange(self, plan: Plan) -> Exchange:
        exchange = Exchange(plan.record, self.cleanup, self.environment)
        if self.why_packed:
            exchange.add_folder(plan.directory, folders.contents_of(plan.directory, plan.request.command))
        return exchange

    def _post(self, order: TrialOrder) -> Post:
        """Pack an order, without the parts that all orders share. The working folder is ready for the trial."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith(self.own)}
        packed = pickle.dumps(_node_order(order, packed=bool(self.why_packed)), protocol=4)
        return Post(packed, variables, self.taken)

    def begin(self, trial: int, files: OrderFiles) -> RemoteTask:
        """Start an order on a node. Raises UsageError if it cannot be started."""
        raise NotImplementedError


class RemoteTrial:
    """See HostedTrial. It never waits for a next round."""

    waits, pace = False, _PACE

    def __init__(self, order: TrialOrder, files: OrderFiles, task: RemoteTask, visit: Visit) -> None:
        self.id, self.limits, self.slot = order.id, order.limits, order.slot
        self._order, self._files, self._task, self._visit = order, files, task, visit
        self._folder = order.plan.trial_folder(order.id)
        self._began, self._steps = time.monotonic(), 0
        self._started = clock.date()
        self._outcome: Delivery | None = None
        self._state, self._told = TaskState(), ""
        self._over_since, self._ends_until = math.inf, math.inf
        self._has_document = False
        custody.make_trial(order.plan.record, self._folder, self._document("killed", ENDED_BEFORE))

    @property
    def spent(self) -> float:
        """See HostedTrial."""
        return time.monotonic() - self._began

    def steps(self) -> int:
        """Return how many steps the trial has made, or 0 while it runs."""
        return self._steps

    def poll(self) -> bool:
        """See HostedTrial."""
        if self._outcome is None:
            self._outcome = self._look()
            if self._outcome is not None:
                self._files.clear()
        return self._outcome is not None

    def _look(self) -> Delivery | None:
        """Return the outcome, or None if there may still be one.

        The file of an order that is over has some time to appear.
        """
        self._state = state = self._task.look()
        if (outcome := self._files.outcome()) is not None:
            return outcome
        self._over_since = min(self._over_since, time.monotonic()) if state.is_over else math.inf
        if time.monotonic() - self._over_since < (0 if self._is_to_end else _SETTLES):
            return None
        self._files.look_again()
        if (outcome := self._files.outcome()) is not None:
            return outcome
        if state.message and not self._is_to_end:
            return Delivery(message=state.message, advice=state.advice)
        return Delivery(lost=True, why=state.why)

    def news(self) -> str:
        """See HostedTrial."""
        text = "" if self._is_to_end or self.spent < _TELLS else self._state.waits
        if text == self._told:
            return ""
        self._told = text
        return text

    @property
    def _is_to_end(self) -> bool:
        return self._ends_until < math.inf

    def fetch(self) -> TrialFile:
        """See HostedTrial. Raises SamebitsError if the trial could not be run."""
        assert self._outcome is not None
        if self._outcome.lost:
            return self._ended(self._outcome.why or NODE_WAS_LOST)
        if self._outcome.message:
            self._ended(self._outcome.message)
            raise SamebitsError(self._outcome.message, self._outcome.advice)
        self._unpack(self._outcome.folder)
        trial = read_trial(self._folder)
        self._steps = max((process.steps for process in trial.processes), default=0)
        directory = self._order.plan.directory
        wrote = [directory / path for path in trial.file.wrote]
        self._order.outside.wrote(self.id, wrote)
        self._visit.end(wrote, is_whole=trial.file.status == "complete")
        return trial.file

    def ask_to_end(self) -> None:
        """See HostedTrial."""
        if not self._is_to_end:
            self._ends_until = time.monotonic() + _PATIENCE
            self._task.kill()

    def cancel(self, why: str) -> None:
        """See HostedTrial.

        It waits for half a minute after the end was asked for. If all trials were asked first, this time passes only
        once for all of them. A trial that has delivered its folder keeps it. A trial that could not be run keeps the
        document that says why.
        """
        self.ask_to_end()
        while not self.poll() and time.monotonic() < self._ends_until:
            time.sleep(self.pace)
        if self._outcome is not None and self._outcome.folder and not self._has_document:
            with suppress(SamebitsError, OSError):  # nothing can be kept
                self.fetch()
        if not self._has_document:
            self._ended(why, () if self._outcome else (f"trial {self.id} {_STILL_RUNS}",))

    def _unpack(self, data: bytes) -> None:
        record = self._order.plan.record
        place = record / f"{custody.NEW}{self._folder.name}"
        custody.remove(place)
        place.mkdir()
        try:
            unpack(data, place)
        except TarError as why:
            raise SamebitsError(
                f"The files of trial {self.id} could not be unpacked: {why}.", "run the command again."
            ) from None
        custody.put_trial(record, place, self._folder)
        self._has_document = True

    def _ended(self, why: str, notes: tuple[str, ...] = ()) -> TrialFile:
        document = self._document("killed", why).model_copy(update={"notes": [*notes]})
        self._has_document = True
        store.write_document(self._folder / "files.json", FilesFile())
        store.write_trial(self._folder, document)
        self._visit.end([], is_whole=False)
        return document

    def _document(self, status: Status, why: str) -> TrialFile:
        rate = self.limits.rate_of(self.id)
        return TrialFile(id=self.id, status=status, why=why, started=self._started, seconds=self.spent, clock_rate=rate)


def _node_order(order: TrialOrder, *, packed: bool) -> NodeOrder:
    plan = order.plan
    return NodeOrder(
        version=__version__,
        request=replace(plan.request, host="local", each={}, out=None, against=None),
        record=_place(plan.record),
        hash=plan.hash,
        id=order.id,
        limits=replace(order.limits, waits=False),
        slot=replace(order.slot, has_own_devices=True),
        earlier=order.outside.by_trial(),
        packed=packed,
        contents={} if packed else folders.contents_of(plan.directory, plan.request.command),
        ordered=time.time_ns(),
    )


def _place(record: Path) -> Path:
    """Return the folder that stands for a record on every node.

    Its path stays the same as long as the record's code does.
    """
    identity = f"{platform.node()}\0{os.getuid()}\0{record}\0".encode("utf-8", "surrogateescape") + origin.code(record)
    return _PLACE / f"samebits-{hashlib.sha256(identity).hexdigest()[:16]}"
