"""What was found, as the document that is kept: the cause, the evidence, the lines to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits import words
from samebits.explain import telling
from samebits.explain.deciding import Rule
from samebits.explain.fixes import fixes
from samebits.explain.searching import Found, is_in_force
from samebits.explain.setting import Setting
from samebits.explain.trying import Trying
from samebits.explanation import Evidence, Explanation, State
from samebits.model import Result
from samebits.reports import wording
from samebits.words import listed

if TYPE_CHECKING:
    from samebits.explain.explaining import Why

MOST_KNOWN = 3  # settings that are named where the search was ended midway


def nothing(result: Result) -> Explanation:
    """Of trials that repeat."""
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


def explanation(trying: Trying, why: Why, operator: str | None, seconds: float) -> Explanation:
    """Of trials that part."""
    found = why.found
    first = trying.all[0].result
    loaded = set(first.setup.packages) if first else set()
    return Explanation(
        cause=found.cause,
        operator=operator,
        minimal_controls=found.minimal,
        cost=why.cost,
        evidence=[_row(setting, found.rule) for setting in trying.all],
        outside_known_controls=found.outside,
        sentence=_sentence(trying, found),
        not_applicable=found.refused,
        without_effect=found.idle,
        needed=found.rule.full,
        chance=found.rule.chance,
        compared=why.confirmed.words if why.confirmed else "",
        fixes=fixes(found.cause, loaded, trying.all[0].plan.seed, trying.all[0].plan.request.command),
        notes=_notes(trying, why),
        seconds=seconds,
    )


def unfinished(trying: Trying, seconds: float) -> Explanation:
    """What is known while the search goes on; nothing is accepted as a cause before its end."""
    agreeing = [setting for setting in trying.all[1:] if _state(setting) == "open" and setting.number > 1]
    agreeing.sort(key=lambda setting: (len(setting.plan.controls), -setting.number))
    known = [
        f"{telling.held_words(trying.added(setting), trying.everything)}: {setting.number} trials repeat"
        for setting in agreeing[:MOST_KNOWN]
    ]
    tried = words.count(len(trying.all), "setting")
    so_far = "; ".join(known) or f"{tried} tried, of which none repeats"
    return Explanation(
        cause=[],
        minimal_controls=[],
        evidence=[_row(setting) for setting in trying.all],
        sentence=f"Not known: the search has not come to its end. So far: {so_far}.",
        seconds=seconds,
        unfinished=True,
    )


def _row(setting: Setting, rule: Rule | None = None) -> Evidence:
    seen = setting.seen()
    idle = [name for name in setting.plan.controls if not is_in_force(seen.effect.get(name, (True, "")))]
    divergence = setting.result.divergence if setting.result else None
    return Evidence(
        controls=[name for name in setting.plan.controls if name not in idle],
        trials=setting.number,
        groups=len(seen.groups),
        state=_state(setting, rule),
        part=" > ".join(wording.path(divergence)) if divergence else "",
        why=seen.broke or seen.unclear,
        without_effect=idle,
        steps=setting.steps,
        seconds=setting.seconds,
        record=str(setting.plan.record),
    )


def _state(setting: Setting, rule: Rule | None = None) -> State:
    """What its trials say; without a rule it is not told how many must agree."""
    seen = setting.seen()
    if seen.broke:
        return "broke"
    if seen.unclear:
        return "unclear"
    if seen.where is not None:
        return "parted"
    return "agreed" if rule is not None and seen.agrees(rule.full) else "open"


def _sentence(trying: Trying, found: Found) -> str:
    first, cause = trying.look([], 0), found.cause
    outcomes = words.count(len(first.groups), "outcome")
    without = f"without, {words.count(first.trials, 'trial')} end in {outcomes}"
    if found.outside and cause:
        return f"{listed(cause)} pins what differs first; what differs later lies outside the known controls."
    if found.outside:
        held = words.count(len(found.everything), "control")
        if found.refused:
            unfit = listed(sorted(found.refused))
            return f"With {held} held the trials still part; it may be {unfit}, with which the program does not run."
        return f"Outside the known controls: with the {held} held that take effect here, the trials still part."
    if not cause:
        return "No set of controls was found with which the trials agree."
    agree = trying.look(cause, 0).trials
    return f"{listed(cause)}: with {'it' if len(cause) == 1 else 'them'} held, {agree} of {agree} repeat; {without}."


def _notes(trying: Trying, why: Why) -> list[str]:
    found = why.found
    unclear = [seen.unclear for setting in trying.all if (seen := setting.seen()).unclear]
    notes = [f"{words.count(len(unclear), 'setting')} gave no answer: {unclear[0]}"] if unclear else []
    if len(found.cause) > 1:
        notes.append("each is needed: with any one of them left out, the trials part again")
    if found.outside and found.refused:
        notes.append("or it lies outside the known controls")
    if found.minimal and not why.cost:
        notes.append("what the controls cost is not told: the steps are too few or too short to be timed")
    if found.minimal and not found.outside:
        full = found.rule.full
        tenth = words.times_in_100(1 - 0.9**full)
        notes.append(f"a further source that one run in ten shows would have been noticed {tenth} in {full} trials")
    return notes
