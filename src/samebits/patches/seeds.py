"""Puts seeds before the first draw, with the framework's own function if it has one."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from samebits import controls
from samebits.patches.insertion import InsertionPoint, holding, worded
from samebits.patches.program import LineChange, Program
from samebits.patches.source import ImportedNames, SourceFile, TextEdit

_EVERY = frozenset(("python-seed", "numpy-seed", "torch-seed", "cuda-seed", "tf-seed"))


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
        "seed_everything", "{seed}, workers=True", frozenset(("python-seed", "numpy-seed", "torch-seed", "cuda-seed")),
    ),
    SeedCall(("transformers",), "set_seed", "{seed}", _EVERY),
    SeedCall(
        ("accelerate.utils",), "set_seed", "{seed}",
        frozenset(("python-seed", "numpy-seed", "torch-seed", "cuda-seed")),
    ),
    SeedCall(
        ("keras", "tensorflow.keras"), "utils.set_random_seed", "{seed}",
        frozenset(("python-seed", "numpy-seed", "tf-seed")),
    ),
)  # fmt: skip
# seeding calls -> the controls whose generators they seed
SEEDED_BY = {
    "random.seed": {"python-seed"},
    "numpy.random.seed": {"numpy-seed"},
    "torch.manual_seed": {"torch-seed", "cuda-seed"},
    "torch.random.manual_seed": {"torch-seed", "cuda-seed"},
    "torch.cuda.manual_seed": {"cuda-seed"},
    "torch.cuda.manual_seed_all": {"cuda-seed"},
    "tensorflow.random.set_seed": {"tf-seed"},
    "transformers.set_seed": CALLS[1].covers,
    "accelerate.utils.set_seed": CALLS[2].covers,
    "tensorflow.keras.utils.set_random_seed": CALLS[3].covers,
    "keras.utils.set_random_seed": CALLS[3].covers,
}  # fmt: skip
_KERAS_SINCE = (2, 7)  # the first version with set_random_seed


def is_seed(name: str) -> bool:
    """Return whether a control is the seed of a global generator."""
    return name in _EVERY


def generators(names: Iterable[str]) -> set[str]:
    """Return the generators of these controls, by the names of their states."""
    found = {one for name in names for one in controls.describe(name).generators}
    return found | ({"python"} if "tf-seed" in names else set())  # Keras 3 draws the seeds of its layers from `random`


def seeds(program: Program, names: Collection[str]) -> list[LineChange]:
    """Return the changes that seed these generators: the program's own lines moved up, or else new lines."""
    source = program.main
    if source is None:
        return []
    first = program.first(generators(names))
    moved = _moved(program, source, names)
    if moved:
        return moved
    edit = _edit(program, program.point(first, source), names, program.lines_in(first, source))
    return [LineChange("+".join(names), source, edit, "seeds before the first draw")]


def _edit(program: Program, point: InsertionPoint, names: Collection[str], drew: list[int]) -> TextEdit:
    """Return the edit that inserts the seeds after the imports.

    If an import would run before the program sets environment variables, the seeds go right before the draw.
    """
    lines = _lines(program, point, names)
    held = holding(point.source, drew[0]) if drew else None
    if held is not None and any(line.startswith(("import ", "from ")) for line in lines) and point.is_before_settings:
        block, place = held
        return point.before(block[place], lines)
    return point.edit(lines)


def _lines(program: Program, point: InsertionPoint, names: Collection[str]) -> list[str]:
    for call in CALLS if not program.has_ranks else ():
        if call.covers.issuperset(names) and _knows(program, call):
            found = _in_its_words(point, call, program.seed)
            if found:
                return found
    each = [line for name in names for line in _plain(program, point, name)]
    return list(dict.fromkeys(each))


def _knows(program: Program, call: SeedCall) -> bool:
    if "keras" not in call.modules:
        return True
    version = program.packages.get("keras") or program.packages.get("tensorflow") or "0"
    return tuple(map(int, re.findall(r"\d+", version)[:2])) >= _KERAS_SINCE


def _in_its_words(point: InsertionPoint, call: SeedCall, seed: int) -> list[str]:
    """Return the call with the program's names; empty if the program has not imported the library before this place."""
    given = call.arguments.format(seed=seed)
    for module in call.modules:
        alias = _exact(point, module)
        if alias:
            return [f"{alias}.{call.function}({given})"]
        function = _exact(point, f"{module}.{call.function}")
        if function:
            return [f"{function}({given})"]
    for module in call.modules:
        if any(dotted.startswith(f"{module}.") for dotted in point.names.values()):
            first, dot, _ = call.function.partition(".")
            if dot or point.free_name(f"{module}.{first}") != first:  # the name has a different meaning in the program
                return worded([f"{module}.{call.function}({given})"], point)
            return [f"from {module} import {first}", f"{call.function}({given})"]
    return []


def _exact(point: InsertionPoint, dotted: str) -> str:
    return next((name for name, one in point.names.items() if one == dotted), "")


def _plain(program: Program, point: InsertionPoint, name: str) -> list[str]:
    """Return the control's own lines: for a library that the program has imported, or else for a loaded one."""
    edits = [one for one in controls.describe(name).edits if not one.library or one.library in program.packages]
    edits.sort(key=lambda one: not (one.library and point.alias(one.library)))
    if not edits:
        return []
    lines = [line.replace("{seed}", program.seed_words) for line in edits[0].lines]
    return worded(lines, point)


# -- a seed that comes too late ---------------------------------------------------------------------------------------


def _moved(program: Program, source: SourceFile, names: Collection[str]) -> list[LineChange]:
    """Move the program's own seeding before the first draw, if it comes too late."""
    draw = program.first(generators(names))
    for path, line in draw.places if draw is not None else ():
        held = holding(source, line) if path == source.path else None
        found = _late(source, *held, names) if held is not None else None
        if found is not None and held is not None:
            return _move(InsertionPoint(source, line), held[0][held[1]], found, names)
    return []


def _late(source: SourceFile, block: list[ast.stmt], place: int, names: Collection[str]) -> ast.stmt | None:
    """Return the first later statement of a block that seeds all these generators, if it can run before the draw.

    It can if it uses only names that are assigned before the draw.
    """
    stored = [node for node in ast.walk(source.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    known = {node.id for node in stored if node.lineno < block[place].lineno}
    for one in block[place + 1 :]:
        call = one.value if isinstance(one, ast.Expr) else None
        if isinstance(call, ast.Call) and _seeds(source, call).issuperset(names) and _alone(source, one):
            used = {node.id for given in _given(call) for node in ast.walk(given) if isinstance(node, ast.Name)}
            return one if used <= known else None
    return None


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _seeds(source: SourceFile, call: ast.Call) -> frozenset[str]:
    name = ImportedNames(source).dotted(call.func)
    if not _given(call):
        return frozenset()
    if name.startswith(("lightning", "pytorch_lightning")) and name.endswith(".seed_everything"):
        return CALLS[0].covers
    return frozenset(SEEDED_BY.get(name, ()))


def _alone(source: SourceFile, statement: ast.stmt) -> bool:
    """Return whether no other statement stands on the lines of this one."""
    start, end = source.span(statement)
    last = source.start_of((statement.end_lineno or statement.lineno) + 1)
    return not (source.text[source.start_of(statement.lineno) : start] + source.text[end:last]).strip()


def _move(point: InsertionPoint, drawing: ast.stmt, late: ast.stmt, names: Collection[str]) -> list[LineChange]:
    source = point.source
    start, end = source.start_of(late.lineno), source.start_of((late.end_lineno or late.lineno) + 1)
    call = late.value if isinstance(late, ast.Expr) else None
    is_fixed = isinstance(call, ast.Call) and all(isinstance(one, ast.Constant) for one in _given(call))
    text = [source.text_of(late)]
    has_names = _library(source, late) in point.names.values()
    top = drawing in source.tree.body
    put = point.edit(text) if is_fixed and has_names and top else point.before(drawing, text)
    control = "+".join(names)
    return [
        LineChange(control, source, put, "the program's own seed before the first draw"),
        LineChange(control, source, TextEdit(start, end, ""), "the program's own seed before the first draw"),
    ]


def _library(source: SourceFile, late: ast.stmt) -> str:
    """Return the dotted name of the library that a seeding call begins with; "" if there is none."""
    node = late.value.func if isinstance(late, ast.Expr) and isinstance(late.value, ast.Call) else None
    while isinstance(node, ast.Attribute):
        node = node.value
    return ImportedNames(source).dotted(node) if node is not None else ""
