"""The first and last weights of everything that was trained in this process.

When the process ends, a model may have died as a local, or its session may be closed or cleared. So weights are read
just before they go. If nothing can be read any more, the state after the last step is the end.
"""

import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Tuple

from ... import signals
from ..objects import Array, Reference, Session, Variable
from .variables import initialised

if TYPE_CHECKING:
    from .watcher import Keras2Watch

Last = Tuple[int, bytes]  # point, fingerprint
Found = Tuple[float, int, bytes]  # order, point, fingerprint

_LAST = float("inf")  # comes after what was trained
_LEFT_OUT = "_samebits_left_out"  # attribute of a variable


class _Weight:
    """A trained variable, until its end is known."""

    __slots__ = ("order", "name", "variable", "session", "last")

    def __init__(self, order: int, name: str, variable: Variable) -> None:
        self.order, self.name, self.variable = order, name, variable
        self.session: Optional[Reference] = None
        self.last: Optional[Last] = None

    def is_of(self, session: Session) -> bool:
        """Return whether the variable is kept by `session`."""
        return self.session is not None and self.session() is session


class Keras2Ends:
    """Keeps the weights of trained models until the process, their session or their graph ends."""

    def __init__(self, watch: "Keras2Watch", follow: Callable[[Variable], Any]) -> None:
        self._arrays, self._make_reader = watch.arrays, watch.make_reader
        self._remains, self._follow = watch.remains, follow
        self._sessions: List[Reference] = []  # weak references
        self._alive: Dict[int, _Weight] = {}  # id(variable) -> _Weight, which holds the variable: the id stays its own
        self._finished: List[Found] = []  # (order, point, fingerprint)
        self._count = 0
        self._probe = watch.probe
        self._probe.at_end(self._record)

    def is_new(self, variable: Variable) -> bool:
        """Return whether the variable was not tracked before."""
        return id(variable) not in self._alive

    def track(self, name: str, variable: Variable) -> _Weight:
        """Follow a weight from now on. Returns its `_Weight`; the caller sets `last` after each step."""
        weight = self._alive.get(id(variable))
        self._remains.drop(variable)
        if weight is None:
            self._count += 1
            weight = self._alive[id(variable)] = _Weight(self._count, name, variable)
        return weight

    def is_followed(self, weight: _Weight) -> bool:
        """Return whether `weight` is still followed (False after its session or graph was cleared)."""
        return self._alive.get(id(weight.variable)) is weight

    def reference_to(self, session: Optional[Session]) -> Optional[Reference]:
        """Return a weight's reference to its session (None outside of sessions).

        The reference does not keep the session alive.
        """
        return weakref.ref(session, signals.referred(self._session_died)) if session is not None else None

    def _session_died(self, reference: Reference) -> None:
        self._probe.guard("keras end", self._finish, [w for w in self._alive.values() if w.session is reference])

    def finish(self, session: Optional[Session] = None) -> None:
        """Read the weights of a session (None: of all sessions) for the last time, and drop them."""
        self._finish([weight for weight in self._alive.values() if session is None or weight.is_of(session)])
        if session is not None:
            self._finished += self._others_of(session)

    def _finish(self, chosen: List[_Weight]) -> None:
        """Read weights for the last time. Weights outside of sessions survive when Keras clears its state.

        From then on they are followed like variables that nobody trains.
        """
        self._finished += self._last_of([weight for weight in chosen if weight.session is not None])
        for weight in chosen:
            del self._alive[id(weight.variable)]
            if weight.session is None:
                self._follow(weight.variable)
            else:
                self.leave_out(weight.variable)

    # -- variables that no step was seen to change --------------------------------------------------------------------

    def add_session(self, session: Session) -> None:
        """Note a session. All variables of its graph are read when it is closed, or at the exit."""
        self._sessions = [one for one in self._sessions if one() is not None] + [weakref.ref(session)]

    def leave_out(self, variable: Variable) -> None:
        """Note a variable that does not belong to a model, or that has been read for the last time."""
        setattr(variable, _LEFT_OUT, True)  # a table of weak references would be empty when a graph dies as a cycle

    def _others_of(self, session: Session) -> List[Found]:
        """Return [(order, point, fingerprint)] of the variables in a session that are not followed."""
        if session._closed:
            return []
        variables = [one for one in session.graph.get_collection("variables") if not self._is_known(one)]
        named = initialised(session, variables)
        arrays = self._arrays
        return [(_LAST, arrays.point("end", name, value), arrays.kept(value).fingerprint) for name, value in named]

    def _is_known(self, variable: Variable) -> bool:
        return id(variable) in self._alive or hasattr(variable, _LEFT_OUT)

    def _last_of(self, chosen: Iterable[_Weight]) -> List[Found]:
        """Return [(order, point, fingerprint)] of weights, as they are now."""
        groups: Dict[Tuple[bool, int], List[_Weight]] = {}
        found: List[Found] = []
        for weight in chosen:
            key = weight.session is None, id(weight.session and weight.session())
            groups.setdefault(key, []).append(weight)
        for group in groups.values():
            for weight, last in zip(group, self._last_values(group)):
                if last is not None:
                    found.append((weight.order,) + last)
        return found

    def _last_values(self, group: List[_Weight]) -> List[Optional[Last]]:
        """Return [(point, fingerprint)]: read now, or those of the last step if the session is gone."""
        session, values = group[0].session and group[0].session(), None
        if session is not None or group[0].session is None:
            values = self._probe.guard("keras end", self._read, group, session)
        if values is None:
            return [weight.last for weight in group]
        return [
            (self._arrays.point("end", weight.name, value), self._arrays.kept(value).fingerprint)
            for weight, value in zip(group, values)
        ]

    def _read(self, group: List[_Weight], session: Optional[Session]) -> Optional[List[Array]]:
        return self._make_reader([weight.variable for weight in group], session).read(session)

    def _record(self) -> None:
        if not self._probe.has_observed():
            return
        found = self._finished + self._last_of(list(self._alive.values()))
        for session in [reference() for reference in self._sessions]:
            if session is not None:
                found += self._probe.guard("keras end", self._others_of, session) or []
        first: Dict[int, float] = {}
        for order, point, _ in sorted(found):
            first.setdefault(point, order)
        for _, point, fingerprint in sorted(found, key=lambda item: (first[item[1]],) + item[1:]):
            # weights of one name are sorted by content, because models of one name may train in any order
            self._probe.add(point, fingerprint)
