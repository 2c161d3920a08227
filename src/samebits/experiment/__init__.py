"""An experiment is a record that grows: its plan, its rounds of trials, and the results of these trials. Every command
that runs trials uses an experiment. No command starts a trial directly through `launch`.
"""

from samebits.experiment.experiment import Experiment
from samebits.experiment.rounds import NO_VERDICT, FinishedRound, Progress
from samebits.experiment.schedule import FIRST, Schedule
from samebits.launch.plan import Limits, Plan, Request, arrange

__all__ = [
    "FIRST",
    "NO_VERDICT",
    "Experiment",
    "FinishedRound",
    "Limits",
    "Plan",
    "Progress",
    "Request",
    "Schedule",
    "arrange",
]
