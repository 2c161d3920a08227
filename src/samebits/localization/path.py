"""Finds the path from the step to the first difference, always within one inspection. Pure functions.

If trials did not execute the same, it shows the difference as a diff tool does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

from samebits.documents import FirstOutput, Place
from samebits.localization import first_difference, phrases
from samebits.localization.first_difference import MODULES, OPERATORS, First, Unlike
from samebits.localization.inspection import EntryKey, Execution, InspectedTrials
from samebits.model import Divergence

AROUND = 3  # common lines that are shown before and after a difference
MOST = 12  # lines of one difference


def diff_lines(a: Sequence[str], b: Sequence[str]) -> list[str]:
    """Return the first difference of two sequences as lines: " " in both, "-" in the first only, "+" in the second."""
    shared = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if shared == len(a) == len(b):
        return []
    before = [f"  {line}" for line in a[max(0, shared - AROUND) : shared]]
    window = MOST * 4  # lines further on belong to a later difference
    rest_a, rest_b = a[shared : shared + window], b[shared : shared + window]
    lines = before
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, rest_a, rest_b, autojunk=False).get_opcodes():
        if tag == "equal" and len(lines) > len(before):
            return lines + [f"  {line}" for line in rest_a[i1 : min(i2, i1 + AROUND)]]
        lines = lines + _cut([f"- {line}" for line in rest_a[i1:i2]]) + _cut([f"+ {line}" for line in rest_b[j1:j2]])
    return lines


def _cut(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MOST else [*lines[:MOST], f"{lines[0][0]} ... and {len(lines) - MOST:,} more"]


def entry_line(key: EntryKey) -> str:
    """Write an entry as one line."""
    inside = f"  in {key.module}" if key.module else ""
    return f"{key.phase:<8} {key.what} {key.name or '(the model)'}{inside}"


_HIDDEN = "were traced, and all their operators gave the same outputs. Tracing slows execution and can hide a race."
SIDES = "-: one trial only; +: the other only. Both trials were inspected."
_INSIDE = ("forward", "gradient", "update", "structure")


@dataclass(frozen=True)
class Way:
    """The place at which trials of one inspection diverged. `unlike`: set if they did not execute the same.

    Then neither a module nor an operator is named. `diff`: the difference between what two trials executed.
    """

    where: Divergence
    module: FirstOutput | None = None
    operator: FirstOutput | None = None
    unlike: Unlike | None = None
    diff: list[str] = field(default_factory=list)

    @property
    def is_unlike(self) -> bool:
        """Whether the trials did not execute the same."""
        return self.unlike is not None

    def path(self) -> list[Place]:
        """Return the places from the step on."""
        if self.unlike is not None:
            return phrases.unlike_places(self.where, self.unlike)
        return phrases.path(self.where, self.module, self.operator)

    def sentence(self) -> str:
        """Return the answer in one sentence."""
        if self.unlike is not None:
            return phrases.unlike_sentence(self.path(), self.unlike)
        return phrases.sentence(self.where, self.path(), self.operator)


def of_modules(where: Divergence, trials: Sequence[Execution]) -> Way:
    """Return the path that an inspection of modules shows."""
    found = first_difference.earliest(trials, what=MODULES)
    if phrases.is_setting(where):
        return Way(where)
    if isinstance(found, Unlike):
        return _unlike(where, found)
    return Way(where, phrases.executed(found) if found is not None else None)


def of_operators(before: Way, looked: InspectedTrials) -> tuple[Way, list[str]]:
    """Return (the path that an inspection of operators shows, notes on it); the path `before` if it shows none."""
    again = looked.divergence
    if again is not None and (again.kind not in _INSIDE or again.step != before.where.step):
        place = f"step {again.step:,} > {again.kind} > {again.name}"
        said = f"The trials in which operators were traced diverged at {place}: the path shows the modules only."
        return before, [said]
    found = first_difference.earliest(looked.trials, what=OPERATORS)
    if found is None:
        return before, [_unseen(looked), *([SIDES] if before.diff else [])]
    if phrases.is_setting(before.where):
        return before, _setting_goes_in(found)
    if isinstance(found, Unlike):
        way = _unlike(again or before.where, _modules_of(found))
        return way, [*_other_way(before, way), SIDES]
    return _of_operator(before, again or before.where, found)


def _of_operator(before: Way, where: Divergence, found: First) -> tuple[Way, list[str]]:
    operator = phrases.executed(found)
    seen = first_difference.earliest(found.trials, what=MODULES)
    module = phrases.executed(seen) if isinstance(seen, First) else None
    way = Way(where, module, operator)
    said = _other_way(before, way)
    if not any(first_difference.of_sorts(one, MODULES) for one in found.trials):  # this inspection shows no modules
        agrees = before.unlike is None and (before.module is None or before.module.phase == operator.phase)
        way, said = (replace(way, module=before.module), []) if agrees else (way, _other_way(before, way))
    if found.unlike is None:
        return way, said
    unlike = _modules_of(found.unlike)
    said_before = phrases.unlike_words(unlike)
    note = f"The trials did different things before that, too: {said_before}. The operator got the same inputs."
    return replace(way, diff=_diff(unlike)), [*said, note, SIDES]


def _setting_goes_in(found: First | Unlike) -> list[str]:
    return [f"{phrases.goes_in(phrases.executed(found))}."] if isinstance(found, First) and found.given else []


def _unseen(looked: InspectedTrials) -> str:
    if not any(first_difference.of_sorts(seen, OPERATORS) for seen in looked.trials):
        return "Operators are not traced here: the path ends at the module."
    return f"{len(looked.trials)} trials {_HIDDEN}"


def _unlike(where: Divergence, found: Unlike) -> Way:
    return Way(where, unlike=found, diff=_diff(found))


def _diff(found: Unlike) -> list[str]:
    a, b = ([entry_line(entry.key) for entry in first_difference.of_sorts(seen, found.what)] for seen in found.trials)
    return diff_lines(a, b)


def _modules_of(found: Unlike) -> Unlike:
    """Return the difference between the called modules, if the trials ran operators of different modules."""
    if found.entry is not None and found.other is not None and found.entry.key.module == found.other.key.module:
        return found
    modules = first_difference.earliest(found.trials, what=MODULES)
    return modules if isinstance(modules, Unlike) else found


def _other_way(before: Way, way: Way) -> list[str]:
    """Return a note if two inspections, which ran different trials, name different places."""
    first, second = _place(before), _place(way)
    if first == second or (before.is_unlike and way.is_unlike):
        return []
    return [f"The two inspections, which ran different trials, do not agree. Modules: {first}. Operators: {second}."]


def _place(way: Way) -> str:
    if way.unlike is not None:
        return phrases.unlike_words(way.unlike)
    if way.module is None:
        return "no module diverged first"
    return f"the {phrases.WHAT[way.module.what]} of {way.module.name or way.module.type or 'the model'} diverged first"
