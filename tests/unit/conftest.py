"""Records made by hand, with the probe's own recorder: what a trial would have left, point by point."""

import hashlib
import json

import pytest

from samebits.model import FilesFile, Options, RecordFile, TrialFile
from samebits.store import fingerprint_file, open_record, seal, seal_record
from samebits_probe import wire
from samebits_probe.trace import Recorder


class Writing:
    """Writes record folders. One instance for all tests: it keeps nothing."""

    def fingerprint(self, value):
        """16 bytes that stand for a value."""
        return hashlib.blake2b(repr(value).encode(), digest_size=16).digest()

    def record(self, folder, trials, sealed=True, **fields):
        """Write a record folder. `trials`: functions(folder, number) -> TrialFile fields; `fields`: of RecordFile."""
        options = Options(**{"trials": len(trials), **fields.pop("options", {})})
        document = {"samebits": "0.1.0", "created": "2026-01-01T00:00:00+00:00", "command": ["python", "train.py"]}
        document.update(directory="/home/me", hash="blake2b", options=options)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "record.json").write_text(RecordFile(**{**document, **fields}).model_dump_json())
        for number, write in enumerate(trials, 1):
            self.trial(folder / "trials" / f"{number:03d}", number, write, sealed)
        if sealed:
            seal_record(folder)
        return folder

    def trial(self, folder, number, write, sealed=True):
        """Write one trial folder."""
        folder.mkdir(parents=True)
        config = {"format": wire.FORMAT, "trial": number, "folder": str(folder), "hash": "blake2b"}
        (folder / "config.json").write_text(json.dumps(config))
        fields = {"id": number, "status": "complete", "exit_code": 0, "started": "2026-01-01", "seconds": 1.5}
        given = write(folder, number) or {}
        files = given.pop("files", FilesFile())
        (folder / "files.json").write_text(files.model_dump_json())
        (folder / "trial.json").write_text(TrialFile(**{**fields, **given}).model_dump_json())
        if sealed:
            seal(folder)

    def process(self, trial_folder, number=1, **facts):
        """A process that observes: a `Process` to call."""
        return Process(trial_folder / wire.PROCESSES / f"{number:020d}-{100 + number}", self, number, facts)

    def training(self, changes=None, **how):
        """A function for `record`: a small training in which `changes` {(step, kind, name): value} are made.

        `how`: `steps`, `end` (False: no end.json), `stop` (stopped there), `without` (kinds left out), `trial` (fields
        of TrialFile), `files` (that it left), `events`, `facts` (of process.json), `losses` (step -> float), `numbers` (at
        the end: name -> float), `used` (False: a changed batch or forward changes no gradient).
        """
        more = {"status": "stopped"} if how.get("stop") else {}
        more.update({"files": FilesFile(files=how["files"])} if "files" in how else {})

        def write(folder, number):
            train(self.process(folder, **how.get("facts", {})), changes or {}, how)
            return {**how.get("trial", {}), **more}

        return write

    def observing(self, rows, steps, *, how="observe", events=()):
        """A function for `record`: a process in which these rows (arguments of `Process.add`) and events are recorded."""

        def write(folder, number):
            process = self.process(folder)
            for event in [*([{"event": "observed-by", "how": how}] if how else []), *events]:
                process.recorder.event(**event)
            for row in rows:
                process.add(*row)
            process.end(steps)

        return write

    def train(self, process, changes, **how):
        """Record the points of a small training in a process (see `training`)."""
        train(process, changes, how)

    def judged(self, folder, trials, **fields):
        """Write a record and judge it."""
        from samebits.comparison import judge

        record = open_record(self.record(folder, trials, **fields))
        return judge(record.file, record.trials)


class Process:
    """Records points as the probe does."""

    def __init__(self, folder, writing, number, facts):
        folder.mkdir(parents=True)
        self.recorder, self.fingerprint = Recorder(str(folder)), writing.fingerprint
        self.points, self.seen = {}, {}
        document = {"pid": 100 + number, "parent": 1, "forked_from": None, "argv": ["python", "train.py"]}
        document.update(executable="/usr/bin/python", python="3.11.9", rank=None, world_size=None)
        self.recorder.document(wire.PROCESS, {**document, **facts})

    def add(self, step, kind, name, value, scalar=None, flag=wire.LEAF, dtype="float32"):
        key = (kind, name)
        if key not in self.points:
            self.points[key] = len(self.points)
            shape = [2, 3] if dtype == "float32" else []
            line = {"id": self.points[key], "kind": kind, "name": name, "dtype": dtype, "shape": shape}
            self.recorder.point(line)
        number = self.points[key]
        again = self.seen[(step, number)] = self.seen.get((step, number), -1) + 1
        code, fingerprint = wire.CODE[kind], self.fingerprint(value)
        self.recorder.add(wire.ROW.pack(step, number, code, flag, min(again, 65535), fingerprint))
        if scalar is not None:
            self.recorder.scalar(step, number, again, scalar)

    def end(self, steps, **fields):
        self.recorder.flush()
        self.recorder.document(wire.END, {"steps": steps, "seconds": 1.0, "reason": "exit", **fields})

    def stopped(self, steps):
        self.recorder.flush()
        self.recorder.document(wire.STOPPED, {"steps": steps})


def train(process, changes, how):
    """The points of a small training, in the order in which a watcher sees them."""
    steps, without = how.get("steps", 3), how.get("without", ())
    changes = {**(_follows(changes) if how.get("used", True) else {}), **changes}

    def add(step, kind, *names, scalar=None):
        for name in names:
            usual = (name, -1 if kind == "start" else step)
            value = changes.get((step, kind, name), usual)
            if kind not in without and value != "left out":
                process.add(step, kind, name, value, scalar)

    for event in how.get("events", [{"event": "observed-by", "how": "optimizer"}]):
        process.recorder.event(**event)
    for step in range(steps):
        _step(step, add, how.get("losses", {}).get(step, 1.0 / (step + 1)))
        process.recorder.flush()
    if how.get("stop"):
        process.stopped(steps)
    elif how.get("end", True):
        add(steps, "end", "fc.weight", "fc.bias")
        for name, value in how.get("numbers", {}).items():
            add(steps, "end", name, scalar=value)
        add(steps, "rng", "python", "numpy")
        process.end(steps)


def _follows(changes):
    """What follows from a changed batch or forward: a gradient of the same step."""
    fed = ((step, value) for (step, kind, _), value in changes.items() if kind in ("batch", "forward"))
    fed = ((step, value) for step, value in fed if value != "left out")
    return {(step, "gradient", "fc.weight"): ("follows", value) for step, value in fed}


def _step(step, add, loss):
    add(step, "rng", "python", "numpy")
    if step == 0:
        add(-1, "rng", "python", "numpy")
        add(-1, "start", "fc.weight", "fc.bias")
    add(step, "batch", "0")
    add(step, "forward", "loss", scalar=loss)
    add(step, "gradient", "fc.weight", "fc.bias")
    add(step, "update", "fc.weight", "fc.bias", "fc.weight/exp_avg")


@pytest.fixture(scope="session")
def writing():
    """The writer of records."""
    return Writing()


@pytest.fixture(scope="session")
def read_file():
    """Function(path) -> a file by its content, all of which can be read."""

    def read(path):
        file = fingerprint_file(path, True)
        assert file.error is None
        return file

    return read
