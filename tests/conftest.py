"""What tests share: the interpreters of this machine, the legacy stacks, and one watched run of a program."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest

import samebits_probe
from samebits import causes, controls
from samebits.causes import decision_rule
from samebits.documents import TOOK_EFFECT
from samebits.environments import environment_python, interpreters
from samebits.errors import SamebitsError
from samebits.launch.capacity import capacity
from samebits_probe import wire

RELEASES = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
PROBE = Path(samebits_probe.__file__).parent
ABSENT = Path(__file__).parent / "absent"
os.environ.pop("PYTHONPYCACHEPREFIX", None)  # bytecode lies beside its source here: the first start is like the next
sys.pycache_prefix = None
BEGAN_WITH = dict(os.environ)  # of a run that tests share, whatever one of them has set by then

# A test that draws different examples each time does not repeat. So only `make endurance` draws them. An example that
# shows a fault becomes a test. A law has no deadline, because its time depends on how busy the machine is.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.register_profile("drawn", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("drawn" if os.environ.get("SAMEBITS_ENDURANCE") else "repeatable")


def pytest_terminal_summary(terminalreporter, config):
    if config.option.markexpr == "not slow":
        terminalreporter.write_line("The tests marked slow were left out. `make test-all` runs them too.")


class Begun(subprocess.Popen):
    """A command that runs beside the test."""

    def ended(self, status):
        """What it said, when it has ended with this exit status."""
        said = "".join(text or "" for text in self.communicate(timeout=300))
        assert self.returncode == status, said
        assert "Traceback" not in said
        return said


@pytest.fixture
def begun():
    """Function(words, folder, environment) -> Begun. What still runs at the end of the test is killed."""
    found = []

    def begin(words, folder, environment):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        found.append(Begun(words, cwd=folder, env=environment, text=True, **pipes))
        return found[-1]

    yield begin
    for process in found:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def processes_of():
    """Function(path) -> processes of trials that have it among their arguments; samebits itself has it, too."""

    def found(mark):
        processes = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                line = path.read_bytes()
                if os.fsencode(mark) in line and b"samebits\0check" not in line:
                    processes.append(int(path.parent.name))
        return processes

    return found


@pytest.fixture(autouse=True)
def one_idle_core(monkeypatch):
    """Trials run one by one, whatever the machine does meanwhile; a test of trials side by side sets its own number."""
    monkeypatch.setattr(capacity, "free_cores", lambda others: 1.0)


@pytest.fixture(scope="session")
def lean():
    """The variables with which PyTorch imports its compiler, half of its start, only in a program that uses it, and
    finds no library that it can do without. For tests that start it a dozen times: others see that all of it runs.
    """
    return {"PYTHONPATH": os.pathsep.join(map(str, (ABSENT / "until_it_is_used", ABSENT / "everywhere")))}


@pytest.fixture
def late_compiler(monkeypatch, lean):
    """All programs that the test starts have the variables of `lean`."""
    monkeypatch.setenv("PYTHONPATH", lean["PYTHONPATH"])


@pytest.fixture(scope="session")
def legacy_python():
    """Function(name) -> path of a legacy stack's interpreter ("keras-tf1.14", ...); skips where it is not built."""

    def find(name):
        try:
            return str(environment_python(name))
        except SamebitsError as why:
            pytest.skip(f"{why.message} {why.advice}")

    return find


@pytest.fixture(scope="session")
def pythons():
    """Interpreters of this machine, {"3.6": path, ...}, from 3.6 to 3.13: one of each release that was found."""
    found = {}
    for answer in interpreters.found():
        release = ".".join(map(str, answer.version[:2]))
        if release in RELEASES:
            found.setdefault(release, str(answer.path))
    return {release: found[release] for release in RELEASES if release in found}


@pytest.fixture(scope="session")
def probe(tmp_path_factory):
    """Function(python) -> the folder of a copy of the probe, one for all tests, with the bytecode of an interpreter.

    To compile the probe takes most of a start, and a Python that may write no bytecode compiles it at each start.
    """
    folder, compiled = tmp_path_factory.mktemp("probe"), set()
    shutil.copytree(PROBE, folder / "samebits_probe", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(PROBE / "_sitecustomize.py", folder / "sitecustomize.py")

    def of(python=None):
        python = str(python or sys.executable)
        if python not in compiled:
            subprocess.run([python, "-m", "compileall", "-q", str(folder)], check=True, env=BEGAN_WITH)
            compiled.add(python)
        return folder

    return of


@pytest.fixture
def injected(tmp_path, probe):
    """Function(**config) -> (environment, trial folder): what the launcher gives to a watched process.

    `config` overrides fields of the probe's config.json (see samebits_probe.wire).
    """
    made = []

    def inject(environment=None, **config):
        made.append(None)
        trial = tmp_path / f"trial-{len(made)}"
        return _injected(probe(), trial, {**os.environ, **(environment or {})}, config), trial

    return inject


def _injected(probe, trial, environment, config):
    """`environment` as a process gets it that is watched in the folder `trial`, with the probe of the folder `probe`."""
    trial.mkdir()
    _write_config(trial, config)
    path = os.pathsep.join(filter(None, [str(probe), environment.get("PYTHONPATH")]))
    return {**environment, "PYTHONPATH": path, wire.CONFIG_VARIABLE: str(trial / "config.json")}


def _write_config(trial, config):
    document = {
        "format": wire.FORMAT,
        "trial": 1,
        "folder": str(trial),
        "hash": "xxh3",
        "xxhash": _xxhash_extension(),
        "stop_after": None,
        "thin": {"after": 1000, "every": 100},
        "controls": [],
        "factors": controls.of_factors(),
        "seed": 2019,
        "launcher": os.getpid(),
        "capture": None,
        "previous_site": None,
    }
    (trial / "config.json").write_text(json.dumps({**document, **config}))


def _xxhash_extension():
    import xxhash._xxhash

    return xxhash._xxhash.__file__


@pytest.fixture
def watched_run(injected, probe, tmp_path):
    """Function(python, program, *arguments, **config) -> WatchedTrial: run a program as a trial, to its end.

    `program`: a path, or the text of a program. Among `config`: `environment` (variables), `timeout` (seconds),
    `cwd`; every other field overrides the probe's config.json.
    """

    def run(python, program, *arguments, environment=None, timeout=120, cwd=None, **config):
        probe(python)
        variables, trial = injected(environment, **config)
        return _watched(python, program, arguments, trial, variables, timeout, cwd or tmp_path)

    return run


def _watched(python, program, arguments, trial, variables, timeout, cwd):
    """Run a program to its end as the trial in a folder."""
    if "\n" in str(program):
        text, program = program, trial / "program.py"
        program.write_text(text)
    command = [str(python or sys.executable), str(program), *map(str, arguments)]
    return WatchedTrial(trial, _run_until_stopped(command, trial, variables, timeout, cwd))


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """Function(asked, make) -> a folder that `make(folder)` filled once for all tests that ask for the same.

    Also for those of the other worker: the first that asks makes it, the others wait. Nobody writes to it later.
    """
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "shared"
    root.mkdir(exist_ok=True)

    def of(asked, make):
        folder = root / hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:16]
        with _locked(folder.with_suffix(".lock")):
            done = folder / "made"
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a test that failed while it made it
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return of


@contextlib.contextmanager
def _locked(path):
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared_run(shared, probe):
    """Function(python, program, *arguments, attempt=1, **config) -> WatchedTrial: `watched_run`, once for all tests.

    For tests that only read what was recorded. Two attempts are two runs: a test that compares a program with itself
    asks for both. `config` is as for `watched_run`, without `cwd`: the run has a folder of its own.
    """

    def run(python, program, *arguments, attempt=1, environment=None, timeout=120, **config):
        def make(folder):
            (folder / "cwd").mkdir()
            variables = _injected(probe(python), folder / "trial", {**BEGAN_WITH, **(environment or {})}, config)
            trial = _watched(python, program, arguments, folder / "trial", variables, timeout, folder / "cwd")
            (folder / "exit-code").write_text(str(trial.exit_code))

        asked = ["watched", python or sys.executable, program, arguments, attempt, environment, config]
        folder = shared(asked, make)
        return WatchedTrial(folder / "trial", int((folder / "exit-code").read_text()))

    return run


@pytest.fixture(scope="session")
def plain_run(shared):
    """Function(python, program, *arguments, environment=None) -> CompletedProcess of a program that nobody watches.

    It runs once for all tests that ask for it, and has no variable of a probe.
    """

    def run(python, program, *arguments, environment=None, timeout=300):
        def make(folder):
            own = {
                name: value for name, value in BEGAN_WITH.items() if name not in ("PYTHONPATH", wire.CONFIG_VARIABLE)
            }
            command = [str(python or sys.executable), str(program), *map(str, arguments)]
            done = subprocess.run(
                command, cwd=folder, env={**own, **(environment or {})}, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=timeout,
            )  # fmt: skip
            (folder / "done.json").write_text(json.dumps([command, done.returncode, done.stdout, done.stderr]))

        folder = shared(["plain", python or sys.executable, program, arguments, environment], make)
        return subprocess.CompletedProcess(*json.loads((folder / "done.json").read_text()))

    return run


@pytest.fixture
def held_run(watched_run):
    """Function(ids, python, program, ...) -> WatchedTrial: a watched run in which these controls are held."""

    def run(ids, python, program, *arguments, seed=2019, environment=None, **config):
        held = controls.resolve(ids)
        variables = {**(environment or {}), **controls.environment(held, seed, {**os.environ, **(environment or {})})}
        with controls.launching(held):
            return watched_run(python, program, *arguments, environment=variables, controls=held, seed=seed, **config)

    return run


@pytest.fixture
def few_agree(monkeypatch):
    """Four trials that agree are enough for `explain`, if a setting without effect passes in one of ten searches.

    For programs of which a setting without effect never agrees: then the answer is the same, after half of the trials.
    """
    monkeypatch.setattr(decision_rule, "LEAST", 4)
    monkeypatch.setattr(decision_rule, "CHANCE", 0.1)
    decision_rule.further.cache_clear()
    yield
    decision_rule.further.cache_clear()


@pytest.fixture
def tried(monkeypatch):
    """Function(*controls): `explain` tries these alone. For programs that start slowly."""
    search = causes.search

    def only(*candidates):
        def narrow(experiment, names, *more):
            return search(experiment, [name for name in names if name in candidates], *more)

        monkeypatch.setattr(causes, "search", narrow)

    return only


def _run_until_stopped(command, trial, environment, timeout, cwd):
    """Run to the end, or to `stop_after`: a stopped process waits to be ended by its launcher. Its exit status."""
    with (trial / "stdout.txt").open("wb") as out, (trial / "stderr.txt").open("wb") as err:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        deadline = time.monotonic() + timeout
        while process.poll() is None and not list(trial.glob("processes/*/stopped.json")):
            if time.monotonic() > deadline:
                _end(process)
                raise AssertionError(f"{command} did not end in {timeout} s:\n{(trial / 'stderr.txt').read_text()}")
            time.sleep(0.02)
        _end(process)
        return process.wait()


def _end(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


class WatchedTrial:
    """What a watched run left, read without any code of the store. `processes`: in the order in which they began."""

    def __init__(self, folder, exit_code):
        self.folder, self.exit_code = folder, exit_code
        self.stdout = (folder / "stdout.txt").read_text(errors="replace")
        self.stderr = (folder / "stderr.txt").read_text(errors="replace")
        self.processes = [WatchedProcess(path) for path in sorted(folder.glob("processes/*"))]
        self.probe_failures = [path.read_text() for path in folder.glob("probe-failed-*.txt")]

    @property
    def observed(self):
        """The processes that observed something."""
        return [process for process in self.processes if process.rows]

    @property
    def only(self):
        """The one process that observed something."""
        assert len(self.observed) == 1, (len(self.observed), self.stderr)
        return self.observed[0]

    def sound(self):
        """Return the one process that observed something, with its `output`; nothing has failed in it."""
        assert self.exit_code == 0, self.stderr
        assert not self.only.failures, self.only.failures
        self.only.output = self.stdout
        return self.only


class WatchedProcess:
    """One process: `facts`, `points` (id -> document), `rows` [(step, kind, name, occurrence, hex, flag)],
    `scalars` [(step, name, occurrence, value)], `events`, `end` and `stopped` (a document or None)."""

    def __init__(self, folder):
        self.folder = folder
        self.facts = _document(folder / wire.PROCESS)
        self.points = {point["id"]: point for point in _lines(folder / wire.POINTS)}
        self.rows = [self._row(fields) for fields in _unpacked(folder / wire.TRACE, wire.ROW)]
        self.scalars = [
            (step, self.points[point]["name"], occurrence, value)
            for step, point, occurrence, value in _unpacked(folder / wire.SCALARS, wire.SCALAR)
        ]
        self.end = _document(folder / wire.END)
        self.events = _lines(folder / wire.EVENTS) + (self.end or {}).get("events", [])
        self.stopped = _document(folder / wire.STOPPED)

    def _row(self, fields):
        step, point, kind, flag, occurrence, fingerprint = fields
        return step, wire.KINDS[kind], self.points[point]["name"], occurrence, fingerprint.hex(), flag

    @property
    def steps(self):
        """The number of steps that were observed."""
        return (self.end or self.stopped or {"steps": None})["steps"]

    @property
    def failures(self):
        """What the probe itself failed at."""
        return [event for event in self.events if event["event"] == "probe-failed"]

    def effect(self, identity, when):
        """The effect of a control at its last reading at a time ("start", "first-step", "last-step")."""
        return self._read(identity, when)["effect"]

    def control(self, identity, when):
        """(whether it took effect, why) of the same."""
        read = self._read(identity, when)
        return TOOK_EFFECT[read["effect"]], read["why"]

    def _read(self, identity, when):
        read = [e for e in self.events if e["event"] == "control" and (e["id"], e["when"]) == (identity, when)]
        assert read, (identity, when, self.events)
        return read[-1]

    @property
    def not_observed(self):
        """Points that the watcher said it cannot see."""
        return [event["point"] for event in self.events if event["event"] == "not-observed"]

    def names(self, kind, step=None):
        """Names of the points of a kind (at a step), in the order in which they were observed."""
        return [row[2] for row in self.rows if row[1] == kind and step in (None, row[0])]

    def prints(self, kind, step=None):
        """(name, fingerprint) of the points of a kind (at a step)."""
        return [(row[2], row[4]) for row in self.rows if row[1] == kind and step in (None, row[0])]


def _document(path):
    return json.loads(path.read_text()) if path.is_file() else None


def _lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def _unpacked(path, struct):
    data = path.read_bytes() if path.is_file() else b""
    return list(struct.iter_unpack(data[: len(data) - len(data) % struct.size]))


@pytest.fixture(scope="session")
def browser():
    """A Chromium to open pages in; skips where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium on PATH")
    with api.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(autouse=True, scope="session")
def interrupts_arrive():
    """What the tests start can be interrupted, also where they run in the background, which ignores SIGINT."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.fixture(scope="session")
def fits_schema():
    """Function(name of a document, JSON text): fails unless the text is strict JSON and fits the document's schema."""
    import jsonschema

    from samebits.cli import supplies

    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")

    validators = {}

    def check(name, text):
        if name not in validators:
            validators[name] = jsonschema.Draft202012Validator(supplies.schema_of(name))
        validators[name].validate(json.loads(text, parse_constant=refuse))

    return check
