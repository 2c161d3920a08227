"""Keeps trials of a round back until it is clear whether they run at all, or with a faster clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from samebits.model import TrialFile

MOST = 2  # trials that are kept back
NEEDED = 2  # whole trials whose comparison decides


class HeldBack:
    """The trials of a round that are kept back. They go on, unless two whole trials show that a faster clock is needed.
    If the trials that have ended are enough for an answer, no other trial begins.

    If all trials can run side by side, none is kept back, because waiting would only take time. But if a trial takes
    long, some are kept back: no further trials will run then, so these may have to run with a faster clock.

    `asks`: returns whether trials with a faster clock will follow; its argument is the numbers of the whole trials of
    the round. It is called once in a round. Without it, no trial is kept back. `earlier`: the number of whole trials
    before the round. `long`: a trial that takes more seconds takes long. `are_enough`: returns whether the trials of
    the round that have ended are enough; its argument is their numbers.
    """

    def __init__(
        self,
        asks: Callable[[Sequence[int]], bool] | None = None,
        earlier: int = 0,
        long: float = math.inf,
        are_enough: Callable[[Sequence[int]], bool] | None = None,
    ) -> None:
        self._asks, self._earlier, self._long, self._are_enough = asks, earlier, long, are_enough
        self._compared = 0
        self.ids: list[int] = []
        self._is_decided = False

    def begin(self, to_come: list[int], *, are_whole: bool, room: int) -> None:
        """Begin a round. `are_whole`: its trials certainly run to their ends; otherwise the first trial shows this.

        `room`: how many trials run at a time.
        """
        self.ids, self._is_decided, self._compared = [], self._asks is None, 0
        if are_whole and not self._is_decided and room < len(to_come):
            self._keep_back(to_come, 0)

    def look(self, to_come: list[int], ended: Sequence[TrialFile], *, running: int, room: int) -> None:
        """Move trials out of `to_come`, or back. `ended`: those of the round that have ended; `running`: how many run.

        If a trial is not whole, nothing can be decided in this round, so all go on.
        """
        if (to_come or self.ids) and self._answer(ended):
            to_come.clear()
            self.ids, self._is_decided = [], True
        if self._is_decided or self._asks is None or not ended:
            return
        if any(file.status != "complete" for file in ended):
            self._let_go(to_come)
            return
        if not self.ids:
            if room >= len(to_come) + running and max(file.seconds for file in ended) <= self._long:
                self._is_decided = True
                return
            self._keep_back(to_come, len(ended) + running)
        if self.ids and self._earlier + len(ended) >= NEEDED:
            self._is_decided = True
            if not self._asks([file.id for file in ended]):
                self._let_go(to_come)

    def _answer(self, ended: Sequence[TrialFile]) -> bool:
        if self._are_enough is None or len(ended) == self._compared:
            return False
        self._compared = len(ended)
        return self._are_enough([file.id for file in ended])

    def _keep_back(self, to_come: list[int], others: int) -> None:
        """Keep the last trials back, but leave two whole trials to compare, one of them from this round."""
        needed = max(NEEDED - self._earlier, 1) - others
        number = min(MOST, len(to_come) - max(needed, 0))
        self.ids = sorted(to_come)[len(to_come) - number :] if number > 0 else []
        to_come[:] = [trial for trial in to_come if trial not in self.ids]
        self._is_decided = not self.ids and others > 0

    def _let_go(self, to_come: list[int]) -> None:
        to_come += self.ids
        self.ids, self._is_decided = [], True
