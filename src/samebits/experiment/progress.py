"""What is told about trials while they run."""

from __future__ import annotations

from samebits.experiment.estimates import CostEstimate


class Progress:
    """Receives the events of a run. This class shows nothing: override the methods you need, and return at once."""

    def round_started(self, steps: int | None, trials: int) -> None:
        """A round begins: `steps` steps of each trial (None: whole trials)."""

    def growing_round_started(self, steps: int | None, trials: int) -> None:
        """A round begins. Its trials make more than `steps` steps if steps are quick."""
        self.round_started(steps, trials)

    def trial_started(self, trial: int, of: int, steps_total: int | None) -> None:
        """A trial begins, known by its number. `of`: the number of trials in all.

        `steps_total`: the number of steps that it will make; None if that is not known.
        """

    def trial_step(self, trial: int, step: int) -> None:
        """A trial has made `step` steps."""

    def trial_ended(self, trial: int, status: str, steps: int, seconds: float) -> None:
        """A trial has ended. `steps`: the number of steps that it has made."""

    def length_known(self, steps: int) -> None:
        """A trial whose end is not told was complete. `steps`: the number of steps that it has made."""

    def note(self, text: str) -> None:
        """There is a note to show."""

    def estimate(self, estimate: CostEstimate) -> None:
        """The cost of the command is known, before it runs the trials. Raises StopSignal if the user declines."""
        self.note(estimate.sentence)

    def part_started(self, text: str) -> None:
        """A new part of a longer search begins: the trials that were shown before have ended."""


class QuietProgress(Progress):
    """Passes on all events except the ends of trials. A search has too many of these to show a line for each."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def trial_started(self, trial: int, of: int, steps_total: int | None) -> None:
        """Pass the event on."""
        self._progress.trial_started(trial, of, steps_total)

    def trial_step(self, trial: int, step: int) -> None:
        """Pass the event on."""
        self._progress.trial_step(trial, step)

    def trial_ended(self, trial: int, status: str, steps: int, seconds: float) -> None:
        """Pass on only how long a whole trial is, so that the time left of the next ones is known."""
        if status == "complete" and steps:
            self._progress.length_known(steps)

    def part_started(self, text: str) -> None:
        """Pass the event on."""
        self._progress.part_started(text)

    def note(self, text: str) -> None:
        """Pass the event on."""
        self._progress.note(text)

    def estimate(self, estimate: CostEstimate) -> None:
        """Pass the event on."""
        self._progress.estimate(estimate)
