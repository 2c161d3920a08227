"""Makes the verdict of a record. It is never `repeated` because something was not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

import samebits
from samebits import words
from samebits.comparison.traces.coverage import named_by_program
from samebits.comparison.traces.processes import AlignedTrial, Member
from samebits.comparison.verdict import network_orders, sentences
from samebits.comparison.verdict.divergence import group_points
from samebits.comparison.verdict.endings import is_usable, unwatched, unwatched_processes
from samebits.comparison.verdict.groups import Comparison, group_splits
from samebits.comparison.verdict.leaks import begin_without, leak_sentence, trials_with_leaks
from samebits.comparison.verdict.orders import counted_difference
from samebits.comparison.verdict.reasons import Reason, ReasonInputs, why_not_repeated
from samebits.comparison.verdict.setup import differing_facts, setup, why_no_divergence
from samebits.comparison.verdict.threads import trains_elsewhere, with_racing_steps, without_racing_traces
from samebits.comparison.verdict.timed_trials import counted, known_laws, settled
from samebits.comparison.verdict.unknown_places import unknown_places
from samebits.comparison.verdict.values import agreements, final
from samebits.comparison.verdict.warnings import Note, WarningInputs, unseeded, used_generators_differ, warnings
from samebits.model import Detection, Divergence, KeyedPoint, RecordFile, Result, Scope, Trial, Verdict
from samebits.store.trace import ProcessTrace, TrialTrace
from samebits_probe import wire


def judge(record: RecordFile, trials: Sequence[TrialTrace], *, nodes_asked: bool = False) -> Result:
    """Compare the trials and make the result. Pure; it sets all fields of Result but `record`.

    `nodes_asked`: the question is whether the bits depend on the machine, so a different machine excuses no difference.
    """
    every = without_racing_traces(trials, record.command)
    trials, left_out = counted(record, every)
    inputs = ReasonInputs(record, [AlignedTrial(trial, record.command) for trial in trials], left_out=left_out)
    whole = Comparison(inputs.usable, record.options.ignores, known_laws(record))
    comparison, divergence, doubt = counted_difference(whole)
    divergence = with_racing_steps(divergence, trials)
    if divergence is not None and doubt is None:
        doubt = why_no_divergence(comparison, record, nodes_asked=nodes_asked)
    verdict, reason = ("inconclusive", doubt) if doubt else _decide(inputs, comparison, divergence)
    basis = WarningInputs(record, trials, comparison, divergence, setup(record, inputs.trials), reason, every, left_out)
    notes, extent = warnings(basis), scope(comparison.aligned)
    leaking = trials_with_leaks([aligned.trial for aligned in comparison.aligned])
    leak = leak_sentence(leaking, record) if leaking else None
    if verdict == "repeated" and record.options.strict and (reason := _caveat(notes, inputs)):
        verdict = "inconclusive"
    return Result(
        samebits=samebits.__version__,
        verdict=verdict,
        sentence=_sentence(reason, comparison, divergence) or sentences.repeated(comparison, extent, leak),
        reason=reason.reason if reason else None,
        reason_code=reason.code if reason else None,
        advice=reason.advice if reason else None,
        agrees=agreements(comparison.aligned) if divergence else [],
        scope=extent,
        setup=basis.setup,
        trials=[_trial(AlignedTrial(trial, record.command), left_out) for trial in every],
        groups=comparison.groups,
        diverges_at=group_points(comparison),
        splits=group_splits(comparison),
        divergence=divergence,
        settled=settled(comparison),
        keyed=keyed_points(comparison),
        detection=detection(len(comparison.aligned)),
        leak=leak if verdict == "repeated" else None,
        across=differing_facts([aligned.trial for aligned in comparison.aligned]) if verdict == "repeated" else [],
        warnings=[note.text for note in notes],
        uncounted=[note.text for note in notes if note.is_uncounted],
        unseeded=unseeded(basis),
        judged=judged(comparison, divergence, generators_differ=used_generators_differ(basis)),
        unknown=unknown_places(comparison, left_out) if divergence is None else [],
        at_a_time=max((turn.at_a_time for turn in record.rounds), default=1),
        at_a_time_why=record.at_a_time_why,
        seconds=sum(turn.seconds for turn in record.rounds),
    )


def surely_diverge(record: RecordFile, trials: Sequence[TrialTrace]) -> bool:
    """Return whether these trials diverge, whatever later steps and later trials will show."""
    train_in_threads = any(trains_elsewhere(process) for trial in trials for process in trial.processes)
    if train_in_threads or not all(is_usable(trial, record.options.ok_exit) for trial in trials):
        return False
    result = judge(record, trials)
    if result.divergence is None or result.verdict != "diverged" or network_orders.may_differ(trials) != "no":
        return False
    # first weights that differ for no known reason may belong to networks that come in a different order
    return result.divergence.kind != "start" or bool(result.unseeded)


def _decide(
    inputs: ReasonInputs, comparison: Comparison, divergence: Divergence | None
) -> tuple[Verdict, Reason | None]:
    """Return the verdict, and the reason if it is inconclusive.

    A difference that comes from the program is a divergence. Equal bits are `repeated` only if enough was seen.
    """
    if divergence is not None:
        return "diverged", None
    lacking = why_not_repeated(inputs, comparison)
    return ("inconclusive", lacking) if lacking else ("repeated", None)


def _caveat(notes: Sequence[Note], inputs: ReasonInputs) -> Reason | None:
    """Return why --strict gives no answer: the first note that limits what equal bits show, and advice. Else None."""
    limits = [note for note in notes if note.is_caveat]
    if not limits:
        return None
    more = f" (and {words.count(len(limits) - 1, 'more warning')})" if len(limits) > 1 else ""
    leaks = [leak for trial in inputs.trials for leak in trial.trial.file.leaks]
    of_leak = begin_without(leaks[0], inputs.record) if limits[0].is_leak else ""
    remedy = of_leak or f"Remove the cause of {words.agree(len(limits), 'this warning', 'each warning')}."
    return Reason(f"--strict: {limits[0].text}{more}.", f"{remedy} Or run without --strict.", code="warning")


def _sentence(reason: Reason | None, comparison: Comparison, divergence: Divergence | None) -> str | None:
    if reason is not None:
        return reason.reason
    return sentences.diverged(comparison, divergence) if divergence else None


def _trial(aligned: AlignedTrial, left_out: Mapping[int, str]) -> Trial:
    file = aligned.trial.file
    return Trial(
        id=file.id,
        status=file.status,
        exit_code=file.exit_code,
        steps=aligned.steps,
        seconds=file.seconds,
        final=final(aligned),
        metrics=file.metrics,
        clock_rate=file.clock_rate,
        left_out=left_out.get(file.id, ""),
    )


# -- what a number of trials can notice -------------------------------------------------------------------------------


def chance(share: float, trials: int) -> float:
    """Return the probability that n trials show a difference that a share p of all runs shows: 1 - p^n - (1-p)^n."""
    if trials < 2:
        return 0.0
    return 1.0 - float(share**trials) - float((1.0 - share) ** trials)


def detection(trials: int) -> Detection:
    """Return the probabilities for half of all runs and for one run in ten."""
    return Detection(
        seen_if_in_half_of_runs=round(chance(0.5, trials), 4), seen_if_in_one_of_ten=round(chance(0.1, trials), 4)
    )


# -- kind by kind: equal, different, not reached or not seen ----------------------------------------------------------


EQUAL, DIFFERS, NOT_REACHED, NOT_OBSERVED = "=", "!", ".", "-"


def judged(comparison: Comparison, divergence: Divergence | None, *, generators_differ: bool) -> dict[str, str]:
    """Return kind -> mark, in the order of judging. `structure` is there only if the structure differs.

    `generators_differ`: whether generators that the trials used have different states (a warning says so).
    """
    observed = _observed(comparison.aligned)
    marks = {kind: EQUAL if kind in observed else NOT_OBSERVED for kind in wire.KINDS if kind != "structure"}
    if "end" in observed and not all(trial.whole for trial in comparison.aligned):
        marks["end"] = NOT_REACHED
    if generators_differ:
        is_earlier = divergence is not None and wire.CODE["rng"] < wire.CODE[divergence.kind]
        marks["rng"] = DIFFERS if is_earlier else NOT_REACHED  # an unseeded generator is no divergence by itself
    if len(comparison.aligned) < 2:
        return {kind: NOT_REACHED if mark == EQUAL else mark for kind, mark in marks.items()}
    return _parted(marks, divergence) if divergence else marks


def _parted(marks: dict[str, str], divergence: Divergence) -> dict[str, str]:
    at = wire.CODE[divergence.kind]
    changed = {kind: NOT_REACHED if wire.CODE[kind] > at and mark == EQUAL else mark for kind, mark in marks.items()}
    changed[divergence.kind] = DIFFERS
    return {kind: changed[kind] for kind in wire.KINDS if kind in changed}


def _observed(aligned: Sequence[AlignedTrial]) -> set[str]:
    """Return the kinds that any trial showed. An end is expected of stopped trials, too."""
    kinds = {point.kind for trial in aligned for member in trial.members for point in member.trace.points}
    expects_end = any(trial.trial.files.files or not trial.whole for trial in aligned)
    return kinds | {"end"} if expects_end else kinds


# -- what was compared, and what could not be seen --------------------------------------------------------------------


def scope(aligned: Sequence[AlignedTrial]) -> Scope:
    """Return the scope of a comparison of these trials."""
    whole = [trial for trial in aligned if trial.whole]
    return Scope(
        kind="whole" if aligned and len(whole) == len(aligned) else "prefix",
        steps_compared=min((trial.steps for trial in aligned), default=0),
        steps_total=max((trial.steps for trial in whole), default=None),
        files_compared=max((len(trial.trial.files.files) for trial in whole), default=0),
        not_observed=list(dict.fromkeys(_not_observed(aligned))),
        unwatched=list(dict.fromkeys(what for trial in aligned for what in unwatched(trial.trial))),
    )


def _not_observed(aligned: Sequence[AlignedTrial]) -> Iterator[str]:
    for trial in aligned:
        for process in trial.trial.processes:
            if not process.observed and not trains_elsewhere(process):
                continue
            for event in process.events_named("not-observed"):
                yield f"{event.get('point', '?')}: {event.get('why', '')}"
            if named_by_program(process):
                yield "values that the program did not pass to observe()"
        if not trial.members and trial.trial.files.files:
            yield "steps: only the files that were written are compared"
        for hidden in unwatched_processes(trial.trial.file):
            why = f" ({hidden.why})" if hidden.why else ""
            yield f"the process {words.command(hidden.argv)}{why}"


# -- values under keys (a round, a sample): compared key by key, whatever the step -------------------------------------

Values = dict[str, bytes]  # key -> fingerprints, in the order in which they were observed


def keyed_points(comparison: Comparison) -> list[KeyedPoint]:
    """Return each name that is observed under keys, with the first key at which a trial differs from the reference."""
    if not comparison.aligned:
        return []
    return [point for member in comparison.reference.members for point in _of_member(comparison, member)]


def _of_member(comparison: Comparison, member: Member) -> Iterator[KeyedPoint]:
    own = _values(member.trace)
    if not own:
        return
    twins = _twins(comparison, member)
    for name, values in own.items():
        apart = {trial: _differing(values, twin.get(name, {})) for trial, twin in twins.items()}
        first = next((key for key in values if any(key in keys for keys in apart.values())), None)
        trials = sorted(trial for trial, keys in apart.items() if first in keys)
        yield KeyedPoint(name=name, keys=len(values), key=first, trials=trials)


def _twins(comparison: Comparison, member: Member) -> dict[int, dict[str, Values]]:
    """Return the keyed values of the same process in each other trial."""
    by_trial = {}
    for trial, pair in comparison.against_reference().items():
        twin = next((part.other for part in pair.members if part.member.key == member.key and part.other), None)
        if twin is not None:
            by_trial[trial] = _values(twin.trace)
    return by_trial


def _differing(mine: Values, theirs: Values) -> list[str]:
    """Return the keys whose values differ.

    A key that only one trial has counts too, unless that trial only got further.
    """
    both = [key for key in mine if key in theirs and mine[key] != theirs[key]]
    last = max((place for place, key in enumerate(mine) if key in theirs), default=-1)
    return both + [key for place, key in enumerate(mine) if key not in theirs and place < last]


def _values(trace: ProcessTrace) -> dict[str, Values]:
    """Reads each point and each row once: there may be a key for each sample."""
    events = {str(event.get("point")): event for event in trace.events_named("keyed")}
    if not events:
        return {}
    numbers = {place: number for number, place in enumerate(events)}
    place_of_point = np.array([_number_of(point.name, numbers) for point in trace.points], np.int64)
    places = place_of_point[trace.rows["point"]]
    order = np.argsort(places, kind="stable")
    ends = np.searchsorted(places[order], np.arange(len(events) + 1))
    fingerprints = trace.rows["fingerprint"][order]
    values: dict[str, Values] = {}
    for number, event in enumerate(events.values()):
        rows = fingerprints[ends[number] : ends[number + 1]]
        values.setdefault(str(event.get("name")), {})[str(event.get("key"))] = rows.tobytes()
    return values


def _number_of(name: str, numbers: dict[str, int]) -> int:
    """Return the number of the place at the beginning of a point's name (PLACE or PLACE.PART); -1 if there is none."""
    ends = [at for at, letter in enumerate(name) if letter == "."]
    return next((numbers[name[:end]] for end in (len(name), *ends) if name[:end] in numbers), -1)
