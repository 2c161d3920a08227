"""The protocol between a trial and its launcher: files and environment, never imports.

A trial is started with ``SAMEBITS_PROBE=<trial folder>/config.json`` and a ``PYTHONPATH`` that begins with
the folder that holds ``sitecustomize.py`` and this package. Below the trial folder every watched Python
process makes a folder of its own::

    <trial>/config.json              written by the launcher, read by the probe (see Config below)
    <trial>/answer.json              written by the launcher for processes that wait: see PauseAnswer
    <trial>/processes/<start>-<pid>/
        process.json                 at start: who the process is (argv, pid, rank, python, machine facts)
        points.jsonl                 one line a point (PointLine)
        trace.bin                    fixed-size records (RECORD), in the order in which they were observed
        scalars.bin                  fixed-size records (SCALAR): loss, metrics, norms as exact floats
        events.jsonl                 one line an event: {"event": ..., ...} (see EVENTS below)
        tensors.bin, tensors.jsonl   values of tensors, where config.json asks for them (see TENSORS below)
        stopped.json                 after `stop_after` steps: {"steps": K, "step_times": when the first and the last
                                     step ended}; the process then waits to be ended, or for an answer that
                                     allows more steps: it removes the file then, and goes on
        end.json                     at a normal exit, and as of now after a notebook's cell or a worker's task:
                                     {"steps", "seconds", "step_times", "reason": "exit", "shell", "cell", "task",
                                     "rows": records in trace.bin then, "events": [those that only the end knows]}.
                                     A later observation removes it, with the records that the end had added

Everything is append-only or written whole through a rename, so that a crash leaves what was recorded
readable; a torn last record is cut off by the reader. All integers are little-endian.

Both sides import this module: the probe under Python 3.6 and later, `samebits` under 3.10 and later.
"""

import struct

__all__ = [
    "ANSWER",
    "CODE",
    "CONFIG_VARIABLE",
    "DETAILS",
    "DIGEST",
    "END",
    "EVENTS",
    "FORMAT",
    "HELD",
    "IDLE",
    "KINDS",
    "LAYER",
    "LEAF",
    "OVERRULED",
    "POINTS",
    "PROCESS",
    "PROCESSES",
    "RECORD",
    "RECORD_FIELDS",
    "REPLAY",
    "SCALAR",
    "SCALARS",
    "SCALAR_FIELDS",
    "STOPPED",
    "TENSORS",
    "TENSOR_ROWS",
    "TRACE",
    "UNDONE",
    "UNREADABLE",
]

FORMAT = 1
CONFIG_VARIABLE = "SAMEBITS_PROBE"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, TypedDict  # novm: only type checkers execute this

    class Thinning(TypedDict):
        """Keep all leaves of the first `after` steps, then of every `every`-th."""

        after: int
        every: int

    class TensorRequest(TypedDict, total=False):
        """Write the values of what is observed in these steps (TENSORS)."""

        first: int
        last: int
        kinds: Sequence[str]  # all but "rng", "structure" and "end" if this is left out
        name: str  # of one tensor: the first of that name in each step. All tensors if this is left out
        most: int  # bytes
        layers: bool  # what inner layers return, too

    class InspectionRequest(TypedDict, total=False):
        """Look into that step (DETAILS)."""

        step: int
        level: str  # "module" or "operator"
        most: int  # bytes of values

    class ReplayRequest(TypedDict):
        """Replay the operators of these steps (REPLAY)."""

        first: int
        last: int
        repeats: int

    class FeedRequest(TypedDict):
        """Set weights from the tensors in a folder: those of step k when it is over, of -1 before the first step."""

        folder: str  # with files of TENSORS

    class Config(TypedDict, total=False):
        """What config.json holds."""

        format: int  # FORMAT
        trial: int  # the trial's number, from 1
        folder: str  # the trial's folder
        hash: str  # "xxh3" or "blake2b": one algorithm for a whole comparison
        xxhash: Optional[str]  # path of an extension that exports XXH3_128bits (loaded with ctypes)
        stop_after: Optional[int]  # end after exactly so many steps
        asks: bool  # an answer may allow more after that
        thin: Thinning
        controls: List[str]  # ids of the controls to hold
        factors: List[str]  # ids of controls: what is in force of them is told after the last step
        seed: int  # what seeding controls use
        launcher: int  # the launcher's pid; a stopped process that outlives it ends by itself
        details: Optional[InspectionRequest]
        replay: Optional[ReplayRequest]
        tensors: Optional[TensorRequest]
        feed: Optional[FeedRequest]
        draws: bool  # tell which lines of the program run, and which draw (events "ran" and "drew")
        tell: bool  # a process that observes nothing says too what is in force: its files are compared
        left: List[str]  # see files.watch: two tables of what earlier trials left

    class PauseAnswer(TypedDict):
        """What answer.json holds: how a trial that waits goes on."""

        stop_after: Optional[int]  # how many steps it may make in all; None for all that it has
        left: List[str]  # the same, with what other trials left meanwhile

    class OptimizerFacts(TypedDict):
        """What an optimizer is set to (VALUES_FACTS)."""

        type: str
        library: str
        groups: List[Dict[str, Any]]  # settings of each group of weights; "weights": their names

    class LayerFacts(TypedDict):
        """What a layer is set to (VALUES_FACTS)."""

        type: str
        weights: List[str]  # names of its own
        settings: Dict[str, Any]

    class DetailFields(TypedDict, total=False):
        """Fields of a line of DETAILS beside phase, what, name and outputs."""

        module: str
        type: str
        code: str
        inputs: List[str]
        given: Dict[str, str]
        output: int  # of a gradient: its number among the outputs of its module
        random: bool
        unset: bool
        view: bool
        reads: List[str]
        writes: List[str]

    class ArrayFacts(TypedDict, total=False):
        """What is known of an array that the program's globals reach (event "globals")."""

        nonnegative: bool  # no number of it is below zero
        model: bool  # it belongs to a model

    class PointLine(TypedDict):
        """A line of points.jsonl."""

        id: int
        kind: str
        name: str
        dtype: str
        shape: List[int]

    class RankFacts(TypedDict):
        """Numbers of a process in a distributed run, null outside of one."""

        rank: Optional[int]
        local_rank: Optional[int]
        world_size: Optional[int]

    class SiblingFacts(RankFacts):
        """What tells a process from its siblings."""

        identity: Optional[List[int]]  # which child of its parent multiprocessing made it, and its name
        name: Optional[str]

    class ProcessFacts(SiblingFacts):
        """What process.json holds."""

        pid: int
        parent: int
        forked_from: Optional[int]
        started: float
        argv: List[str]
        executable: str
        python: str
        directory: str

    class MachineFacts(TypedDict):
        """What of the machine can change the bits."""

        host: str
        system: str
        kernel: str
        libc: str
        architecture: str
        processor: str
        instructions: str
        cores: Optional[int]

    class StoppedFacts(TypedDict):
        """What stopped.json holds."""

        steps: int
        step_times: List[float]

    class EndFacts(StoppedFacts):
        """What end.json holds."""

        reason: Optional[str]
        seconds: Optional[float]
        events: List[Dict[str, Any]]
        rows: int


# kinds, in the order in which they are judged within a step (contract.md)
KINDS = ("start", "rng", "batch", "forward", "gradient", "update", "structure", "end")
CODE = {name: code for code, name in enumerate(KINDS)}

# what a control does in a process:
#   held        it holds
#   idle        it holds, but nothing here reads what it sets
#   overruled   it holds, but the program sets the same thing by itself, and the program's own value wins
#   undone      it does not hold: it could not be applied, or something has undone it
#   unreadable  nobody can tell: its library was not imported, or does not say
EFFECTS = HELD, IDLE, OVERRULED, UNDONE, UNREADABLE = ("held", "idle", "overruled", "undone", "unreadable")

# flags of a record
LEAF = 0  # the fingerprint of one point
DIGEST = 1  # thinned step: one digest over all leaves of this kind (point id is that of name "")

# step (int64; -1 before the first step), point id, kind code, flag, occurrence within step and point, fingerprint
RECORD = struct.Struct("<qIBBH16s")
RECORD_FIELDS = [
    ("step", "<i8"),
    ("point", "<u4"),
    ("kind", "u1"),
    ("flag", "u1"),
    ("occurrence", "<u2"),
    ("fingerprint", "V16"),
]
# step, point id, occurrence, value. The point is one of kind "forward" (loss), "end" (metric) or "norm:..." names
SCALAR = struct.Struct("<qIId")
SCALAR_FIELDS = [("step", "<i8"), ("point", "<u4"), ("occurrence", "<u4"), ("value", "<f8")]

PROCESSES = "processes"
PROCESS = "process.json"
POINTS = "points.jsonl"
TRACE = "trace.bin"
SCALARS = "scalars.bin"
EVENTS = "events.jsonl"
STOPPED = "stopped.json"
ANSWER = "answer.json"
END = "end.json"

# tensors.bin: raw bytes in logical order, one tensor after the other. tensors.jsonl, one line each, in their order:
#   {"step", "kind", "name", "dtype", "shape", "offset" (in tensors.bin), "size" (in bytes)}
# The step is -1 before the first. The kind is one of KINDS, and the name that of the point; what a layer returned is of
# kind "forward", and its name begins with LAYER. Further kinds:
#   output        what was executed within one step gave it: its name is the number in DETAILS
#   own, again    results that differed, of the program's own call and of a replay: its name is the number in REPLAY
#   weight        a weight that is to be set (FeedRequest): samebits writes this one, and the probe reads it
TENSORS = "tensors.bin"
TENSOR_ROWS = "tensors.jsonl"
LAYER = "layer:"

# details.jsonl: what was executed within one step, one line each, in the order in which it was executed:
#   phase    "forward", "backward" or "update"
#   what     "module" (layer), "gradient" (of a module's output) or "operator"; "access": see `variable`; "note": the
#            name is a sentence about the look itself
#   name     the module's qualified name; the operator's schema name; with `module`, `type`, `code` (a line of the user)
#   inputs   fingerprints in hex; outputs: [dtype, shape, fingerprint, number of the values in TENSORS or null]
#   given    {name: text} of its arguments that are no tensors, those by default among them
#   random   true for an operator that draws; unset: true for one whose outputs hold no values by contract; view: true
#            for one that reads no values: its outputs are the memory of its inputs
#   variable, reads, writes: operations of a graph that read and write one variable without an order between them
DETAILS = "details.jsonl"

# replay.json: what operators did when they were run again, see replay/findings.py
REPLAY = "replay.json"

# events.jsonl, the "event" field and the fields beside it:
#   watcher       name, version, note: a watcher was installed for a library
#   not-observed  point, why: something that this watcher cannot see here (goes to scope.not_observed)
#   control       id, effect (one of EFFECTS), why (a sentence for people), when ("start", "first-step", "last-step").
#                 Older probes wrote took_effect (true/false/null) and detail instead of effect and why
#   probe-failed  where, error: the probe itself failed: the trial is inconclusive. foreign: true for an exception that
#                 a thread of the program set while the probe worked
#   warning       text: something to say to the user
#   opened        path, at: a file opened for reading that this process had not written before. Of this event and the
#                 next five: `at` is the time, and `pid` a forked child's that has no files of its own
#   wrote         path: a file opened for writing, or one that got its name by a rename
#   listed        path: a folder listed in which an earlier trial left a name (config.json, "left")
#   asked         path: such a name that the process asked for, and that was there
#   made          path: a folder made, or a file or folder removed, where earlier trials left names
#   removed       path: a folder removed with all that was in it
#   exec          path, argv: the process is about to become this program; followed by nothing if it did
#   started       path, argv: a program started; once for each program
#   forked        place: the program's own code forks there; once for each place
#   not-fed       step, names: weights that were to be set and are not there
#   settings      what ("optimizer" or "layer"), name, step, facts: what it is set to, where that is new
#   tensors-full  step: there was no room for more in TENSORS
#   model         label, paths: what the names of a model's points begin with; at the end, the variables that hold it
#   untouched     generators: those from which the program had not drawn, and which it had not seeded, when their states
#                 were first recorded
#   packages      packages: {name: version} of what the process had imported, at its end
#   replay        why: operators cannot be replayed here
#   pooled        (nothing): this process is given tasks by a pool
#   gave-ray      (nothing): this process gave Ray a function or a class, for its workers to run
#   client-of-ray (nothing): this process connected to a cluster with Ray Client (ray://)
#   observed-by   how: "optimizer", "train-function", "apply", "observe", "backward", "compiled-call", "apply-updates",
#                 "fit", "round": what counted as a step. kind: with "observe", once for each kind that is named
#   keyed         name, key, point: values that the program observes under a key; what their points' names begin with
#   ran           path, line, main: a line of the program that ran; main: of the module that was started
#   drew          generator, places, text, unseeded: the state of a generator changed while these lines ran, [path,
#                 line] each, the innermost first. text: of the innermost line, if it is in no file. unseeded: what of
#                 scikit-learn ran there without a random_state
