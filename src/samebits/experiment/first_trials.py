"""Says when the first trial of a round shows that the others need not start."""

from __future__ import annotations

from typing import Any

from samebits.experiment.schedule import NO_VERDICT
from samebits.launch.plan import Plan
from samebits.launch.processes.observations import Processes, read_json
from samebits.model import TrialFile

__all__ = ["is_enough"]


def is_enough(plan: Plan, first: TrialFile, *, tries_first: bool) -> bool:
    """Return whether the first trial of a round shows that the others need not start."""
    if first.status == "complete" and _files(plan, first).get("patterns_without_match"):
        return True  # a pattern of --artifact matches no file: the user should know at once
    return tries_first and _gives_no_verdict(plan, first)


def _gives_no_verdict(plan: Plan, file: TrialFile) -> bool:
    """Return whether more trials like this one would show nothing: it ended badly, or left nothing to compare."""
    if file.status in NO_VERDICT:
        return True
    if plan.options.artifacts or _files(plan, file).get("files"):
        return False
    return not Processes(plan.trial_folder(file.id)).observing()  # the program's globals may hold its model


def _files(plan: Plan, file: TrialFile) -> dict[str, Any]:
    return read_json(plan.trial_folder(file.id) / "files.json") or {}
