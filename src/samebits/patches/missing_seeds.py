"""Adds seeds to calls that make or seed a generator without one, or with None: `default_rng()`, `seed(args.seed)`."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

from samebits import controls
from samebits.patches.program import Draw, LineChange, Program, ProgramCall
from samebits.patches.seed_values import NUMPY_GENERATORS
from samebits.patches.source import ImportedNames, SourceFile, TextEdit, touches

__all__ = ["numpy_generators", "numpy_generators_of_options", "python_generators", "seeded_again"]

_RANDOM = frozenset(("random.Random",))
_NAMES = ("seed", "x", "entropy", "a")  # of the first parameter of these functions
# function -> (the control of the generator that it seeds, the function that takes a seed). Without a seed, or if the
# seed is None, each takes one from the system. That undoes any earlier seed.
_FROM_THE_SYSTEM = {
    "random.seed": ("python-seed", ""),
    "numpy.random.seed": ("numpy-seed", ""),
    "torch.seed": ("torch-seed", "manual_seed"),
    "torch.random.seed": ("torch-seed", "manual_seed"),
}


def numpy_generators(program: Program) -> list[LineChange]:
    """Add a seed to each generator of numpy that is made without one."""
    return _seeded(program, "numpy-generator", NUMPY_GENERATORS)


def numpy_generators_of_options(program: Program) -> list[LineChange]:
    """Add a seed also to each generator whose seed may be None. Returns an empty list if there is no such generator."""
    every = _seeded(program, "numpy-generator", NUMPY_GENERATORS, may_be_none=True)
    return every if every != numpy_generators(program) else []


def python_generators(program: Program, *, may_be_none: bool = False) -> list[LineChange]:
    """Add a seed to each random.Random() without one. `may_be_none`: also if its seed may be None."""
    return _seeded(program, "python-seed", _RANDOM, may_be_none=may_be_none)


def _seeded(program: Program, control: str, names: frozenset[str], *, may_be_none: bool = False) -> list[LineChange]:
    calls = [call for call in program.calls if call.name in names]
    return [
        LineChange(control, call.source, edit, f"a seed for {call.name}")
        for call in calls
        for edit in [_seed_argument(call, program.seed, may_be_none=may_be_none)]
        if edit is not None
    ]


def _seed_argument(call: ProgramCall, seed: int, *, may_be_none: bool) -> TextEdit | None:
    """Return the edit that gives a call its seed; None if it has one."""
    node, source = call.node, call.source
    given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg in _NAMES)]
    nothing = next((part for one in given[:1] for part in _parts(one) if _is_none(part)), None)
    if nothing is not None:
        return TextEdit(*source.span(nothing), str(seed))
    if given and may_be_none and _may_be_none(source, given[0]):
        text = source.text_of(given[0])
        return TextEdit(*source.span(given[0]), f"{seed} if {text} is None else {text}")
    if node.args or any(keyword.arg in (*_NAMES, None) for keyword in node.keywords):
        return None
    at = source.span(node.func)[1]
    at = source.text.index("(", at) + 1
    return TextEdit(at, at, f"{seed}, " if node.keywords else str(seed))


# -- calls that seed a global generator from the system ---------------------------------------------------------------


def seeded_again(program: Program, names: Collection[str]) -> tuple[list[LineChange], list[str]]:
    """Return (changes to the calls that seed these generators from the system, the controls that need no other change).

    A call whose seed may be None changes only if it is the first draw: an earlier draw shows that a seed is missing.
    A control needs no other change if such a call is the first draw from each of its generators.
    """
    changes: dict[tuple[Path, TextEdit], LineChange] = {}
    done = []
    for name in names:
        every = controls.describe(name).generators
        first = program.first(every)
        for draw in program.look.draws:
            if draw.generator in every:
                made = _at_the_draw(program, name, draw, may_be_none=draw == first)
                changes.update(((one.source.path, one.edit), one) for one in made)
                done += [name] if made and draw == first else []
    return list(changes.values()), done


def _at_the_draw(program: Program, control: str, draw: Draw, *, may_be_none: bool) -> list[LineChange]:
    """Return the changes to the calls, on the line of a draw, that seed its generator from the system."""
    path, line = draw.places[0]
    source = program.source(path)
    if source is None:
        return []
    found = []
    for call in _calls_at(source, line):
        seeds, renamed = _FROM_THE_SYSTEM.get(call.name, ("", ""))
        edit = _seed_argument(call, program.seed, may_be_none=may_be_none) if seeds == control else None
        if edit is not None:
            edits = [edit, *([_renamed(call, renamed)] if renamed else [])]
            found += [LineChange(control, source, one, "a seed instead of one from the system") for one in edits]
    return found


def _calls_at(source: SourceFile, line: int) -> Iterator[ProgramCall]:
    known = ImportedNames(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and touches(node, {line}):
            yield ProgramCall(source, node, known.dotted(node.func))


def _renamed(call: ProgramCall, name: str) -> TextEdit:
    end = call.source.span(call.node.func)[1]
    return TextEdit(end - len(call.name.rpartition(".")[2]), end, name)


# -- seeds that may be None -------------------------------------------------------------------------------------------


def _may_be_none(source: SourceFile, node: ast.expr) -> bool:
    """Return whether an expression may be None, as far as the file shows, and whether a patch can write it twice."""
    name = _last_name(node)
    if not name:
        return _is_lookup(node)
    values = [value for one in ast.walk(source.tree) for value in _values(one, name)]
    known = [value for value in values if value is None or _last_name(value) != name]
    return not known or any(value is None or _is_none_or_name(value) for value in known)


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_lookup(node: ast.expr) -> bool:
    """Return whether an expression takes a value by a constant key: `config["seed"]`, `config.get("seed")`."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and bool(_last_name(node.value))
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.keywords:
        return False
    is_one = len(node.args) == 1 and isinstance(node.args[0], ast.Constant)
    return node.func.attr in ("get", "getenv") and is_one


def _is_none_or_name(value: ast.expr) -> bool:
    """Return whether a value may be None: it is None, it is looked up, or it is a name for an unknown value."""
    return any(_is_none(part) or bool(_last_name(part)) or _is_lookup(part) for part in _parts(value))


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _parts(value: ast.expr) -> list[ast.expr]:
    """Return the values from which an expression chooses: `int(text) if text else None` has two."""
    if isinstance(value, ast.IfExp):
        return [*_parts(value.body), *_parts(value.orelse)]
    return value.values if isinstance(value, ast.BoolOp) else [value]


def _values(node: ast.AST, name: str) -> Iterator[ast.expr | None]:
    """Yield each value that a node gives to a variable, attribute, parameter or option. None: it gives no value."""
    if isinstance(node, ast.Assign):
        yield from (node.value for one in node.targets if _last_name(one) == name)
    elif isinstance(node, ast.AnnAssign) and _last_name(node.target) == name:
        yield node.value
    elif isinstance(node, ast.For | ast.comprehension) and _last_name(node.target) == name:
        yield ast.Constant(0)  # the elements of a loop are values
    elif isinstance(node, ast.arguments):
        named = [*node.posonlyargs, *node.args]
        given = [None] * (len(named) - len(node.defaults)) + [*node.defaults]
        pairs = [*zip(named, given, strict=True), *zip(node.kwonlyargs, node.kw_defaults, strict=True)]
        yield from (value for one, value in pairs if one.arg == name)
    elif isinstance(node, ast.Call):
        yield from _option(node, name)


def _option(node: ast.Call, name: str) -> Iterator[ast.expr | None]:
    """Yield the default of an option, if a call declares one of this name: `add_argument("--seed", default=1)`."""
    texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    is_option = isinstance(node.func, ast.Attribute) and node.func.attr in ("add_argument", "option")
    if is_option and any(one.startswith("--") and one[2:].replace("-", "_") == name for one in texts):
        yield next((keyword.value for keyword in node.keywords if keyword.arg == "default"), None)
