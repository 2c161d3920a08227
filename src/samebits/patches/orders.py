"""Makes changes that give an order to sets, listings of folders and results of threads, or define new memory."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from samebits.patches.calls import has_keyword, keyword_edit
from samebits.patches.hashes import checksums
from samebits.patches.insertion import InsertionPoint, worded
from samebits.patches.program import LineChange, Program, ProgramCall
from samebits.patches.source import SourceFile, TextEdit
from samebits.patches.walks import sorted_walks

_TAKE_IN_ORDER = frozenset((
    "list", "tuple", "enumerate", "iter", "zip", "reversed", "sum", "deque", "Counter", "chain", "islice", "cycle",
    "accumulate", "product", "permutations", "combinations",
))  # fmt: skip
_METHODS_IN_ORDER = frozenset(("join", "extend", "fromkeys", "fromiter", "from_iterable"))
_SECOND = frozenset(("map", "filter"))  # their first argument is a function
_WITH_A_KEY = frozenset(("max", "min", "sorted"))  # among elements with equal keys, the order decides
_SETS = frozenset(("set", "frozenset"))
_VIEWS = frozenset(("keys", "items"))  # of a dictionary: an operation on them makes a set
_SET_METHODS = frozenset(("union", "intersection", "difference", "symmetric_difference"))
_DEEPEST = 4  # how many names, assigned from each other, are followed to find a set
LISTINGS = frozenset(("os.listdir", "glob.glob", "glob.iglob"))
LISTING_METHODS = frozenset(("iterdir", "glob", "rglob"))
_WITHOUT_WORKERS = {
    "num_workers": "0", "prefetch_factor": "None", "persistent_workers": "False", "timeout": "0",
    "multiprocessing_context": "None",
}  # fmt: skip
EMPTY = {"empty": "zeros", "empty_like": "zeros_like", "new_empty": "new_zeros"}


# -- sets -------------------------------------------------------------------------------------------------------------


def sorted_sets(program: Program) -> list[LineChange]:
    """Put sorted(...) around each set whose elements the program takes in their order, and replace hash()."""
    found = [
        LineChange("hash-seed", source, edit, "a set in the order of its elements", source.span(node))
        for source, node in iterated_sets(program)
        for edit in _wrapped(source, node)
    ]
    return [*found, *checksums(program)]


def _wrapped(source: SourceFile, node: ast.expr, key: str = "", *, is_iterator: bool = False) -> list[TextEdit]:
    start, end = source.span(node)
    before, after = ("iter(sorted(", "))") if is_iterator else ("sorted(", ")")
    return [TextEdit(start, start, before), TextEdit(end, end, f"{key}{after}")]


def iterated_sets(program: Program) -> list[tuple[SourceFile, ast.expr]]:
    """Return the sets over which the program iterates."""
    found = {}
    for source, node in program.nodes():
        for one in _taken_in_order(node):
            if _is_set(source, one):
                found[source.path, source.span(one)] = source, one
    return list(found.values())


def _taken_in_order(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions whose elements a node takes in their order."""
    if isinstance(node, ast.For):
        yield node.iter
    elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
        yield from (one.iter for one in node.generators)
    elif isinstance(node, ast.Call):
        yield from _arguments_in_order(node)
    elif isinstance(node, ast.Starred | ast.YieldFrom) or _unpacks(node):
        yield node.value


def _unpacks(node: ast.AST) -> TypeGuard[ast.Assign]:
    return isinstance(node, ast.Assign) and any(isinstance(one, ast.Tuple | ast.List) for one in node.targets)


def _arguments_in_order(node: ast.Call) -> list[ast.expr]:
    called = node.func
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    if isinstance(called, ast.Name) and name in _SECOND:
        return node.args[1:]
    if isinstance(called, ast.Name) and name in _WITH_A_KEY:
        return node.args[:1] if has_keyword(node, "key") else []
    return node.args if name in _TAKE_IN_ORDER | _METHODS_IN_ORDER else []


def _is_set(source: SourceFile, node: ast.expr, depth: int = 0) -> bool:
    """Return whether an expression is a set, as far as the file shows it."""
    if depth > _DEEPEST or isinstance(node, ast.Set | ast.SetComp):
        return depth <= _DEEPEST
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
        return any(_is_view(one) or _is_set(source, one, depth + 1) for one in (node.left, node.right))
    if isinstance(node, ast.Call):
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in _SET_METHODS:
            return _is_set(source, called.value, depth + 1)
        return isinstance(called, ast.Name) and called.id in _SETS
    if isinstance(node, ast.Name | ast.Attribute):
        values = list(assigned(source, node))
        return bool(values) and all(_is_set(source, one, depth + 1) for one in values)
    return False


def _is_view(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _VIEWS


def assigned(source: SourceFile, node: ast.Name | ast.Attribute) -> Iterator[ast.expr]:
    """Yield each value that the file assigns to this name."""
    wanted = ast.unparse(node)
    for one in ast.walk(source.tree):
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name | ast.Attribute) and ast.unparse(target) == wanted for target in targets):
            assert isinstance(one, ast.Assign | ast.AnnAssign)
            yield one.value or ast.Constant(None)


# -- files and threads ------------------------------------------------------------------------------------------------


def sorted_listings(program: Program) -> list[LineChange]:
    """Put sorted(...) around each listing of a folder, and sort the folders and files of os.walk."""
    about = "the files of a folder in the order of their names"
    listed = [
        LineChange("listing-order", call.source, edit, about, call.source.span(call.node))
        for call in program.calls
        if _lists(call) and not _is_sorted(call)
        for edit in _wrapped(call.source, call.node, _key(call), is_iterator=_is_advanced(call))
    ]
    return [*listed, *sorted_walks(program)]


def _is_advanced(call: ProgramCall) -> bool:
    """Return whether next(), which takes no list, gets the listing, directly or by a name."""
    around = call.source.parents.get(call.node)
    if isinstance(around, ast.Assign):
        names = {ast.unparse(target) for target in around.targets}
        given = (ast.unparse(node.args[0]) for node in ast.walk(call.source.tree) if _is_next(node) and node.args)
        return not names.isdisjoint(given)
    return _is_next(around)


def _is_next(node: ast.AST | None) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "next"


def _lists(call: ProgramCall) -> bool:
    if call.name in LISTINGS or call.name == "os.scandir":
        around = call.source.parents.get(call.node)
        return not isinstance(around, ast.withitem)
    return isinstance(call.node.func, ast.Attribute) and call.node.func.attr in LISTING_METHODS


def _key(call: ProgramCall) -> str:
    return ", key=lambda entry: entry.name" if call.name == "os.scandir" else ""


def _is_sorted(call: ProgramCall) -> bool:
    """Return whether the order of the listing does not matter there: it is sorted, counted, or put into a set."""
    around = call.source.parents.get(call.node)
    free = ("sorted", "len", "set", "any", "all", "sum", "max", "min")
    return isinstance(around, ast.Call) and isinstance(around.func, ast.Name) and around.func.id in free


def submitted_order(program: Program) -> list[LineChange]:
    """Take the results of threads in the order in which the work was submitted."""
    found = []
    for call in program.calls:
        source, node = call.source, call.node
        if call.name in ("concurrent.futures.as_completed", "asyncio.as_completed") and node.args:
            edit = TextEdit(*source.span(node), _argument(source, node.args[0]))
            found.append(LineChange("serial-threads", source, edit, "the order in which the work was given out"))
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "imap_unordered":
            end = source.span(node.func)[1]
            edit = TextEdit(end - len("imap_unordered"), end, "imap")
            found.append(LineChange("serial-threads", source, edit, "the order in which the work was given out"))
    return found


def _argument(source: SourceFile, node: ast.expr) -> str:
    """Return the text of an argument. A generator expression or a set becomes a list.

    A list submits all work before the first result, and it has an order.
    """
    text = source.text_of(node)
    if not isinstance(node, ast.GeneratorExp | ast.Set | ast.SetComp):
        return text
    return f"[{text[1:-1] if text[0] in '({' else text}]"


# -- tensors ----------------------------------------------------------------------------------------------------------


def defined_memory(program: Program) -> list[LineChange]:
    """Replace empty() by zeros()."""
    found = []
    for call in program.calls:
        old = call.name.rpartition(".")[2] if call.name else getattr(call.node.func, "attr", "")
        is_theirs = call.name.split(".")[0] in ("torch", "numpy") or old == "new_empty"
        if old in EMPTY and is_theirs and isinstance(call.node.func, ast.Attribute):
            end = call.source.span(call.node.func)[1]
            edit = TextEdit(end - len(old), end, EMPTY[old])
            found.append(LineChange("fill-uninitialized", call.source, edit, "memory that holds zeros"))
    return found


def seeded_loaders(program: Program) -> list[LineChange]:
    """Add a generator and a worker_init_fn to each DataLoader that has none."""
    loaders = [call for call in _loaders(program) if not has_keyword(call.node, "worker_init_fn")]
    found = []
    for call in loaders:
        torch = _module_name(call)
        seeded = f"{torch}.Generator().manual_seed({program.seed})"
        if not has_keyword(call.node, "generator"):
            found.append(_loader_change(call, "generator", seeded))
        found.append(_loader_change(call, "worker_init_fn", "seed_worker"))
    return [*found, *(_seed_worker(program, source) for source in dict.fromkeys(call.source for call in loaders))]


def _loaders(program: Program) -> list[ProgramCall]:
    return [call for call in program.calls if call.name.rpartition(".")[2] == "DataLoader"]


def _loader_change(call: ProgramCall, name: str, value: str) -> LineChange:
    return LineChange("dataloader-seed", call.source, keyword_edit(call, name, value), "seeds of the workers")


def _module_name(call: ProgramCall) -> str:
    point = InsertionPoint(call.source)
    return point.alias("torch") or point.free_name("torch")


def _seed_worker(program: Program, source: SourceFile) -> LineChange:
    """Add the function `seed_worker` of PyTorch's notes: https://pytorch.org/docs/stable/notes/randomness.html"""
    point = InsertionPoint(source)
    has_numpy = "numpy" in program.packages
    lines = worded(["import torch", "import random", *(["import numpy"] if has_numpy else [])], point)
    called = {name: point.alias(name) or point.free_name(name) for name in ("torch", "random", "numpy")}
    lines += [
        "def seed_worker(worker):",
        f"    seed = {called['torch']}.initial_seed() % 2**32",
        f"    {called['random']}.seed(seed)",
        *([f"    {called['numpy']}.random.seed(seed)"] if has_numpy else []),
    ]
    return LineChange("dataloader-seed", source, point.edit(lines), "seeds of the workers")


def ordered_loaders(program: Program) -> list[LineChange]:
    """Set in_order=True in each DataLoader that takes batches in the order in which workers finish them."""
    return [
        LineChange("dataloader-workers", call.source, TextEdit(*call.source.span(keyword.value), "True"), "one order")
        for call in _loaders(program)
        for keyword in call.node.keywords
        if keyword.arg == "in_order" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
    ]


def no_workers(program: Program) -> list[LineChange]:
    """Set num_workers=0 in each DataLoader that has workers, and change the arguments that need workers."""
    is_old = program.packages.get("torch", "").startswith(("0.", "1."))  # it does not take None for prefetch_factor
    values = {**_WITHOUT_WORKERS, "prefetch_factor": "2"} if is_old else _WITHOUT_WORKERS
    return [
        LineChange("dataloader-workers", call.source, edit, "no workers")
        for call in _loaders(program)
        if any(keyword.arg == "num_workers" for keyword in call.node.keywords)
        for keyword in call.node.keywords
        if keyword.arg in values
        for edit in [TextEdit(*call.source.span(keyword.value), values[keyword.arg])]
    ]


def ordered_datasets(program: Program) -> list[LineChange]:
    """Set deterministic=True in each parallel call of tf.data."""
    found = []
    for call in program.calls:
        is_parallel = isinstance(call.node.func, ast.Attribute) and has_keyword(call.node, "num_parallel_calls")
        given = [keyword for keyword in call.node.keywords if keyword.arg == "deterministic"]
        edits = [TextEdit(*call.source.span(one.value), "True") for one in given]
        if is_parallel and not given:
            edits = [keyword_edit(call, "deterministic", "True")]
        found += [LineChange("tf-data-order", call.source, edit, "one order") for edit in edits]
    return found
