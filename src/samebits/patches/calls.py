"""Makes changes to calls that ran: a random_state, and seeds instead of values from the clock or the system."""

from __future__ import annotations

import ast

from samebits.patches.insertion import InsertionPoint, worded
from samebits.patches.program import LineChange, Program, ProgramCall
from samebits.patches.seed_values import OBJECTS, replaceable_parts, seed_values
from samebits.patches.source import SourceFile, TextEdit

CLOCKS = frozenset(
    f"time.{name}{unit}"
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time")
    for unit in ("", "_ns")
) | {
    "time.strftime", "time.ctime", "time.asctime",
    *(name for name in OBJECTS if name.startswith(("time.", "datetime.", "pandas."))),
}  # fmt: skip
# a call that draws from the system -> the same draw from a generator of `random`: {0} is its name, {1} the arguments
SYSTEM_DRAWS = {
    "os.urandom": "{0}.randbytes({1})",
    "secrets.token_bytes": "{0}.randbytes({1})",
    "secrets.token_hex": "{0}.randbytes({1}).hex()",
    "secrets.randbits": "{0}.getrandbits({1})",
    "secrets.randbelow": "{0}.randrange({1})",
    "secrets.choice": "{0}.choice({1})",
    "uuid.uuid1": "uuid.UUID(int={0}.getrandbits(128), version=4)",
    "uuid.uuid4": "uuid.UUID(int={0}.getrandbits(128), version=4)",
}
_UUIDS = frozenset(("uuid.uuid1", "uuid.uuid4"))
_SIZED = frozenset(("secrets.token_bytes", "secrets.token_hex"))  # without an argument, they choose a size
_ONLY_IN_SEEDS = frozenset(("secrets.token_urlsafe", "random.SystemRandom", "secrets.SystemRandom"))
GENERATOR_NAME = "seeded_draws"


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
        values = (one for value in seed_values(source, node) for one in replaceable_parts(source, value, sources))
        for value in values:
            edit = TextEdit(*source.span(value), _fixed(source, value, program.seed))
            found[edit] = LineChange(control, source, edit, "a fixed seed")
    return [one for one in found.values() if not any(_is_around(one, other) for other in found.values())]


def _is_around(change: LineChange, other: LineChange) -> bool:
    """Return whether the text that a change replaces contains the text of a different change."""
    outer, inner = change.edit, other.edit
    same = change.source.path == other.source.path and outer != inner
    return same and outer.start <= inner.start and inner.end <= outer.end


_TEXTS = frozenset(("str", "hex", "strftime", "ctime", "asctime", "isoformat", "token_hex", "hexdigest", "format"))
_BYTES = frozenset(("urandom", "randbytes", "token_bytes", "bytes"))


def _fixed(source: SourceFile, value: ast.expr, seed: int) -> str:
    """Return the code of a fixed seed: text or bytes if a variable gets text or bytes, else a number."""
    whole = value.value if isinstance(value, ast.Subscript) else value  # a part of a text is a text
    called = whole.func if isinstance(whole, ast.Call) else whole
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    if isinstance(whole, ast.JoinedStr) or name in _TEXTS:
        return f'"{seed}"'
    is_argument = isinstance(source.parents.get(value), ast.Call | ast.keyword)
    return f'b"{seed}"' if name in _BYTES and not is_argument else str(seed)


def clock(program: Program) -> list[LineChange]:
    """Replace each seed that is taken from the clock by a number."""
    return seeds_of(program, "clock", CLOCKS)


def system_seeds(program: Program) -> list[LineChange]:
    """Replace each seed that is drawn from the system by a number."""
    return seeds_of(program, "entropy", frozenset(SYSTEM_DRAWS) | _ONLY_IN_SEEDS)


def address_seeds(program: Program) -> list[LineChange]:
    """Replace each seed that is computed from the address of an object by a number."""
    return seeds_of(program, "aslr", frozenset(("id", "hash")))


def system_draws(program: Program) -> list[LineChange]:
    """Replace draws from the system by draws from a seeded generator, one for each file."""
    calls = [call for call in program.calls if call.name in _DRAWN and _is_mendable(call)]
    sources = dict.fromkeys(call.source for call in calls)
    made = [_generator(program, source, [call for call in calls if call.source == source]) for source in sources]
    return [*made, *map(_drawn, calls)]


_SYSTEM_GENERATORS = frozenset(("random.SystemRandom", "secrets.SystemRandom"))
_DRAWN = _SYSTEM_GENERATORS.union(SYSTEM_DRAWS)


def _is_mendable(call: ProgramCall) -> bool:
    """Return whether the replacement keeps the arguments of a call."""
    is_lossy = call.node.keywords or (call.name in _SIZED and not call.node.args)
    return call.name in _SYSTEM_GENERATORS or not is_lossy


def _drawn(call: ProgramCall) -> LineChange:
    given = ", ".join(call.source.text_of(one) for one in call.node.args)
    text = SYSTEM_DRAWS.get(call.name, "{0}").format(GENERATOR_NAME, given)
    if call.name in _UUIDS:
        text = _uuid_module(call) + text.removeprefix("uuid")
    edit = TextEdit(*call.source.span(call.node), text)
    return LineChange("entropy", call.source, edit, f"a seeded draw instead of {call.name}")


def _uuid_module(call: ProgramCall) -> str:
    """Return the name of the module `uuid` in the file; if the file has only uuid4, the name that an import adds."""
    if isinstance(call.node.func, ast.Attribute):
        return call.source.text_of(call.node.func.value)
    point = InsertionPoint(call.source)
    return point.alias("uuid") or point.free_name("uuid")


def _generator(program: Program, source: SourceFile, calls: list[ProgramCall]) -> LineChange:
    point = InsertionPoint(source)
    bare = [call for call in calls if call.name in _UUIDS and isinstance(call.node.func, ast.Name)]
    lines = ["import random", *["import uuid"] * bool(bare), f"{GENERATOR_NAME} = random.Random({program.seed})"]
    return LineChange("entropy", source, point.edit(worded(lines, point)), "a generator with a seed")
