"""Matches names: those of files with patterns, as --artifact and --ignore take them, and those of Pythons."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import PurePath

__all__ = ["matches_any", "python_name", "without_release"]


def matches_any(path: str, patterns: Iterable[str]) -> bool:
    """Return whether one of the patterns matches a path, or a folder above it.

    `*` matches anything within one folder, `**` also anything across folders.
    """
    return any(_compiled(pattern).match(path) for pattern in patterns)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern. `lightning_logs` and `lightning_logs/` match everything in that folder."""
    pattern = pattern.removeprefix("./").rstrip("/")
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]/]+\])", pattern)
    return re.compile("".join(map(_translated, parts)) + r"(?:/.*)?\Z", re.DOTALL)


def _translated(part: str) -> str:
    globs = {"**/": r"(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if part in globs:
        return globs[part]
    if part.startswith("[") and part.endswith("]") and len(part) > 2:
        mark = "^" if part.startswith("[!") else ""
        inner = re.sub(r"[\\\[&~|]", r"\\\g<0>", part[2 if mark else 1 : -1])  # Python may give these a meaning in sets
        inner = re.sub(r"(?<=.)--", r"-\\-", inner)  # and two hyphens: the second one is the end of a range
        characters = f"[{mark}{inner}]"
        with suppress(re.error):  # `[z-a]` names no characters: taken as it is
            re.compile(characters)
            return characters
    return re.escape(part)


# -- names of Python interpreters -------------------------------------------------------------------------------------

_RELEASE = r"\d+(?:\.\d+)*"
# the letters after the release name the kind of build: d for debugging, t for free threads; m and u before Python 3.8
_PYTHON = re.compile(rf"(python|pypy)({_RELEASE})?[dmtu]*")
_PYTHON_WITH_RELEASE = re.compile(rf"(python|pypy){_RELEASE}")


def python_name(program: str) -> re.Match[str] | None:
    """Match the name of a program if it is that of a Python. Group 2 is the release, if the name has one."""
    return _PYTHON.fullmatch(PurePath(program).name)


def without_release(path: str) -> str:
    """Return a path with the names of Pythons without their releases: `python3.12` may be the same as `python3`."""
    return _PYTHON_WITH_RELEASE.sub(r"\1", path)
