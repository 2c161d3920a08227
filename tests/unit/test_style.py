"""The rules of size that no linter has, for all packages."""

import ast
import functools
import importlib.util
import re
import statistics
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
PACKAGES = ("samebits", "samebits_parity", "samebits_probe", "samebits_study")
FILES = sorted(path for package in PACKAGES for path in (SOURCE / package).rglob("*.py"))
sys.path.insert(0, str(SOURCE.parent / "benchmarks"))
from structure import is_verb_form  # noqa: E402

MOST_PARAMETERS, MOST_LEVELS = 5, 3
VAGUE = {"utils", "helpers", "misc", "common", "tools"}


@functools.cache
def tree_of(path):
    """The syntax tree of a file, read once for all rules."""
    return ast.parse(path.read_text())


def functions(path):
    """(name, lines) of the functions of a file, decorators left out, inner functions counted by themselves."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_has_fewer_than_350_lines_and_its_functions_at_most_50(path):
    assert len(path.read_text().splitlines()) < 350
    assert [(name, lines) for name, lines in functions(path) if lines > 50] == []
    assert path.stem not in VAGUE


def test_half_of_all_functions_have_at_most_eight_lines_and_nine_of_ten_at_most_25():
    lines = sorted(lines for path in FILES for _, lines in functions(path))
    assert statistics.median(lines) <= 8
    assert lines[len(lines) * 9 // 10] <= 25


NESTING = (ast.If, ast.For, ast.While, ast.With, ast.Try, *([ast.Match] if hasattr(ast, "Match") else []))
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def levels(node):
    """How deep the statements of a function are nested; `elif` is no level, an inner function is one of its own."""
    inner = [child for child in ast.iter_child_nodes(node) if not isinstance(child, DEFINITIONS)]
    deepest = max(map(levels, inner), default=0)
    continues = isinstance(node, ast.If) and node.orelse[:1] and isinstance(node.orelse[0], ast.If)
    if continues:  # the `if` of an `elif` stands in the syntax tree within the one before
        return max(1 + max(map(levels, node.body)), levels(node.orelse[0]))
    return deepest + isinstance(node, NESTING)


def parameters(function):
    """The names of a function's parameters, without self and cls, and without `*words` and `**given`."""
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [one.arg for one in every if one.arg not in ("self", "cls")]


def faults(path):
    """What breaks a rule in the functions of a file, as "file function: what"."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            where = f"{path.relative_to(SOURCE)} {getattr(node, 'name', 'lambda')}"
            names, body = parameters(node), getattr(node, "body", [])
            deep = max(map(levels, body)) if isinstance(body, list) else 0
            yield from [f"{where}: id"] * ("id" in names)
            yield from [f"{where}: {len(names)} parameters"] * (len(names) > MOST_PARAMETERS)
            yield from [f"{where}: {deep} levels"] * (deep > MOST_LEVELS)


def test_a_function_has_at_most_five_parameters_none_named_id_and_three_levels():
    """What counts:

    - A keyword-only parameter counts like any other: a function that needs more gets an object that holds them.
    - `*words` and `**given` do not count, as in pylint. The functions of click's commands take their options as
      `**given`, and hand them on as one object.
    - The fields of a dataclass, a NamedTuple and a document are no parameters: they are named where they are given.
      A field may be called `id`, as it is in a record; a parameter would hide the function of Python.
    - `if`, `for`, `while`, `with`, `try` and `match` are levels. `elif`, `else` and `except` are not.
    """
    found = {fault for path in FILES for fault in faults(path)}
    assert sorted(found) == []


def classes():
    """(file, name) of every class at the top of a module."""
    for path in FILES:
        yield from ((path, node.name) for node in tree_of(path).body if isinstance(node, ast.ClassDef))


def test_no_module_and_no_class_is_named_by_a_verb():
    names = {path.stem for path in FILES} | {name for _, name in classes()}
    assert sorted(filter(is_verb_form, names)) == []


def test_no_two_classes_have_one_name():
    plain = [name for path, name in classes() if "scripts" not in path.parts and not name.startswith("_")]
    assert [name for name, times in Counter(plain).items() if times > 1] == []


@functools.cache
def modules(packages):
    """{dotted name: path} of the modules of packages; a package stands for its `__init__`."""
    found = {}
    for path in FILES:
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if parts[0] in packages:
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name, path, known):
    """(module, name) of what a module takes from modules that are known: `from m import name`, or `m.name`.

    A module whose name a function uses for something else is not followed.
    """
    tree, called = tree_of(path), {}
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)):
        source = node.module or ""
        if node.level:
            above = name.split(".")[: -node.level + (path.stem == "__init__") or None]
            source = ".".join([*above, *filter(None, [node.module])])
        for one in node.names:
            if f"{source}.{one.name}" in known:
                called[one.asname or one.name] = f"{source}.{one.name}"
            elif source in known:
                yield source, one.name
    local = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    local |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in called.keys() - local
        ):
            yield called[node.value.id], node.attr


def public(tree):
    """The names in `__all__`; None without one."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return None


def bound(tree):
    """The names that the top of a module binds, those that are only imported for types too."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (one.asname or one.name for one in node.names)
        elif isinstance(node, ast.If):
            yield from bound(node)


def test_what_a_package_shows_to_others_stands_in_all():
    """Every public name stands in an `__all__`. The reading of that rule:

    - The walls are those between the import packages (samebits, samebits_parity, samebits_probe, samebits_study). What
      one takes from a module of a different one, that module's `__all__` names. All else is private to its package.
    - An `__init__` that binds a public name has an `__all__`, since its names look like those of the package. One that
      holds a docstring alone has nothing to name.
    - Within a package, a name that begins with an underscore is private to its module.
    """
    known = modules(PACKAGES)
    trees = {name: tree_of(path) for name, path in known.items()}
    taken = {(name, *found) for name, path in known.items() for found in imported(name, path, known)}
    unnamed = {
        f"{taker} takes {name} of {source}"
        for taker, source, name in taken
        if taker.split(".")[0] != source.split(".")[0] and name not in (public(trees[source]) or ())
    }
    assert sorted(unnamed) == []
    packages = {name: tree for name, tree in trees.items() if known[name].stem == "__init__"}
    shown = {name for name, tree in packages.items() if any(not one.startswith("_") for one in bound(tree))}
    assert sorted(name for name in shown if public(packages[name]) is None) == []
    private = {f"{taker} takes {name} of {source}" for taker, source, name in taken if re.match("_(?!_)", name)}
    assert sorted(private) == []


@pytest.mark.parametrize("name", sorted(modules(PACKAGES)))
def test_every_name_in_all_is_there(name):
    tree = tree_of(modules(PACKAGES)[name])
    missing = set(public(tree) or ()) - set(bound(tree))
    assert missing == set()


def imports(path):
    """Names of what a module of the probe imports when it is loaded: modules, and names that stand in them."""
    package = ".".join(path.relative_to(SOURCE).parent.parts)
    for node in tree_of(path).body:
        if isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from (found for alias in node.names for found in (origin, f"{origin}.{alias.name}"))


def test_no_modules_of_the_probe_import_each_other_in_a_circle():
    paths = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in FILES}
    known = {name: path for name, path in paths.items() if name.startswith("samebits_probe.")}
    graph = {name: known.keys() & set(imports(path)) for name, path in known.items()}
    assert list(TopologicalSorter(graph).static_order())
