"""Finds out which Python processes ran below a command, why some were not watched, and which other programs ran.

It looks at /proc while the trial runs. It can miss a process that lives for less than the time between two looks,
unless the probe of the process that started it has named it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samebits import store
from samebits.launch.processes import command
from samebits.launch.processes.observations import Became
from samebits.launch.processes.supervisor import Process, below_quickly, command_line
from samebits.model import PythonProcess
from samebits.names import python_name
from samebits_probe import wire

_TAKES_A_WORD = ("W", "X", "c", "m")
_HIDING = {
    "I": "-I ignores PYTHONPATH and the environment",
    "E": "-E ignores PYTHONPATH",
    "S": "-S leaves sitecustomize out",
}
_STARTING = 1.0  # seconds that an interpreter may take to load the probe
_REPLACED = "it took the place of a watched process, and the probe did not start in it"
# files of libraries that can train
_TRAINING_FILES = re.compile(
    rb"libtorch|libtensorflow|_pywrap_tensorflow|jaxlib|xla_extension|_multiarray_umath|libxgboost|lib_lightgbm|sklearn/"
    rb"|libmxnet|libpaddle|libcuda\.so"
)
# modules that make environments: the trial then runs in an environment that they made
_ENVIRONMENT_MODULES = frozenset(("venv", "ensurepip", "pip", "virtualenv", "sysconfig", "site", "platform", "uv"))
_INSTALLED = ("/site-packages/", "/dist-packages/", "/lib/python")
MOST_PROGRAMS = 20


@dataclass
class Sight:
    """A process as it was seen.

    `why`: what keeps the probe out of a Python process, as far as that shows from outside. `late`: the process was
    there when something had been observed already. `computes`: it had loaded a library that computes.
    """

    pid: int
    argv: list[str]
    executable: str | None
    python: bool
    why: str = ""
    at: float = field(default_factory=time.monotonic)
    late: bool = False
    computes: bool = False

    @property
    def program(self) -> str:
        """The program that runs, by its path if that is known."""
        return self.executable or self.argv[0]


class Pythons:
    """Looks at what runs below a supervisor; often while a trial is young."""

    FAST, SLOW, YOUNG = 0.02, 0.1, 5.0

    def __init__(self, probe: Path) -> None:
        self._probe = str(probe)
        self._seen: dict[tuple[int, int], Sight] = {}
        self._began = time.monotonic()
        self._next = 0.0

    def look(self, supervisor: int, observes: Callable[[], bool]) -> None:
        """Look, unless the last look was a moment ago. `observes`: whether a step has been seen by now."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (self.FAST if now - self._began < self.YOUNG else self.SLOW)
        hidden = []
        for process in below_quickly(supervisor):
            if not process.forked:  # a forked copy of its parent is not a separate interpreter
                sight = self._note(process)
                hidden += [sight] if sight is not None and sight.why and not (sight.late and sight.computes) else []
        late = bool(hidden) and observes()
        for sight in hidden:
            sight.late = sight.late or late
            sight.computes = sight.computes or bool(_TRAINING_FILES.search(_read(sight.pid, "maps") or b""))

    def _note(self, process: Process) -> Sight | None:
        key = (process.pid, process.started)
        argv = command_line(process.pid)
        before = self._seen.get(key)
        if not argv or (before is not None and before.argv == argv):
            return before
        self._seen[key] = sight = self._examine(process.pid, argv)
        return sight

    def _examine(self, pid: int, argv: list[str]) -> Sight:
        try:
            executable: str | None = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115
        except OSError:
            executable = None
        names = [python_name(name) for name in (executable or "", argv[0])]
        if not any(names) and not command.holds_python(executable):
            return Sight(pid, argv, executable, python=False)
        version = next((name.group(2) for name in names if name and name.group(2)), None)
        why = _old(version) or _flags(argv) or self._environment(pid)
        return Sight(pid, argv, executable, python=True, why=why)

    def _environment(self, pid: int) -> str:
        """Return which part of the environment keeps the probe out."""
        text = _read(pid, "environ")
        if text is None:
            return ""
        variables = dict(line.split(b"=", 1) for line in text.split(b"\0") if b"=" in line)
        if wire.CONFIG_VARIABLE.encode() not in variables:
            return f"it was started with an environment without {wire.CONFIG_VARIABLE}"
        folders = os.fsdecode(variables.get(b"PYTHONPATH", b"")).split(os.pathsep)
        if self._probe not in folders:
            return "PYTHONPATH was replaced, without the folder of the probe"
        return ""

    def found(
        self, watched: set[int], became: Mapping[int, Became], trial_folder: Path, *, was_ended: bool, fed: bool
    ) -> list[PythonProcess]:
        """Return all Python processes, in their order. `became`: the watched ones that became a different program.

        `was_ended`: the launcher ended the trial. Then processes that were still starting are left out, unless
        something keeps the probe out of them. `fed`: one of the unwatched processes may have written a file that the
        training read. Then none of them counts as a process that only asks the interpreter about itself.
        """
        now, failed = time.monotonic(), store.probe_failures(trial_folder)
        sights = sorted((sight for sight in self._seen.values() if sight.python), key=lambda sight: sight.at)
        sights += _failed_unseen(failed, {sight.pid for sight in sights})
        followed = [_after_exec(became[pid], [s for s in sights if s.pid == pid], pid) for pid in became]
        errors = {failure.pid: f"the probe could not start: {failure.error}" for failure in failed}
        for sight in [*sights, *filter(None, followed)]:
            sight.why = errors.get(sight.pid, sight.why)
        described = [
            *(
                _described(sight, watched=sight.pid in watched)
                for sight in sights
                if sight.pid not in became or sight.argv == became[sight.pid].before
                if sight.pid in watched or not was_ended or now - sight.at > _STARTING or sight.why
            ),
            *(_described(sight, otherwise=_REPLACED) for sight in followed if sight is not None),
        ]
        return [process.model_copy(update={"asks": process.asks and not fed}) for process in described]

    def programs(
        self, became: Mapping[int, Became], started: Iterable[Sequence[str]], place: command.ProgramPlace
    ) -> list[str]:
        """Return the command lines of programs that are neither Python nor everyday tools, one for each program.

        `started`: the path and arguments of each program that a watched process has started.
        """
        programs = [(s.program, s.argv) for s in self._seen.values() if not s.python]
        programs += [(new.path, new.argv) for pid, new in became.items() if not self._is_python(pid, new)]
        resolved = ((place.find(words[0]), list(words[1:])) for words in started)
        programs += [(path, argv) for path, argv in resolved if path is not None]
        lines = {
            Path(program).name: " ".join(argv)
            for program, argv in reversed(programs)
            if not command.is_everyday(program) and not python_name(program) and not command.is_script(program)
        }
        return sorted(lines.values())[:MOST_PROGRAMS]

    def _is_python(self, pid: int, became: Became) -> bool:
        """Return whether a process that became a different program is a Python process, now or later."""
        later = [sight for sight in self._seen.values() if sight.pid == pid and sight.argv != became.before]
        return bool(python_name(became.path)) or any(sight.python for sight in later)


def _failed_unseen(failed: Iterable[store.ProbeFailure], pids: Collection[int]) -> list[Sight]:
    """Return the Python processes in which the probe could not start, if they ended before samebits saw them."""
    return [
        Sight(failure.pid, failure.argv, failure.executable, python=True, late=True)
        for failure in failed
        if failure.pid is not None and failure.executable and failure.pid not in pids
    ]


def _after_exec(became: Became, sights: list[Sight], pid: int) -> Sight | None:
    """Return the Python that took the place of a watched process: as it was seen, else as exec was called.

    If samebits never saw it run, it may have begun after the first step, so it counts as late.
    """
    later = [sight for sight in sights if sight.argv != became.before]
    if later:
        return later[-1]
    if python_name(became.path):
        return Sight(pid, became.argv, became.path, python=True, why=_flags(became.argv), late=True)
    return None


def _described(sight: Sight, *, watched: bool = False, otherwise: str = "") -> PythonProcess:
    """Return the document of a process. `otherwise`: why it was not watched, if nothing else is known."""
    return PythonProcess(
        pid=sight.pid,
        argv=sight.argv,
        executable=sight.executable,
        watched=watched,
        why="" if watched else sight.why or otherwise,
        asks=not watched and only_asks(sight),
    )


def only_asks(sight: Sight) -> bool:
    """Return whether an interpreter was only asked about itself.

    Such an interpreter ran code that is not the program's own, before the first step, and loaded no library that
    computes.
    """
    if sight.late or sight.computes or not python_name(sight.argv[0]):
        return False
    kind, word = _what_runs(sight.argv)
    if kind == "m":
        return word.partition(".")[0] in _ENVIRONMENT_MODULES
    return kind in ("c", "-") or (kind == "script" and any(part in word for part in _INSTALLED))


def _what_runs(argv: Sequence[str]) -> tuple[str, str]:
    """Return ("c", code), ("m", module), ("-", "") for code from standard input, or ("script", path)."""
    words = iter(argv[1:])
    for word in words:
        if word == "-":
            return "-", ""
        if not word.startswith("-") or word == "--":
            return "script", word
        _, rest = _letters(word, ())
        if rest in ("c", "m"):
            return rest, next(words, "")
        attached = re.match(r"-[A-Za-z]*?([cm])(.+)$", word)
        if attached:
            return attached.group(1), attached.group(2)
        if rest in ("W", "X"):
            next(words, None)
    return "-", ""


def _read(pid: int, name: str) -> bytes | None:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return None


def _old(version: str | None) -> str:
    numbers = tuple(int(part) for part in version.split(".")) if version else ()
    if numbers and (numbers < (3,) or (len(numbers) > 1 and numbers < (3, 6))):
        return f"Python {version} is older than 3.6"
    return ""


def _flags(argv: Sequence[str]) -> str:
    """Return the interpreter's own flags that hide the probe: those before the script."""
    words = iter(argv[1:])
    for word in words:
        if not word.startswith("-") or word in ("-", "--"):
            return ""
        hidden, rest = _letters(word)
        if hidden or rest in ("c", "m"):
            return hidden
        if rest in ("W", "X"):
            next(words, None)
    return ""


def _letters(word: str, hiding: Iterable[str] = _HIDING) -> tuple[str, str]:
    """Return what a word of flags keeps out, and the letter at its end that takes the next word ("" if none does)."""
    for at, letter in enumerate(word[1:] if not word.startswith("--") else "", 1):
        if letter in hiding:
            return _HIDING[letter], ""
        if letter in _TAKES_A_WORD:
            inside = letter in ("W", "X") and at + 1 < len(word)
            return "", "" if inside else letter
    return "", ""
