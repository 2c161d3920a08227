"""How trials run: fresh process trees below a supervisor, watched, timed, ended, and their facts written down."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from samebits.errors import UsageError

if TYPE_CHECKING:
    from samebits.launch.local import Launcher

__all__ = ["LAUNCHERS", "find_launcher"]

# where trials run, as --on names it -> (file, class)
LAUNCHERS = {"local": ("local", "LocalLauncher")}


def find_launcher(host: str) -> Launcher:
    """Find the launcher of a host. Raises UsageError for a name that is not in the table."""
    if host not in LAUNCHERS:
        raise UsageError(f"There is no {host!r} to run trials on.", f"Known: {', '.join(LAUNCHERS)}.")
    file, name = LAUNCHERS[host]
    found: Launcher = getattr(importlib.import_module(f"{__name__}.{file}"), name)()
    return found
