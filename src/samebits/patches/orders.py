"""Makes changes that sort sets and listings of folders, in the expression in which they stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from samebits.patches.program import LineChange, Program, ProgramCall
from samebits.patches.source import TextEdit

_IN_ORDER = frozenset(("list", "tuple", "enumerate", "zip", "map", "filter", "sum", "join", "extend", "fromkeys"))
_WITH_A_KEY = frozenset(("max", "min", "sorted"))  # among elements with equal keys, the order decides
# functions for which the order of a listing does not matter
_IN_NO_ORDER = frozenset(("sorted", "len", "set", "any", "all", "sum", "max", "min"))
_SETS = frozenset(("set", "frozenset"))
_VIEWS = frozenset(("keys", "items"))  # of a dictionary: an operation on them makes a set
_SET_METHODS = frozenset(("union", "intersection", "difference", "symmetric_difference"))
_LISTS = frozenset(("os.listdir", "glob.glob"))
_ITERATORS = frozenset(("os.scandir", "glob.iglob"))
_METHODS = frozenset(("iterdir", "glob", "rglob"))  # methods of a Path that return iterators
# it sorts each list when the program comes to it, and keeps the list: a program may remove folders from it
_WALK = "((root, folders.sort() or folders, sorted(files)) for root, folders, files in ", ")"


# -- sets -------------------------------------------------------------------------------------------------------------


def sorted_sets(program: Program) -> list[LineChange]:
    """Put sorted(...) around each set whose elements the program takes in their order."""
    return [
        LineChange("hash-seed", source, edit, "a set in sorted order")
        for source, node in program.nodes()
        for expression in _in_order(node)
        if _is_set(expression)
        for edit in _around(source.span(expression), "sorted(", ")")
    ]


def _around(span: tuple[int, int], before: str, after: str) -> list[TextEdit]:
    start, end = span
    return [TextEdit(start, start, before), TextEdit(end, end, after)]


def _in_order(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions whose elements a node takes in their order."""
    if isinstance(node, ast.For):
        yield node.iter
    elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
        yield from (generator.iter for generator in node.generators)
    elif isinstance(node, ast.Call):
        name = _last_name(node.func)
        has_key = name in _WITH_A_KEY and any(keyword.arg == "key" for keyword in node.keywords)
        yield from node.args if has_key or name in _IN_ORDER else ()
    elif isinstance(node, ast.Starred | ast.YieldFrom) or _unpacks(node):
        yield node.value


def _unpacks(node: ast.AST) -> TypeGuard[ast.Assign]:
    return isinstance(node, ast.Assign) and any(isinstance(target, ast.Tuple | ast.List) for target in node.targets)


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_set(node: ast.expr) -> bool:
    """Return whether an expression makes a set. Names are not followed to their values."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
        return any(_is_view(operand) or _is_set(operand) for operand in (node.left, node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in _SET_METHODS and _is_set(node.func.value)
    is_call = isinstance(node, ast.Call) and _last_name(node.func) in _SETS
    return is_call or isinstance(node, ast.Set | ast.SetComp)


def _is_view(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _VIEWS


# -- listings of folders ----------------------------------------------------------------------------------------------


def sorted_listings(program: Program) -> list[LineChange]:
    """Put sorted(...) around each listing of a folder, and sort the folders and files that os.walk gives."""
    about = "the files of a folder in the order of their names"
    return [LineChange("listing-order", call.source, edit, about) for call in program.calls for edit in _edits(call)]


def _edits(call: ProgramCall) -> list[TextEdit]:
    """Return the edits that sort the listing of a call; empty if it makes none."""
    node, source = call.node, call.source
    if call.name == "os.walk":
        is_from_the_top = len(node.args) == 1 and all(word.arg not in ("topdown", None) for word in node.keywords)
        return _around(source.span(node), *_WALK) if is_from_the_top else []
    is_method = isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS and call.name not in _LISTS
    is_iterator = is_method or call.name in _ITERATORS
    parent = source.parents.get(node)
    if _is_call_of(parent, _IN_NO_ORDER) or not (is_iterator or call.name in _LISTS):
        return []
    if isinstance(parent, ast.withitem):  # `with os.scandir(folder) as entries`: sorted(...) cannot be closed
        return []
    key = ", key=lambda entry: entry.name" if call.name == "os.scandir" else ""
    takes_all = isinstance(parent, ast.For | ast.comprehension) or _is_call_of(parent, _IN_ORDER)
    if is_iterator and not takes_all:  # next() takes no list
        return _around(source.span(node), "iter(sorted(", f"{key}))")
    return _around(source.span(node), "sorted(", f"{key})")


def _is_call_of(node: ast.AST | None, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
