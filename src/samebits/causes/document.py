"""Makes the document of an explanation: the cause, the evidence, the lines to paste."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from samebits import controls, words
from samebits.causes.candidates import Conclusion, held_words
from samebits.causes.decision_rule import Rule
from samebits.causes.settings import Setting, SettingRecords
from samebits.documents import Evidence, Explanation, Fix, State
from samebits.model import Result
from samebits.ranks import have_ranks, of_rank
from samebits.reports import result_words
from samebits.words import listed

if TYPE_CHECKING:
    from samebits.causes import Cause

MOST_KNOWN = 3  # settings that are named if the search is stopped before its end


def nothing(result: Result) -> Explanation:
    """Return the explanation of trials that repeat."""
    number = len(result.trials)
    row = Evidence(
        controls=[control.id for control in result.setup.controls],
        trials=number,
        groups=len(result.groups),
        record=result.record or "",
        seconds=result.seconds,
    )
    sentence = f"Nothing to explain: repeated in {number} of {number}."
    return Explanation(cause=[], minimal_controls=[], evidence=[row], sentence=sentence)


class Spent(NamedTuple):
    """The cost of the search: all trials, including those of the check. `at_a_time`: the most that ran side by side."""

    trials: int
    seconds: float
    at_a_time: int = 1


def explanation(settings: SettingRecords, why: Cause, operator: str | None, spent: Spent) -> Explanation:
    """Return the explanation of trials that diverge."""
    conclusion = why.conclusion
    first, cause = settings.all[0].result, conclusion.cause
    loaded = set(first.setup.packages) if first else set()
    seeds = [held for held in map(controls.describe, cause) if held.is_seed or held.covers]
    return Explanation(
        cause=cause,
        operator=operator,
        minimal_controls=conclusion.minimal,
        cost={names: cost.ratio for names, cost in (why.cost or {}).items()},
        cost_range={names: [cost.low, cost.high] for names, cost in (why.cost or {}).items()},
        evidence=[_row(setting, conclusion.rule) for setting in settings.all],
        outside_known_controls=conclusion.outside,
        sentence=_sentence(settings, conclusion),
        not_applicable=conclusion.refused,
        without_effect=conclusion.idle,
        needed=conclusion.rule.full,
        chance=conclusion.rule.chance,
        compared=why.confirmed.words if why.confirmed else "",
        fixes=_fixes_of(settings, conclusion, loaded),
        notes=_notes(settings, why),
        clears_generators=bool(cause) and not conclusion.outside and not seeds,
        trials=spent.trials,
        seconds=spent.seconds,
        at_a_time=spent.at_a_time,
    )


def _fixes_of(settings: SettingRecords, conclusion: Conclusion, loaded: Collection[str]) -> list[Fix]:
    """Return the lines for the cause. If there are several ranks, each gets a different seed."""
    first = settings.all[0]
    lines = fixes(conclusion.cause, loaded, first.plan.seed, first.plan.request.command)
    if not have_ranks(process.facts for trial in first.experiment.record.trials for process in trial.processes):
        return lines
    return [_of_ranks(fix, first.plan.seed) if controls.describe(fix.control).is_seed else fix for fix in lines]


def _of_ranks(fix: Fix, seed: int) -> Fix:
    """Return a seed's lines with a different value in each rank."""
    lines = [line.replace(f"({seed})", f"({of_rank(seed)})") for line in fix.lines]
    return fix.model_copy(update={"lines": ["import os", *lines]}) if lines != fix.lines else fix


def unfinished(settings: SettingRecords, seconds: float) -> Explanation:
    """Return what is known before the search has ended. Nothing is accepted as a cause before that."""
    agreeing = [setting for setting in settings.all[1:] if _state(setting) == "open" and setting.number > 1]
    agreeing.sort(key=lambda setting: (len(setting.plan.controls), -setting.number))
    texts = [
        f"{held_words(settings.added(setting), settings.everything)}: {setting.number} trials repeat"
        for setting in agreeing[:MOST_KNOWN]
    ]
    tried = words.count(len(settings.all), "setting")
    so_far = "; ".join(texts) or f"{tried} tried; none repeats"
    return Explanation(
        cause=[],
        minimal_controls=[],
        evidence=[_row(setting) for setting in settings.all],
        sentence=f"Not known: the search was stopped before its end. So far: {so_far}.",
        seconds=seconds,
        unfinished=True,
    )


def _row(setting: Setting, rule: Rule | None = None) -> Evidence:
    outcome = setting.seen()
    idle = [name for name in setting.plan.controls if name in outcome.controls and not outcome.is_in_force(name)]
    divergence = setting.result.divergence if setting.result else None
    return Evidence(
        controls=[name for name in setting.plan.controls if name not in idle],
        trials=setting.number,
        groups=len(outcome.groups),
        state=_state(setting, rule),
        part=" > ".join(result_words.path(divergence)) if divergence else "",
        why=outcome.broke or outcome.unclear,
        without_effect=idle,
        steps=setting.steps,
        seconds=setting.seconds,
        record=str(setting.plan.record),
    )


def _state(setting: Setting, rule: Rule | None = None) -> State:
    """Return the state that its trials show; without a rule it is not known how many trials must agree."""
    outcome = setting.seen()
    if outcome.broke:
        return "broke"
    if outcome.unclear:
        return "unclear"
    if outcome.where is not None:
        return "parted"
    return "agreed" if rule is not None and outcome.agrees(rule.full) else "open"


def _sentence(settings: SettingRecords, conclusion: Conclusion) -> str:
    first, cause = settings.look([], 0), conclusion.cause
    outcomes = words.count(len(first.groups), "outcome")
    without = f"with nothing held, {words.count(first.trials, 'trial')} end in {outcomes}"
    if conclusion.outside and cause:
        fix = words.agree(len(cause), "fixes", "fix")
        return f"{listed(cause)} {fix} the first difference; no known control fixes a later one."
    if conclusion.outside:
        number = words.count(len(conclusion.everything), "control")
        if conclusion.refused:
            unfit = listed(sorted(conclusion.refused))
            sentence = f"With {number} held, the trials still diverge."
            return f"{sentence} The cause may be among the controls with which the program does not run: {unfit}."
        return f"Outside the known controls: the trials still diverge if all {number} that take effect here are held."
    if not cause:
        return "No set of controls was found that makes the trials agree."
    agree = settings.look(cause, 0).trials
    return f"{listed(cause)}: with {'it' if len(cause) == 1 else 'them'} held, {agree} of {agree} repeat; {without}."


def _notes(settings: SettingRecords, why: Cause) -> list[str]:
    conclusion = why.conclusion
    unclear = [outcome.unclear for setting in settings.all if (outcome := setting.seen()).unclear]
    notes = [f"{words.count(len(unclear), 'setting')} gave no answer: {unclear[0]}"] if unclear else []
    if conclusion.cause and (unknown := settings.setting(conclusion.cause).unknown):
        more = f" and {words.count(len(unknown) - 1, 'more place')}" if len(unknown) > 1 else ""
        differ = words.agree(len(unknown), "differs", "differ")
        notes.append(f"{unknown[0].place}{more} still {differ}, and samebits does not know whether that counts")
    if conclusion.cause and (unseen := settings.setting(conclusion.cause).unseen):
        notes.append(f"with {listed(conclusion.cause)} held, the trials agree where they diverged before, but {unseen}")
    if len(conclusion.cause) > 1:
        notes.append("each is needed: with any one of them left out, the trials diverge again")
    notes += _from_system(settings, conclusion.cause)
    notes += _in_workers(settings, conclusion.cause)
    if conclusion.outside and conclusion.refused:
        notes.append("or the cause lies outside the known controls")
    if conclusion.is_partial:
        record = result_words.folder_name(str(settings.all[0].plan.record))
        notes.append(f"not every alternative was tried: samebits explain --alternatives {record}")
    if conclusion.minimal and why.cost is None:
        notes.append("the cost of the controls is not measured: the steps are too few or too short to be timed")
    if conclusion.minimal and not conclusion.outside:
        full = conclusion.rule.full
        tenth = words.probability(1 - 0.9**full)
        notes.append(
            f"a second cause that affects 1 run in 10 would have shown up in {full} trials with {tenth} probability"
        )
    return notes


def _in_workers(settings: SettingRecords, cause: Collection[str]) -> list[str]:
    """Return a note if tasks of joblib draw in other processes, which the seeds of the program do not reach."""
    events = [event for event in _events(settings, cause, "drew-in-worker") if event.get("place")]
    places = dict.fromkeys(f"{Path(event['place'][0]).name}:{event['place'][1]} ({event['id']})" for event in events)
    advice = "give the estimator a random_state, or set a seed in the function that they run"
    return [f"worker processes draw random numbers for {listed(places)}: {advice}"] if places else []


def _from_system(settings: SettingRecords, cause: Collection[str]) -> list[str]:
    """Return a note for each control of the cause whose lines to paste do not reach all seeds of the program."""
    events = _events(settings, cause, "from-system")
    places = {name: list(dict.fromkeys(str(e.get("place")) for e in events if e.get("id") == name)) for name in cause}
    return [
        f"the lines for {name} do not reach {words.first_few(some, MOST_KNOWN)}: a seed or a generator without a value "
        "takes one from the system. Set a seed there"
        for name, some in places.items()
        if some
    ]


def _events(settings: SettingRecords, cause: Collection[str], name: str) -> list[dict[str, Any]]:
    """Return the events of a name about the controls of the cause, from the trials that held it."""
    trials = settings.setting(cause).experiment.record.trials if cause else []
    events = [event for trial in trials for process in trial.processes for event in process.events_named(name)]
    return [event for event in events if event.get("id") in cause]


def fixes(names: Sequence[str], loaded: Collection[str], seed: int, command: Sequence[str]) -> list[Fix]:
    """Return the lines for these controls. `loaded`: the libraries of the program. `command`: that of the trials."""
    filling = {"{seed}": str(seed), "{command}": shlex.join(command)}
    return [
        Fix(
            control=name, library=edit.library, where=edit.where, lines=[_filled(line, filling) for line in edit.lines],
            instead=edit.instead and place > 0,
        )
        for name in names
        for place, edit in enumerate(e for e in controls.describe(name).edits if not e.library or e.library in loaded)
    ]  # fmt: skip


def _filled(line: str, filling: Mapping[str, str]) -> str:
    for sign, word in filling.items():
        line = line.replace(sign, word)
    return line
