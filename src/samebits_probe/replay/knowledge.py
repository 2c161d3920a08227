"""Facts about operators: whether they are replayed, what they write to, whether they draw random numbers.

They are learned once for each overload, from its schema and tags. If a schema hides something, the first call shows it
(see `Overload.learn`). Only the arguments in `_WRITTEN` are known by their names.
"""

from typing import Any, Iterable, List, Set, Tuple

Schema = Any  # a torch.FunctionSchema
_NAMESPACES = {
    "profiler": "it marks a place in a profile",
    "c10d": "it talks to other ranks",
    "c10d_functional": "it talks to other ranks",
    "_c10d_functional": "it talks to other ranks",
    "_c10d_functional_autograd": "it talks to other ranks",
    "symm_mem": "it talks to other ranks",
    "rpc": "it talks to other ranks",
    "prim": "it computes nothing",
}
_UNSET = ("empty", "new_empty", "_empty", "resize", "_resize", "sparse_resize", "set_", "set.")
UNINITIALISED = "its output holds no values by contract"
_NOTHING = "it computes nothing"
_STATELESS = {
    "_local_scalar_dense": _NOTHING,
    "_assert_async": _NOTHING,
    "_assert_scalar": _NOTHING,
    "_assert_tensor_metadata": _NOTHING,
    "record_stream": _NOTHING,
    "is_pinned": _NOTHING,
    "_coalesced_": _NOTHING,
    "_pin_memory": "it moves values and computes none",
    "pin_memory": "it moves values and computes none",
    "lift": _NOTHING,
}
_VIEW = "it returns a view, or changes one"
# batch normalisation and rrelu write these in training, not in evaluation; the schema does not say so
_WRITTEN = ("running_mean", "running_var", "noise")


class Overload:
    """One overload. `why_not`: why it is not replayed, or "". `writes`: (position, name) of written arguments."""

    __slots__ = ("fresh", "name", "overload", "random", "results", "schema", "why_not", "writes")

    def __init__(self, func: Any) -> None:
        self.schema: Schema = func._schema
        self.name: str = self.schema.name.rstrip("_") if not self.schema.name.endswith("__") else self.schema.name
        self.overload = "%s.%s" % (self.schema.name, self.schema.overload_name or "default")
        tags = {str(tag).rpartition(".")[2] for tag in getattr(func, "tags", ())}
        self.random = "nondeterministic_seeded" in tags
        self.why_not = _why_not(self.schema, tags)
        self.writes: List[Tuple[int, str]] = []
        for at, argument in enumerate(self.schema.arguments):
            if _is_written(argument) or argument.name in _WRITTEN:
                self.writes.append((at, argument.name))
        # results that are written arguments are compared as arguments
        self.results = [at for at, result in enumerate(self.schema.returns) if result.alias_info is None]
        self.fresh = True  # no call has been looked at yet

    def argument(self, at: int) -> str:
        """Return the name of an argument."""
        name: str = self.schema.arguments[at].name
        return name

    def learn(self, written: Iterable[int], drew: bool) -> None:
        """Learn from the first call what it wrote to, and whether it drew random numbers: the schema may hide both."""
        self.fresh = False
        self.random = self.random or drew
        known = {name for _, name in self.writes}
        self.writes += [(at, self.argument(at)) for at in written if self.argument(at) not in known]


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _why_not(schema: Schema, tags: Set[str]) -> str:
    qualified: str = schema.name
    namespace, _, name = qualified.partition("::")
    if namespace in _NAMESPACES:
        return _NAMESPACES[namespace]
    if namespace == "aten" and (name in _STATELESS or name.startswith(_UNSET)):
        return _STATELESS.get(name, UNINITIALISED)
    views = [argument for argument in schema.arguments if argument.alias_info is not None]
    if "inplace_view" in tags or any(not argument.alias_info.is_write for argument in views):
        return _VIEW
    if not views and not any("Tensor" in str(result.type) for result in schema.returns):
        return _NOTHING
    return ""
