"""Reads the words of a plain `samebits check` without click, whose import would delay the first trial.

It knows options of one word and flags, then the command. Everything else goes to click: help, mistakes, joined words
such as `-n3`, and `-m`. The tests compare the two.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from samebits.options import OPTIONS, Option
from samebits.requests import training_command

__all__ = ["read", "run"]

_COMPLETES = "_SAMEBITS_COMPLETE"  # in the environment while a shell completes words


def read(words: Sequence[str]) -> dict[str, Any] | None:
    """Return the options and the command of a check, as click gives them; None if click has to read the words."""
    if list(words[:1]) != ["check"] or _COMPLETES in os.environ or not _are_utf8(words):
        return None
    flags = {flag: option for option in OPTIONS["check"] for flag in option.flags}
    given = {option.name: _default(option) for option in OPTIONS["check"]}
    rest = list(words[1:])
    while rest and rest[0].startswith("-") and rest[0] != "--":
        option = flags.get(rest.pop(0))
        if option is None or option.takes > 1 or len(rest) < option.takes or (option.takes and rest[0][:1] == "-"):
            return None
        try:
            value = option.read(rest.pop(0)) if option.read is not None else True
        except ValueError:
            return None
        given[option.name] = (*given[option.name], value) if option.many else value
    command = rest[1:] if rest[:1] == ["--"] else training_command(rest)
    return {**given, "command": tuple(command)} if command else None


def _are_utf8(words: Sequence[str]) -> bool:
    try:
        return bool("".join(words).encode())
    except UnicodeEncodeError:
        return False


def _default(option: Option) -> Any:
    if option.many:
        return ()
    is_text = option.read is not None and isinstance(option.default, str)
    return False if option.takes == 0 else option.read(option.default) if option.read and is_text else option.default


def run(given: dict[str, Any]) -> int:
    """Run a check. As with click, what stops it begins on a new line."""
    from samebits.cli.check_command import run_check

    try:
        return run_check(**given)
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("\n")
        raise
