"""Takes options of `samebits check` from [tool.samebits] of the nearest pyproject.toml. The command line wins."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from samebits import words
from samebits.errors import UsageError
from samebits.keywords import option_value
from samebits.options import OPTIONS, Option

__all__ = ["configured", "shown_options", "without_excluded"]

FILE = "pyproject.toml"
NO_PROFILE = "none"
_TABLE, _PROFILES = "tool.samebits", "profiles"
# these say what one command does
_ON_THE_COMMAND_LINE = ("add", "update", "run", "bisect", "profile", "show_options")
_PATHS = ("FILE", "DIR", "PATH", "RECORD")  # the metavars of options that name a file
_KEPT = "samebits.pyproject"  # in the context: name of an option -> the table that it comes from


class _Table(NamedTuple):
    """A table of options. `name`: as messages call it. `folder`: that of its file."""

    name: str
    folder: Path
    content: dict[str, Any]


def configured(command: click.Command) -> click.Command:
    """Let a command take its defaults from pyproject.toml before the other words of the command line are read."""
    (profile,) = [option for option in command.params if option.name == "profile"]
    profile.is_eager, profile.callback = True, _take
    return command


def _take(ctx: click.Context, param: click.Parameter, profile: str | None) -> str | None:
    tables: dict[str, str] = {}
    defaults: dict[str, Any] = {}
    for table in () if profile == NO_PROFILE or ctx.resilient_parsing else _tables(profile):
        values = _values(table)
        defaults.update(values)
        tables.update(dict.fromkeys(values, table.name))
    ctx.default_map, ctx.meta[_KEPT] = defaults, tables
    return profile


def _tables(profile: str | None) -> Iterator[_Table]:
    """Yield the tables that hold: that of the file, and that of the profile, which wins."""
    nearest = _nearest()
    if nearest is None:
        if profile is not None:
            what = (
                f"There is no profile {profile!r}: neither this folder nor one above it has a {FILE} with [{_TABLE}]."
            )
            raise UsageError(what, f"write [{_TABLE}.{_PROFILES}.{profile}] into {FILE}, or leave --profile out.")
        return
    path, content = nearest
    profiles = content.pop(_PROFILES, {})
    yield _Table(f"[{_TABLE}] of {path}", path.parent, content)
    if profile is None:
        return
    if not isinstance(profiles, dict) or not isinstance(profiles.get(profile), dict):
        profile_names = [*profiles] if isinstance(profiles, dict) else []
        raise UsageError(f"{path} has no profile {profile!r}.", _suggestion(profile, profile_names))
    yield _Table(f"[{_TABLE}.{_PROFILES}.{profile}] of {path}", path.parent, profiles[profile])


def _nearest() -> tuple[Path, dict[str, Any]] | None:
    """Return the nearest pyproject.toml that has [tool.samebits], as people name it here, and this table."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        path = folder / FILE
        text = path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else b""
        if b"samebits" in text:  # else there is nothing to parse
            name = Path(os.path.relpath(path, here))
            content = _parsed(name, text).get("tool", {})
            if isinstance(content, dict) and isinstance(content.get("samebits"), dict):
                return name, dict(content["samebits"])
    return None


def _parsed(path: Path, text: bytes) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content: dict[str, Any] = tomllib.loads(text.decode())
    except ValueError as why:  # no UTF-8, or no TOML
        raise UsageError(f"{path} cannot be read: {why}.", "correct the file, or give --profile none.") from None
    return content


def _values(table: _Table) -> dict[str, Any]:
    """Return the value of each option in a table, by the name of the option. Raises UsageError for an unknown key."""
    keys = _keys()
    values = {}
    for key, entry in table.content.items():
        option = keys.get(key.replace("_", "-"))
        if option is None and key.replace("-", "_") in _ON_THE_COMMAND_LINE:
            raise UsageError(f"{table.name}: {key} works only on the command line.", "remove it from the file.")
        if option is None:
            raise UsageError(f"{table.name} has an unknown key: {key}.", _suggestion(key, keys))
        try:
            value = option_value(option, entry)
        except UsageError as why:
            raise UsageError(f"{table.name}: {why.message}", why.advice) from None
        values[option.name] = _from(table.folder, option, value)
    return values


def _keys() -> dict[str, Option]:
    """Return key -> option: the flag without its dashes, and the name of the keyword of `samebits.check`."""
    options = [option for option in OPTIONS["check"] if option.name not in _ON_THE_COMMAND_LINE]
    flags = {max(option.flags, key=len).strip("-"): option for option in options}
    return {**{option.name.replace("_", "-"): option for option in options}, **flags}


def _from(folder: Path, option: Option, value: Any) -> Any:
    """Return a path that is relative to the folder of the file as one that is relative to the current folder."""
    is_path = option.metavar in _PATHS and isinstance(value, str) and value != "-"
    return str(folder / value) if is_path and (option.metavar != "PATH" or "/" in value) else value


def _suggestion(name: str, choices: Sequence[str] | dict[str, Any]) -> str:
    return words.suggestion(name, choices) if choices else f"write it into {FILE}, or leave it out."


def without_excluded(given: dict[str, Any], excluded: Sequence[str]) -> dict[str, Any]:
    """Return the values without those of pyproject.toml that options of the command line exclude.

    `excluded`: the options that do not go with --add.
    """
    typed = {name for name in given if _source(name) is ParameterSource.COMMANDLINE}
    dropped = set(excluded if "add" in typed else ())
    dropped |= {"golden"} if "against" in typed else {"against"} if "golden" in typed else set()
    return {name: None if name in dropped - typed else value for name, value in given.items()}


def shown_options(given: dict[str, Any]) -> str:
    """Return a line for each option: its value, and where that comes from."""
    tables: dict[str, str] = click.get_current_context().meta[_KEPT]
    rows = []
    for option in OPTIONS["check"]:
        if option.name in _ON_THE_COMMAND_LINE and option.name != "update":
            continue
        source = _source(option.name)
        origin = "command line" if source is ParameterSource.COMMANDLINE else tables.get(option.name, "")
        rows.append((max(option.flags, key=len), _value_text(given[option.name]), origin))
    wide = [max(len(row[place]) for row in rows) for place in (0, 1)]
    lines = (f"{flag:<{wide[0]}}  {value:<{wide[1]}}  {origin}".rstrip() for flag, value, origin in rows)
    return "".join(f"{words.printable(line)}\n" for line in lines)


def _source(name: str) -> ParameterSource | None:
    return click.get_current_context().get_parameter_source(name)


def _value_text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, dict):
        return ",".join(f"{name}={item}" for name, item in value.items())
    if isinstance(value, tuple | list):
        return ", ".join("=".join(item) if isinstance(item, tuple) else str(item) for item in value) or "-"
    return str(value)
