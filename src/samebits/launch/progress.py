"""What the launcher tells while trials run. This one is silent; reports show it."""

from __future__ import annotations


class Progress:
    """Override what you show. Called from the launcher's own loop: return at once."""

    def round_started(self, steps: int | None, trials: int) -> None:
        """A round begins: `steps` steps of each trial (None: whole trials)."""

    def trial_started(self, id: int, of: int, steps_total: int | None) -> None:
        """Trial `id` begins. `steps_total`: how many steps it will make, None where that is not known."""

    def trial_step(self, id: int, step: int) -> None:
        """Trial `id` has made `step` steps."""

    def trial_ended(self, id: int, status: str, steps: int, seconds: float) -> None:
        """Trial `id` is over."""

    def note(self, text: str) -> None:
        """Something to say meanwhile."""

    def part_started(self, text: str) -> None:
        """Another part of a longer search begins: what was shown of the trials before is over."""
