"""Controls that a program cannot run with: found by adding controls to those with which it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

# those that change what a program sees of the world, or refuse operators, come alone and last; the rest by halves
SUSPECTS = ("torch-deterministic", "tf-determinism", "entropy", "clock", "serial-threads")


def running(controls: Sequence[str], runs: Callable[[list[str]], str]) -> tuple[list[str], dict[str, str]]:
    """(those with which the program runs together, the others with the reason of each).

    `runs`: why the program does not run with these, "" where it does.
    """
    adding = _Adding(runs)
    adding.add([name for name in controls if name not in SUSPECTS])
    for name in SUSPECTS:
        if name in controls:
            adding.add([name])
    return [name for name in controls if name in adding.kept], adding.refused


class _Adding:
    def __init__(self, runs: Callable[[list[str]], str]) -> None:
        self._runs = runs
        self.kept: list[str] = []
        self.refused: dict[str, str] = {}

    def add(self, names: list[str]) -> None:
        """Keep what the program runs with, and halve what it does not run with."""
        if not names:
            return
        why = self._runs([*self.kept, *names])
        if not why:
            self.kept += names
        elif len(names) == 1:
            self.refused[names[0]] = why
        else:
            half = len(names) // 2
            self.add(names[:half])
            self.add(names[half:])
