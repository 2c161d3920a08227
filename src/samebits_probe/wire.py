"""The protocol between a trial and its launcher: files and environment, never imports.

The launcher starts a trial with ``SAMEBITS_PROBE=<trial folder>/config.json``, and with a ``PYTHONPATH`` that begins
with the folder of ``sitecustomize.py`` and this package. Each watched Python process makes its own folder below the
folder of the trial::

    <trial>/config.json              written by the launcher, read by the probe (see Config below)
    <trial>/answer.json              written by the launcher for processes that wait: see PauseAnswer
    <trial>/probe-failed-<pid>.txt   written if the probe could not start: the error, the interpreter and each argument,
                                     with a zero byte between them
    <trial>/processes/<start>-<pid>/
        process.json                 at start: facts about the process (argv, pid, rank, python)
        points.jsonl                 one line per point (PointLine)
        trace.bin                    fixed-size rows (ROW), in the order in which they were observed
        scalars.bin                  fixed-size rows (SCALAR): loss, metrics, norms as exact floats
        events.jsonl                 one line per event: {"event": ..., ...} (see EVENTS below)
        tensors.bin, tensors.jsonl   values of tensors, if config.json asks for them (see TENSORS below)
        stopped.json                 after `stop_after` steps: {"steps": K, "step_times": the times at which the first
                                     and the last step ended}. The process then waits until it is ended, or until
                                     an answer allows more steps: then it removes the file, and continues
        end.json                     at a normal exit, and provisionally after a notebook's cell or a worker's task:
                                     {"steps", "seconds", "step_times", "reason": "exit", "shell", "cell" or "task",
                                     "rows": the number of rows in trace.bin, "events": [those of the end]}.
                                     A later observation removes it, and the rows that the end had added

Files are append-only, or written whole through a rename. So the record is readable after a crash, and the reader cuts
off a torn last row. All integers are little-endian.

Both sides import this module: the probe with Python 3.6 or later, `samebits` with 3.10 or later.
"""

import struct

__all__ = [
    "ANSWER", "CODE", "CONFIG_VARIABLE", "DETAILS", "DIGEST", "END", "EVENTS", "FORMAT", "HELD", "IDLE",
    "KINDS", "LAYER", "LEAF", "OVERRULED", "OWN_MODEL", "POINTS", "PROBE_FAILURES", "PROCESS", "PROCESSES", "REPLAY",
    "ROW", "ROW_FIELDS", "SCALAR", "SCALARS", "SCALAR_FIELDS", "SETTINGS", "STOPPED", "TENSORS", "TENSOR_ROWS", "TRACE",
    "TRAINS_ELSEWHERE", "UNDONE", "UNREADABLE",
]  # fmt: skip

FORMAT = 1
CONFIG_VARIABLE = "SAMEBITS_PROBE"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple, TypedDict  # novm: only type checkers execute this

    class StepSelection(TypedDict):
        """Keep all leaves of the first `after` steps, then only those of every `every`-th step."""

        after: int
        every: int

    class TensorRequest(TypedDict, total=False):
        """Write the values that are observed in these steps (TENSORS)."""

        first: int
        last: int
        steps: Sequence[int]  # only these of them
        kinds: Sequence[str]  # default: all but "rng", "structure" and "end"
        name: str  # of one tensor: the first one of this name in each step (default: all tensors)
        most: int  # bytes
        layers: bool  # write the outputs of inner layers too

    class InspectionRequest(TypedDict, total=False):
        """Inspect this step (DETAILS)."""

        step: int
        level: str  # "module" or "operator"
        most: int  # bytes of values

    class ReplayRequest(TypedDict):
        """Replay the operators of these steps (REPLAY)."""

        first: int
        last: int
        repeats: int

    class FeedRequest(TypedDict):
        """Set weights from the tensors in a folder: those of step k at its end, those of -1 before the first step."""

        folder: str  # with files of TENSORS

    class Config(TypedDict, total=False):
        """The content of config.json."""

        format: int  # FORMAT
        trial: int  # the trial's number, from 1
        folder: str  # the trial's folder
        hash: str  # "xxh3" or "blake2b": one algorithm for a whole comparison
        xxhash: Optional[str]  # path of an extension that exports XXH3_128bits (loaded with ctypes)
        stop_after: Optional[int]  # stop after exactly so many steps; 0: wait before the first one
        asks: bool  # an answer may allow more steps after that
        thin: StepSelection
        controls: List[str]  # ids of the controls to hold
        factors: List[str]  # ids of controls whose settings in force are reported after the last step
        seed: int  # for controls that seed
        origin: int  # when the trial began: nanoseconds since 1970
        launcher: int  # pid of the launcher. A stopped process that outlives the launcher ends by itself
        details: Optional[InspectionRequest]
        replay: Optional[ReplayRequest]
        tensors: Optional[TensorRequest]
        feed: Optional[FeedRequest]
        audit: Dict[str, Any]  # what resume.py does: see `samebits.audit.arms`
        draws: bool  # report which lines of the program run, and which draw (events "ran", "drew", "cell")
        tell: bool  # a process without observations reports its settings too, because its files are compared

    class PauseAnswer(TypedDict):
        """The content of answer.json: how a trial that waits continues."""

        stop_after: Optional[int]  # the number of steps that it may make in all; None: all that it has

    class OptimizerFacts(TypedDict):
        """The settings of an optimizer (event "settings")."""

        type: str
        library: str
        groups: List[Dict[str, Any]]  # settings of each group of weights; "weights": their names

    class LayerFacts(TypedDict):
        """The settings of a layer (event "settings")."""

        type: str
        weights: List[str]  # the names of its own weights
        settings: Dict[str, Any]

    class DetailFields(TypedDict, total=False):
        """The fields of a line of DETAILS, in addition to phase, what, name and outputs."""

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
        """The facts about an array that the program's globals reach (event "globals")."""

        model: bool

    class PointLine(TypedDict):
        """A line of points.jsonl."""

        id: int
        kind: str
        name: str
        dtype: str
        shape: List[int]

    class RankFacts(TypedDict):
        """The numbers of a process in a distributed run; null outside of one."""

        rank: Optional[int]
        local_rank: Optional[int]
        world_size: Optional[int]

    class SiblingFacts(RankFacts):
        """The facts that distinguish a process from its siblings."""

        identity: Optional[List[int]]  # its number among the children that multiprocessing made
        name: Optional[str]

    class ProcessFacts(SiblingFacts):
        """The content of process.json."""

        pid: int
        parent: int
        forked_from: Optional[int]
        started: float
        argv: List[str]
        executable: str
        python: str
        directory: str

    class MachineFacts(TypedDict, total=False):
        """The facts of the machine that can change bits. `gpus` and `driver`: only if there is a GPU of NVIDIA."""

        host: str
        system: str
        kernel: str
        libc: str
        architecture: str
        processor: str
        instructions: str
        cores: Optional[int]
        gpus: str
        driver: str

    class StartFacts(TypedDict):
        """The processor time that a process has used until its first step (event "start")."""

        at: float  # when the first step begins
        seconds: float  # in all, by threads that have ended too
        threads: List[Tuple[int, float]]  # id and seconds of each thread that has not ended; the main thread is first

    class StoppedFacts(TypedDict):
        """The content of stopped.json."""

        steps: int
        step_times: List[float]
        clocks: List[List[float]]  # of each clock: what it showed when the process began, and now

    class EndFacts(StoppedFacts):
        """The content of end.json."""

        reason: Optional[str]
        seconds: Optional[float]
        events: List[Dict[str, Any]]
        rows: int


# the kinds, in the order in which they are judged within a step
KINDS = ("start", "rng", "batch", "forward", "gradient", "update", "structure", "end")
CODE = {name: code for code, name in enumerate(KINDS)}

# the effect of a control in a process:
#   held        it holds
#   idle        it holds, but nothing here reads what it sets
#   overruled   it holds, but the program sets its own value, and that value wins
#   undone      it does not hold: it could not be applied, or was undone later
#   unreadable  unknown: its library was not imported, or gives no answer
EFFECTS = HELD, IDLE, OVERRULED, UNDONE, UNREADABLE = ("held", "idle", "overruled", "undone", "unreadable")

# the flags of a row
LEAF = 0  # the fingerprint of one point
DIGEST = 1  # in a thinned step: one digest over all leaves of this kind (the point has the name "")
SETTINGS = "(settings)"  # the name of the digest over numbers and texts of optimizers, which are not weights

# step (int64; -1 before the first step), point id, kind code, flag, occurrence within step and point, fingerprint
ROW = struct.Struct("<qIBBH16s")
ROW_FIELDS = [
    ("step", "<i8"),
    ("point", "<u4"),
    ("kind", "u1"),
    ("flag", "u1"),
    ("occurrence", "<u2"),
    ("fingerprint", "V16"),
]
# step, point id, occurrence, value. The point has the kind "forward" (loss) or "end" (metric). Older probes also wrote
# points with a name "norm:..."
SCALAR = struct.Struct("<qIId")
SCALAR_FIELDS = [("step", "<i8"), ("point", "<u4"), ("occurrence", "<u4"), ("value", "<f8")]

PROBE_FAILURES = "probe-failed-*.txt"
PROCESSES = "processes"
PROCESS = "process.json"
POINTS = "points.jsonl"
TRACE = "trace.bin"
SCALARS = "scalars.bin"
EVENTS = "events.jsonl"
STOPPED = "stopped.json"
ANSWER = "answer.json"
END = "end.json"

# tensors.bin: raw bytes in logical order, one tensor after the other. tensors.jsonl: one line per tensor, in order:
#   {"step", "kind", "name", "dtype", "shape", "offset" (in tensors.bin), "size" (in bytes)}
# The step is -1 before the first step. The kind is one of KINDS, and the name is that of the point. An output of a
# layer has the kind "forward", and a name that begins with LAYER. Further kinds:
#   output        an output of an inspected step: its name is the number in DETAILS
#   own, again    results that differed, of the program's own call and of a replay: the name is the number in REPLAY
#   weight        a weight to be set (FeedRequest): samebits writes it, and the probe reads it
TENSORS = "tensors.bin"
TENSOR_ROWS = "tensors.jsonl"
LAYER = "layer:"

# details.jsonl: the modules and operators of one step, one line each, in the order of execution:
#   phase    "forward", "backward" or "update"
#   what     "module" (layer), "gradient" (of a module's output) or "operator"; "access": see `reads`; "note": the
#            name is a sentence about the inspection itself
#   name     the qualified name of the module, or the schema name of the operator; with `module`, `type`, `code` (a line
#            of the program)
#   inputs   fingerprints in hex; outputs: [dtype, shape, fingerprint, number of the values in TENSORS or null]
#   given    {name: text} of its arguments that are not tensors, defaults included
#   random   true for an operator that draws random numbers; unset: true if its outputs have no values by contract;
#            view: true if it reads no values, because its outputs share the memory of its inputs
#   reads, writes: operations of a graph that read and write one variable (`name`) without an order between them
DETAILS = "details.jsonl"

TRAINS_ELSEWHERE = "training in another thread"
OWN_MODEL = "a different thread trains a model of its own"

# replay.json: the results of running operators again (see replay/findings.py)
REPLAY = "replay.json"

# events.jsonl: the field "event", and the fields of each event:
#   watcher       name, version, note: a watcher was installed for a library
#   not-observed  point, why: a point that the watcher cannot see here (goes to scope.not_observed). The reader looks
#                 for the point TRAINS_ELSEWHERE, and for OWN_MODEL as the reason
#   control       id, effect (one of EFFECTS), why (a sentence for people), when ("start", "first-step", "last-step").
#                 Older probes wrote took_effect (true, false or null) and detail instead of effect and why
#   from-system   id, place: the program takes a seed from the system there. The control replaces it, but the lines to
#                 paste for this control do not; once for each place
#   drew-in-worker  id, place, unseeded (as in drew): a task of joblib drew from the generator that the control seeds
#   probe-failed  where, error: the probe itself failed, so the trial is inconclusive. foreign: true for an exception
#                 that a thread of the program set while the probe worked
#   warning       text: a warning for the user
#   opened        path, at: the process opened a file for reading that it had not written before. In this event and the
#                 next two, `at` is the time, and `pid` is that of a forked child without files of its own
#   wrote         path: the process opened a file for writing, or gave the name to a file that it wrote. step: how many
#                 steps had ended when a library saved it, if the thread that trains did so
#   made          path: the process made a folder, or asked for one that was there
#   unseeded      generator: the program made one without a seed, "own-python" or "own-numpy", or drew from "torch"
#                 before it seeded it
#   handed        texts, more: texts that the program got: ids from the system's random bytes, and in a trial
#                 with the control `clock-rate` what the clock wrote. more: true if there were more than are noted
#   bound         ports: the process bound sockets to these
#   amounts       numbers: functions of the system told the process these amounts of memory
#   child         pid: the process is forked from this one, and began
#   exec          path, argv: the process is about to become this program. If it does, no event follows
#   started       path, argv: the process started a program. forked: place where its own code forks. Once for each
#   fed           name: an initial weight that was set
#   not-fed       step, names: weights to be set that do not exist. tensors-full: step at which TENSORS had no more room
#   settings      what ("optimizer" or "layer"), name, step, facts: its settings, if they are new
#   scratch       names: the buffers that a model does not save
#   gone, held    names: the tensors of a model that was deleted; those of them that the program still held at the end
#   numbers       name, values: the few numbers of a point of kind "end". shown: kind, name, text: the text of a point
#   model         label, paths: the beginning of the names of a model's points; at the end, the variables that hold it
#   untouched     generators: the program had neither drawn from these nor seeded them before their first record.
#                 Once more if a library brings another
#   used          generator, state: its fingerprint at the end of a process that used it and recorded nothing
#   packages      packages: {name: version} of the packages that the process had imported at its end
#   replay        why: operators cannot be replayed here. threads: ids of those that began while a library was imported
#   start         at, seconds, threads: the first step begins, and the processor time until then (StartFacts)
#   pooled        a pool gives this process tasks
#   observed-by   how: "optimizer", "train-function", "apply", "observe", "backward", "compiled-call", "apply-updates",
#                 "fit", "round": the call that counted as a step. kind: with "observe", once for each kind
#   keyed         name, key, point: values that the program observes under a key. point: how the names of their points
#                 begin
#   unheld        (JAX) the program changes weights by hand, and no variable of its main module holds them
#   cell-runs     step, number: a cell of a notebook begins. number: that of the kernel, In [number]
#   cell-line     number, line: this line of the cell made a step; once for each line
#   cell-raised   number, line, text: the cell ended with this exception. line: 0 if it is not known
#   pass          step: the first step of a pass over the data (an epoch)
#   saved, epoch, batch: (audit) a file had changed when a step began; a loader began an epoch; the samples of a batch
#   grafted: (audit) the values that were set to those of a different run
#   ran           path, line, main: a line of the program ran. main: whether it belongs to the module that was started
#   drew          generator, places, text, unseeded: a generator's state changed while these lines ran ([path, line],
#                 innermost first). text: of a line in no file. unseeded: what ran of scikit-learn without random_state
