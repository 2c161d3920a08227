"""Runs trials with a faster clock. They show which values follow the clock.

They take the place of trials that have not begun, so in most checks they cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from samebits import comparison, controls, words
from samebits.experiment import Experiment
from samebits.experiment.held_back import NEEDED, HeldBack
from samebits.launch.plan import CLOCK_RATE, Limits
from samebits.model import Options, Result
from samebits.options import MOST_TRIALS
from samebits_probe.controls import TABLE

if TYPE_CHECKING:
    from samebits.store import TrialTrace

RATES = (1000.0, 30.0)
LONG = 600.0  # seconds of a whole trial: if it takes longer, further trials run only on request
SLOWER, MORE_SECONDS = 3.0, 60.0  # its time limit: so many times the longest trial, and so many seconds


def held_back(experiment: Experiment, ids: Sequence[int], *, ends_early: bool = False) -> HeldBack:
    """Return the HeldBack of a round: trials wait until two whole ones show whether a faster clock is needed.

    `ends_early`: no trial begins after two have diverged. Otherwise a note says at once where they diverge.
    """
    before = [number for number in range(1, min(ids)) if experiment.plan.trial_folder(number).exists()]
    trials = [experiment.trial(number) for number in before]
    may_run = _may_run(experiment, trials)
    diverge = partial(_diverge, experiment, before, may_run=may_run)
    enough = diverge if ends_early else _told(experiment, before, diverge)
    if not may_run:
        return HeldBack(are_enough=enough)
    earlier = [trial for trial in trials if _is_true_and_whole(trial)]

    def asks(whole: Sequence[int]) -> bool:
        return _is_asked_by(experiment, [*earlier, *map(experiment.trial, whole)])

    return HeldBack(asks, len(earlier), LONG, enough)


def _diverge(experiment: Experiment, before: Sequence[int], ids: Sequence[int], *, may_run: bool) -> bool:
    """Return whether the trial that ended last diverges from an earlier trial, or from the first one that ended.

    After earlier trials, two new ones must have ended: a single one cannot show whether the new ones repeat. `may_run`:
    trials with a faster clock may still explain what differs.
    """
    if before and len(ids) < 2:
        return False
    if len(before) + len(ids) < 2:
        return False
    pair = [experiment.trial(number) for number in _pair(before, ids)]
    return not (may_run and comparison.is_open(experiment.file, pair)) and comparison.surely_diverge(
        experiment.file, pair
    )


def _pair(before: Sequence[int], ids: Sequence[int]) -> tuple[int, int]:
    return [*before[:1], *ids][0], ids[-1]


def _told(
    experiment: Experiment, before: Sequence[int], diverge: Callable[[Sequence[int]], bool]
) -> Callable[[Sequence[int]], bool]:
    """Return a function that notes once where two trials diverge. It always answers that more trials are needed."""
    are_known = False

    def tell(ids: Sequence[int]) -> bool:
        nonlocal are_known
        if not are_known and diverge(ids):
            are_known = True
            pair = [experiment.trial(number) for number in _pair(before, ids)]
            experiment.progress.note(f"{comparison.judge(experiment.file, pair).sentence} The other trials go on.")
        return False

    return tell


def is_asked(experiment: Experiment) -> bool:
    """Return whether the trials so far ask for some with a faster clock."""
    return _may_run(experiment, experiment.record.trials) and _is_asked_by(experiment, _true_and_whole(experiment))


def run(experiment: Experiment, left: Sequence[int], steps: int | None) -> None:
    """Run the trials that are left, and further ones, with a faster clock, if the trials so far ask for it.

    `left`: trials that were kept back. `steps`: the steps of a whole trial, or more. If a trial cannot be compared
    because its clock was faster, a trial without a faster clock takes its place.
    """
    if not is_asked(experiment):
        if left:  # a later trial has diverged
            experiment.run(Limits(steps=steps), left)
        return
    longest = max(trial.file.seconds for trial in _true_and_whole(experiment))
    options = experiment.file.options
    ids = [*left, *_next(experiment, left, further(len(left), longest, options))]
    if not ids:
        return
    experiment.progress.note(_cost(ids, len(ids) - len(left), longest))
    rates = dict(zip(ids, RATES, strict=False))
    experiment.run(Limits(steps=steps, timeout=seconds_allowed(longest), rates=rates), ids)
    result = _run_again(experiment, steps)
    laws = {law.place: law for law in [*experiment.file.settled, *result.settled]}
    experiment.keep_laws(list(laws.values()))


def further(left: int, longest: float, options: Options) -> int:
    """Return how many trials run in addition to those that are left. `longest`: seconds of a whole trial."""
    is_cheap = longest <= LONG and options.budget is None
    return max(len(RATES) - left, 0) if is_cheap or options.settle == "always" else 0


def seconds_allowed(longest: float) -> float:
    """Return after how many seconds a trial with a faster clock ends: it may wait for a time that has passed."""
    return SLOWER * longest + MORE_SECONDS


def _may_run(experiment: Experiment, trials: Sequence[TrialTrace]) -> bool:
    """Return whether a faster clock can show anything.

    It cannot if a control holds the clock, or with the probe of an earlier version. The experiment runs once.
    """
    settle, held = experiment.file.options.settle, {controls.name_of(control) for control in experiment.plan.controls}
    if settle == "never" or not held.isdisjoint(("clock", CLOCK_RATE)) or CLOCK_RATE not in TABLE:
        return False
    is_known = (experiment.plan.probe / "samebits_probe" / "controls" / f"{TABLE[CLOCK_RATE][0]}.py").exists()
    was_asked = any(trial.file.clock_rate != 1 for trial in trials)
    return is_known and (settle == "always" or not was_asked)


def _is_asked_by(experiment: Experiment, trials: Sequence[TrialTrace]) -> bool:
    if len(trials) < NEEDED:
        return False
    if experiment.file.options.settle == "always":
        return comparison.judge(experiment.file, trials).verdict != "diverged"
    return comparison.is_open(experiment.file, trials)


def _is_true_and_whole(trial: TrialTrace) -> bool:
    return trial.file.status == "complete" and trial.file.clock_rate == 1


def _true_and_whole(experiment: Experiment) -> list[TrialTrace]:
    return [trial for trial in experiment.record.trials if _is_true_and_whole(trial)]


def _next(experiment: Experiment, left: Sequence[int], number: int) -> list[int]:
    """Return the numbers of further trials; none if a record cannot hold so many."""
    last = max([*left, *(trial.id for trial in experiment.record.trials)])
    return list(range(last + 1, last + number + 1)) if last + number <= MOST_TRIALS else []


def _cost(ids: Sequence[int], more: int, longest: float) -> str:
    """Say what runs, and what it costs."""
    if more:
        cost = f"{words.count(more, 'further trial')}, about {words.span(more * longest)}"
        return f"{cost}, to see which values follow the clock"
    return f"{words.trials(ids)} run with a faster clock, to see which values follow the clock"


def _run_again(experiment: Experiment, steps: int | None) -> Result:
    """Run trials without a faster clock in the place of those that cannot be compared, and judge all."""
    result = experiment.judge()
    left_out = sum(bool(trial.left_out) for trial in result.trials)
    missing = min(experiment.file.options.trials - len(result.trials) + left_out, left_out)
    if missing > 0 and (ids := _next(experiment, (), missing)):
        experiment.run(Limits(steps=steps), ids)
        return experiment.judge()
    return result
