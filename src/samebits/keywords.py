"""Reads the options of the commands as keyword arguments, with the readers of the command line."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypedDict, TypeVar

from samebits.errors import UsageError
from samebits.options import OPTIONS, Option, read_text
from samebits.requests import training_command

if TYPE_CHECKING:
    from samebits.experiment import Progress

AnyPath = str | os.PathLike[str]
Duration = float | str  # seconds, or text as on the command line: "90s", "5m", "1h30m"
_Value = TypeVar("_Value")


class ReportOptions(TypedDict, total=False):
    """Files to which the report is written, each in its format."""

    json: AnyPath
    html: AnyPath
    md: AnyPath
    junit: AnyPath


class RecordOptions(TypedDict, total=False):
    """The options of one trial, and where its record goes.

    `directory`: the folder in which the command runs (default: the current one). `progress`: an object that is told how
    the trials go.
    """

    controls: Sequence[str]
    preset: str
    seed: int
    python: AnyPath
    environment: str
    on: str
    each: str
    sbatch: str
    spread: str
    ok_exit: int
    steps: int
    timeout: Duration
    artifacts: Sequence[str]
    ignores: Sequence[str]
    strict: bool
    metrics: Mapping[str, str]
    isolate: bool
    out: AnyPath
    overwrite: bool
    directory: AnyPath
    progress: Progress


class TrialOptions(RecordOptions, total=False):
    """How many trials there are, and how they run."""

    trials: int
    jobs: int | Literal["auto"]
    full: bool
    budget: Duration


class CheckOptions(TrialOptions, ReportOptions, total=False):
    """The options of `check`. `against`: a record to compare with. `models`: run all trials, even after a divergence.

    `settle`: when trials get a faster clock. `golden`, `update`: a golden file to compare with, or to write.
    """

    against: AnyPath
    golden: AnyPath
    update: bool
    models: bool
    settle: Literal["auto", "never", "always"]


class AddOptions(ReportOptions, total=False):
    """The options of `add`. `run`: run the command even if the record was made elsewhere or was changed."""

    ignores: Sequence[str]
    strict: bool
    settle: Literal["auto", "never", "always"]
    run: bool
    progress: Progress


class ExplainOptions(TrialOptions, ReportOptions, total=False):
    """The options of `explain`. `run`: run the command even if the record was made elsewhere or was changed.

    `alternatives`: also look for controls that would work as well, but that nobody would keep.
    """

    alternatives: bool
    run: bool


class LocateOptions(TrialOptions, ReportOptions, total=False):
    """The options of `locate`. `run`: run the command even if the record was made elsewhere or was changed.

    `heat`: run the trials once more, keep all values, and colour the heat map of the page by distance.
    """

    run: bool
    heat: bool


def values(command: str, form: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each option of a command, read as on the command line. A missing option has its default.

    `form`: the TypedDict of the possible keywords. Raises UsageError for any other keyword, and for a value that the
    command line would refuse.
    """
    names = sorted(form.__optional_keys__)
    for name in given:
        if name not in names:
            raise UsageError(f"there is no option {name!r} here.", f"choose from: {', '.join(names)}.")
    directory = given.get("directory")
    return {
        **{option.name: option_value(option, given.get(option.name)) for option in OPTIONS[command]},
        "directory": None if directory is None else value("directory", read_text, directory),
        "progress": _observer(given.get("progress")),
    }


def value(name: str, read: Callable[[str], _Value], given: Any) -> _Value:
    """Read a value as the command line does. Raises UsageError if the reader refuses it."""
    try:
        return read(_text(given))
    except (TypeError, ValueError) as why:
        raise UsageError(f"{name}: {why}") from None


def option_value(option: Option, given: Any) -> Any:
    """Read the value of an option; None is its default. Raises UsageError if the command line would refuse it."""
    if given is None:
        return () if option.many else option.default
    if option.read is None:
        if not isinstance(given, bool):
            raise UsageError(f"{option.name}: {given!r} is neither True nor False.", "give one of the two.")
        return given
    if not option.many:
        return value(option.name, option.read, given)
    try:
        texts = list(_texts(given))
    except TypeError as why:
        raise UsageError(f"{option.name}: {why}") from None
    return tuple(value(option.name, option.read, text) for text in texts)


def _texts(given: Any) -> Iterator[str]:
    """Yield the text of each value of a repeatable option. A value with a name becomes `NAME=VALUE`."""
    if isinstance(given, Mapping):
        for name, text in given.items():
            if "=" in _text(name):
                raise TypeError(f"the name {name!r} holds an equals sign.")
            yield f"{name}={_text(text)}"
    else:
        yield from map(_text, [given] if isinstance(given, str | os.PathLike) else given)


def _text(given: Any) -> str:
    """Return a value as a text of the command line. Raises TypeError if it has no such text."""
    if isinstance(given, float):
        return f"{given:f}"  # without an exponent
    if isinstance(given, SupportsIndex) and not isinstance(given, bool):
        return str(operator.index(given))
    return _word(given)


def _word(given: Any) -> str:
    """Return a text or a path as text. Raises TypeError for anything else."""
    word = os.fspath(given)
    if not isinstance(word, str):
        raise TypeError(f"{given!r} is not text.")
    if any("\ud800" <= character <= "\udfff" for character in word):
        raise TypeError(f"{given!r} is not UTF-8: no record could hold it.")
    return word


def _observer(given: Any) -> Progress | None:
    if given is None:
        return None
    from samebits.experiment import Progress

    if not isinstance(given, Progress):
        raise UsageError(f"progress: {given!r} is not a samebits.Progress.", "derive a class from samebits.Progress.")
    return given


def words(command: Any) -> list[str]:
    """Return the words of a command, which is a list of words or one path. Raises UsageError for anything else."""
    alone = isinstance(command, str | os.PathLike | bytes)
    try:
        texts = [_word(word) for word in ([command] if alone else command)]
    except TypeError as why:
        what = f"{command!r} is not a command: {why}"
        raise UsageError(what, 'give its words: ["python", "train.py"]') from None
    if not texts or not texts[0]:
        raise UsageError("there is no command to run.", 'give its words: ["python", "train.py"]')
    if any("\0" in word for word in texts):
        raise UsageError("the command holds a NUL character, which no program can be given.", "remove the character.")
    if alone and len(texts[0].split()) > 1 and not os.path.lexists(texts[0]):
        raise UsageError(f"there is no program {texts[0]!r}.", f"give the words of a command: {texts[0].split()}")
    return training_command(texts)
