"""Makes changes that sort the folders and files of os.walk."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from samebits.patches.insertion import InsertionPoint
from samebits.patches.program import LineChange, Program
from samebits.patches.source import ImportedNames, SourceFile, TextEdit

__all__ = ["sorted_walks"]

_WalkEdits = tuple[ast.expr, list[TextEdit]]


def sorted_walks(program: Program) -> list[LineChange]:
    """Sort the folders and the files that each os.walk yields."""
    about = "the folders and files of os.walk in the order of their names"
    return [
        LineChange("listing-order", source, edit, about, source.span(walk))
        for source, node in program.nodes()
        for walk, edits in _walks(source, node)
        for edit in edits
    ]


def _walks(source: SourceFile, node: ast.AST) -> Iterator[_WalkEdits]:
    """Yield (an expression with os.walk, its edits) for a node, but not for the nodes below it."""
    if isinstance(node, ast.For) and _is_walk(source, node.iter):
        names = [one for one in _names(node.target) if one is not None]
        lines = [f"{name}.sort()" for name in names]
        in_body = [InsertionPoint(source).before(node.body[0], lines)] if lines else []
        yield node.iter, in_body or _sorted(source, node.iter)
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        yield from _in_comprehension(source, node.generators)
    elif isinstance(node, ast.Subscript) and _is_first_of_walk(source, node):
        yield node, _sorted(source, node)


def _in_comprehension(source: SourceFile, generators: list[ast.comprehension]) -> Iterator[_WalkEdits]:
    for place, one in enumerate(generators):
        if _is_walk(source, one.iter):
            names = _names(one.target)
            inner = [later.iter for later in generators[place + 1 :] if _name(later.iter) in names]
            yield one.iter, [edit for iterated in (one.iter, *inner) for edit in _sorted(source, iterated)]


def _is_walk(source: SourceFile, node: ast.expr) -> bool:
    """Return whether a node is os.walk from the top: sorting cannot set the order of a walk from the bottom."""
    if not isinstance(node, ast.Call) or ImportedNames(source).dotted(node.func) != "os.walk":
        return False
    return len(node.args) == 1 and all(word.arg not in ("topdown", None) for word in node.keywords)


def _is_first_of_walk(source: SourceFile, node: ast.Subscript) -> bool:
    """Return whether a node is next(os.walk(...))[1] or next(os.walk(...))[2]."""
    call, part = node.value, node.slice
    is_next = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "next"
    is_listing = isinstance(part, ast.Constant) and part.value in (1, 2)
    return is_next and is_listing and isinstance(call, ast.Call) and any(_is_walk(source, one) for one in call.args[:1])


def _names(target: ast.expr) -> list[str | None]:
    """Return the names for the folders and the files in (folder, folders, files); None if an element is not a name.

    Returns an empty list if both have the same name (`_`).
    """
    elements = target.elts if isinstance(target, ast.Tuple) else []
    found = [*map(_name, elements[1:])]
    return found if len(set(found)) == 2 else []


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _sorted(source: SourceFile, node: ast.expr) -> list[TextEdit]:
    start, end = source.span(node)
    return [TextEdit(start, start, "sorted("), TextEdit(end, end, ")")]
