"""A host whose trials are drawn: the scheduler, the search and the comparison are the real ones, and no program runs.

A trial takes as long as the clock says, which may be a simulated one, and leaves the record of a small training.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from builders import silent
from simulation import Source

from samebits import causes, clock, launch, store
from samebits.documents import Explanation
from samebits.endings import NODE_WAS_LOST
from samebits.experiment import Request
from samebits.launch.files import custody
from samebits.launch.hosts import TrialOrder
from samebits.model import FilesFile, Options, TrialFile
from samebits.noise import SEED, NoiseRequest, noise
from samebits.noise.result import NoiseResult
from samebits.vary import vary
from samebits.vary.result import VaryResult
from samebits_probe import wire
from samebits_probe.trace import Recorder

STEPS = 4
APART = ("tf", "jax", "session", "channels", "visible", "cuda", "cudnn")  # controls of libraries that it does not use
POINTS = [
    ("rng", "numpy"),
    ("start", "weight"),
    ("batch", "0"),
    ("gradient", "weight"),
    ("update", "weight"),
    ("end", "weight"),
]
FACTORS = [
    "hash-seed", "file-order", "working-folder", "home", "locale", "time-zone", "threads", "address-layout",
]  # fmt: skip


@dataclass
class Training:
    """What is trained. `sources`: of variation. `depends_on`: the factors on which its bits depend.

    `start`: seconds to the first step, from least to most; `seconds`: of its steps; `lost`: the share of its trials whose
    node is lost. `trials`: how many were started; `most`: how many of these at a time.
    """

    generator: np.random.Generator
    sources: Sequence[Source] = ()
    depends_on: Sequence[str] = ()
    start: tuple[float, float] = (2.0, 8.0)
    seconds: float = 10.0
    lost: float = 0.01
    trials: int = 0
    most: int = 0
    running: set[int] = field(default_factory=set)


class SimulatedHost:
    """See `samebits.launch.hosts.Host`."""

    no_waiting, slots = "simulated trials do not wait", 0

    def __init__(self, training: Training, begin: type["SimulatedTrial"]) -> None:
        self.training, self._begin = training, begin

    def reach(self, directory: Path) -> str:
        """See Host."""
        return ""

    def nodes(self) -> list[str]:
        """See Host."""
        return []

    def start(self, order: TrialOrder) -> "SimulatedTrial":
        """See Host."""
        return self._begin(self.training, order)


class SimulatedTrial:
    """See `samebits.launch.hosts.HostedTrial`."""

    waits = False

    def __init__(self, training: Training, order: TrialOrder) -> None:
        self.id, self.limits, self.slot = order.id, order.limits, order.slot
        self._training, self._order = training, order
        draw = training.generator
        training.trials += 1
        training.running.add(id(self))
        training.most = max(training.most, len(training.running))
        self._is_lost = draw.random() < training.lost
        self._seconds = draw.uniform(*training.start) + training.seconds
        if self._is_lost:
            self._seconds *= draw.random()
        self._outcomes = [draw.choice(len(one.shares), p=one.shares) for one in training.sources]
        self._metric = 0.9 + draw.normal(0, 0.01)
        self._began = clock.now()

    @property
    def pace(self) -> float:
        """See HostedTrial: the clock may go on to its end."""
        return max(0.001, self._seconds - self.spent)

    @property
    def spent(self) -> float:
        """See HostedTrial."""
        return clock.now() - self._began

    def steps(self) -> int:
        """See HostedTrial."""
        return STEPS

    def poll(self) -> bool:
        """See HostedTrial."""
        return self.spent >= self._seconds

    def news(self) -> str:
        """See HostedTrial."""
        return ""

    def fetch(self) -> TrialFile:
        """See HostedTrial."""
        self._training.running.discard(id(self))
        if self._is_lost:
            return self._written("killed", NODE_WAS_LOST)
        return self._written("complete")

    def ask_to_end(self) -> None:
        """See HostedTrial."""

    def cancel(self, why: str) -> None:
        """See HostedTrial."""
        self._training.running.discard(id(self))
        self._written("killed", why)

    def _written(self, status: str, why: str = "") -> TrialFile:
        plan, folder = self._order.plan, self._order.plan.trial_folder(self.id)
        metrics = {name: self._metric for name in plan.options.metrics}
        file = TrialFile(id=self.id, status=status, why=why, started="now", seconds=self.spent, metrics=metrics)
        custody.make_trial(plan.record, folder, file)
        config = {"format": wire.FORMAT, "trial": self.id, "folder": str(folder), "hash": plan.hash}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "files.json").write_text(FilesFile().model_dump_json())
        if status == "complete":
            self._write_process(folder / wire.PROCESSES / f"{1:020d}-100")
        store.seal(folder)
        return file

    def _write_process(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        recorder, held = Recorder(str(folder)), self._order.plan.controls
        recorder.document(
            wire.PROCESS, {"pid": 100, "parent": 1, "argv": ["train.py"], "rank": None, "world_size": None}
        )
        recorder.event("observed-by", how="optimizer")
        for name in held:
            effect = "idle" if name.startswith(APART) else "held"
            recorder.event("control", id=name, effect=effect, when="first-step", why="")
        setup = self._setup()
        recorder.event("in-force", facts=dict.fromkeys(FACTORS, repr(sorted(setup))))
        for number, (kind, name) in enumerate(POINTS):
            recorder.point({"id": number, "kind": kind, "name": name, "dtype": "float32", "shape": [2]})
        for step in range(-1, STEPS + 1):
            for number, (kind, name) in enumerate(POINTS):
                if {"rng": -1, "start": -1, "end": STEPS}.get(kind, min(max(step, 0), STEPS - 1)) == step:
                    value = self._value(step, wire.CODE[kind], name)
                    recorder.add(wire.ROW.pack(step, number, wire.CODE[kind], wire.LEAF, 0, value))
        recorder.flush()
        recorder.document(wire.END, {"steps": STEPS, "seconds": self._training.seconds, "reason": "exit"})
        for file in recorder._files.values():
            os.close(file)

    def _value(self, step: int, kind: int, name: str) -> bytes:
        held = set(self._order.plan.controls)
        drawn = [
            outcome
            for source, outcome in zip(self._training.sources, self._outcomes, strict=True)
            if source.where <= (0, step, kind) and not source.pinned_by & held
        ]
        taken = [value for factor, value in self._setup() if factor in self._training.depends_on]
        text = repr((step, kind, name, drawn, taken if step >= 0 else []))
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    def _setup(self) -> list[tuple[str, str]]:
        """Where the setup of the trial differs from the user's own: what a factor of vary may have changed."""
        request = self._order.plan.request
        names = {"LC_ALL": "locale", "TZ": "time-zone", "HOME": "home"}
        changed = {names[name]: str(value) for name, value in request.variables.items() if name in names}
        changed["working-folder"] = request.directory.name
        return [*sorted(changed.items()), ("controls", " ".join(sorted(self._order.plan.controls)))]


class SleepingTrial(SimulatedTrial):
    """A trial that is a process of this machine, which sleeps."""

    def __init__(self, training: Training, order: TrialOrder) -> None:
        super().__init__(training, order)
        self._process = subprocess.Popen(["sleep", f"{self._seconds}"])

    @property
    def pace(self) -> float:
        """See HostedTrial."""
        return 0.02

    def poll(self) -> bool:
        """See HostedTrial."""
        return self._process.poll() is not None

    def cancel(self, why: str) -> None:
        """See HostedTrial."""
        self._process.kill()
        self._process.wait()
        super().cancel(why)


@contextmanager
def simulated(training: Training, trial: type[SimulatedTrial] = SimulatedTrial) -> Iterator[str]:
    """The name of a host that runs the trials of a training while the block runs."""
    host = SimpleNamespace(SimulatedHost=lambda kind, address, each: SimulatedHost(training, trial))
    sys.modules["samebits.launch.simulated"] = host  # type: ignore[assignment]
    launch.HOSTS["simulated"] = ("simulated", "SimulatedHost")
    try:
        yield "simulated"
    finally:
        del sys.modules["samebits.launch.simulated"], launch.HOSTS["simulated"]


def request(folder: Path, host: str, slots: int, *words: str, **options: object) -> Request:
    """What a command is asked for."""
    asked = Options(jobs=slots, **options)  # type: ignore[arg-type]
    return Request(command=["true", *words], directory=folder, out=folder / "record", host=host, options=asked)


def explained(folder: Path, host: str, slots: int) -> Explanation | None:
    """The answer of `explain` after a check of five trials."""
    return causes.run(request(folder, host, slots, trials=5)).result.explanation


def varied(folder: Path, host: str, slots: int) -> VaryResult:
    """The answer of `vary` over eight factors, three trials of each value."""
    return vary(request(folder, host, slots, trials=3), [(name, []) for name in FACTORS], silent)


def measured(folder: Path, host: str, slots: int) -> NoiseResult:
    """The answer of `noise` for ten seeds with twenty trainings each."""
    asked = request(folder, host, slots, SEED, trials=20, metrics={"accuracy": "acc: (.*)"})
    return noise(NoiseRequest(asked, list(range(10))), silent)
