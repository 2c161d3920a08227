"""What is told while the search goes on: a line a setting, once it has shown what it shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from samebits import words
from samebits.explain.seen import Seen
from samebits.launch.progress import Progress


class Told(Progress):
    """Passes on what trials do, without a line for each that ends: there are many."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def trial_started(self, id: int, of: int, steps_total: int | None) -> None:
        """Passed on."""
        self._progress.trial_started(id, of, steps_total)

    def trial_step(self, id: int, step: int) -> None:
        """Passed on."""
        self._progress.trial_step(id, step)

    def part_started(self, text: str) -> None:
        """Passed on."""
        self._progress.part_started(text)

    def note(self, text: str) -> None:
        """Passed on."""
        self._progress.note(text)


def held_words(held: Collection[str], everything: Sequence[str]) -> str:
    """Controls in a few words: by name, or by those that are left out of everything."""
    names = [name for name in everything if name in held] or sorted(held)
    return f"{words.some_of(names, [name for name in everything if name not in held]) or 'nothing'} held"


def seen_words(seen: Seen) -> str:
    """What the trials of a setting show."""
    if seen.broke:
        return f"the program does not run so: {seen.broke}"
    if seen.unclear:
        return f"no answer: {seen.unclear}"
    trials = words.count(seen.trials, "trial")
    return f"{trials}, {'the same bits' if len(seen.groups) == 1 else f'{len(seen.groups)} different outcomes'}"
