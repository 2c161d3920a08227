"""The probe of a process, which watchers call.

A watcher uses, in this order within a step::

    probe.begin()                                     # first sign of a step: samples the random states once
    point = probe.point("batch", "0", dtype, shape)   # intern once, keep the id
    probe.add(point, fingerprint)                     # 16 bytes; or probe.value(kind, name, object)
    probe.scalar(point, 0.25)                         # the exact float beside it
    probe.end_step()                                  # after an optimizer's step

After `probe.failed` the trial is inconclusive, and the program continues undisturbed.
"""

import contextlib
import importlib
import struct
import threading

from .. import fingerprint, process, signals, wire
from ..system import System
from ..trace import Digests, Occurrences, Recorder
from . import pause
from .ends import EXIT, Ends, stay_registered
from .own_points import OwnPoints, leaves
from .random_states import States

__all__ = ["Probe"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, ContextManager, Dict, Iterable, Iterator, List, Optional, Set, Tuple, TypeVar

    from ..fingerprint import Buffer, Dtype, Shape
    from ..trace import Group, Rows
    from .inspection import Inspection
    from .own_points import Converter, Deferral
    from .tensor_log import Feed, TensorSelection

    Result = TypeVar("Result")

_ROW = wire.ROW.pack


class Probe:
    """Records what watchers observe in one process. A forked child gets its own files with its first observation."""

    def __init__(self, config: "wire.Config") -> None:
        self.config = config
        self.hasher = fingerprint.make_hasher(config["hash"], config.get("xxhash"))
        self.converters: List[Converter] = []  # of watchers
        self.readers: List[Callable[[Any, bool], Any]] = []  # of arrays: see `prints.Reader`
        self.step = 0
        self.stepping: Optional[str] = None  # the watcher whose train function runs ("keras"): others count no steps
        self.optimizer_seen = False  # a different library's optimizer applies gradients: a backward alone is no step
        self.fitted: Optional[str] = None  # the library of the outermost fit
        self.open_rounds: List[Callable[[], Any]] = []  # each closes an open round
        self.deferrals: List[Deferral] = []
        self.quiet: Callable[[], ContextManager[Any]] = signals.NoOp  # a context in which no library reports its calls
        self.lock = threading.RLock()
        self.stop_after = config.get("stop_after")
        self._thin = config.get("thin") or {"after": 1000, "every": 100}
        self._ends, self.own = Ends(self), OwnPoints(self)
        self.first_step: List[Callable[[], Any]] = []  # called after the first step
        self.last_step: List[Callable[[], Any]] = []
        # each None, unless the launcher asks for it: tensors to be written, weights to be set, a step to be inspected
        self.selection: Optional[TensorSelection] = self._part("tensors", "tensor_log", "TensorSelection")
        self.feed: Optional[Feed] = self._part("feed", "tensor_log", "Feed")
        self.details: Optional[Inspection] = self._part("details", "inspection", "Inspection")
        # None, unless all values are kept (samebits parity train)
        self.values = self.selection if self.selection is not None and self.selection.takes_all else None
        self.closers: List[Any] = [part for part in (self.details, self.feed) if part is not None]
        self._open(None)
        stay_registered(self.end_now)

    def _part(self, field: str, module: str, name: str) -> "Any":
        """Return the object for a field of config.json; None, without an import, if the launcher asks for none."""
        want = self.config.get(field)
        return getattr(importlib.import_module("samebits_probe.probe." + module), name)(self, want) if want else None

    # -- files of the process ---------------------------------------------------------------------------------

    def _open(self, forked_from: "Optional[int]") -> None:
        self.pid = System.getpid()
        folder = System.join(self.config["folder"], wire.PROCESSES, process.folder_name())
        System.makedirs(folder)
        self.recorder = Recorder(folder)
        self.states = States(self.hasher)
        self._points: Dict[Tuple[str, str], int] = {}  # (kind, name) -> id
        self._names: List[Tuple[int, str]] = []  # (code of the kind, name) of each id
        self._seen = Occurrences({}, [])
        self.gone_prints: Set[bytes] = set()  # how tensors ended whose model the program had deleted
        self._is_open = self.is_sampled = self._is_first_told = False  # open: a new observation need not void an end
        self.began: Optional[float] = None
        self.thread: Optional[threading.Thread] = None  # the thread that began the latest step
        self.step_times: List[float] = []  # the times at which the first and the latest step ended
        self._leaves = True
        self.keeping: Set[int] = set()  # threads whose values are recorded one by one now, also in thinned steps
        self._digests = Digests(self.hasher, self._names)
        self._failures: Set[str] = set()
        self._facts = process.facts(forked_from)
        self.recorder.document(wire.PROCESS, self._facts)

    def adopt(self) -> None:
        """In a forked child, become the probe of this process, at step 0. Call this before any other use there."""
        if System.getpid() == self.pid:
            return
        signals.renew()
        parent, self.step = self.pid, 0
        self.lock = threading.RLock()
        self._ends.start_again()
        self.own.start_again()
        self._open(parent)
        process.at_exit_of_child(self.end_now)

    def _begin_recording(self) -> None:
        """Prepare for the first observation, or for the first one after an end, which the observation voids."""
        self._is_open = True
        if self.began is None:
            self.began = System.now()
            self.recorder.event("machine", machine=process.machine())
            self._facts = {**self._facts, **process.standing()}
            self.recorder.document(wire.PROCESS, self._facts)
        if not self._ends.is_taking:
            self.void_end()

    def is_here(self) -> bool:
        """Return whether this is the probe's own process, and not a forked child that has not observed anything yet."""
        return System.getpid() == self.pid

    def has_observed(self) -> bool:
        """Return whether anything has been recorded in this process."""
        return self.began is not None

    def is_told(self) -> bool:
        """Return whether to report the settings in force in this process, and its packages."""
        return self.has_observed() or bool(self.config.get("tell"))

    # -- points and records -----------------------------------------------------------------------------------

    def point(self, kind: str, name: str, dtype: "Dtype" = "", shape: "Shape" = ()) -> int:
        """Intern a point of a kind (one of wire.KINDS), and return its id in this process."""
        self.adopt()
        key = (kind, name)
        number = self._points.get(key)
        if number is None:
            number = self._points[key] = len(self._names)
            self._names.append((wire.CODE[kind], name))
            self.recorder.point(
                {"id": number, "kind": kind, "name": name, "dtype": str(dtype), "shape": [int(n) for n in shape]}
            )
        return number

    def add(self, point: int, fingerprint_: bytes, step: "Optional[int]" = None) -> int:
        """Record a point's fingerprint at the current step (or `step`). Returns the occurrence within the step."""
        if not self._is_open:
            self._begin_recording()
        occurrence = self._seen.add(point)
        code = self._names[point][0]
        if self._leaves or code in (0, 1, 7) or (self.keeping and threading.get_ident() in self.keeping):
            at = self.step if step is None else step
            self.recorder.add(_ROW(at, point, code, wire.LEAF, min(occurrence, 65535), fingerprint_))
        else:
            self._digests.add(code, point, fingerprint_)
        return occurrence

    def add_each(self, found: "List[Tuple[int, bytes]]") -> "List[int]":
        """Do what `add` does for each (point, fingerprint), in less time."""
        if not (self._is_open and self._leaves):
            return [self.add(*one) for one in found]
        rows, counted = self._seen.rows(self.step, found, self._names)
        self.recorder.add(rows)
        return counted

    def add_all(self, group: "Group", parts: "List[Rows]") -> None:
        """Record a `Group` of points at the current step. `parts`: their records, in the order of the points."""
        if not self._is_open:
            self._begin_recording()
        if self._leaves and self._seen.add_new(group):
            for rows in parts:
                self.recorder.add(rows.at(self.step))
        else:
            for point, found in zip(group.points, [one for rows in parts for one in rows.prints()]):
                self.add(point, found)

    def add_start(self, point: int, fingerprint_: bytes) -> None:
        """Record initial weights or buffers: at step -1, or at the current step if training has already begun."""
        self.add(point, fingerprint_, step=self.step if self.step else -1)

    def is_setting(self, point: int) -> int:
        """Note that a point is not a weight, but a number or a text of an optimizer. Return the point."""
        self._digests.settings.add(point)
        return point

    def scalar(self, point: int, value: float, occurrence: int = 0, step: "Optional[int]" = None) -> None:
        """Keep an exact float for a point that has been added."""
        self.recorder.scalar(self.step if step is None else step, point, occurrence, float(value))

    def value(self, kind: str, name: str, value: "Any", step: "Optional[int]" = None) -> None:
        """Fingerprint any value (array, tensor, number, string, bytes, nested containers of these), and record it."""
        for path, dtype, shape, buffer in leaves(name, value, self.converters):
            point = self.point(kind, path, dtype, shape)
            self.add(point, self.hasher.data(buffer, self.hasher.header(dtype, shape)), step)
            self.captured(kind, path, dtype, shape, buffer)
            if dtype == "float":
                self.scalar(point, struct.unpack("<d", buffer)[0], step=step)

    def captured(self, kind: str, name: str, dtype: "Dtype", shape: "Shape", buffer: "Buffer") -> None:
        """Write the tensor, if the launcher asked for it. `buffer`: its bytes in logical order."""
        if self.selection is not None:
            self.selection.take(kind, name, (dtype, shape, buffer))

    def wants(self, kind: str) -> bool:
        """Return whether to capture a tensor of this kind at the current step. This is cheap: ask before you copy."""
        return self.selection is not None and self.selection.wants(self.step, kind)

    # -- steps ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Handle the first sign of a step: sample the random states once per step (in the first step, at -1 too)."""
        self.adopt()
        if self.is_sampled:
            return
        self.is_sampled, self.thread = True, threading.current_thread()
        if self.details is not None:
            self.guard("details", self.details.begin_step)
        self.sample_rng(self.step)
        if self.step == 0:
            self.sample_rng(-1)
            self.event("start", **process.time_used())
            if self.stop_after == 0 and not self._ends.is_taking:
                pause.wait(self)

    def sample_rng(self, step: int) -> None:
        """Record the states of all random generators in use."""
        self.states.record(self, step)

    def end_step(self) -> None:
        """Handle the end of a step: write the step, and stop the trial here if the launcher asked for that."""
        self._add_digests()
        for part in self.closers if self.closers and self._ends.is_final else ():
            self.guard("details", part.end_step)
        self.step += 1
        self._seen.clear()
        self.is_sampled = False
        self._leaves = self.step < self._thin["after"] or self.step % self._thin["every"] == 0
        is_last = self.stop_after is not None and self.step >= self.stop_after
        with self.lock:
            self.guard("write", self.recorder.flush, is_last)
        if not self._is_first_told:
            self._is_first_told = True
            self.tell(self.first_step)
        self.step_times = [*self.step_times[:1], System.now()] if self.step_times else [System.now()] * 2
        if is_last and not self._ends.is_taking:
            pause.wait(self)

    def _add_digests(self) -> None:
        for code, name, digest in self._digests.taken() if self._digests else ():
            self.recorder.add(_ROW(self.step, self.point(wire.KINDS[code], name), code, wire.DIGEST, 0, digest))

    def tell(self, functions: "Iterable[Callable[[], Any]]") -> None:
        """Call functions that wait for the first or the last step."""
        for function in functions:
            self.guard("first or last step", function)

    def progress(self) -> "wire.StoppedFacts":
        """Return how many steps the process has made, and when the first and the latest one ended."""
        return {"steps": self.step, "step_times": self.step_times, "clocks": process.clocks()}

    # -- end, events ------------------------------------------------------------------------------------------

    def at_end(self, function: "Callable[[], Any]", *, is_last: bool = False) -> None:
        """Call `function()` whenever an end is taken. It records points of kind "end", and must not change state."""
        (self._ends.last if is_last else self._ends.functions).append(function)

    @signals.held
    def end_now(self, reason: str = EXIT) -> None:
        """Record the present state as the end. `reason`: see wire.py.

        A later end replaces this one, and a later observation voids it.
        """
        if self.is_here() and self._ends.is_due(reason):
            with self.lock:
                self._is_open = self.has_observed()
                self._ends.take(reason, self._state_kept())
                self._is_open = False

    def void_end(self) -> None:
        """Void the latest end, because the next observation may change what it recorded."""
        if self.is_here():
            self._ends.void()

    @contextlib.contextmanager
    def _state_kept(self) -> "Iterator[None]":
        """In this context, record values one by one, for an end. Restore the counters of steps afterwards."""
        before = {name: getattr(self, name) for name in ("step", "_leaves", "is_sampled", "step_times")}
        before.update(_seen=self._seen.copy(), _digests=self._digests.copy())
        self._add_digests()
        self._leaves = True
        yield
        vars(self).update(before)

    def conclude(self, name: str, document: "wire.StoppedFacts") -> bool:
        """Write the document that marks the record as complete. Returns False if something could not be written."""
        if not self.recorder.broken:
            try:
                self.recorder.document(name, document)
            except OSError:
                self.recorder.broken = True
        return not self.recorder.broken

    def event(self, event: str, **fields: "Any") -> None:
        """Write an event (the names and fields are listed in wire.py)."""
        if self.is_here() and not self._ends.keeps(event, fields):
            with self.lock:
                try:
                    self.recorder.event(event, **fields)
                except OSError:  # a full disk: the missing end of the trace shows it
                    return

    def not_observed(self, point: str, why: str) -> None:
        """Report, once, that a point cannot be seen here."""
        self.once("not-observed", point=point, why=why)

    def once(self, event: str, **fields: str) -> None:
        """Write an event, unless this process has written the same."""
        if self._ends.is_new(event, fields):
            self.event(event, **fields)

    def failed(self, where: str, error: BaseException) -> None:
        """Report that the probe itself failed, once per place. The trial is inconclusive; the program continues."""
        if where not in self._failures:
            self._failures.add(where)
            self.event("probe-failed", where=where, **signals.described(error))

    def guard(self, where: str, function: "Callable[..., Result]", *arguments: "Any") -> "Optional[Result]":
        """Call `function`, and record its error, which must not reach the program. Signal handlers wait meanwhile."""
        signals.hold()
        try:
            with self.quiet():
                return function(*arguments)
        except BaseException as error:  # of whatever class, it must not reach the program
            self.failed(where, error)
            if signals.comes_from_a_thread(error):
                raise
            return None
        finally:
            signals.release()
