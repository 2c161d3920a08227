"""Runs one trial on a node of other machines, in the trial's keeper (see `samebits.launch.node.keeper`).

The trial runs as it would run on the user's machine, in a folder that stands for the record, and its sealed folder is
sent back.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import secrets
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from samebits import __version__, store
from samebits.errors import SamebitsError, UsageError
from samebits.launch.files import custody
from samebits.launch.files.folders import differs, discard
from samebits.launch.node.orders import Delivery, NodeOrder, pack, received, sent, unpack
from samebits.launch.outside import Outside
from samebits.launch.plan import Plan, arrange, trial_name
from samebits.launch.processes.local import LocalLauncher
from samebits.launch.trial.trial_run import TrialRun
from samebits.store.record import PROBE

_SHARE = "put it on a disk that all nodes share, or add --each folder=packed."
_REMOVE = "ask its owner or an administrator to remove it from that node."


def keep() -> None:
    """Read an order from standard input, run the trial, and send the outcome."""
    node, notes, data, code, folder = received(0)
    output = os.dup(1)
    os.dup2(2, 1)
    with suppress(OSError):  # the worker is gone, so nobody reads the outcome
        sent(output, _outcome(node, notes, data, code, folder))


def _outcome(node: str, notes: tuple[str, ...], data: bytes, code: bytes, folder: bytes) -> Delivery:
    try:
        order: NodeOrder = pickle.loads(data)
        if order.version != __version__:
            what = f"the node {node} has samebits {__version__}, and this machine has {order.version}."
            raise UsageError(what, "install the same version on all nodes.")
        with _place(order.record), _working_folder(order, folder) as directory:
            _unpack_code(code, order.record)
            trial = _run(_plan(order, directory), order)
            _write_facts(trial, node, notes, str(directory) if order.packed else "")
            return Delivery(pack(trial.folder, sorted(os.listdir(trial.folder))))  # noqa: PTH208
    except SamebitsError as why:
        return Delivery(message=f"On the node {node}: {why.message}", advice=why.advice)
    except Exception as why:  # any error: samebits must report it to the user
        message = f"samebits failed on the node {node}: {type(why).__name__}: {why}"
        return Delivery(message=message, advice="please report it, with the command that you gave.")


@contextmanager
def _place(record: Path) -> Iterator[None]:
    """The folder that stands for the record, which trials side by side share. The last one removes it."""
    handle = _record_lock(record)
    try:
        yield
    finally:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            discard(_folder_beside(record))
            discard(record)
        os.close(handle)


def _record_lock(record: Path) -> int:
    while True:
        record.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(record, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        if os.fstat(handle).st_uid != os.getuid():
            raise UsageError(f"{record} belongs to a different user.", _REMOVE)
        fcntl.flock(handle, fcntl.LOCK_SH)
        with suppress(OSError):
            if os.path.samestat(os.fstat(handle), record.stat()):
                return handle
        os.close(handle)  # an earlier trial, which was the last one, has just removed it


def _folder_beside(record: Path) -> Path:
    """Return the place of working folders that were sent. Its path is the same on every node."""
    return record.with_name(f"{record.name}-folder")


@contextmanager
def _working_folder(order: NodeOrder, packed: bytes) -> Iterator[Path]:
    """The folder in which the trial runs: the user's own, or a copy for this trial alone, removed at the end."""
    if not order.packed:
        if not order.request.directory.is_dir():
            what = f"the working folder {order.request.directory} is not there."
            raise UsageError(what, _SHARE)
        _refuse_stale(order)
        yield order.request.directory
        return
    place = _folder_beside(order.record) / trial_name(order.id)
    _make_private(place.parent)
    _clear(place)
    try:
        place.mkdir()
        unpack(packed, place)
        yield place
    finally:
        discard(place)


def _refuse_stale(order: NodeOrder) -> None:
    """Raise UsageError if the working folder here is an old copy: a trial in it would train something else."""
    directory = order.request.directory
    stale = (name for name, expected in order.contents.items() if differs(directory / name, expected, order.ordered))
    if (name := next(stale, None)) is not None:
        what = f"the working folder {directory} is not the same as where samebits runs: {name} differs."
        raise UsageError(what, _SHARE)


def _clear(place: Path) -> None:
    """Remove what a killed trial left. What cannot be removed gets a different name."""
    discard(place)
    if os.path.lexists(place):
        place.rename(place.with_name(f"{place.name}-{secrets.token_hex(4)}"))


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        raise UsageError(f"{folder} belongs to a different user.", _REMOVE)


def _plan(order: NodeOrder, directory: Path) -> Plan:
    return arrange(replace(order.request, directory=directory), order.record, hash_wanted=order.hash)


def _unpack_code(code: bytes, record: Path) -> None:
    """Unpack the probe and the scripts of the record, once for all trials here."""
    draft = record / f"{custody.NEW}code-{os.getpid()}"
    _clear(draft)
    draft.mkdir()
    unpack(code, draft)
    for part in sorted(draft.iterdir(), key=lambda path: path.name == PROBE):
        with suppress(OSError):  # a different trial was first
            part.rename(record / part.name)
    discard(draft)


def _run(plan: Plan, order: NodeOrder) -> TrialRun:
    outside = Outside(plan.directory, plan.record, plan.request.command, on_node=True)
    folder = order.request.directory  # a copy of it belongs to one trial, so nothing in it comes from an earlier one
    for number, paths in order.earlier.items():
        outside.wrote(number, [path for path in paths if not (order.packed and path.is_relative_to(folder))])
    trial = TrialRun(plan, order.id, order.limits, order.slot, outside)
    trial.start(LocalLauncher())
    try:
        while not trial.poll():
            if select.select([0], [], [], trial.pace)[0]:
                raise UsageError("the trial was cancelled.")
    except BaseException:
        trial.cancel("its node was lost")
        raise
    return trial


def _write_facts(trial: TrialRun, node: str, notes: tuple[str, ...], copy: str) -> None:
    """Write what the node is into the trial's facts, and into its notes how the engine ran the trial and where its copy
    lay.
    """
    file = trial.fetch()
    affinity = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    own = {"node": node, "affinity": affinity}
    update = {"machine": {**file.machine, **own}, "notes": [*file.notes, *notes], "working_copy": copy}
    store.write_trial(trial.folder, file.model_copy(update=update))
