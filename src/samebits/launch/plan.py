"""What was asked for (`Request`), what follows from it before the first trial starts (`Plan`), and when samebits ends a
trial (`Limits`).
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import samebits_probe
from samebits import controls
from samebits.errors import NotFoundError, RecordBusy, RecordExists, SamebitsError, UsageError
from samebits.launch import environment, hosts, ray_programs
from samebits.launch.files import custody
from samebits.launch.processes import command
from samebits.model import ClockLaw, Options, TrialFile
from samebits.options import DEFAULT_SEED, MOST_TRIALS
from samebits.store.record import PROBE, RECORDS, unused_places
from samebits_probe import fingerprint

_TRY = """
import sys
sys.path.insert(0, sys.argv[1])
from samebits_probe.fingerprint import make_hasher
hasher = make_hasher("xxh3", sys.argv[2])
hasher.data(b"samebits", hasher.header("uint8", (8,)))
"""


CLOCK_RATE = "clock-rate"  # the control that makes the clock of a trial faster
AGAIN = 5  # times that a trial of a long search starts again if its node was lost


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `check` and `record` are asked for. The command line makes it from its options.

    `python`: the path of the interpreter that `python` in the command stands for, or None for the one on PATH.
    `environment`: the name given with --env. `host`: where trials run, as --on names it. `each`: what one trial needs
    there, as --each says it. `controls`: ids as given, without those of the preset. `out`: the record folder, None for
    the default. `against`: a record that the new trials are compared with. `variables`: variables of each trial that
    differ from this process's environment; None removes a variable. `again`: how often a trial starts again if its node
    was lost. `weights`: a folder with initial weights for each trial (`feed` of `Limits`). `starts_as`: a record; the
    trials start from the same files as its trials. `settled`: the values that follow the clock, as earlier trials
    showed.
    """

    command: list[str]
    directory: Path = field(default_factory=Path.cwd)
    options: Options = field(default_factory=Options)
    python: str | None = None
    environment: str | None = None
    host: str = "local"
    each: dict[str, str] = field(default_factory=dict)
    preset: str | None = None
    controls: list[str] = field(default_factory=list)
    seed: int | None = None
    out: Path | None = None
    overwrite: bool = False
    against: Path | None = None
    variables: dict[str, str | None] = field(default_factory=dict)
    again: int = 0
    weights: Path | None = None
    starts_as: Path | None = None
    settled: Sequence[ClockLaw] = ()

    @property
    def feed(self) -> dict[str, Any] | None:
        """The `feed` of each trial: where its initial weights come from."""
        return {"folder": str(self.weights)} if self.weights else None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A request that can be run: everything looked up, the record folder made.

    `executable`: path of the command's first word. `controls`: all ids to hold, those of the preset too.
    `hash`, `xxhash`: see `samebits_probe.wire`. `host`: where the trials run. `meets_ray`: see `ray_programs`.
    `said`: what the user should know about the host. `custody`: keeps every other samebits out of the record meanwhile.
    """

    request: Request
    record: Path
    executable: str
    controls: list[str]
    seed: int
    probe: Path
    hash: str
    xxhash: str | None
    host: hosts.Host = field(repr=False, compare=False)
    meets_ray: bool = False
    said: str = ""
    custody: custody.Custody | None = field(default=None, repr=False, compare=False)

    @property
    def directory(self) -> Path:
        """The user's working folder."""
        return self.request.directory

    @property
    def options(self) -> Options:
        """The options of the request."""
        return self.request.options

    def trial_folder(self, trial: int) -> Path:
        """Return where a trial's files are."""
        return self.record / "trials" / trial_name(trial)


def trial_name(trial: int) -> str:
    """Return the text for `{trial}`, and the folder's name. It has the same length for every trial."""
    return f"{trial:03d}"


def make_plan(request: Request, *, hash_wanted: str | None = None) -> Plan:
    """Look everything up, then make the record folder.

    `hash_wanted`: the algorithm of a record that is compared with. Raises UsageError, NotFoundError, RecordExists or
    RecordBusy before anything is written.
    """
    _check_counts(request)
    plan = arrange(request, next(_places(request)), hash_wanted=hash_wanted)
    with custody.full_disk_said(plan.record):
        holder = make_record_folder(request)
        if holder.folder != plan.record:
            plan = arrange(request, holder.folder, hash_wanted=hash_wanted)
        plan = replace(plan, custody=holder)
        environment.copy_probe(plan.record)
        environment.make_shims(plan.record, request.python)
        if controls.hold_addresses(plan.controls) and (interpreter := _interpreter(plan)) is not None:
            environment.compile_probe(plan.record, interpreter)
    return plan


def _interpreter(plan: Plan) -> str | None:
    """Return the Python that runs the training, if the command shows it; else the first Python on the path."""
    interpreter = plan.request.python or command.interpreter(plan.executable)
    return interpreter or shutil.which("python") or shutil.which("python3")  # Debian has no `python`


def arrange(request: Request, record: Path, *, hash_wanted: str | None = None) -> Plan:
    """Return the plan of a request whose record is at `record`; writes nothing. Raises UsageError or NotFoundError."""
    if os.pathsep in str(record):  # the path becomes part of PYTHONPATH and PATH, in which this sign separates entries
        what = f"The path of the record folder {record} contains {os.pathsep!r}: Python cannot find the probe there."
        raise UsageError(what, "name a different folder with --out DIR.")
    control_ids = controls.resolve(request.controls, request.preset)
    command.check_script(request.command, request.directory)
    executable = environment.shim(record, request.python, request.command[0])
    if executable is None:
        executable = command.find(request.command, request.directory, environment.search_path(request.python))
    algorithm, extension = choose_hash(request.python, wanted=hash_wanted)
    host = hosts.connect(request.host, request.each)
    return Plan(
        request=request,
        record=record,
        executable=executable,
        controls=control_ids,
        seed=DEFAULT_SEED if request.seed is None else request.seed,
        probe=record / PROBE,
        hash=algorithm,
        xxhash=extension,
        host=host,
        said=host.reach(request.directory),
        meets_ray=ray_programs.may_meet_cluster(),
    )


def choose_hash(python: str | None, *, wanted: str | None = None) -> tuple[str, str | None]:
    """Return ("xxh3", path of the extension) if it loads here and in `python`, else ("blake2b", None).

    `wanted`: the algorithm of the record that is compared with. Raises SamebitsError if that one cannot be used.
    """
    if wanted == "blake2b":
        return "blake2b", None
    extension = _extension_path()
    if extension is not None and _loads_here(extension) and (python is None or _loads_in(python, extension)):
        return "xxh3", extension
    if wanted == "xxh3":
        if python is not None and not Path(python).exists():
            raise NotFoundError(
                f"The Python of the record is no longer there: {python}.", "put it back, or record again."
            )
        raise SamebitsError(
            "The record was fingerprinted with XXH3, which cannot be loaded on this machine.",
            "Record the run again here, then compare.",
        )
    return "blake2b", None


def _extension_path() -> str | None:
    """Return the shared object of the xxhash package, which exports what hashes with XXH3."""
    try:
        extension = importlib.import_module("xxhash._xxhash")
    except ImportError:
        return None
    return extension.__file__


def _loads_here(extension: str) -> bool:
    try:
        hasher = fingerprint.make_hasher("xxh3", extension)
        return len(hasher.data(b"samebits", hasher.header("uint8", (8,)))) == 16
    except OSError:
        return False


def _loads_in(python: str, extension: str) -> bool:
    """Return whether a different interpreter loads it (its C library may differ). A crash counts as no."""
    folder = str(Path(samebits_probe.__file__).parent.parent)
    try:
        attempt = subprocess.run([python, "-I", "-B", "-c", _TRY, folder, extension], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return attempt.returncode == 0


def _check_counts(request: Request) -> None:
    if not request.command or not request.command[0]:
        raise UsageError("There is no command to run.", "samebits check -- python train.py")
    if not 1 <= request.options.trials <= MOST_TRIALS:
        what = f"The number of trials is {request.options.trials:,}; it can be from 2 to {MOST_TRIALS:,}."
        raise UsageError(what, f"give a number from 2 to {MOST_TRIALS:,} with -n.")
    if not request.directory.is_dir():
        raise NotFoundError(f"The working folder does not exist: {request.directory}", "name a folder that exists.")


def make_record_folder(request: Request) -> custody.Custody:
    """Make the folder that the request names, or else the first free default folder, and hold it.

    Raises RecordExists, RecordBusy, NotFoundError.
    """
    for place in _places(request):
        try:
            return custody.make(place, overwrite=request.overwrite)
        except (RecordExists, RecordBusy):  # a default name, which a different check took in this second
            if request.out is not None:
                raise
    what = f"There is no free name for a record in {request.directory / RECORDS}."
    raise RecordExists(what, "name a folder with --out DIR.")


def _places(request: Request) -> Iterator[Path]:
    """`--out`, else `.samebits/<time>-<name>` below the working folder, with a number at the end if that is taken."""
    if request.out is not None:
        # without "..", as in the paths that the probe reports. Else the probe's own files would count as results
        yield request.out.resolve() if ".." in request.out.parts else request.out.absolute()
        return
    yield from unused_places(request.directory.absolute() / RECORDS, command.name_of(request.command))


# -- how long trials run ----------------------------------------------------------------------------------------------


GROWTH = 10  # the number of steps grows at most by this factor at once


@dataclass(frozen=True)
class Limits:
    """When samebits ends a trial: after exactly `steps` steps, or after `seconds` seconds of a budget.

    `grows`: more steps are allowed, up to `most`, as long as they take less time than the start of the program.
    `reference`: the number of an earlier trial. A trial that has not diverged from it after `steps` may make `most`.
    `waits`: a trial that has reached `steps` is not ended if it can wait for a next round. `together`: trials may start
    at the same time, and wait before their first step until they train one by one. `tensors`, `details`,
    `replay`, `draws`, `audit`: what is inspected on the way. `feed`: where weights come from that samebits sets (see
    `samebits_probe.wire`). `inherits`: a folder whose `out` and `work` are copied into the trial's own folders first.
    `timeout`: seconds after which a trial is ended, if the user's own limit is not shorter. `rates`: the rates of the
    clocks of the trials whose clock is faster, by their numbers.
    """

    steps: int | None = None
    seconds: float | None = None
    grows: bool = False
    most: int | None = None
    reference: int | None = None
    waits: bool = False
    together: bool = False
    tensors: dict[str, Any] | None = None
    details: dict[str, Any] | None = None
    replay: dict[str, Any] | None = None
    feed: dict[str, Any] | None = None
    draws: bool = False
    audit: dict[str, Any] | None = None
    inherits: Path | None = None
    timeout: float | None = None
    rates: Mapping[int, float] = field(default_factory=dict)

    @property
    def at_start(self) -> Limits:
        """The limits of a trial that waits before its first step."""
        return replace(self, steps=0, reference=None, waits=True)

    @property
    def may_grow(self) -> bool:
        """Whether a trial that has made `steps` may be allowed more in the same round."""
        return self.grows or self.reference is not None

    @property
    def steps_in_all(self) -> int | None:
        """The steps that a trial makes if it does not diverge from the reference."""
        return self.most if self.reference is not None else self.steps

    def shorter(self, timeout: float | None) -> float | None:
        """Return after how many seconds a trial is ended. `timeout`: the limit that the user gave."""
        return min((limit for limit in (timeout, self.timeout) if limit is not None), default=None)

    def rate_of(self, trial: int) -> float:
        """Return how fast the clock of a trial runs."""
        return self.rates.get(trial, 1.0)

    def controls_of(self, trial: int) -> list[str]:
        """Return the controls that a trial holds beside those of the plan."""
        return [f"{CLOCK_RATE}={self.rates[trial]:g}"] if trial in self.rates else []

    def has_cut(self, file: TrialFile) -> bool:
        """Return whether a trial was ended because it had diverged from the reference."""
        return self.reference is not None and file.status == "stopped" and file.stop_after == self.steps


def grown(paused: Mapping[str, Any], began: float, most: int | None) -> int:
    """Return how many steps a trial may make in all, so that they take about as long as the start of the program.

    `paused`: how many steps it has made, and when the first and the last one ended. `began`: when it was started
    (epoch). A trial that could not make twice as many steps ends where it is.
    """
    made, (first, last) = int(paused["steps"]), paused["step_times"]
    if made < 2:
        return made
    fitting = int((first - began) * (made - 1) / max(last - first, 1e-6))
    steps = min(fitting, made * GROWTH, most or fitting)
    return steps if steps >= 2 * made or steps == most else made
