"""Makes changes to calls that ran: seeds for generators, and for values from the clock or the system."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from samebits.patches.insertion import InsertionPoint, worded
from samebits.patches.program import LineChange, Program, ProgramCall
from samebits.patches.source import ImportedNames, SourceFile, TextEdit

_GENERATORS = ("default_rng", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
NUMPY_GENERATORS = frozenset(f"numpy.random.{name}" for name in _GENERATORS)
SEEDERS = frozenset((
    "random.seed", "random.Random", "numpy.random.seed", "torch.manual_seed", "torch.cuda.manual_seed",
    "torch.cuda.manual_seed_all", "tensorflow.random.set_seed", "keras.utils.set_random_seed",
    "tensorflow.keras.utils.set_random_seed", "transformers.set_seed", "jax.random.PRNGKey", "jax.random.key",
    *NUMPY_GENERATORS,
))  # fmt: skip
_SEED_NAME = re.compile(r"(^|_)seeds?\d*$", re.IGNORECASE)  # seed, SEED, random_seed; not seedling, seed_time
SEEDING_METHODS = frozenset(("manual_seed", "manual_seed_all", "seed_everything", "set_random_seed", "set_seed"))
CLOCKS = frozenset(
    f"time.{name}{unit}"
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time")
    for unit in ("", "_ns")
) | {"datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow"}  # fmt: skip
# a call that draws from the system -> the same draw from a generator of `random`: {0} is its name, {1} the arguments
SYSTEM_DRAWS = {
    "os.urandom": "{0}.randbytes({1})",
    "secrets.token_bytes": "{0}.randbytes({1})",
    "secrets.token_hex": "{0}.randbytes({1}).hex()",
    "secrets.randbits": "{0}.getrandbits({1})",
    "secrets.randbelow": "{0}.randrange({1})",
    "secrets.choice": "{0}.choice({1})",
    "uuid.uuid4": "uuid.UUID(int={0}.getrandbits(128), version=4)",
}
_SIZED = frozenset(("secrets.token_bytes", "secrets.token_hex"))  # without an argument, they choose a size
GENERATOR_NAME = "seeded_draws"


def numpy_generators(program: Program) -> list[LineChange]:
    """Add a seed to each generator of numpy that is made without one."""
    return _seeded(program, "numpy-generator", NUMPY_GENERATORS)


def python_generators(program: Program) -> list[LineChange]:
    """Add a seed to each random.Random() that is made without one."""
    return _seeded(program, "python-seed", frozenset(("random.Random",)))


def _seeded(program: Program, control: str, names: frozenset[str]) -> list[LineChange]:
    calls = [call for call in program.calls if call.name in names]
    return [
        LineChange(control, call.source, edit, f"a seed for {call.name}")
        for call in calls
        for edit in [_seed_argument(call, program.seed)]
        if edit is not None
    ]


def _seed_argument(call: ProgramCall, seed: int) -> TextEdit | None:
    """Return the edit that gives a call its seed; None if it has one."""
    node, source = call.node, call.source
    if node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value is None:
        return TextEdit(*source.span(node.args[0]), str(seed))
    if node.args or any(keyword.arg in ("seed", "x", "entropy", None) for keyword in node.keywords):
        return None
    at = source.span(node.func)[1]
    at = source.text.index("(", at) + 1
    return TextEdit(at, at, f"{seed}, " if node.keywords else str(seed))


def random_states(program: Program) -> list[LineChange]:
    """Add random_state= to each call of scikit-learn that drew from numpy's generator without it."""
    wanted = {name for draw in program.look.draws if draw.generator == "numpy" for name in draw.unseeded}
    return [
        LineChange("numpy-seed", call.source, keyword_edit(call, "random_state", str(program.seed)), "a random_state")
        for call in program.calls
        if call.name.rpartition(".")[2] in wanted and not has_keyword(call.node, "random_state")
    ]


def has_keyword(node: ast.Call, *names: str) -> bool:
    """Return whether a call has a keyword of these names, or passes unknown ones (`**`)."""
    return any(keyword.arg is None or keyword.arg in names for keyword in node.keywords)


def keyword_edit(call: ProgramCall, name: str, value: str) -> TextEdit:
    """Return the edit that adds a keyword argument to a call."""
    node, source = call.node, call.source
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    if not given:
        at = source.text.index("(", source.span(node.func)[1]) + 1
        return TextEdit(at, at, f"{name}={value}")
    at = max(source.span(one)[1] for one in given)
    return TextEdit(at, at, f", {name}={value}")


# -- the clock and the system's entropy -------------------------------------------------------------------------------


def seeds_of(program: Program, control: str, sources: frozenset[str]) -> list[LineChange]:
    """Replace each seed that is computed from these sources (the clock, the system's entropy) by a number."""
    found: dict[TextEdit, LineChange] = {}
    for source, node in program.nodes():
        for value in _seeds_in(source, node):
            if _calls_one(source, value, sources):
                edit = TextEdit(*source.span(value), str(program.seed))
                found[edit] = LineChange(control, source, edit, "a fixed seed")
    return list(found.values())


def _seeds_in(source: SourceFile, node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions of seeds: arguments of seeding calls, and values of variables that hold a seed.

    A variable holds a seed if its name says so, or if a seeding call gets it.
    """
    if isinstance(node, ast.Assign):
        names = {one.id for one in node.targets if isinstance(one, ast.Name)}
        is_seed = any(_SEED_NAME.search(name) for name in names) or not names.isdisjoint(_names_of_seeds(source))
        yield from [node.value] * is_seed
    elif isinstance(node, ast.Call):
        yield from _seeds_given(source, node)


def _seeds_given(source: SourceFile, node: ast.Call) -> Iterator[ast.expr]:
    if _is_seeding(source, node):
        yield from (one for one in node.args[:1] if not isinstance(one, ast.Starred))
        yield from (keyword.value for keyword in node.keywords if keyword.arg == "seed")


def _names_of_seeds(source: SourceFile) -> set[str]:
    """Return the names of the variables that seeding calls of the file get as arguments."""
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    given = (value for call in calls for value in _seeds_given(source, call))
    return {node.id for value in given for node in ast.walk(value) if isinstance(node, ast.Name)}


def _is_seeding(source: SourceFile, node: ast.Call) -> bool:
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return method in SEEDING_METHODS or ImportedNames(source).dotted(node.func) in SEEDERS


def _calls_one(source: SourceFile, value: ast.expr, names: frozenset[str]) -> bool:
    known = ImportedNames(source)
    return any(isinstance(node, ast.Call) and known.dotted(node.func) in names for node in ast.walk(value))


def clock(program: Program) -> list[LineChange]:
    """Replace each seed that is taken from the clock by a number."""
    return seeds_of(program, "clock", CLOCKS)


def entropy(program: Program) -> list[LineChange]:
    """Replace draws from the system by draws from a seeded generator, one for each file."""
    seeds = seeds_of(program, "entropy", frozenset(SYSTEM_DRAWS))
    if seeds:
        return seeds
    calls = [call for call in program.calls if call.name in _DRAWN and _is_mendable(call)]
    made = [_generator(program, source) for source in dict.fromkeys(call.source for call in calls)]
    return [*made, *map(_drawn, calls)]


_SYSTEM_GENERATORS = frozenset(("random.SystemRandom", "secrets.SystemRandom"))
_DRAWN = _SYSTEM_GENERATORS.union(SYSTEM_DRAWS)


def _is_mendable(call: ProgramCall) -> bool:
    if call.name not in _SYSTEM_GENERATORS and (call.node.keywords or (call.name in _SIZED and not call.node.args)):
        return False  # the replacement would lose its arguments
    return call.name != "uuid.uuid4" or isinstance(call.node.func, ast.Attribute)  # the new call needs the module


def _drawn(call: ProgramCall) -> LineChange:
    given = ", ".join(call.source.text_of(one) for one in call.node.args)
    text = SYSTEM_DRAWS.get(call.name, "{0}").format(GENERATOR_NAME, given)
    if call.name == "uuid.uuid4" and isinstance(call.node.func, ast.Attribute):
        text = call.source.text_of(call.node.func.value) + text.removeprefix("uuid")
    edit = TextEdit(*call.source.span(call.node), text)
    return LineChange("entropy", call.source, edit, f"a seeded draw instead of {call.name}")


def _generator(program: Program, source: SourceFile) -> LineChange:
    point = InsertionPoint(source)
    lines = worded(["import random", f"{GENERATOR_NAME} = random.Random({program.seed})"], point)
    return LineChange("entropy", source, point.edit(lines), "a generator with a seed")
