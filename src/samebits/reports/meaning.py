"""What a verdict says, and what it does not say: whole sentences for people who read only these."""

from __future__ import annotations

from samebits import words
from samebits.model import Result
from samebits.reports import result_words


def says(result: Result) -> list[str]:
    """What was seen."""
    return {"repeated": _repeated, "diverged": _diverged, "inconclusive": _inconclusive}[result.verdict](result)


def does_not_say(result: Result) -> list[str]:
    """What must not be concluded from it."""
    return [*_limits(result), *_scope_limits(result)]


def _equal_kinds(result: Result) -> str:
    kinds = [kind for kind, mark in result.judged.items() if mark == "="]
    return ", ".join(kinds)


def _repeated(result: Result) -> list[str]:
    kinds = _equal_kinds(result)
    first = f"{words.count(len(result.trials), 'trial')} of this setup, each in fresh processes, gave the same bits"
    return [f"{first}: {kinds}." if kinds else f"{first}.", result_words.detection(result)]


def _diverged(result: Result) -> list[str]:
    divergence = result.divergence
    lines = [f"{words.count(len(result.trials), 'trial')} of this setup gave {result_words.models(result)}."]
    if divergence is not None:
        what = result_words.KIND_WORDS[divergence.kind]
        lines.append(f"The first thing that differs is {divergence.kind} ({what}): {divergence.name or 'unnamed'}.")
        if kinds := _equal_kinds(result):
            lines.append(f"Up to there all was the same: {kinds}.")
    return [*lines, *(f"What still agrees: {said}." for said in (text.rstrip(".") for text in result.agrees))]


def _inconclusive(result: Result) -> list[str]:
    lines = ["The trials give no answer.", result_words.sentence(result)]
    return [*lines, *([f"What to do: {result.advice}"] if result.advice else [])]


def _limits(result: Result) -> list[str]:
    if result.verdict == "repeated":
        return [
            "That a further run must give the same bits: trials that agree show nothing beyond themselves.",
            "Anything about a different machine, version, number of threads or seed.",
            "That the model is right or good.",
        ]
    if result.verdict == "diverged":
        return [
            "Why they differ: the first difference is where it shows, which can be later than where it begins.",
            f"Whether it matters. Effect: {result_words.effect(result)}.",
            "That there are no further models: more trials may end in more models.",
        ]
    return ["That the bits are the same.", "That the training itself makes them differ."]


def _scope_limits(result: Result) -> list[str]:
    scope, lines = result.scope, []
    if scope.kind == "prefix" and result.verdict == "repeated":
        lines.append(f"Anything about the steps after the first {scope.steps_compared:,}.")
    unseen = dict.fromkeys([*scope.not_observed, *scope.unwatched])
    if unseen:
        lines.append(f"Anything about what was not observed: {'; '.join(unseen)}.")
    if any(control.took_effect is not True for control in result.setup.controls):
        loose = [control.id for control in result.setup.controls if control.took_effect is not True]
        lines.append(f"Anything about controls that were not seen to take effect: {', '.join(loose)}.")
    return lines
