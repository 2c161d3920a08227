"""The probe of this process: what watchers call, and `observe` for programs that name their own points.

A watcher uses, in this order within a step::

    probe.begin()                                     # first sign of a step: samples the random states once
    point = probe.point("batch", "0", dtype, shape)   # intern once, keep the id
    probe.add(point, fingerprint)                     # 16 bytes; or probe.value(kind, name, object)
    probe.scalar(point, 0.25)                         # the exact float beside it
    probe.end_step()                                  # after an optimizer's step

All of it does nothing after `probe.failed`, which makes the trial inconclusive and leaves the program alone.
"""

import atexit
import os
import struct
import sys
import threading
import time

from . import fingerprint, process, rng, wire
from .details import Capture, Details
from .keeping import Feed, Values
from .trace import Recorder
from .values import leaves

_CANNOT_WRITE = 74  # EX_IOERR of sysexits.h
_GUESSED = {"loss": "forward", "batch": "batch", "gradient": "gradient", "weights": "update"}


class Probe:
    """One per process. A forked child gets files of its own when it first observes something."""

    def __init__(self, config):
        self.config = config
        self.hasher = fingerprint.make_hasher(config["hash"], config.get("xxhash"))
        self._states = rng.States(self.hasher)
        self.converters = []  # functions(value) -> (dtype, shape, contiguous buffer) or None; watchers add theirs
        self.step = 0
        self.stepping = None  # the watcher whose train function runs ("keras"): others then record and count nothing
        self.optimizer_seen = False  # an optimizer of another library applies gradients: a backward alone is no step
        self.deferrals = []  # functions(name, value, step, kind): True for what is recorded later (a traced value)
        self.lock = threading.RLock()
        self._stop_after = config.get("stop_after")
        self._thin = config.get("thin") or {"after": 1000, "every": 100}
        self._ends = []
        self.first_step, self.last_step = [], []  # functions called after the first step, and after the last
        self.values = Values.of(config.get("values"))  # None, unless all values are kept (samebits parity train)
        self._capture = self.values or Capture.of(config.get("capture"))
        self.feed = Feed.of(self, config.get("feed"))
        self.details = Details.of(self, config.get("details"))  # None, unless a step is looked into (samebits locate)
        self._closers = [part for part in (self.details, self.feed) if part is not None]
        self._open(None)
        atexit.register(self.end)

    # -- files of the process ---------------------------------------------------------------------------------

    def _open(self, forked_from):
        self.pid = os.getpid()
        folder = os.path.join(self.config["folder"], wire.PROCESSES, process.folder_name())
        os.makedirs(folder)
        self.recorder = Recorder(folder)
        self._points, self._names, self._seen = {}, [], {}
        self._observed = self._sampled = self._ended = False
        self._began, self._by_program, self._step_times = None, False, []  # when the first and the latest step ended
        self._leaves, self._digests, self._failures = True, {}, set()
        self.recorder.document(wire.PROCESS, process.facts(forked_from))

    def adopt(self):
        """In a forked child: become the probe of this process, before anything is asked of it or registered with it."""
        if os.getpid() != self.pid:
            self._adopt_fork()

    def _adopt_fork(self):
        """A forked child observes: it is a process of its own, from step 0, and ends in its own way."""
        parent, self.step = self.pid, 0
        self.lock = threading.RLock()
        self._ends = []
        self._open(parent)
        util = sys.modules.get("multiprocessing.util")
        if util is not None:  # such a child leaves through os._exit, which runs finalizers but no atexit
            util.Finalize(None, self.end, exitpriority=-100)

    def _first(self):
        self._observed = True
        self._began = time.time()
        self.recorder.event("machine", machine=process.machine())

    def has_observed(self):
        """Whether anything has been recorded in this process."""
        return self._observed

    def is_told(self):
        """Whether what is in force in this process, and its packages, are to be told."""
        return self._observed or bool(self.config.get("tell"))

    # -- points and records -----------------------------------------------------------------------------------

    def point(self, kind, name, dtype="", shape=()):
        """Intern a point of a kind (one of wire.KINDS) and give its id: an int, for this process."""
        if os.getpid() != self.pid:
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
        if not self._observed:
            self._first()
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
        if not self._observed:
            self._first()
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

    def observed_by_program(self, name, value, step, kind):
        """`observe` of the program: `step`, where given, moves the current step on."""
        if os.getpid() != self.pid:
            self._adopt_fork()
        if step is not None and step > self.step and self._observed:
            self.end_step()
            if self.step < step:  # steps that the program does not name hold nothing
                self.step = min(step, self._stop_after or step) - 1
                self.end_step()
        elif step is not None and step > self.step:
            self.step = step
        if not self._by_program:
            self._by_program = True
            self.event("observed-by", how="observe")
            self.at_end(self._close_program_step)
        self.begin()
        self.value(kind, name, value)

    def _close_program_step(self):
        """The last step that the program named has no later one that closes it."""
        self.step += 1

    # -- steps ------------------------------------------------------------------------------------------------

    def begin(self):
        """The first sign of a step: sample the random states, once a step (before the first step: at -1 too)."""
        if os.getpid() != self.pid:
            self._adopt_fork()
        if self._sampled:
            return
        self._sampled = True
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
        for part in self._closers:
            self.guard("details", part.end_step)
        self.step += 1
        self._seen.clear()
        self._sampled = False
        self._leaves = self.step < self._thin["after"] or self.step % self._thin["every"] == 0
        is_last = self._stop_after is not None and self.step >= self._stop_after
        with self.lock:
            self.guard("write", self.recorder.flush, is_last)
        if not self._step_times:
            self._tell(self.first_step)
            self._step_times = [time.time()]
        self._step_times[1:] = [time.time()]
        if is_last:
            self._stop()

    def _add_digests(self):
        for code, found in self._digests.items():
            kind = wire.KINDS[code]
            text = b"".join(self._names[point][1].encode("utf-8", "replace") + b"\0" + leaf for point, leaf in found)
            digest = self.hasher.data(text, self.hasher.header("digest", (len(found),)))
            self.recorder.add(wire.RECORD.pack(self.step, self.point(kind, ""), code, wire.DIGEST, 0, digest))
        self._digests = {}

    def _tell(self, functions):
        for function in functions:
            self.guard("first or last step", function)

    def _stop(self):
        """Wait to be ended: leaving by ourselves would let a script go on, or bring other ranks down half-way."""
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                self.guard("flush", stream.flush)
        self._tell(self.last_step)
        self.event("packages", packages=process.packages())
        if not self._conclude(wire.STOPPED, {"steps": self.step, "step_times": self._step_times}):
            os._exit(_CANNOT_WRITE)
        launcher = self.config.get("launcher")
        while launcher is None or process.is_alive(launcher):
            time.sleep(0.2)
        os._exit(0)

    # -- end, events ------------------------------------------------------------------------------------------

    def at_end(self, function):
        """Call `function()` when the program has ended normally: it records points of kind "end"."""
        self._ends.append(function)

    def end(self):
        """The interpreter exits: final observations, then end.json."""
        if os.getpid() != self.pid or self._ended:
            return
        self._ended = True
        self._tell(self.last_step)
        self._add_digests()
        self._leaves = True
        for function in self._ends:
            self.guard("end", function)
        if self._observed:
            self.guard("rng at the end", self.sample_rng, self.step)
        if self.is_told():
            self.event("packages", packages=process.packages())
        self.guard("write", self.recorder.flush)
        last = {"steps": self.step, "step_times": self._step_times, "reason": "exit"}
        self._conclude(wire.END, dict(last, seconds=time.time() - self._began if self._began else None))

    def _conclude(self, name, document):
        """Write the document that says that everything was recorded; not where something could not be."""
        if not self.recorder.broken:
            try:
                self.recorder.document(name, document)
            except OSError:
                self.recorder.broken = True
        return not self.recorder.broken

    def event(self, event, **fields):
        """Write an event (the names and fields are listed in wire.py)."""
        if os.getpid() == self.pid:
            with self.lock:
                try:
                    self.recorder.event(event, **fields)
                except OSError:  # a full disk: the trace has no end then, which says it
                    return

    def not_observed(self, point, why):
        """Say that a point cannot be seen here."""
        self.event("not-observed", point=point, why=why)

    def failed(self, where, error):
        """The probe itself failed: the trial is inconclusive, the program goes on. Said once a place."""
        if where not in self._failures:
            self._failures.add(where)
            self.event("probe-failed", where=where, error="%s: %s" % (type(error).__name__, error))

    def guard(self, where, function, *arguments):
        """Call `function`; a failure is recorded and never reaches the program."""
        try:
            return function(*arguments)
        except Exception as error:  # the program must not see it, whatever it is
            self.failed(where, error)
            return None


_probe = None


def current():
    """The probe of this process, or None outside a trial."""
    return _probe


def start(config):
    """Make the probe of this process."""
    global _probe
    _probe = Probe(config)
    return _probe


def observe(name, value, step=None, kind=None):
    """Observe a value of the program under a name; does nothing outside a trial.

    `value`: an array or tensor of any library, a number, string or bytes, or lists and dicts of them.
    `step`: the step it belongs to (from 0); a larger one than before closes the steps before it. Without it, the
    current step. `kind`: one of "batch", "forward", "gradient", "update", "start", "end"; without it, taken from the
    first word of the name (batch, loss, gradient, weights), else "update". Raises TypeError for a value that cannot
    be fingerprinted.
    """
    if _probe is None:
        return
    first = name.replace(".", " ").replace("/", " ").split(" ")[0]
    chosen = kind or _GUESSED.get(first, "update")
    if chosen not in wire.CODE or chosen in ("rng", "structure"):
        raise ValueError("samebits_probe.observe: unknown kind %r" % (kind,))
    if not any(defer(name, value, step, chosen) for defer in _probe.deferrals):
        _probe.observed_by_program(name, value, step, chosen)
