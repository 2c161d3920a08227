"""How trials run: fresh process trees below a supervisor, watched, timed, ended, and their facts written down."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samebits.launch.local import Launcher

__all__ = ["HOSTS", "LAUNCHERS", "find_launcher"]

# what starts the command of a trial on this machine, as --on names it -> (file, class)
LAUNCHERS = {"local": ("local", "LocalLauncher")}
# other machines to which whole trials go, as --on names them -> (file, class)
HOSTS = {"ray": ("ray_host", "RayHost"), "slurm": ("slurm_host", "SlurmHost")}


def find_launcher(name: str) -> Launcher:
    """Make the launcher of that name, which is in the table."""
    file, name = LAUNCHERS[name]
    found: Launcher = getattr(importlib.import_module(f"{__name__}.{file}"), name)()
    return found
