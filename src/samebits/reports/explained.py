"""What `samebits explain` found, as lines: the cause, the evidence, what it costs, what to paste."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from samebits.explanation import Evidence, Explanation, Fix
from samebits.reports import wording
from samebits.reports.wording import INDENT

LABEL = 6
MOST_ROWS = 12  # of the evidence, on a terminal; the page has all
STATES = {
    "parted": "part",
    "agreed": "repeat",
    "open": "repeat so far",
    "broke": "does not run",
    "unclear": "no answer",
}


def lines(found: Explanation) -> list[str]:
    """For a terminal."""
    if not found.cause and len(found.evidence) == 1 and not (found.outside_known_controls or found.unfinished):
        return [f"{INDENT}{'why':<{LABEL}} {found.sentence}"]
    return [
        f"=> WHY: {found.sentence}",
        *_table([("held", "trials", "outcomes", ""), *map(_cells, _shown(found))]),
        *(f"{INDENT}{label:<{LABEL}} {said}" for label, said in (*_all_to_paste(found), *facts(found))),
    ]


def _all_to_paste(found: Explanation) -> list[tuple[str, str]]:
    return [line for fix in found.fixes for line in _to_paste(fix)]


def rows(found: Explanation) -> list[tuple[str, str, str, str]]:
    """The evidence, whole: what was held, trials, outcomes, what that says."""
    return [_cells((row, found)) for row in found.evidence]


def page(found: Explanation) -> dict[str, list[Any]]:
    """For the template of the page."""
    return {"rows": rows(found), "facts": list(facts(found)), "pasted": pasted(found)}


def _shown(found: Explanation) -> list[tuple[Evidence, Explanation]]:
    """Nothing held, everything held, the cause, what was tried with one member of it left out, other minimal sets."""
    told = [row for row in found.evidence if _tells(row, found)]
    return [(row, found) for row in told[:MOST_ROWS]]


def _tells(row: Evidence, found: Explanation) -> bool:
    added = _added(row, found)
    everything = _everything(found)
    sets = [set(names) for names in found.minimal_controls]
    if not added or added == everything or row.state == "broke":
        return True
    closed = [added >= names and len(added) <= len(names) + 1 for names in sets]
    fewer = [len(names) > 1 and added < names and len(added) == len(names) - 1 for names in sets]
    rest = bool(found.cause) and everything - added == {found.cause[0]}
    return any(closed) or any(fewer) or rest


def _everything(found: Explanation) -> set[str]:
    return max((_added(row, found) for row in found.evidence if row.state != "broke"), key=len, default=set())


def _added(row: Evidence, found: Explanation) -> set[str]:
    return set(row.controls) - set(found.evidence[0].controls)


def _cells(shown: tuple[Evidence, Explanation]) -> tuple[str, str, str, str]:
    row, found = shown
    says = STATES[row.state] + (f": {row.part}" if row.part else "") + (f": {row.why}" if row.why else "")
    if row.steps is not None and row.steps != found.evidence[0].steps:
        says += f" ({wording.counted(row.steps, 'step')})"
    return held(row, found), str(row.trials), str(row.groups or "-"), says


def held(row: Evidence, found: Explanation) -> str:
    """What was held, beside what the check held: by name, or by what was left out."""
    added, everything = _added(row, found), _everything(found)
    names = [name for name in row.controls if name in added]
    if not names:
        return "nothing" if not row.controls else "as it was"
    return wording.some_of(names, sorted(everything - added))


def _table(cells: Sequence[tuple[str, ...]]) -> list[str]:
    wide = [max(len(row[place]) for row in cells) for place in range(3)]
    return [
        f"{INDENT}{row[0]:<{wide[0]}}  {row[1]:>{wide[1]}}  {row[2]:>{wide[2]}}  {row[3]}".rstrip() for row in cells
    ]


def facts(found: Explanation) -> Iterator[tuple[str, str]]:
    """All that is said beside the evidence and the lines to paste: (label, words)."""
    yield from _of_sets(found)
    for name, why in found.not_applicable.items():
        yield "unfit", f"{name} was left out, the program does not run with it: {why}"
    for name, why in found.without_effect.items():
        yield "unheld", f"{name} counts as not held: {why}"
    yield from (("note", note) for note in found.notes)
    if found.needed:
        yield "rule", _rule(found)


def pasted(found: Explanation) -> list[tuple[str, str]]:
    """(where, lines) of what a program holds the cause with."""
    return [(fix.where, "\n".join(fix.lines)) for fix in found.fixes]


def _of_sets(found: Explanation) -> Iterator[tuple[str, str]]:
    for names in found.minimal_controls:
        if names != found.cause:
            yield "also", f"{_and(names)} would do as well"
    if found.operator:
        yield "blame", f"the operator {found.operator} gives other bits for the same inputs"
    for names in found.minimal_controls:
        ratio = found.cost.get("+".join(names))
        if ratio is not None:
            yield "cost", f"{_and(names)}: {ratio:.2f} times the step"
    if found.compared:
        yield "seen", f"{found.compared}, compared with {_and(found.cause)} held"


def _rule(found: Explanation) -> str:
    tried = sum(row.trials for row in found.evidence)
    chance = f" (one that does nothing passes in {100 * found.chance:.1g} of 100 searches)" if found.chance else ""
    took = f"{wording.counted(tried, 'trial')} in {wording.span(found.seconds)}"
    return f"{found.needed} trials must agree{chance}; {took}"


def _to_paste(fix: Fix) -> Iterator[tuple[str, str]]:
    yield "paste", f"{fix.where}:"
    yield from (("", f"  {line}") for line in fix.lines)


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)
