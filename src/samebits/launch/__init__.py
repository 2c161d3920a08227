"""How trials run: as fresh process trees below a supervisor, which are watched, timed and ended, and whose facts are
written down.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samebits.launch.processes.local import Launcher

__all__ = ["HOSTS", "LAUNCHERS", "find_launcher"]

# launchers, which start the command of a trial on this machine: the name for --on -> (file, class)
LAUNCHERS = {"local": ("processes.local", "LocalLauncher")}
# hosts, which run whole trials on other machines: the name for --on -> (file, class)
HOSTS = {"ray": ("remote.ray_host", "RayHost"), "slurm": ("remote.slurm_host", "SlurmHost")}


def find_launcher(name: str) -> Launcher:
    """Make the launcher of that name, which is in the table."""
    file, name = LAUNCHERS[name]
    launcher: Launcher = getattr(importlib.import_module(f"{__name__}.{file}"), name)()
    return launcher
