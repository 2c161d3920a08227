"""Programs that use Ray themselves: they may find a running cluster, and samebits watches its workers, too.

Nothing of Ray is loaded here.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_JOB, _OVERRIDE = "RAY_JOB_CONFIG_JSON_ENV_VAR", "RAY_OVERRIDE_JOB_RUNTIME_ENV"
_CURRENT = "ray/ray_current_cluster"  # below Ray's temporary folder, on each machine of a cluster


def may_meet_cluster() -> bool:
    """Return whether a program may find a running cluster. All trials of a plan get the same answer."""
    places = (os.environ.get("RAY_TMPDIR"), tempfile.gettempdir(), "/tmp")  # noqa: S108
    return bool(os.environ.get("RAY_ADDRESS")) or any((Path(place) / _CURRENT).exists() for place in places if place)


def variables(environment: Mapping[str, str], carried: Iterable[str]) -> dict[str, str]:
    """Return the variables that make Ray pass variables of a trial to its workers.

    `carried`: the names of the variables to pass. Values that are there already stay. If the program itself names one
    of these variables for its workers, its own value wins.
    """
    job = _job(environment)
    runtime = dict(job.get("runtime_env") or {})
    values = {name: environment[name] for name in carried if name in environment}
    runtime["env_vars"] = {**values, **(runtime.get("env_vars") or {})}
    return {_JOB: json.dumps({**job, "runtime_env": runtime}, sort_keys=True), _OVERRIDE: "1"}


def _job(environment: Mapping[str, str]) -> dict[str, Any]:
    with suppress(ValueError):
        job = json.loads(environment.get(_JOB) or "{}")
        return dict(job) if isinstance(job, dict) else {}
    return {}
