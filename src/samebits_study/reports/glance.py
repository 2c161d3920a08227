"""A study at a glance: each setup in a line, the whole in two sentences."""

from __future__ import annotations

from samebits import words
from samebits.reports.table import shown
from samebits.words import listed
from samebits_study.reports import measures, paper, phrases, spread
from samebits_study.results import SetupResult, StudyResult


def main_measure(setup: SetupResult, kind_of: str) -> str:
    """accuracy 98.99 ± 0.044 %; in how many trials it is undefined, and why. Empty where nothing was judged."""
    measure = measures.MAIN.get(kind_of)
    if measure is None or not setup.models:
        return ""
    values = measure.values(setup)
    missing = [why for value, why in map(measure.of, setup.models) if value is None]
    name, _, unit = measure.head.partition(" (")
    parts = [f"{shown(spread.spread(values, measure.digits))} {unit.rstrip(')')}"] if values else []
    if missing:
        where = f" in {words.count(len(missing), 'trial')}" if values else ""
        parts.append(f"undefined{where} ({'; '.join(dict.fromkeys(missing))})")
    return f"{name.lower()} {', '.join(parts)}"


def facts(setup: SetupResult, result: StudyResult, *, why: bool = True) -> list[str]:
    """Trials and models, where they diverge, what they are worth; `why`: and why it is not complete."""
    said = [
        f"{phrases.trials(setup, result)}, {phrases.models(setup)}" if setup.models else phrases.trials(setup, result)
    ]
    if setup.divergence:
        said.append(f"they diverge at {phrases.where(setup)}")
    elif phrases.sign(setup) == "?" and setup.models and setup.sentence:
        said.append(setup.sentence)
    said.append(main_measure(setup, phrases.kind(result)))
    said.append(setup.reason if why else "")
    return [part for part in said if part]


_COUNTED = (
    ("=", "gave the same bits in all trials"),
    ("!=", "gave different bits"),
    ("?", "gave no answer"),
)


def says(result: StudyResult) -> list[str]:
    """The study in sentences."""
    ran = phrases.done(result)
    signs = [phrases.sign(setup) for setup in ran]
    machines = ", ".join(spread.machines(ran)) or "no machine"
    parts = [f"{words.count(count, 'setup')} {what}" for one, what in _COUNTED
             if (count := signs.count(one))]  # fmt: skip
    return [
        f"{result.study} at the scale {result.scale}: {_trials(ran, result)} of "
        f"{words.count(len(ran), 'setup')}, {words.count(result.epochs, 'epoch')} each, on {machines}.",
        f"{listed(parts)}." if parts else "No setup was run.",
    ]


def _trials(ran: list[SetupResult], result: StudyResult) -> str:
    """How many trials there are of a setup: 7 trials; 2 to 7 trials where setups have different numbers."""
    numbers = [len(setup.models) for setup in ran] or [result.trials]
    few = f"{min(numbers):,} to " if min(numbers) < max(numbers) else ""
    return few + words.count(max(numbers), "trial")


def beyond(result: StudyResult) -> str:
    """The heading of the tables and figures that are not the paper's."""
    return "Beyond the paper" if result.study in paper.STUDIES else "Tables and figures"
