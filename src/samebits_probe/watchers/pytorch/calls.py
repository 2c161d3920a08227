"""Holds what waits within a step until a backward shows whether it was trained: calls of modules, and losses."""

from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional

if TYPE_CHECKING:
    from ...fingerprint import Tensor as TensorContent


class PendingPrint(NamedTuple):
    """A tensor's fingerprint, waiting for the name of its point's kind."""

    name: str
    print: bytes
    dtype: Any
    shape: Any
    content: "Optional[TensorContent]" = None
    value: Optional[float] = None


class Forward:
    """One call of an outermost module."""

    __slots__ = ("inputs", "is_committed", "is_trained", "outputs", "sources")

    def __init__(self) -> None:
        self.inputs: List[PendingPrint] = []
        self.outputs: List[PendingPrint] = []
        self.sources: List[Forward] = []
        self.is_trained = self.is_committed = False

    def trains(self, *_: Any) -> None:
        """Note that a backward passes through. This is a hook of a graph node, and it changes nothing."""
        if not self.is_trained:
            self.is_trained = True
            for source in self.sources:
                source.trains()


class Root:
    """A loss, with the labels that its graph has saved."""

    __slots__ = ("labels", "losses")

    def __init__(self) -> None:
        self.losses: List[PendingPrint] = []
        self.labels: List[PendingPrint] = []
