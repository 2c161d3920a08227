"""Finds the first difference within a step, and the path from the step to it. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import combinations

from samebits.documents import FirstOutput, Place
from samebits.localization import phrases
from samebits.localization.inspection import Entry, EntryKey, Execution, InspectedTrials
from samebits.model import Divergence

# -- the first module or operator whose outputs differ between trials -------------------------------------------------

Pair = tuple[str | None, str | None]  # fingerprints of two trials
Unset = dict[Pair, tuple[int, Entry, Entry]]  # memory that nobody wrote -> the place and the entries that allocated it

MODULES = ("module", "gradient")
OPERATORS = ("operator",)


@dataclass(frozen=True)
class First:
    """The place at which two trials with the same execution diverge. `at`: its number in the first trial's order.

    `output`: the number of the output of `entry` that differs. `reads`: if uninitialised memory is the cause, the entry
    that reads the memory that `entry` left uninitialised. `unlike`: an earlier place at which they did not execute the
    same, if it is not the cause.
    """

    at: int
    trials: tuple[Execution, Execution]
    entry: Entry
    other: Entry
    output: int = 0
    reads: Entry | None = None
    unlike: Unlike | None = None

    @property
    def given(self) -> list[tuple[str, str, str]]:
        """(name, the first trial's value, the second's) of each differing argument that is not a tensor."""
        mine, theirs = self.entry.given, self.other.given
        return [(name, mine[name], theirs[name]) for name in mine if name in theirs and mine[name] != theirs[name]]

    @property
    def inputs_equal(self) -> bool | None:
        """Whether the inputs are equal; None if they were not observed."""
        if self.given:
            return False
        if self.entry.inputs is None or self.other.inputs is None:
            return None
        return self.entry.inputs == self.other.inputs or self.reads is not None

    @property
    def is_its_own(self) -> bool:
        """Whether the entry itself is the cause: it has inputs, they are equal, and it draws no random numbers."""
        return bool(self.inputs_equal and self.entry.inputs) and not self.entry.random


@dataclass(frozen=True)
class Unlike:
    """The place at which two trials did not execute the same.

    `entry`, `other`: the entry of each trial at this place; None if the trial had ended. `matters`: whether later
    entries that both trials have differ in their outputs.
    """

    at: int
    trials: tuple[Execution, Execution]
    entry: Entry | None
    other: Entry | None
    what: tuple[str, ...]
    matters: bool = True


def groups(trials: Sequence[Execution]) -> list[list[Execution]]:
    """Group the trials that executed the same with the same outputs. Larger groups come first.

    A view only shows existing memory: it has no output of its own.
    """
    by_entries: dict[tuple[object, ...], list[Execution]] = {}
    for execution in trials:
        key = tuple((entry.key, () if entry.view else entry.prints) for entry in execution.entries)
        by_entries.setdefault(key, []).append(execution)
    return sorted(by_entries.values(), key=lambda group: -len(group))


def earliest(trials: Sequence[Execution], *, what: tuple[str, ...]) -> First | Unlike | None:
    """Return the earliest place at which any two trials diverge, among entries of these sorts; None if there is none.

    A place at which they did not execute the same comes last if it does not matter.
    """
    ones = [group[0] for group in groups(trials)]
    places = [first for first in (_first(a, b, what) for a, b in combinations(ones, 2)) if first is not None]
    return min(places, key=lambda item: (isinstance(item, Unlike) and not item.matters, item.at), default=None)


def _first(a: Execution, b: Execution, what: tuple[str, ...]) -> First | Unlike | None:
    mine, theirs = of_sorts(a, what), of_sorts(b, what)
    unlike = _unlike((a, b), mine, theirs, what)
    unset: Unset = {}
    for at, x, y in _entry_pairs(mine, theirs):
        left = _left_unset(at, x, y, unset)
        if left is not None:
            unset.update((pair, left) for pair in _unequal(x, y))
        elif x.prints != y.prints and not _only_shows(x, y):
            first = _caused(First(at, (a, b), x, y, _output(x, y)), unset)
            if unlike is None or at < unlike.at:
                return first
            return replace(first, unlike=unlike) if first.is_its_own else unlike
    return replace(unlike, matters=False) if unlike is not None else None


def of_sorts(execution: Execution, what: Sequence[str]) -> list[Entry]:
    """Return the entries of some sorts, in order."""
    return [entry for entry in execution.entries if entry.key.what in what]


def _unlike(
    trials: tuple[Execution, Execution], a: list[Entry], b: list[Entry], what: tuple[str, ...]
) -> Unlike | None:
    """Return the first place at which the trials did not execute the same."""
    same = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x.key != y.key), min(len(a), len(b)))
    if same == len(a) == len(b):
        return None
    left, right = (entries[same] if same < len(entries) else None for entries in (a, b))
    return Unlike(same, trials, left, right, what)


def _entry_pairs(a: list[Entry], b: list[Entry]) -> Iterator[tuple[int, Entry, Entry]]:
    """Yield (place, entry, the other trial's entry) for everything that both executed, in order."""
    keys = [[entry.key for entry in entries] for entries in (a, b)]
    same = next((at for at, (x, y) in enumerate(zip(*keys, strict=False)) if x != y), min(len(a), len(b)))
    yield from ((at, a[at], b[at]) for at in range(same))
    rest_a, rest_b = (some[same:] for some in keys)
    for i, j, length in SequenceMatcher(None, rest_a, rest_b, autojunk=False).get_matching_blocks():
        yield from ((same + i + k, a[same + i + k], b[same + j + k]) for k in range(length))


def _output(entry: Entry, other: Entry) -> int:
    pairs = zip(entry.prints, other.prints, strict=False)
    return next((number for number, (x, y) in enumerate(pairs) if x != y), 0)


def _unequal(x: Entry, y: Entry) -> list[Pair]:
    pairs = [(p.print, q.print) for p, q in zip(x.outputs, y.outputs, strict=False)]
    return [(p, q) for p, q in pairs if p != q]


def _argument_pairs(x: Entry, y: Entry) -> list[Pair]:
    """Return the pairs of tensor arguments that differ."""
    return [(p, q) for p, q in zip(x.inputs or (), y.inputs or (), strict=False) if p != q]


def _left_unset(at: int, x: Entry, y: Entry, unset: Unset) -> tuple[int, Entry, Entry] | None:
    """Return the entry that left the outputs uninitialised: this one, or the one that allocated this view's memory."""
    if x.unset and y.unset and x.prints == y.prints:
        return at, x, y
    if not x.view or not y.view or x.given != y.given:
        return None
    taken = _argument_pairs(x, y)
    return unset[taken[0]] if taken and all(pair in unset for pair in taken) else None


def _only_shows(x: Entry, y: Entry) -> bool:
    """Return whether both are views of memory that differs.

    A view is not reported: its reader tells more, and a later entry may still write that memory.
    """
    return x.view and y.view and x.given == y.given and x.inputs != y.inputs


def _caused(first: First, unset: Unset) -> First:
    """Return the operator that left memory uninitialised instead, if the difference came from that memory."""
    sources = [unset[pair] for pair in _argument_pairs(first.entry, first.other) if pair in unset]
    if not sources or first.given:
        return first
    at, entry, other = min(sources, key=lambda source: source[0])
    return First(at, first.trials, entry, other, reads=first.entry)


# -- the path from the step to it, always within one inspection -------------------------------------------------------

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
    first = earliest(trials, what=MODULES)
    if phrases.is_setting(where):
        return Way(where)
    if isinstance(first, Unlike):
        return _way_of_unlike(where, first)
    return Way(where, phrases.executed(first) if first is not None else None)


def of_operators(before: Way, inspected: InspectedTrials) -> tuple[Way, list[str]]:
    """Return (the path that an inspection of operators shows, notes on it); the path `before` if it shows none."""
    again = inspected.divergence
    if again is not None and (again.kind not in _INSIDE or again.step != before.where.step):
        place = f"step {again.step:,} > {again.kind} > {again.name}"
        note = f"The trials in which operators were traced diverged at {place}: the path shows the modules only."
        return before, [note]
    first = earliest(inspected.trials, what=OPERATORS)
    if first is None:
        return before, [_unseen(inspected), *([SIDES] if before.diff else [])]
    if phrases.is_setting(before.where):
        return before, _setting_goes_in(first)
    if isinstance(first, Unlike):
        way = _way_of_unlike(again or before.where, _modules_of(first))
        return way, [*_other_way(before, way), SIDES]
    return _of_operator(before, again or before.where, first)


def _of_operator(before: Way, where: Divergence, first: First) -> tuple[Way, list[str]]:
    operator = phrases.executed(first)
    outer = earliest(first.trials, what=MODULES)
    module = phrases.executed(outer) if isinstance(outer, First) else None
    way = Way(where, module, operator)
    notes = _other_way(before, way)
    if not any(of_sorts(execution, MODULES) for execution in first.trials):  # this inspection shows no modules
        agrees = before.unlike is None and (before.module is None or before.module.phase == operator.phase)
        way, notes = (replace(way, module=before.module), []) if agrees else (way, _other_way(before, way))
    if first.unlike is None:
        return way, notes
    unlike = _modules_of(first.unlike)
    said_before = phrases.unlike_words(unlike)
    note = f"The trials did different things before that, too: {said_before}. The operator got the same inputs."
    return replace(way, diff=_diff(unlike)), [*notes, note, SIDES]


def _setting_goes_in(first: First | Unlike) -> list[str]:
    return [f"{phrases.goes_in(phrases.executed(first))}."] if isinstance(first, First) and first.given else []


def _unseen(inspected: InspectedTrials) -> str:
    if not any(of_sorts(execution, OPERATORS) for execution in inspected.trials):
        return "Operators are not traced here: the path ends at the module."
    return f"{len(inspected.trials)} trials {_HIDDEN}"


def _way_of_unlike(where: Divergence, unlike: Unlike) -> Way:
    return Way(where, unlike=unlike, diff=_diff(unlike))


def _diff(unlike: Unlike) -> list[str]:
    a, b = ([entry_line(entry.key) for entry in of_sorts(execution, unlike.what)] for execution in unlike.trials)
    return diff_lines(a, b)


def _modules_of(unlike: Unlike) -> Unlike:
    """Return the difference between the called modules, if the trials ran operators of different modules."""
    if unlike.entry is not None and unlike.other is not None and unlike.entry.key.module == unlike.other.key.module:
        return unlike
    modules = earliest(unlike.trials, what=MODULES)
    return modules if isinstance(modules, Unlike) else unlike


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
