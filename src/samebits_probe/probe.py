"""The probe of this process: what watchers call, and `observe` for programs that name their own points.

A watcher uses, in this order within a step::

    probe.begin()                                     # first sign of a step: samples the random states once
    point = probe.point("batch", "0", dtype, shape)   # intern once, keep the id
    probe.add(point, fingerprint)                     # 16 bytes; or probe.value(kind, name, object)
    probe.scalar(point, 0.25)                         # the exact float beside it
    probe.end_step()                                  # after an optimizer's step

All of it does nothing after `probe.failed`, which makes the trial inconclusive and leaves the program alone.
"""

import contextlib
import struct
import sys
import threading

from . import fingerprint, process, rng, signals, wire
from .ends import EXIT, Ends, stay_registered
from .inspection import Capture, Inspection
from .own_points import OwnPoints, kind_of
from .system import System
from .trace import Recorder
from .value_log import Feed, ValueLog
from .values import leaves

_CANNOT_WRITE = 74  # EX_IOERR of sysexits.h


class Probe:
    """One per process. A forked child gets files of its own when it first observes something."""

    def __init__(self, config):
        self.config = config
        self.hasher = fingerprint.make_hasher(config["hash"], config.get("xxhash"))
        self._states = rng.States(self.hasher)
        # functions(value) of watchers: (dtype, shape, contiguous buffer), ((dtype, shape, fingerprint), facts); or None
        self.converters, self.readers = [], []
        self.step = 0
        self.stepping = None  # the watcher whose train function runs ("keras"): others then record and count nothing
        self.optimizer_seen = False  # an optimizer of another library applies gradients: a backward alone is no step
        self.fitted, self.open_rounds = None, []  # library of the outermost fit; functions that close an open round
        self.deferrals = []  # functions(name, value, step, kind): True for what is recorded later (a traced value)
        self.quiet, self.lock = signals.NoOp, threading.RLock()  # quiet: a context in which no library reports calls
        self.stop_after = config.get("stop_after")
        self._thin = config.get("thin") or {"after": 1000, "every": 100}
        self._ends, self.own = Ends(self), OwnPoints(self)
        self.first_step, self.last_step = [], []  # functions called after the first step, and after the last
        self.values = ValueLog.of(config.get("values"))  # None, unless all values are kept (samebits parity train)
        self._capture = self.values or Capture.of(config.get("capture"))
        self.feed = Feed.of(self, config.get("feed"))
        self.details = Inspection.of(self, config.get("details"))  # None, unless `samebits locate` looks into a step
        self._closers = [part for part in (self.details, self.feed) if part is not None]
        self._open(None)
        stay_registered(self.end)

    # -- files of the process ---------------------------------------------------------------------------------

    def _open(self, forked_from):
        self.pid = System.getpid()
        folder = System.join(self.config["folder"], wire.PROCESSES, process.folder_name())
        System.makedirs(folder)
        self.recorder = Recorder(folder)
        self._points, self._names, self._seen = {}, [], {}
        self._is_open = self._sampled = False  # open: what is recorded voids no end that was taken
        self.began, self._is_first_told, self.thread = None, False, None  # the thread that began the latest step
        self.step_times = []  # when the first and the latest step ended
        self._leaves, self._digests, self._failures = True, {}, set()
        self._facts = process.facts(forked_from)
        self.recorder.document(wire.PROCESS, self._facts)

    def adopt(self):
        """In a forked child: become the probe of this process, before anything is asked of it or registered with it."""
        if System.getpid() != self.pid:
            self._adopt_fork()

    def _adopt_fork(self):
        """A forked child observes: it is a process of its own, from step 0, and ends in its own way."""
        signals.renew()
        parent, self.step = self.pid, 0
        self.lock = threading.RLock()
        self._ends.begin_anew()
        self.own.begin_anew()
        self._open(parent)
        process.at_exit_of_child(self.end)

    def _begin_recording(self):
        """Before the first observation, and before the first one after an end was taken, which it voids."""
        self._is_open = True
        if self.began is None:
            self.began = System.now()
            self.recorder.event("machine", machine=process.machine())
            self._facts.update(process.standing())
            self.recorder.document(wire.PROCESS, self._facts)
        if not self._ends.is_taking:
            self.void_end()

    def is_here(self):
        """Whether this is the probe's own process: no forked child that has observed nothing yet."""
        return System.getpid() == self.pid

    def has_observed(self):
        """Whether anything has been recorded in this process."""
        return self.began is not None

    def is_told(self):
        """Whether what is in force in this process, and its packages, are to be told."""
        return self.has_observed() or bool(self.config.get("tell"))

    # -- points and records -----------------------------------------------------------------------------------

    def point(self, kind, name, dtype="", shape=()):
        """Intern a point of a kind (one of wire.KINDS) and give its id: an int, for this process."""
        if System.getpid() != self.pid:
            self._adopt_fork()
        key = (kind, name)
        number = self._points.get(key)
        if number is None:
            number = self._points[key] = len(self._names)
            self._names.append((wire.CODE[kind], name))
            self.recorder.point(
                {"id": number, "kind": kind, "name": name, "dtype": str(dtype), "shape": [int(n) for n in shape]}
            )
        return number

    def add(self, point, fingerprint_, step=None, _pack=wire.RECORD.pack):
        """Record a point's fingerprint at the current step (or `step`). Returns the occurrence within the step."""
        if not self._is_open:
            self._begin_recording()
        occurrence = self._seen.get(point, 0)
        self._seen[point] = occurrence + 1
        code = self._names[point][0]
        if self._leaves or code in (0, 1, 7):
            at = self.step if step is None else step
            self.recorder.add(_pack(at, point, code, wire.LEAF, min(occurrence, 65535), fingerprint_))
        else:
            self._digests.setdefault(code, []).append((point, fingerprint_))
        return occurrence

    def add_all(self, group, fingerprints):
        """Record the joined fingerprints (16 bytes each) of a `Group` of points at the current step."""
        if not self._is_open:
            self._begin_recording()
        if self._leaves and self._seen.keys().isdisjoint(group.once):
            self._seen.update(group.once)
            self.recorder.add(group.records(self.step, fingerprints))
        else:
            for number, point in enumerate(group.points):
                self.add(point, fingerprints[16 * number : 16 * number + 16])

    def add_start(self, point, fingerprint_):
        """Record initial weights or buffers: at step -1, or at the current step where training has begun before."""
        self.add(point, fingerprint_, step=self.step if self.step else -1)

    def scalar(self, point, value, occurrence=0, step=None):
        """Keep an exact float for a point that has been added (or for a "norm:..." point of its own)."""
        self.recorder.scalar(self.step if step is None else step, point, occurrence, float(value))

    def value(self, kind, name, value, step=None):
        """Fingerprint any value (array, tensor, number, string, bytes, nested containers) and record it."""
        for path, dtype, shape, buffer in leaves(name, value, self.converters):
            point = self.point(kind, path, dtype, shape)
            self.add(point, self.hasher.data(buffer, self.hasher.header(dtype, shape)), step)
            self.captured(kind, path, dtype, shape, buffer)
            if dtype == "float":
                self.scalar(point, struct.unpack("<d", buffer)[0], step=step)

    def captured(self, kind, name, dtype, shape, buffer):
        """Write the tensor, where it is one that the launcher asked for. `buffer`: its bytes in logical order."""
        if self._capture is not None:
            self._capture.take(self, kind, name, (dtype, shape, buffer))

    def wants(self, kind):
        """Whether a tensor of this kind is to be captured at the current step (cheap: ask before copying)."""
        return self._capture is not None and self._capture.wants(self.step, kind)

    # -- steps ------------------------------------------------------------------------------------------------

    def begin(self):
        """The first sign of a step: sample the random states, once a step (before the first step: at -1 too)."""
        self.adopt()
        if self._sampled:
            return
        self._sampled, self.thread = True, threading.current_thread()
        if self.details is not None:
            self.guard("details", self.details.begin_step)
        self.sample_rng(self.step)
        if self.step == 0:
            self.sample_rng(-1)

    def sample_rng(self, step):
        """Record the states of all random number generators in use."""
        for name, sample in list(rng.SAMPLERS.items()):
            state = sample()
            if state is not None:
                self.add(self.point("rng", name), self._states.fingerprint(name, state), step)

    def end_step(self):
        """A step is over: write it, and stop the trial here where the launcher asked for that."""
        self._add_digests()
        for part in self._closers if self._ends.is_final else ():
            self.guard("details", part.end_step)
        self.step += 1
        self._seen.clear()
        self._sampled = False
        self._leaves = self.step < self._thin["after"] or self.step % self._thin["every"] == 0
        is_last = self.stop_after is not None and self.step >= self.stop_after
        with self.lock:
            self.guard("write", self.recorder.flush, is_last)
        if not self._is_first_told:
            self._is_first_told = True
            self.tell(self.first_step)
        self.step_times = [*self.step_times[:1], System.now()] if self.step_times else [System.now()] * 2
        if is_last and not self._ends.is_taking:
            self._stop()

    def _add_digests(self):
        for code, found in self._digests.items():
            kind = wire.KINDS[code]
            text = b"".join(self._names[point][1].encode("utf-8", "replace") + b"\0" + leaf for point, leaf in found)
            digest = self.hasher.data(text, self.hasher.header("digest", (len(found),)))
            self.recorder.add(wire.RECORD.pack(self.step, self.point(kind, ""), code, wire.DIGEST, 0, digest))
        self._digests = {}

    def tell(self, functions):
        """Call functions that wait for the first or the last step."""
        for function in functions:
            self.guard("first or last step", function)

    def _stop(self):
        """Wait to be ended: leaving by ourselves would let a script go on, or bring other ranks down half-way."""
        signals.hold()  # for good: a handler's exception would let the program go on
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                self.guard("flush", stream.flush)
        self.tell(self.last_step)
        self.event("packages", packages=process.packages())
        if not self.conclude(wire.STOPPED, {"steps": self.step, "step_times": self.step_times}):
            System.exit(_CANNOT_WRITE)
        process.wait_to_be_ended(self.config.get("launcher"))

    # -- end, events ------------------------------------------------------------------------------------------

    def at_end(self, function):
        """Call `function()` whenever an end is taken: it records points of kind "end", and changes nothing it knows."""
        self._ends.functions.append(function)

    def end(self):
        """The interpreter exits."""
        self.end_now(EXIT)

    @signals.held
    def end_now(self, reason):
        """Record the end as of now; `reason`: see wire.py. A later end replaces it, a later observation voids it."""
        if self.is_here() and self._ends.is_due(reason):
            with self.lock:
                self._is_open = self.has_observed()
                self._ends.take(reason, self._state_kept())
                self._is_open = False

    def void_end(self):
        """What comes now may change what the latest end recorded."""
        if self.is_here():
            self._ends.void()

    @contextlib.contextmanager
    def _state_kept(self):
        """For an end: all is kept one by one, and what counts the steps is afterwards as it was before."""
        before = {name: getattr(self, name) for name in ("step", "_leaves", "_sampled", "step_times")}
        before.update(_seen=dict(self._seen), _digests={code: list(found) for code, found in self._digests.items()})
        self._add_digests()
        self._leaves = True
        yield
        vars(self).update(before)

    def conclude(self, name, document):
        """Write the document that says that everything was recorded; not where something could not be."""
        if not self.recorder.broken:
            try:
                self.recorder.document(name, document)
            except OSError:
                self.recorder.broken = True
        return not self.recorder.broken

    def event(self, event, **fields):
        """Write an event (the names and fields are listed in wire.py)."""
        if self.is_here() and not self._ends.keeps(event, fields):
            with self.lock:
                try:
                    self.recorder.event(event, **fields)
                except OSError:  # a full disk: the trace has no end then, which says it
                    return

    def not_observed(self, point, why):
        """Say that a point cannot be seen here."""
        self.event("not-observed", point=point, why=why)

    def failed(self, where, error):
        """The probe itself failed: the trial is inconclusive, the program goes on. Each place says so once."""
        if where not in self._failures:
            self._failures.add(where)
            self.event("probe-failed", where=where, **signals.described(error))

    def guard(self, where, function, *arguments):
        """Call `function`; a failure is recorded and never reaches the program. Handlers of signals wait meanwhile."""
        signals.hold()
        try:
            with self.quiet():
                return function(*arguments)
        except BaseException as error:  # the program must not see it, whatever it is
            self.failed(where, error)
            if signals.comes_from_a_thread(error):
                raise
            return None
        finally:
            signals.release()


_probe = None


def current():
    """The probe of this process, or None outside a trial."""
    return _probe


def start(config):
    """Make the probe of this process."""
    global _probe
    _probe = Probe(config)
    return _probe


@signals.held
def observe(name, value, step=None, kind=None):
    """Observe a value of the program under a name; does nothing outside a trial.

    `value`: an array or tensor of any library, a number, string or bytes, or lists and dicts of them.
    `step`: the step it belongs to (from 0); a larger one than before closes the steps before it. Without it, the
    current step. `kind`: one of "batch", "forward", "gradient", "update", "start", "end"; without it, taken from the
    first word of the name (a kind, or loss, or weights), else "update". Raises TypeError for a value that cannot be
    fingerprinted.
    """
    if _probe is None:
        return
    chosen = kind_of(name, kind)
    if not any(defer(name, value, step, chosen) for defer in _probe.deferrals):
        _probe.own.observe(name, value, step, chosen)
