"""Weights and optimizer state: their names, and their values after a step, read without a further operation."""

import functools
import re
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Sequence, Set, Tuple, Union

from ..objects import Array, NamedValue, Optimizer, Session, Variable

if TYPE_CHECKING:
    from ...probe.tensor_log import Feed
    from .functions import OldTensorFlow
    from .watcher import Keras2Watch

_LEFT_OUT, _STARTED = "_samebits_left_out", "_samebits_started"  # attributes of a variable
_SLOT = re.compile(r"(?:.*/)?([A-Za-z_]+?)_(\d+)(?:_\d+)?:0$")


def name_of(variable: Variable) -> str:
    """Return a weight's name as Keras gives it, without the output number: `conv2d_1/kernel`."""
    name = variable.name
    found: str = name[:-2] if name.endswith(":0") else name
    return found


def state_of(optimizer: Optional[Optimizer], parameters: Sequence[Variable]) -> List[NamedValue]:
    """Return [(name, variable)] of an optimizer; [] if there is none.

    Slots are named `<weight>/<slot>`, others `<optimizer>/<name>`.
    """
    named: Dict[str, Variable] = {}
    seen: Set[int] = set()
    for attribute, variable in _state_variables(optimizer) if optimizer is not None else ():
        if id(variable) in seen:
            continue
        seen.add(id(variable))
        name = _slot_name(variable, parameters) if attribute is None else None
        name = name or "%s/%s" % (type(optimizer).__name__, (attribute or name_of(variable)).split("/")[-1].lstrip("_"))
        while name in named:
            name += "'"
        named[name] = variable
    return list(named.items())


def _state_variables(optimizer: Optimizer) -> List[Tuple[Optional[str], Variable]]:
    """Return [(attribute, variable)] of an optimizer. Slots have no attribute of their own."""
    own = [pair for pair in sorted(vars(optimizer).items()) if is_variable(pair[1])]
    own += [pair for pair in sorted(getattr(optimizer, "_hyper", {}).items()) if is_variable(pair[1])]
    found = own + [(None, variable) for variable in _listed(optimizer) if is_variable(variable)]
    inner = getattr(optimizer, "optimizer", None)  # a TensorFlow optimizer in Keras' wrapper
    return found + (_state_variables(inner) if hasattr(inner, "__dict__") else [])


def _listed(optimizer: Optimizer) -> List[Any]:
    """Return the variables that an optimizer lists: `weights` of Keras' own, `variables()` of TensorFlow's."""
    try:
        return list(optimizer.variables() if callable(getattr(optimizer, "variables", None)) else optimizer.weights)
    except (NotImplementedError, AttributeError, RuntimeError):
        return []


def is_variable(value: Any) -> bool:
    """Return whether it is a TensorFlow variable that can be read by itself (of any class, in any version)."""
    return hasattr(value, "assign") and hasattr(value, "initializer") and hasattr(value, "name")


def _slot_name(variable: Variable, parameters: Sequence[Variable]) -> Optional[str]:
    """Return the name of a slot, such as `conv2d_1/kernel/m`.

    Keras calls it `training/Adam/m_0_1:0`, and TensorFlow `Adam/conv2d_1/kernel/m:0`.
    """
    name = "/" + name_of(variable)
    held = [weight for weight in map(name_of, parameters) if "/%s/" % weight in name]
    if held:
        return name[name.index("/%s/" % max(held, key=len)) + 1 :]
    match = _SLOT.match(variable.name)
    if match and int(match.group(2)) < len(parameters):
        return "%s/%s" % (name_of(parameters[int(match.group(2))]), match.group(1))
    return None


_READS = "_samebits_reads"  # attribute of a session: reader -> the call that reads. Only this call holds the session


class GraphReader:
    """Reads variables of a graph through tensors that the graph has already, by one call of the session."""

    def __init__(self, variables: Sequence[Variable]) -> None:
        self._tensors = [variable._as_graph_element() for variable in variables]

    def read(self, session: Optional[Session]) -> Optional[List[Array]]:
        """Return the values as arrays, or None if the session has been closed."""
        if session is None or session._closed:
            return None
        calls = session.__dict__.setdefault(_READS, {})
        if self not in calls:
            calls[self] = session.make_callable(self._tensors)
        found: Optional[List[Array]] = calls[self]()
        return found


class EagerReader:
    """Reads variables that live outside of graphs, without a copy."""

    def __init__(self, variables: Sequence[Variable], tensorflow: "OldTensorFlow") -> None:
        self._handles = [(variable.handle, variable.dtype) for variable in variables]
        self._read = tensorflow.read_variable
        self._eager_mode = tensorflow.eager_mode

    def read(self, session: Optional[Session] = None) -> Optional[List[Array]]:
        """Return the values as arrays. The caller must let them go before the next step, which may write in place."""
        with self._eager_mode():
            return [self._read(handle, dtype)._numpy() for handle, dtype in self._handles]


def mark_left_out(variable: Variable) -> None:
    """Note a variable that does not belong to a model."""
    setattr(variable, _LEFT_OUT, True)  # a table of weak references would be empty when a graph dies as a cycle


def last_of(session: Session) -> List[NamedValue]:
    """Return [(name, array)] of the variables of a graph that have a value in a session, which is still open.

    They are read through tensors that the graph has already.
    """
    variables = [one for one in session.graph.get_collection("variables") if not hasattr(one, _LEFT_OUT)]
    return [pair for one in variables for pair in _last_of_one(session, one)]


def _last_of_one(session: Session, variable: Variable) -> List[NamedValue]:
    """Return [(name, array)] of a variable; [] if the program has never initialised it. Only a read shows that."""
    try:
        return [(name_of(variable), session.make_callable(variable._as_graph_element())())]
    except Exception as error:
        if type(error).__name__ != "FailedPreconditionError":
            raise
        return []


def _values(reader: Union[GraphReader, EagerReader], session: Optional[Session]) -> List[Array]:
    """Return the values as arrays. Raises RuntimeError if the session is closed, so that no step runs in it."""
    values = reader.read(session)
    if values is None:
        raise RuntimeError("the session of a step is closed")
    return values


# The variables that a step changes. They are recorded before the first step, and after each step.


class FunctionVariables:
    """Weights and optimizer state of one function that trains."""

    def __init__(self, watch: "Keras2Watch") -> None:
        self._watch = watch
        self.are_found = False

    def find(self, weights: Iterable[NamedValue], state: List[NamedValue], session: Optional[Session]) -> None:
        """Take the variables, and record the first values of new ones. `weights`, `state`: [(name, variable)]."""
        watch, self._weights = self._watch, list(weights)
        for name, _ in self._weights:
            watch.labels.tell(name)
        new = [item for item in self._weights if not hasattr(item[1], _STARTED)] + state
        values = _values(watch.make_reader([variable for _, variable in new], session), session)
        for (name, _), value in zip(new, values):
            watch.arrays.array("start", name, value)
        self._mark()
        if watch.probe.feed is not None:
            self._let_set(watch.probe.feed, session)
        self._read(state, session)
        self.are_found = True

    def _mark(self) -> None:
        for _, variable in self._weights:
            setattr(variable, _STARTED, True)

    def _let_set(self, feed: "Feed", session: Optional[Session]) -> None:
        """Let the launcher set the weights (`load` adds nothing to the graph)."""

        def fed(variable: Variable, array: Array) -> None:
            variable.assign(array) if session is None else variable.load(array, session)

        for name, variable in self._weights:
            feed.known(name, functools.partial(fed, variable))

    def _read(self, state: List[NamedValue], session: Optional[Session]) -> None:
        """Make the reader. The state's variables are not kept alive: they live as long as the program's optimizer."""
        named = self._weights + state
        self._names = [name for name, _ in named]
        self._reader = self._watch.make_reader([variable for _, variable in named], session)

    def grow(self, weights: Iterable[NamedValue], state: List[NamedValue]) -> None:
        """Add variables that the step itself made, including weights. Their initial values were not seen."""
        known = {id(variable) for _, variable in self._weights}
        self._weights += [item for item in weights if id(item[1]) not in known]
        self._mark()
        self._read(state, None)

    def add_updates(self, session: Optional[Session]) -> None:
        """Record all of them after a step."""
        for name, value in zip(self._names, _values(self._reader, session)):
            self._watch.arrays.array("update", name, value)
