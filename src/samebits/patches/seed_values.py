"""Finds the expressions that a program uses as seeds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from samebits.patches.source import ImportedNames, SourceFile

__all__ = ["NUMPY_GENERATORS", "OBJECTS", "replaceable_parts", "seed_values"]

_GENERATORS = ("default_rng", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
NUMPY_GENERATORS = frozenset(f"numpy.random.{name}" for name in _GENERATORS)
_SEEDERS = frozenset((
    "random.seed", "random.Random", "numpy.random.seed", "torch.manual_seed", "torch.cuda.manual_seed",
    "torch.cuda.manual_seed_all", "tensorflow.random.set_seed", "keras.utils.set_random_seed",
    "tensorflow.keras.utils.set_random_seed", "jax.random.PRNGKey", "jax.random.key", "flax.nnx.Rngs",
    *NUMPY_GENERATORS,
))  # fmt: skip
_SEEDING_NAMES = frozenset((
    "manual_seed", "manual_seed_all", "seed_everything", "set_random_seed", "set_seed", "seed", "from_seed",
    "SeedGenerator", "check_random_state", "PRNGKey",
))  # fmt: skip
# functions that return an object with attributes, not a value that can be a seed
OBJECTS = frozenset((
    "uuid.uuid1", "uuid.uuid4", "random.SystemRandom", "secrets.SystemRandom", "time.localtime", "time.gmtime",
    "datetime.date.today", "datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow",
    "pandas.Timestamp.now", "pandas.Timestamp.today", "pandas.Timestamp.utcnow",
))  # fmt: skip
_FILES = 64  # of a program: what is known of them is kept
_MESSAGES = frozenset(("print", "info", "debug", "warning", "log"))
_NAME = re.compile(r"((^|_)seeds?\d*|random_state)$", re.IGNORECASE)  # SEED, random_seed; not seedling, seed_time
# calls that take a name as a string, and then its value: getattr(args, "seed", value), settings.get("seed", value)
_BY_NAME = frozenset(("get", "setdefault", "pop", "getenv", "getattr", "setattr", "add_argument", "option"))
# one number cannot replace these, because their elements may be several seeds
_SEVERAL = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def seed_values(source: SourceFile, node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions of seeds in a node, but not in the nodes below it.

    They are arguments of seeding calls, and values of variables, attributes, keywords, keys and parameters that are
    named like a seed. A variable is a seed if its name says so, or if a seeding call gets it.
    """
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is not None and any(_holds_a_seed(source, one) for one in targets):
            yield node.value
    elif isinstance(node, ast.Call):
        yield from _given(source, node)
    elif isinstance(node, ast.Dict):
        yield from (value for key, value in zip(node.keys, node.values, strict=True) if _names_a_seed(key))
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        yield from _defaults(node.args)


def _holds_a_seed(source: SourceFile, target: ast.expr) -> bool:
    if isinstance(target, ast.Name):
        return _is_name(target.id) or target.id in _names_given(source)
    if isinstance(target, ast.Attribute):
        return _is_name(target.attr)
    return isinstance(target, ast.Subscript) and _names_a_seed(target.slice)


def _given(source: SourceFile, node: ast.Call) -> Iterator[ast.expr]:
    """Yield the seeds among the arguments of a call."""
    yield from _first_of_seeding(source, node)
    yield from (keyword.value for keyword in node.keywords if keyword.arg and _is_name(keyword.arg))
    function = _last_name(node)
    named = [place for place, one in enumerate(node.args) if _names_a_seed(one)]
    if function in _BY_NAME and named:
        yield from node.args[named[0] + 1 :]
        yield from (keyword.value for keyword in node.keywords if keyword.arg == "default")


def _first_of_seeding(source: SourceFile, node: ast.Call) -> list[ast.expr]:
    """Return the first argument of a call that seeds. The list is empty if it does not seed or has no argument."""
    name = _imported(source).dotted(node.func)
    last = node.func.attr if isinstance(node.func, ast.Attribute) else name.rpartition(".")[2]
    is_seeding = last in _SEEDING_NAMES or name in _SEEDERS
    return [one for one in node.args[:1] if is_seeding and not isinstance(one, ast.Starred)]


@lru_cache(maxsize=_FILES)
def _names_given(source: SourceFile) -> frozenset[str]:
    """Return the names of the variables that a file uses only for seeds and messages.

    A variable with a second use, such as a duration or the name of a file, is not among them.
    """
    calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    given = [value for call in calls for value in _first_of_seeding(source, call)]
    given += [keyword.value for call in calls for keyword in call.keywords if keyword.arg and _is_name(keyword.arg)]
    free = [value for call in calls if _last_name(call) in _MESSAGES for value in call.args if not _computes(value)]
    known = {node for value in [*given, *free] for node in ast.walk(value)}
    loads = [node for node in ast.walk(source.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    others = {node.id for node in loads if node not in known}
    return frozenset(node.id for value in given for node in ast.walk(value) if isinstance(node, ast.Name)) - others


@lru_cache(maxsize=_FILES)
def _imported(source: SourceFile) -> ImportedNames:
    return ImportedNames(source)


def _last_name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)


def _computes(value: ast.expr) -> bool:
    return any(isinstance(node, ast.BinOp) for node in ast.walk(value))


def _defaults(given: ast.arguments) -> Iterator[ast.expr]:
    positional = [*given.posonlyargs, *given.args]
    pairs = [*zip(reversed(positional), reversed(given.defaults), strict=False)]
    pairs += [(one, value) for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value is not None]
    yield from (value for one, value in pairs if _is_name(one.arg))


def _names_a_seed(node: ast.AST | None) -> bool:
    """Return whether an expression is a string that names a seed: "seed", "--seed", "random-state"."""
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and _is_name(text.lstrip("-").replace("-", "_"))


def _is_name(text: str) -> bool:
    return _NAME.search(text) is not None


def replaceable_parts(source: SourceFile, value: ast.expr, calls: frozenset[str]) -> list[ast.expr]:
    """Return the parts of a seed's expression that come from these functions, and that one number can replace.

    In `given or time()` and `given if given else time()`, that is only the last part: the program keeps a seed that it
    was given.
    """
    if isinstance(value, ast.BoolOp | ast.IfExp):
        parts = value.values if isinstance(value, ast.BoolOp) else [value.body, value.orelse]
        return [found for one in parts for found in replaceable_parts(source, one, calls)]
    if isinstance(value, _SEVERAL) or _makes_an_object(source, value):
        return []
    return [value] if _comes_from(source, value, calls | _local_functions(source, calls)) else []


def _comes_from(source: SourceFile, value: ast.expr, calls: frozenset[str]) -> bool:
    """Return whether an expression calls one of these functions, or uses a variable whose value comes from one.

    A variable that is itself a seed does not count: a patch replaces its value, and not the expression.
    """
    names = _variables(source, calls)
    return _calls(source, value, calls) or any(
        isinstance(node, ast.Name) and node.id in names for node in ast.walk(value)
    )


@lru_cache(maxsize=_FILES)
def _variables(source: SourceFile, calls: frozenset[str]) -> frozenset[str]:
    """Return the variables whose values come from calls of these functions, except seeds that a patch replaces."""
    return frozenset(
        target.id
        for one in ast.walk(source.tree)
        if isinstance(one, ast.Assign | ast.AnnAssign | ast.NamedExpr) and one.value is not None
        for target in (one.targets if isinstance(one, ast.Assign) else [one.target])
        if isinstance(target, ast.Name)
        and _calls(source, one.value, calls)
        and not _is_replaced(source, target, one.value)
    )


def _is_replaced(source: SourceFile, target: ast.Name, value: ast.expr) -> bool:
    return _holds_a_seed(source, target) and not _makes_an_object(source, value)


def _calls(source: SourceFile, value: ast.AST, calls: frozenset[str]) -> bool:
    known = _imported(source)
    return any(isinstance(node, ast.Call) and known.dotted(node.func) in calls for node in ast.walk(value))


def _makes_an_object(source: SourceFile, value: ast.expr) -> bool:
    """Return whether a value is an object with attributes, which no number can replace: `datetime.now()`, `uuid4()`."""
    return isinstance(value, ast.Call) and _imported(source).dotted(value.func) in OBJECTS


@lru_cache(maxsize=_FILES)
def _local_functions(source: SourceFile, calls: frozenset[str]) -> frozenset[str]:
    """Return the functions of the file that return what one of these functions gives."""
    return frozenset(
        one.name
        for one in ast.walk(source.tree)
        if isinstance(one, ast.FunctionDef)
        for node in ast.walk(one)
        if isinstance(node, ast.Return) and node.value is not None and _comes_from(source, node.value, calls)
    )
