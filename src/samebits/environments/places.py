"""Where samebits keeps what it made: environments, data sets, wrappers for interpreters."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "SAMEBITS_HOME"


def home() -> Path:
    """The folder of everything made once and used again; `SAMEBITS_HOME` names another one."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named).expanduser().absolute() if named else platformdirs.user_data_path("samebits")


def environment_folder(name: str) -> Path:
    """The folder of an environment, whether it is there or not."""
    return home() / "envs" / name
