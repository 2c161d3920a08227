"""Replaces hash(), which differs for a text from process to process, with a checksum."""

from __future__ import annotations

import ast

from samebits.patches.insertion import InsertionPoint, worded
from samebits.patches.program import LineChange, Program, ProgramCall
from samebits.patches.source import SourceFile, TextEdit

__all__ = ["checksums"]


def checksums(program: Program) -> list[LineChange]:
    """Replace hash(x) with zlib.crc32(repr(x).encode()), and import zlib in each file that needs it."""
    calls = [call for call in program.calls if _is_mendable(call)]
    changed = [change for call in calls for change in _changes(call)]
    imports = [change for source in dict.fromkeys(call.source for call in calls) for change in _import(source, calls)]
    return [*imports, *changed]


def _is_mendable(call: ProgramCall) -> bool:
    """Return whether a call is one of the built-in hash(), outside of __hash__, which must return a hash."""
    node, source = call.node, call.source
    if not isinstance(node.func, ast.Name) or node.func.id != "hash" or len(node.args) != 1:
        return False
    if isinstance(node.args[0], ast.Starred):
        return False
    functions = [one.name for one in source.around(node) if isinstance(one, ast.FunctionDef)]
    return call.name == "hash" and "__hash__" not in functions and not _is_bound(source)


def _is_bound(source: SourceFile) -> bool:
    """Return whether the file gives the name `hash` a different meaning."""
    return any(
        (isinstance(node, ast.FunctionDef) and node.name == "hash")
        or (isinstance(node, ast.Name) and node.id == "hash" and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.arg) and node.arg == "hash")
        for node in ast.walk(source.tree)
    )


def _changes(call: ProgramCall) -> list[LineChange]:
    node, source = call.node, call.source
    end = source.span(node)[1]
    edits = [TextEdit(*source.span(node.func), f"{_zlib(source)}.crc32(repr"), TextEdit(end, end, ".encode())")]
    return [LineChange("hash-seed", source, edit, "a checksum instead of hash()", source.span(node)) for edit in edits]


def _zlib(source: SourceFile) -> str:
    point = InsertionPoint(source)
    return point.alias("zlib") or point.free_name("zlib")


def _import(source: SourceFile, calls: list[ProgramCall]) -> list[LineChange]:
    """Return the change that imports zlib. If only one call needs zlib, the change belongs to that call."""
    point = InsertionPoint(source)
    lines = worded(["import zlib"], point)
    spans = [source.span(call.node) for call in calls if call.source == source]
    place = spans[0] if len(spans) == 1 else None
    return [LineChange("hash-seed", source, point.edit(lines), "a checksum instead of hash()", place)] if lines else []
