"""Puts seeds before the first draw and into calls without a seed. It prefers the framework's own function."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import NamedTuple

from samebits import controls
from samebits.patches.insertion import InsertionPoint, worded
from samebits.patches.program import LineChange, Program, ProgramCall
from samebits.patches.source import TextEdit, touches

_EVERY = frozenset(("python-seed", "numpy-seed", "torch-seed", "cuda-seed", "tf-seed"))
_TORCH = frozenset(("python-seed", "numpy-seed", "torch-seed", "cuda-seed"))
_KERAS = frozenset(("python-seed", "numpy-seed", "tf-seed"))


class SeedCall(NamedTuple):
    """A function that seeds several generators. `modules`: names of its library. `covers`: the controls it replaces.

    It would give all ranks the same random numbers. `set_seed` of Accelerate can differ from rank to rank, but for that
    it makes the state of Accelerate with its defaults: a later `Accelerator(mixed_precision="bf16")` fails.
    """

    modules: tuple[str, ...]
    function: str
    arguments: str
    covers: frozenset[str]


CALLS = (
    SeedCall(
        ("lightning.pytorch", "lightning.fabric", "lightning", "pytorch_lightning", "lightning_fabric"),
        "seed_everything", "{seed}, workers=True", _TORCH,
    ),
    SeedCall(("transformers",), "set_seed", "{seed}", _EVERY),
    SeedCall(("accelerate.utils",), "set_seed", "{seed}", _TORCH),
    SeedCall(("keras", "tensorflow.keras"), "utils.set_random_seed", "{seed}", _KERAS),
)  # fmt: skip
_KERAS_SINCE = (2, 7)  # the first version with set_random_seed
_NAMES = ("seed", "x", "entropy", "a")  # names of the parameter that takes the seed
# functions that take a seed from the system if they get none, or None; this undoes an earlier seed
_GLOBAL = {"random.seed": "python-seed", "numpy.random.seed": "numpy-seed"}
_OF_NUMPY = frozenset(
    f"numpy.random.{name}"
    for name in ("default_rng", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
)
_OF_PYTHON = frozenset(("random.Random",))


def is_seed(name: str) -> bool:
    """Return whether a control is the seed of a global generator."""
    return name in _EVERY


def generators(names: Iterable[str]) -> set[str]:
    """Return the generators of these controls, by the names of their states."""
    states = {state for name in names for state in controls.describe(name).generators}
    return states | ({"python"} if "tf-seed" in names else set())  # Keras 3 draws the seeds of its layers from `random`


def with_own_seed(program: Program) -> Program:
    """Return the program with the first seed that one of its lines gives as a number, if there is one."""
    for call in program.calls:
        values = [word.value for word in call.node.keywords if word.arg in ("seed", "random_state")]
        function = getattr(call.node.func, "attr", getattr(call.node.func, "id", ""))
        if "seed" in function or call.name in _OF_NUMPY | _OF_PYTHON:
            values += call.node.args[:1]
        for value in values:
            number = _number(call.source.tree, value)
            if number is not None:
                place = f"{program.shown(call.source.path)}:{call.node.lineno}"
                return replace(program, seed=number, seed_place=place)
    return program


def _number(tree: ast.Module, value: ast.expr) -> int | None:
    """Return the whole number that an expression stands for: a literal, or a name that the file assigns once."""
    if isinstance(value, ast.Name):
        names = [(node, name) for node in tree.body if isinstance(node, ast.Assign) for name in node.targets]
        values = [node.value for node, name in names if isinstance(name, ast.Name) and name.id == value.id]
        value = values[0] if len(values) == 1 else value
    number = value.value if isinstance(value, ast.Constant) else None
    return number if type(number) is int and number >= 0 else None


def seeds(program: Program, names: Collection[str], *, is_second: bool = False) -> list[LineChange]:
    """Return the changes that seed these generators; empty if one of them cannot be seeded.

    If only scikit-learn seems to draw, its calls get a random_state. `is_second`: that was not enough.
    """
    states = _random_states(program) if "numpy-seed" in names else []
    if states and list(names) == ["numpy-seed"] and not is_second:
        return states
    is_drawn = program.first(generators(names)) is not None
    made = python_generators(program, may_be_none=not is_drawn) if "python-seed" in names else []
    if made and not is_drawn:
        return made
    made += states
    rest = list(names)
    for name in names:
        changes, is_first = _seeds_of_the_system(program, name)
        made += changes
        if is_first:
            rest.remove(name)
    before = _before_the_first_draw(program, rest) if rest else []
    return [*before, *made] if before or not rest else []


# -- before the first draw --------------------------------------------------------------------------------------------


def _before_the_first_draw(program: Program, names: Collection[str]) -> list[LineChange]:
    source = program.main
    if source is None:
        return []
    point = program.point(program.first(generators(names)), source)
    edit = point.edit(_lines(program, point, names))
    return [LineChange("+".join(names), source, edit, "seeds before the first draw")] if edit is not None else []


def _lines(program: Program, point: InsertionPoint, names: Collection[str]) -> list[str]:
    for call in CALLS if not program.has_ranks else ():
        if call.covers.issuperset(names) and _is_there(program, call):
            lines = _in_its_words(point, call, program.seed)
            if lines:
                return lines
    each = [line for name in names for line in _plain(program, point, name)]
    return list(dict.fromkeys(each))


def _is_there(program: Program, call: SeedCall) -> bool:
    """Return whether the program's version of a library has a function."""
    version = program.packages.get("keras") or program.packages.get("tensorflow") or "0"
    return "keras" not in call.modules or tuple(map(int, re.findall(r"\d+", version)[:2])) >= _KERAS_SINCE


def _in_its_words(point: InsertionPoint, call: SeedCall, seed: int) -> list[str]:
    """Return the call with the program's names; empty if the program has not imported the library before this place."""
    arguments, imported = call.arguments.format(seed=seed), point.names.values()
    for module in call.modules:
        if module in imported or f"{module}.{call.function}" in imported:
            return [f"{point.alias(f'{module}.{call.function}')}({arguments})"]
    for module in call.modules:
        if any(dotted.startswith(f"{module}.") for dotted in imported):
            return worded([f"{module}.{call.function}({arguments})"], point)
    return []


def _plain(program: Program, point: InsertionPoint, name: str) -> list[str]:
    """Return the control's own lines: for a library that the program has imported, or else for a loaded one."""
    edits = [edit for edit in controls.describe(name).edits if not edit.library or edit.library in program.packages]
    edits.sort(key=lambda edit: not (edit.library and point.alias(edit.library)))
    return worded([line.replace("{seed}", program.seed_words) for line in edits[0].lines], point) if edits else []


# -- calls without a seed ---------------------------------------------------------------------------------------------


def numpy_generators(program: Program) -> list[LineChange]:
    """Add a seed to each generator of NumPy without one. If all have one, add it where the seed may be None."""
    without = _without_a_seed(program, "numpy-generator", _OF_NUMPY)
    return without or _without_a_seed(program, "numpy-generator", _OF_NUMPY, may_be_none=True)


def python_generators(program: Program, *, may_be_none: bool) -> list[LineChange]:
    """Add a seed to each random.Random() without one. `may_be_none`: if all have one, also where it may be None."""
    without = _without_a_seed(program, "python-seed", _OF_PYTHON)
    return without or _without_a_seed(program, "python-seed", _OF_PYTHON, may_be_none=may_be_none)


def _without_a_seed(
    program: Program, control: str, names: frozenset[str], *, may_be_none: bool = False
) -> list[LineChange]:
    """Add a seed to each of these calls that has none. `may_be_none`: also if its seed may be None."""
    calls = [call for call in program.calls if call.name in names]
    edits = [(call, _seed_edit(call, program.seed, may_be_none=may_be_none)) for call in calls]
    return [LineChange(control, call.source, edit, f"a seed for {call.name}") for call, edit in edits if edit]


def _seed_edit(call: ProgramCall, seed: int, *, may_be_none: bool) -> TextEdit | None:
    """Return the edit that gives a call its seed; None if it has one. `may_be_none`: also if the seed may be None."""
    node, source = call.node, call.source
    values = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg in _NAMES)]
    if any(keyword.arg is None for keyword in node.keywords):  # `**given` may hold a seed
        return None
    if not values:
        at = source.text.index("(", source.span(node.func)[1]) + 1
        return TextEdit(at, at, f"{seed}, " if node.keywords else str(seed))
    value = values[0]
    if isinstance(value, ast.Constant) and value.value is None:
        return TextEdit(*source.span(value), str(seed))
    if may_be_none and isinstance(value, ast.Name | ast.Attribute | ast.Subscript):
        text = source.text_of(value)
        return TextEdit(*source.span(value), f"{seed} if {text} is None else {text}")
    return None


def _seeds_of_the_system(program: Program, control: str) -> tuple[list[LineChange], bool]:
    """Return (changes to the calls that seed a generator from the system, whether it is seeded before all else).

    The first seed may be None even if the call names one: `random.seed(args.seed)`.
    """
    draw = program.first(controls.describe(control).generators)
    path, line = draw.places[0] if draw is not None else (None, 0)
    changes, first = [], False
    for call in program.calls:
        if _GLOBAL.get(call.name) != control:
            continue
        is_first = call.source.path == path and touches(call.node, {line})
        edit = _seed_edit(call, program.seed, may_be_none=is_first)
        if edit is not None:
            changes.append(LineChange(control, call.source, edit, "a seed instead of one from the system"))
        first = first or is_first
    return changes, first


def _random_states(program: Program) -> list[LineChange]:
    """Add random_state= to each call of scikit-learn that drew from NumPy's generator without it."""
    wanted = {name for draw in program.look.draws if draw.generator == "numpy" for name in draw.unseeded}
    return [
        LineChange("numpy-seed", call.source, _random_state(call, program.seed), "a random_state")
        for call in program.calls
        if call.name.rpartition(".")[2] in wanted
        and not any(keyword.arg in ("random_state", None) for keyword in call.node.keywords)
    ]


def _random_state(call: ProgramCall, seed: int) -> TextEdit:
    node, source = call.node, call.source
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    start = source.text.index("(", source.span(node.func)[1]) + 1
    at = max([start, *(source.span(argument)[1] for argument in arguments)])
    return TextEdit(at, at, f"{', ' if arguments else ''}random_state={seed}")
