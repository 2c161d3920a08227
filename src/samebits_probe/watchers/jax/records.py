"""Records points of a step of plain JAX: start, batch, forward, gradient, update, and the last states at the end."""

import contextlib
from typing import TYPE_CHECKING, Container, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from . import trees
from .arrays import Print
from .calls import CompiledCall, Function

if TYPE_CHECKING:
    from ...probe import Probe

Feeder = Tuple[CompiledCall, Set[int]]  # a call that belongs to a step, and the indices of its gradients

_LOOP = "JAX: %s makes many steps in one compiled call, and each call counts as one step"
_NOT_COMPILED = "JAX: they are computed outside of compiled functions; what was added to the weights is compared"
_DONATED = "JAX: %s is donated to %s, and gone after that call"


class Roles:
    """The roles of leaves, for calls of a function with the same names."""

    def __init__(self, call: CompiledCall) -> None:
        names, shown = call.names, {}
        self.names, self.given = names, names.given
        back = {
            index: out
            for index, out in call.function.back.items()
            if index < len(names.given) and out < len(names.returned)
        }
        for index, out in back.items():
            name = names.of_state(index, out)
            shown[index] = "optimizer." + name if names.is_in_optimizer(index, out) else name
        self.states = shown  # input index -> name
        self.updates = {out: shown[index] for index, out in back.items()}
        self.gradients_in = _gradients(call.given, set(back), names.given)
        self.gradients_out = _gradients(call.returned, set(back.values()), names.returned)
        self.outputs = _output_names(call, names.returned, self.updates)
        if call.function.by_hand:
            self.states = {index: names.given[index] for index in call.function.by_hand}
            self.gradients_in, self.gradients_out = set(), set(call.function.by_hand.values())
            self.outputs = _output_names(call, names.returned, self.gradients_out)
            self.outputs.update((out, names.given[index]) for index, out in call.function.by_hand.items())


class Records:
    """Writes steps and ends to the probe."""

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe
        self._steppers: List[Function] = []
        self._roles: Dict[int, Roles] = {}
        self._lasts: Dict[str, Print] = {}  # name -> fingerprint of the state that a function returned last

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """While this is entered, records may be discarded later: at the end, everything is as it was before."""
        before = {name: type(value)(value) for name, value in vars(self).items() if name != "_probe"}
        yield
        vars(self).update(before)

    def keeps_bytes(self) -> bool:
        """Return whether the launcher wants the bytes of values in addition to fingerprints."""
        return any(self._probe.wants(kind) for kind in ("start", "batch", "forward", "gradient", "update"))

    def step(self, call: CompiledCall, feeders: Sequence[Feeder] = (), changed: Sequence[Optional[Print]] = ()) -> None:
        """Record a call as the current step, and end the step.

        `changed`: what goes into the next call, if the call computes gradients that the program applies by itself.
        """
        function, probe = call.function, self._probe
        if not function.is_labelled:
            self._first(function)
        roles = self._roles_of(call)
        probe.begin()
        states = self._start(call, roles)
        for feeder, given in feeders:
            self._fed(feeder, given, states)
        if function.is_applier and not feeders:
            self._probe.not_observed("batch, loss, gradient", _NOT_COMPILED)
        self._given(call, roles)
        self._returned(call, roles)
        for print_, name in [(changed[index], name) for index, name in roles.states.items() if changed]:
            if print_ is not None:
                self._add("update", function.label + name, print_)
                function.last[function.label + name] = print_
        probe.end_step()

    def _first(self, function: Function) -> None:
        names = [one.label for one in self._steppers]
        label = function.name + "/" if names else ""
        function.label = label if label not in names else "%s#%d/" % (function.name, len(names) + 1)
        function.is_labelled = True
        self._steppers.append(function)
        self._probe.once("observed-by", how="apply-updates" if function.is_applier else "compiled-call")

    def _roles_of(self, call: CompiledCall) -> Roles:
        known = self._roles.get(id(call.names))
        if known is None or known.names is not call.names:
            known = self._roles[id(call.names)] = Roles(call)
        return known

    def _start(self, call: CompiledCall, roles: "Roles") -> Set[bytes]:
        """Record the input state if no call of the function returned it. Returns the fingerprints of all of it."""
        function, found = call.function, set()
        for index, name in roles.states.items():
            print_ = call.inputs[index]
            if print_ is None:
                continue
            found.add(print_.fingerprint)
            last = function.last.get(function.label + name)
            if index not in call.own and (last is None or last.fingerprint != print_.fingerprint):
                self._add("start", function.label + name, print_)
        return found | {one.fingerprint for one in function.last.values()}

    def _given(self, call: CompiledCall, roles: "Roles") -> None:
        function = call.function
        for index, name in enumerate(roles.given):
            print_ = call.inputs[index]
            if index in roles.states or print_ is None:
                self._say_donated(call, index, name, roles)
            elif function.is_applier:
                self._add("update", name, print_)
            else:
                kind = "gradient" if index in roles.gradients_in else "batch"
                self._add(kind, function.label + name, print_)

    def _say_donated(self, call: CompiledCall, index: int, name: str, roles: "Roles") -> None:
        if index not in roles.states and index not in call.own:
            self._probe.not_observed("batch", _DONATED % (name, call.function.name))

    def _returned(self, call: CompiledCall, roles: "Roles") -> None:
        function = call.function
        for index, print_ in enumerate(call.outputs):
            if print_ is None:
                continue
            if index in roles.updates:
                name = function.label + roles.updates[index]
                self._add("update", name, print_)
                function.last[name] = self._lasts[name] = print_
            else:
                kind = "gradient" if index in roles.gradients_out else "forward"
                self._add(kind, function.label + roles.outputs[index], print_)
        if any(call.returned.places[index] in function.looped for index in roles.updates):
            self._probe.not_observed("steps", _LOOP % function.name)

    def _fed(self, call: CompiledCall, given: Set[int], states: Set[bytes]) -> None:
        """Record a call that belongs to the step: its inputs other than the state, and its outputs."""
        names, label = call.names, call.function.name + "/"
        for index, print_ in enumerate(call.inputs):
            is_known = index in call.sources or index in call.own or names.is_in_optimizer(index, None)
            if print_ is not None and print_.fingerprint not in states and not is_known:
                self._add("batch", label + names.given[index], print_)
        outputs = _output_names(call, names.returned, dict.fromkeys(given))
        for index, print_ in enumerate(call.outputs):
            if print_ is not None:
                kind = "gradient" if index in given else "update" if names.is_in_optimizer(None, index) else "forward"
                self._add(kind, label + outputs[index], print_)

    def _add(self, kind: str, name: str, print_: Print) -> None:
        probe = self._probe
        point = probe.point(kind, name, print_.dtype, print_.shape)
        if kind == "start":
            probe.add_start(point, print_.fingerprint)
            occurrence = 0
        else:
            occurrence = probe.add(point, print_.fingerprint)
        if kind == "forward" and print_.number is not None:
            probe.scalar(point, print_.number, occurrence)
        if print_.data is not None and probe.wants(kind):
            probe.captured(kind, name, print_.dtype, print_.shape, print_.data)

    def end(self) -> None:
        """Record the last state of each function that carries one."""
        for name, print_ in self._lasts.items():
            self._add("end", name, print_)


def gradients_of(call: CompiledCall, applied: CompiledCall) -> Set[int]:
    """Return the indices of outputs that have the shapes of the parameters, if these parameters went in."""
    count = len(applied.function.back)
    known = {found.fingerprint for found in applied.inputs[:count] if found is not None}
    if known.isdisjoint(found.fingerprint for found in call.inputs if found is not None):
        return set()
    wanted, found = applied.given.kinds()[:count], call.returned.kinds()
    starts = [at for at in range(len(found) - count + 1) if found[at : at + count] == wanted]
    return set(range(starts[0], starts[0] + count)) if starts else set()


def _gradients(tree: trees.Tree, taken: Set[int], names: Sequence[str]) -> Set[int]:
    """Return the indices of leaves that are gradients.

    Their names show this, or they have the structure and the shapes of a part of the state.
    """
    found = {index for index, name in enumerate(names) if "grad" in name.lower() and index not in taken}
    shapes = [
        shape for shape, _ in tree.kinds()
    ]  # a gradient may have fewer bits than its weight, so dtypes may differ
    parts = [
        (range(first, first + count), shapes[first : first + count], structure)
        for first, count, structure in tree.nodes()
        if count > 1
    ]
    known = [part for part in parts if taken.issuperset(part[0])]
    for places, shaped, structure in parts:
        is_like = (shaped == other and trees.are_same(structure, same) for _, other, same in known)
        if taken.isdisjoint(places) and any(is_like):
            found.update(places)
    return found


def _output_names(call: CompiledCall, names: Sequence[str], updates: Container[int]) -> Dict[int, str]:
    """Return the names of outputs that do not come back as inputs: "loss" if it is one number."""
    scalars = [
        index
        for index, found in enumerate(call.outputs)
        if found is not None and found.number is not None and index not in updates and found.dtype.startswith("float")
    ]
    shown = {
        index: name if name and not name[0].isdigit() else "output.%s" % (name or "0")
        for index, name in enumerate(names)
    }
    if len(scalars) == 1:
        shown[scalars[0]] = "loss"
    return shown
