"""Finds the place for new lines of a program: after its imports and environment variables, before the first draw."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from samebits.patches.source import ImportedNames, SourceFile, TextEdit, covers, names_of

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_SETTERS = ("os.environ", "os.putenv")
_SAME = {"keras": ("tensorflow.keras",)}  # a library -> other names under which programs import it
_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True)
class InsertionPoint:
    """A place in a module for new lines. `first`: the line of the first draw; None if it is not known."""

    source: SourceFile
    first: int | None = None

    @cached_property
    def limit(self) -> int:
        """The index, in the module, of the statement before which the lines must stand."""
        body = self.source.tree.body
        if self.first is not None:
            found = [place for place, one in enumerate(body) if _first_line(one) <= self.first <= _last_line(one)]
            drawing = [place for place in found if not isinstance(body[place], ast.Import | ast.ImportFrom)]
            return min(drawing or found, default=len(body))
        later = (place for place, one in enumerate(body) if isinstance(one, (*_DEFINITIONS, ast.For, ast.While)))
        return next(later, len(body))

    @cached_property
    def anchor(self) -> int:
        """The index of the statement after which the lines are inserted; -1: before all statements."""
        body = self.source.tree.body[: self.limit]
        ready = [place for place, one in enumerate(body) if self._prepares(one)]
        documented = bool(body) and _is_text(body[0])
        return max([*ready, 0 if documented else -1])

    def _prepares(self, statement: ast.stmt) -> bool:
        """Return whether a statement imports, or sets environment variables, which libraries read when imported."""
        if isinstance(statement, _DEFINITIONS):
            return False
        return any(
            isinstance(node, ast.Import | ast.ImportFrom) or _sets_a_variable(node, self._imported)
            for node in _own(statement)
        )

    @cached_property
    def _imported(self) -> ImportedNames:
        return ImportedNames(self.source)

    @cached_property
    def names(self) -> dict[str, str]:
        """The names that are imported before this place -> the modules and objects that they stand for.

        Imports below a condition (`if TYPE_CHECKING:`) are left out, because they may not run.
        """
        body = self.source.tree.body[: self.anchor + 1]
        return names_of(node for one in body for node in _unconditional(one))

    @property
    def is_before_settings(self) -> bool:
        """Whether later functions or blocks set environment variables: an import must not run before them."""
        after = self.source.tree.body[self.anchor + 1 :]
        return any(_sets_a_variable(node, self._imported) for one in after for node in ast.walk(one))

    def alias(self, module: str) -> str:
        """Return the program's name for a module at this place; "" if the program has not imported it before."""
        for wanted in (module, *_SAME.get(module, ())):
            for name, dotted in self.names.items():
                if dotted == wanted or wanted.startswith(f"{dotted}."):
                    return f"{name}{wanted.removeprefix(dotted)}"
        return ""

    def free_name(self, module: str) -> str:
        """Return an unused name for a module that the program has not imported before this place."""
        wanted: str = module.rpartition(".")[2]
        return f"_{wanted}" if wanted in set(_bound(self.source.tree, module)) else wanted

    def edit(self, statements: Sequence[str]) -> TextEdit:
        """Return the edit that inserts these statements at this place."""
        body, source = self.source.tree.body, self.source
        if self.anchor < 0:
            lines = map(_first_line, body[: self.limit + 1])
            line = next(filter(source.takes_lines, lines), 1)
            return self._lines(source.start_of(line), statements)
        last = self.anchor
        while last + 1 < len(body) and _first_line(body[last + 1]) <= _last_line(body[last]):
            last += 1
        if last >= self.limit:  # the first draw stands on the line of the last import
            end = source.span(body[self.anchor])[1]
            return TextEdit(end, end, "".join(f"; {one}" for one in statements))
        return self._lines(source.start_of(_last_line(body[last]) + 1), statements)

    def _lines(self, position: int, statements: Sequence[str], indent: str = "") -> TextEdit:
        end = self.source.end_of_line
        text = "".join(f"{indent}{one}{end}" for one in statements)
        if position and self.source.text[position - 1] not in "\r\n":
            text = end + text.removesuffix(end)
        return TextEdit(position, position, text)

    def before(self, statement: ast.stmt, statements: Sequence[str]) -> TextEdit:
        """Return the edit that inserts the statements before a statement of the program, with its indentation."""
        line = _first_line(statement)
        start = self.source.start_of(line)
        column = self.source.span(statement)[0] - self.source.start_of(statement.lineno)
        indent = self.source.text[self.source.start_of(statement.lineno) :][:column]
        if indent.strip():  # a different statement stands before it on the line
            at = self.source.span(statement)[0]
            return TextEdit(at, at, "".join(f"{one}; " for one in statements))
        return self._lines(start, statements, indent)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _last_line(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and the nodes in it. The bodies of functions and classes are left out: they run later."""
    yield node
    if not isinstance(node, _DEFINITIONS):
        for child in ast.iter_child_nodes(node):
            yield from _own(child)


def _unconditional(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and the nodes in it that run with it. The handlers of a `try` are left out."""
    yield node
    if not isinstance(node, (*_DEFINITIONS, ast.If, ast.ExceptHandler)):
        for child in ast.iter_child_nodes(node):
            yield from _unconditional(child)


def _sets_a_variable(node: ast.AST, names: ImportedNames) -> bool:
    """Return whether a node sets an environment variable: os.environ[...] = ..., .setdefault(), .update(), putenv()."""
    if isinstance(node, ast.Assign):
        return any(isinstance(one, ast.Subscript) and _is_environment(one.value, names) for one in node.targets)
    return isinstance(node, ast.Call) and names.dotted(node.func).startswith(
        ("os.environ.setdefault", "os.environ.update", "os.putenv")
    )


def _is_environment(node: ast.AST, names: ImportedNames) -> bool:
    return names.dotted(node) in _SETTERS


def _bound(tree: ast.Module, module: str) -> Iterator[str]:
    """Yield the names that the program uses for anything but this module."""
    known = names_of(ast.walk(tree))
    yield from (name for name, dotted in known.items() if dotted != module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def worded(lines: Iterable[str], point: InsertionPoint) -> list[str]:
    """Return the lines of a control, written with the program's own names for modules.

    An import is left out if the program already has it, and added if a line needs it.
    """
    plain = [re.sub(r"\s+#.*", "", line) for line in lines]
    code = [line for line in plain if line and not line.startswith("#")]
    trees = [ast.parse(line).body[0] for line in code]
    wanted = [one.name for tree in trees if isinstance(tree, ast.Import) for one in tree.names]
    rest = [(line, tree) for line, tree in zip(code, trees, strict=True) if not isinstance(tree, ast.Import)]
    used_names = [node for _, tree in rest for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in used_names if isinstance(node.ctx, ast.Store)}
    used = [node.id for node in used_names]
    wanted = list(dict.fromkeys([*wanted, *(name for name in used if name not in own | _BUILTINS)]))
    called = {module: point.alias(module) or point.free_name(module) for module in wanted}
    missing = [module for module in wanted if not point.alias(module)]
    imports = [f"import {one}" if called[one] == one else f"import {one} as {called[one]}" for one in missing]
    return [*imports, *(_renamed(line, tree, called) for line, tree in rest)]


def _renamed(line: str, tree: ast.stmt, called: dict[str, str]) -> str:
    """Return a line with the program's own names for modules."""
    places = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in called]
    for node in sorted(places, key=lambda node: -node.col_offset):
        line = line[: node.col_offset] + called[node.id] + line[node.end_col_offset :]
    return line


def holding(source: SourceFile, line: int) -> tuple[list[ast.stmt], int] | None:
    """Return (the innermost list of statements that holds a line, the index of the statement on that line)."""
    found = source.statements_at(line)
    if not found:
        return None
    around = source.parents[found[0]]
    for name in ("body", "orelse", "finalbody"):
        block = getattr(around, name, [])
        if isinstance(block, list) and found[0] in block:
            return block, block.index(found[0])
    return None


def innermost(source: SourceFile, line: int) -> ast.stmt | None:
    """Return the innermost statement on a line."""
    return next((one for one in source.statements_at(line) if covers(one, line)), None)
