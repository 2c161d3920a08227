"""The operator to blame: found by replaying the step in which the trials diverge, once."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from samebits import ops
from samebits.causes.settings import FOLDER, SettingRecords
from samebits.model import Result
from samebits.ops import ReplayResult
from samebits.reports.result_words import OPERATOR_KINDS


class OperatorReplay:
    """A replay that is run when it is first asked for, and kept. It works in PyTorch."""

    def __init__(self, settings: SettingRecords, result: Result) -> None:
        self._settings, self._where = settings, result.divergence
        kind = result.divergence.kind if result.divergence else None
        self.applies = kind in OPERATOR_KINDS and "torch" in result.setup.packages
        self.trials = 0

    @property
    def first(self) -> str | None:
        """The schema name of the first operator of the step that gives different bits for the same inputs."""
        if not self.applies:
            return None
        return next((differed.operator for differed in self._replayed.differed), None)

    def differs(self) -> bool | None:
        """Whether an operator does; None if nothing could be replayed."""
        known = self.applies and self._replayed.outcome != "nothing"
        return self.first is not None if known else None

    @cached_property
    def _replayed(self) -> ReplayResult:
        self.trials += 1
        first, settings = self._settings.all[0].plan, self._settings
        options = first.request.options.model_copy(update={"timeout": settings.longest})
        request = replace(first.request, controls=sorted(settings.base), preset=None, options=options)
        step = max(self._where.step, 0) if self._where else 0
        return ops.replay(request, step, folder=first.record / FOLDER / "operators", progress=settings.progress)
