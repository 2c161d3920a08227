"""Measures a trial until its first step, to decide whether other trials may start meanwhile."""

from __future__ import annotations

from samebits.launch.capacity.capacity import UsageMeter
from samebits.launch.processes import facts
from samebits.launch.trial.trial_run import TrialRun


def meter(trial: TrialRun) -> UsageMeter:
    """Return a meter of what a trial uses from now on."""
    processes = trial.processes
    return UsageMeter(trial.command.root, processes.imported_threads, has_begun=processes.have_begun)


def are_possible(trial: TrialRun) -> bool:
    """Return whether trials like this measured one may start at the same time.

    They may not if several processes take steps, or if the trial writes files before its first step that others may
    find.
    """
    start = trial.processes.start()
    if trial.meter is None or start is None:
        return False
    touched = facts.touched(trial.processes.look())
    return not trial.files.written_before(start["at"], touched) and trial.meter.starts_on_one_core(start)
