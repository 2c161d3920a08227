"""What equal names mean in each library: signatures, and what optimizers and losses do with tiny inputs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from samebits import __version__, clock
from samebits.reports.table import EMPTY, Cell, Column, MissingValue, Table
from samebits.reports.tree import DOCUMENT, SIGNS, Report
from samebits.words import agree
from samebits_parity import sides
from samebits_parity.defaults import losses, optimizers, result
from samebits_parity.defaults.behaviour import Behaviour, BehaviourFinding
from samebits_parity.defaults.result import BehaviourComparison, Defaults, Measurement, Status
from samebits_parity.options import GROUPS, Group
from samebits_parity.report import Agreement, compared, parts
from samebits_parity.sides import Family, Side

__all__ = ["BEHAVIOURS", "LibraryAnswer", "behaviours", "compare", "concluded", "report"]

BEHAVIOURS: tuple[Behaviour, ...] = (*optimizers.BEHAVIOURS, *losses.BEHAVIOURS)
SCRIPTS = Path(__file__).parents[1] / "scripts"
SCRIPT: dict[Family, str] = {
    "keras2": "behaviour_keras.py", "keras3": "behaviour_keras.py", "tfkeras": "behaviour_keras.py",
    "pytorch": "behaviour_pytorch.py", "flax": "behaviour_jax.py",
}  # fmt: skip
UNMEASURED: tuple[Status, ...] = ("none", "failed")
AT_ONCE = 2  # libraries at a time; each takes a core


class LibraryAnswer(NamedTuple):
    """What a library answered; `why` if it gave no answer."""

    side: Side
    said: dict[str, Any] | None
    why: str = ""


def behaviours(groups: tuple[Group, ...]) -> list[Behaviour]:
    """Return the behaviours of some groups, in the order of the table."""
    return [behaviour for behaviour in BEHAVIOURS if behaviour.group in groups]


def compare(names: list[str], groups: tuple[Group, ...], note: Callable[[str], None]) -> Defaults:
    """Measure everything, and return it as a document. `names`: of sides; none for all that are installed.

    `note`: is told what is going on. Raises UsageError, NotFoundError if a library that is named is not installed,
    LibraryFailure if it ended badly.
    """
    asked = sides.named(names)
    if names:
        for side in asked:
            sides.interpreter(side)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda side: _asked(side, groups, note, strict=bool(names)), asked))
    return concluded(answers, groups)


def _asked(side: Side, groups: tuple[Group, ...], note: Callable[[str], None], *, strict: bool) -> LibraryAnswer:
    if side.family not in SCRIPT:
        return LibraryAnswer(side, None, f"{side.id} has no optimizers and no losses. flax is measured with optax.")

    def measured() -> LibraryAnswer:
        note(f"measuring {side.id}")
        return _measured(side, groups)

    found, why = sides.attempt(side, measured, is_named=strict)
    return found or LibraryAnswer(side, None, why)


def _measured(side: Side, groups: tuple[Group, ...]) -> LibraryAnswer:
    """Measure the behaviours. Two behaviours with the same question are measured once."""
    keys = {one.id: json.dumps(one.ask) for one in behaviours(groups)}
    request = {
        "asks": {key: json.loads(key) for key in dict.fromkeys(keys.values())},
        "classes": result.asked(side, groups),
    }
    said = sides.run_script(side, SCRIPTS / SCRIPT[side.family], request)
    return LibraryAnswer(side, {**said, "measured": {id: said["measured"][key] for id, key in keys.items()}})


def concluded(answers: list[LibraryAnswer], groups: tuple[Group, ...]) -> Defaults:
    """Return the document of what libraries answered."""
    told = [answer for answer in answers if answer.said is not None]
    measured = [measurement(one, answer) for one in behaviours(groups) for answer in told]
    compared = [_compared(one, [line for line in measured if line.behaviour == one.id]) for one in behaviours(groups)]
    verdict, sentence = judged(compared, [answer.side.id for answer in told])
    return Defaults(
        samebits=__version__,
        created=clock.date(),
        verdict=verdict,
        sentence=sentence,
        versions={answer.side.id: answer.said["version"] for answer in told if answer.said},
        behaviours=compared,
        measured=measured,
        signatures=[line for one in told if one.said for line in result.read(one.side, one.said["signatures"])],
        notes=[answer.why for answer in answers if answer.why],
    )


def measurement(behaviour: Behaviour, answer: LibraryAnswer) -> Measurement:
    """Return what one library does, classified."""
    assert answer.said is not None
    said: dict[str, Any] = answer.said["measured"][behaviour.id]
    told: dict[str, Any] = {"behaviour": behaviour.id, "library": answer.side.id, "version": answer.said["version"]}
    if "numbers" not in said:
        status = next(status for status in UNMEASURED if status in said)
        return Measurement(**told, status=status, numbers=[], meaning=None, words=said[status], number=None)
    draws = [behaviour.classify(numbers) for numbers in said.get("draws", [said["numbers"]])]
    found, counts = draws[0], Counter(one.words for one in draws)
    if len(counts) > 1:
        each = ", ".join(f"{words} in {number} of {len(draws)}" for words, number in counts.most_common())
        found = BehaviourFinding("drawn", f"not the same each time: {each}")
    return Measurement(**told, status="measured", numbers=said["numbers"], meaning=found.meaning, words=found.words,
                       number=found.number)  # fmt: skip


def _compared(behaviour: Behaviour, lines: list[Measurement]) -> BehaviourComparison:
    """Compare the libraries. If a library does not have something, or failed at it, that is not a difference."""
    meanings = [line.meaning for line in lines if line.meaning is not None]
    differs = len(set(meanings)) > 1 if len(meanings) > 1 else None
    return BehaviourComparison(behaviour=behaviour.id, group=behaviour.group, words=behaviour.words, differs=differs)


def judged(compared: list[BehaviourComparison], libraries: list[str]) -> tuple[Agreement, str]:
    """Return the verdict, in a sentence."""
    asked = [line for line in compared if line.differs is not None]
    if not compared:
        return "unknown", "Nothing was compared: samebits shows the signatures of layers, and does not measure them."
    if not asked:
        here = f"only {libraries[0]} was measured" if len(libraries) == 1 else "no library could be measured"
        return "unknown", f"Nothing could be compared: {here if len(libraries) < 2 else 'they share no behaviour'}."
    count = sum(bool(line.differs) for line in asked)
    between = " and ".join(filter(None, [", ".join(libraries[:-1]), libraries[-1]]))
    of = " and ".join(dict.fromkeys(line.group for line in asked))
    said = f"{count} of {len(asked)} behaviours of {of} {agree(count, 'differs', 'differ')} between {between}."
    return "differ" if count else "agree", said


MARKS: dict[bool | None, str] = {True: SIGNS["diverged"], False: SIGNS["repeated"], None: EMPTY}
HOW = (
    "A number in brackets is one of the outputs by which samebits identified the meaning. A number alone is a default. "
    "'none': the library has no such behaviour."
)
WHERE = "The Markdown, HTML and JSON reports (--md, --html, --json) show the signatures side by side."


def report(found: Defaults) -> Report:
    """Return the whole report: behaviours and, if there is room for them, signatures."""
    seen = {line.group for line in found.behaviours} | {line.group for line in found.signatures}
    groups = [group for group in GROUPS if group in seen]
    versions = ", ".join(f"{library} {version}" for library, version in found.versions.items())
    tables = [_behaviour_table(found, group) for group in groups] + [_signature_table(found, group) for group in groups]
    shown = [table for table in tables if table.rows and found.versions]
    made = compared(
        "What equal names mean in each library",
        found.verdict,
        found.sentence,
        found,
        parts([("libraries", versions or "none")], shown, found.notes, WHERE if shown else ""),
    )
    return replace(made, created=found.created)


def _behaviour_table(found: Defaults, group: Group) -> Table:
    rows = [_row(found, line) for line in found.behaviours if line.group == group]
    columns = (Column("behaviour", wide=True), Column(""), *(Column(name, wide=True) for name in found.versions))
    return Table(group, f"What {group} do", columns, tuple(rows), (HOW,))


def _row(found: Defaults, line: BehaviourComparison) -> tuple[Cell, ...]:
    cells = (_cell(found.of(line.behaviour, library)) for library in found.versions)
    return (line.words, MARKS[line.differs], *cells)


def _cell(line: Measurement | None) -> Cell:
    if line is None or line.status == "none":
        return MissingValue("none")
    if line.status != "measured":
        return MissingValue(line.status, line.words)
    return line.words if line.number is None else f"{line.words} ({line.number:.4g})"


def _signature_table(found: Defaults, group: Group) -> Table:
    names = [name for name, row in result.COUNTERPARTS.items() if row[0] == group]
    rows = [row for name in names for row in _of_class(name, found)]
    columns = (
        Column("class"), Column("parameter"), Column(""), *(Column(library, wide=True) for library in found.versions),
    )  # fmt: skip
    title = f"Signatures of {group}: parameters and their defaults, as the installed libraries have them"
    return Table(f"signatures of {group}", title, columns, tuple(rows), on=DOCUMENT)


def _of_class(name: str, found: Defaults) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of a class: its parameters in each library."""
    each = {line.library: line.parameters for line in found.signatures if line.name == name}
    for row in dict.fromkeys(one.row for parameters in each.values() for one in parameters):
        here = {library: [one for one in each.get(library, []) if one.row == row] for library in found.versions}
        values = [repr(result.values(parameters)) for parameters in here.values() if parameters]
        cells = (result.cell(parameters) or MissingValue("none") for parameters in here.values())
        yield (name, row, MARKS[len(set(values)) > 1 if len(values) > 1 else None], *cells)
