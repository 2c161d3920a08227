"""Finds the place for new lines of a program: after its imports and environment variables, before the first draw."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from samebits.patches.source import SourceFile, TextEdit, names_of

_IMPORTS = (ast.Import, ast.ImportFrom)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_MAY_NOT_RUN = (*_DEFINITIONS, ast.If, ast.ExceptHandler)
_SAME = {"keras": ("tensorflow.keras",)}  # a library -> other names under which programs import it
_MODULE = re.compile(r"(?<![.\w\"'])([A-Za-z_]\w*)(?=\.)")  # the name before the first dot


@dataclass(frozen=True)
class InsertionPoint:
    """A place in a module for new lines. `first`: the line of the first draw; None if it is not known."""

    source: SourceFile
    first: int | None = None

    @cached_property
    def limit(self) -> int:
        """The index, in the module, of the statement before which the lines must stand."""
        body = self.source.tree.body
        if self.first is None:
            later = (place for place, node in enumerate(body) if isinstance(node, (*_DEFINITIONS, ast.For, ast.While)))
            return next(later, len(body))
        rest = [place for place, node in enumerate(body) if _last_line(node) >= self.first]
        drawing = [place for place in rest if _first_line(body[place]) <= self.first]
        return min([place for place in drawing if not isinstance(body[place], _IMPORTS)] or rest, default=len(body))

    @cached_property
    def anchor(self) -> int:
        """The index of the statement after which the lines are inserted; -1: before all statements."""
        body = self.source.tree.body[: self.limit]
        ready = [place for place, node in enumerate(body) if self._prepares(node)]
        documented = bool(body) and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        return max([*ready, 0 if documented else -1])

    def _prepares(self, statement: ast.stmt) -> bool:
        """Return whether a statement imports, or sets environment variables, which libraries read when imported."""
        return any(isinstance(node, _IMPORTS) or self._sets_a_variable(node) for node in _in(statement, _DEFINITIONS))

    def _sets_a_variable(self, node: ast.AST) -> bool:
        """Return whether a node sets an environment variable."""
        if isinstance(node, ast.Assign):
            parts = (target.value for target in node.targets if isinstance(target, ast.Subscript))
            return any(self.source.dotted(part) == "os.environ" for part in parts)
        setters = ("os.environ.setdefault", "os.environ.update", "os.putenv")
        return isinstance(node, ast.Call) and self.source.dotted(node.func) in setters

    @cached_property
    def names(self) -> dict[str, str]:
        """The names that are imported before this place -> the modules and objects that they stand for.

        Imports below a condition (`if TYPE_CHECKING:`) are left out, because they may not run.
        """
        return names_of(node for top in self.source.tree.body[: self.anchor + 1] for node in _in(top, _MAY_NOT_RUN))

    @property
    def is_before_settings(self) -> bool:
        """Whether later functions or blocks set environment variables: no library may be imported before them."""
        after = self.source.tree.body[self.anchor + 1 :]
        return any(self._sets_a_variable(node) for top in after for node in ast.walk(top))

    def alias(self, dotted: str) -> str:
        """Return the program's name for a module or function at this place; "" if it is not imported above."""
        for wanted in (dotted, *_SAME.get(dotted, ())):
            for name, origin in self.names.items():
                if origin == wanted or wanted.startswith(f"{origin}."):
                    return f"{name}{wanted.removeprefix(origin)}"
        return ""

    def free_name(self, module: str) -> str:
        """Return a name for a module that the program does not use for anything else."""
        nodes = list(ast.walk(self.source.tree))
        used = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        used |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
        used |= {name for name, dotted in self.source.imports.items() if dotted != module}
        return f"_{module}" if module in used else module

    def edit(self, statements: Sequence[str]) -> TextEdit | None:
        """Return the edit that inserts these statements here; None if they cannot stand here.

        They come too late if the first draw is before the last import, or on its line. They cannot import a library
        before a function of the program sets environment variables, because the library may read these.
        """
        body, source = self.source.tree.body, self.source
        imported = [statement.split()[1] for statement in statements if statement.startswith("import ")]
        if self.is_before_settings and not sys.stdlib_module_names.issuperset(imported):
            return None
        last = self.anchor
        while last >= 0 and last + 1 < len(body) and _first_line(body[last + 1]) <= _last_line(body[last]):
            last += 1
        line = _last_line(body[last]) + 1 if last >= 0 else min(map(_first_line, body), default=1)
        if self.first is not None and (line > self.first or last >= self.limit):
            return None
        position, end = source.start_of(line), source.end_of_line
        text = "".join(f"{statement}{end}" for statement in statements)
        if position and source.text[position - 1] not in "\r\n":
            text = end + text
        return TextEdit(position, position, text)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _last_line(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _in(node: ast.AST, left_out: tuple[type[ast.AST], ...]) -> Iterator[ast.AST]:
    """Yield a node and the nodes in it, but nothing that is in a node of the types `left_out`."""
    yield node
    if not isinstance(node, left_out):
        for child in ast.iter_child_nodes(node):
            yield from _in(child, left_out)


def worded(lines: Iterable[str], point: InsertionPoint) -> list[str]:
    """Return the lines of a control, written with the program's own names for modules.

    An import is left out if the program already has it, and added if a line needs it.
    """
    plain = [re.sub(r"\s*#.*", "", line) for line in lines]
    code = [line for line in plain if line and not line.startswith("import ")]
    modules = dict.fromkeys(name for line in code for name in _MODULE.findall(line))
    called = {module: point.alias(module) or point.free_name(module) for module in modules}
    missing = [module for module in modules if not point.alias(module)]
    imports = [f"import {name}" if called[name] == name else f"import {name} as {called[name]}" for name in missing]
    return [*imports, *(_MODULE.sub(lambda match: called[match[1]], line) for line in code)]
