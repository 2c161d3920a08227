"""Replaces sets by dictionaries, which keep the order in which elements were added. The elements need not sort."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

from samebits.patches.hashes import checksums
from samebits.patches.orders import assigned, iterated_sets
from samebits.patches.program import LineChange, Program
from samebits.patches.source import SourceFile, TextEdit

__all__ = ["dictionaries_for_objects", "dictionaries_for_sets"]

_SETS = ("set", "frozenset")
_AS_A_DICTIONARY = "dict.fromkeys"


def dictionaries_for_sets(program: Program) -> list[LineChange]:
    """Replace the sets over which the program iterates by dictionaries, and replace hash()."""
    found = _kept(program, "hash-seed")
    return [*found, *checksums(program)] if found else []


def dictionaries_for_objects(program: Program) -> list[LineChange]:
    """Replace sets of objects by dictionaries, because their order is that of addresses. Sets of constants stay."""
    return _kept(program, "aslr", are_objects=True)


def _kept(program: Program, control: str, *, are_objects: bool = False) -> list[LineChange]:
    """Return the changes to all these sets, or an empty list if a dictionary cannot replace one of them."""
    found: dict[tuple[SourceFile, TextEdit], LineChange] = {}
    for source, node in iterated_sets(program):
        makers = list(_made_by(source, node))
        if are_objects and makers and all(map(_has_constants, makers)):
            continue
        edits = [edit for made in makers for edit in _edits(source, made)]
        if not edits:
            return []
        change = partial(LineChange, control, source)
        about, place = "elements in the order in which they were added", source.span(node)
        found.update({(source, edit): change(edit, about, place) for edit in edits})
    return list(found.values())


def _made_by(source: SourceFile, node: ast.expr) -> Iterator[ast.expr]:
    """Yield the expressions that make a set, if the program only iterates over it, counts it or searches it."""
    if not isinstance(node, ast.Name):
        yield node
        return
    uses = [one for one in ast.walk(source.tree) if isinstance(one, ast.Name) and one.id == node.id]
    if not any(isinstance(source.parents.get(one), ast.Attribute | ast.BinOp | ast.AugAssign) for one in uses):
        yield from assigned(source, node)


def _has_constants(node: ast.expr) -> bool:
    return isinstance(node, ast.Set) and all(isinstance(one, ast.Constant) for one in node.elts)


def _edits(source: SourceFile, node: ast.expr) -> list[TextEdit]:
    """Return the edits that turn an expression for a set into one for a dictionary; empty if that is not possible."""
    if isinstance(node, ast.Call):
        is_set = isinstance(node.func, ast.Name) and node.func.id in _SETS and len(node.args) == 1
        return [TextEdit(*source.span(node.func), _AS_A_DICTIONARY)] if is_set else []
    if not isinstance(node, ast.Set | ast.SetComp):
        return []
    start, end = source.span(node)
    before, after = ("([", "])") if isinstance(node, ast.Set) else ("(", ")")
    return [TextEdit(start, start + 1, _AS_A_DICTIONARY + before), TextEdit(end - 1, end, after)]
