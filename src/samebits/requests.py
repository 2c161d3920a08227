"""Makes the request for the launcher from the options of a command. Heavy modules are imported as late as possible."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits.errors import UsageError
from samebits.needs import SBATCH, SPREAD

if TYPE_CHECKING:
    from samebits.experiment import Request

__all__ = [
    "asked",
    "interpreter",
    "local_request",
    "names_a_record",
    "needs",
    "passed_on",
    "patterns",
    "refuse_golden_options",
    "refuse_platform",
    "refuse_record",
    "request",
    "training_command",
    "trials",
]

SYSTEMS = {"win32": "Windows", "darwin": "macOS", "cygwin": "Cygwin"}


def refuse_platform() -> None:
    """Raise UsageError if trials cannot run on this platform. Records of checks can be read on all platforms."""
    if sys.platform.startswith("linux"):
        return
    name = SYSTEMS.get(sys.platform, sys.platform)
    advice = "under Windows, use WSL 2." if name == "Windows" else "use a Linux machine or container."
    raise UsageError(f"{name} is not supported: samebits runs trials under Linux only.", advice)


def training_command(words: Sequence[str]) -> list[str]:
    """Return the command to run. If it begins with a script, python runs the script; jupyter executes a notebook.

    jupyter saves what the cells printed, because it prints nothing of it.
    """
    first = words[0] if words else ""
    if first.endswith(".ipynb"):
        return ["jupyter", "execute", f"--output={{out}}/{Path(first).stem}", *words]
    return ["python", *words] if first.endswith(".py") else [*words]


def passed_on(words: Sequence[str], flags: Collection[str]) -> list[str]:
    """Return the words after a script that are flags of samebits too, if the text of the script does not have them."""
    options = list(dict.fromkeys(word.partition("=")[0] for word in words[1:] if word.startswith("-")))
    own = [word for word in options if word in flags]
    if not own or not words[0].endswith(".py"):
        return []
    try:
        text = Path(words[0]).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [flag for flag in own if flag not in text and not _has_name(text, flag)]


def _has_name(text: str, flag: str) -> bool:
    """Return whether a text has a field or a parameter, as libraries make options of: `trials: int` is `--trials`."""
    name = flag.strip("-").replace("-", "_")
    return flag.startswith("--") and re.search(rf"(?<![\w.]){name}\s*[:=,)]", text) is not None


def names_a_record(words: Sequence[str]) -> bool:
    """Return whether there is only one word, which names no program: a folder, or a path that does not exist."""
    if len(words) != 1 or words[0].endswith((".py", ".ipynb")):
        return False
    path = Path(words[0])
    return path.is_dir() or ("/" in words[0] and not path.exists())


def refuse_record(words: Sequence[str], why: str) -> None:
    """Raise UsageError for a record instead of a training command. `why`: the message after its name."""
    from samebits.launch.files.folders import is_record

    if names_a_record(words) and is_record(Path(words[0])):
        advice = f"samebits report {shlex.quote(words[0])}   (shows what it holds)"
        raise UsageError(f"{words[0]} {why}.", advice)


GOLDEN_TRIALS = 2  # of a check that only compares with a golden file, whose own trials agreed


def refuse_golden_options(given: dict[str, Any]) -> None:
    """Raise UsageError for options that do not go with --golden, and for --update without it."""
    if given["update"] and not given["golden"]:
        raise UsageError("--update writes a golden file, but none is named.", "add --golden FILE.")
    if given["golden"] and given["against"]:
        raise UsageError("--golden and --against exclude each other.", "leave one out.")


def trials(given: dict[str, Any], *, is_default: bool) -> int:
    """Return the number of trials. `is_default`: the user named none."""
    compares = given["golden"] and not given["update"]
    number: int = GOLDEN_TRIALS if is_default and compares else given["trials"]
    return number


READERS = ("explain", "locate", "why", "ops", "noise")  # commands that take a record instead of a command


def _refuse_options_after_record(words: Sequence[str], command: str) -> None:
    """Raise UsageError for `RECORD --html FILE`. Everything after a program belongs to it, so options stand before."""
    from samebits.launch.files.folders import is_record

    if len(words) > 1 and words[1].startswith("-") and names_a_record(words[:1]) and is_record(Path(words[0])):
        turned = shlex.join([*words[1:], words[0]])
        raise UsageError(f"{words[0]} is a record: the options stand before it.", f"samebits {command} {turned}")


def asked(given: dict[str, Any], command: str) -> Request | Path:
    """Return the folder if a record is given instead of a command, else the request for the launcher."""
    words = given["command"]
    return Path(words[0]) if names_a_record(words) else request(given, command)


def request(given: dict[str, Any], command: str) -> Request:
    """Return the request for the launcher. Raises UsageError or NotFoundError if it is impossible."""
    if command in READERS:
        _refuse_options_after_record(given["command"], command)
    if not given["command"]:
        raise UsageError("There is no command to run.", f"samebits {command} -- python train.py")
    _refuse_folder(given["out"])
    from samebits.experiment import Request

    return Request(
        command=list(given["command"]),
        options=_options(given),
        python=interpreter(given["python"], given["environment"]),
        environment=given["environment"],
        host=given["on"],
        each=needs(given),
        preset=given["preset"],
        controls=list(given["controls"]),
        seed=given["seed"],
        out=Path(given["out"]) if given["out"] else None,
        overwrite=given["overwrite"],
        against=Path(given["against"]) if given.get("against") else None,
    )


def local_request(given: dict[str, Any], command: str, name: str = "") -> Request:
    """Return the request for trials on this machine: others have no worktree and no files that a trial left here.

    `name`: ends the name of the folder for several records, unless --out names one.
    """
    from samebits.store.record import RECORDS, unused_places

    out = given["out"] or (str(next(unused_places(Path(RECORDS), name))) if name else None)
    return request({**given, "on": "local", "each": None, "strict": False, "out": out}, command)


def needs(given: dict[str, Any]) -> dict[str, str]:
    """Return what one trial needs from its host: that of --each, the options of sbatch, and the spread over nodes."""
    values = {name: given.get(name) for name in (SBATCH, SPREAD)}
    return {**(given["each"] or {}), **{name: value for name, value in values.items() if value}}


def _refuse_folder(out: str | None) -> None:
    """Raise UsageError if the record folder cannot be made."""
    if out is None:
        return
    try:
        place = _nearest(Path(out))
    except OSError as why:
        raise UsageError(f"--out {out}: {why.strerror or why}.", "name a different folder with --out DIR.") from None
    if not place.is_dir():
        raise UsageError(f"--out {out}: {place} is not a folder.", "name a different folder with --out DIR.")


def _nearest(path: Path) -> Path:
    """Return the path, or the nearest path above it that exists. Raises OSError for an impossible name."""
    while path != path.parent:
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            path = path.parent
        else:
            return path
    return path


def interpreter(python: str | None, environment: str | None) -> str | None:
    """Return the interpreter that was named, if any. Raises UsageError or NotFoundError if it cannot be used."""
    if python is None and environment is None:
        return None
    from samebits.environments import find_python

    return str(find_python(python, environment, os.environ.get("PATH", os.defpath)).path)


def _options(given: dict[str, Any]) -> Any:
    from samebits.model import Options

    names = [name for name in Options.model_fields if name in given]
    values = {name: given[name] for name in names}
    values["artifacts"], values["ignores"] = (list(given.get(name, ())) for name in ("artifacts", "ignores"))
    values["metrics"] = patterns(given.get("metrics", ()), "--metric")
    return Options(**values)


def patterns(pairs: tuple[tuple[str, str], ...], flag: str) -> dict[str, str]:
    """Return name -> regex of a repeatable option. Raises UsageError if a name has two different regexes."""
    metrics: dict[str, str] = {}
    for name, pattern in pairs:
        if metrics.setdefault(name, pattern) != pattern:
            what = f"{flag} {name} is given twice, with two regular expressions."
            raise UsageError(what, "Leave one out, or give each a name of its own.")
    return metrics
