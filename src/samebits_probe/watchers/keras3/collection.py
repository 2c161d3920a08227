"""Collects the loss of a train step, and the gradients that its optimizers find, while the step is traced or runs.

Keras computes these inside one function (a graph, on TensorFlow and JAX). Two methods are wrapped on their classes,
`Optimizer.apply` and `Trainer._compute_loss`. The wrappers do not change the values, and add no operation to a graph.
"""

from typing import TYPE_CHECKING, Any, Callable, Iterable, List, Optional, Tuple, TypeVar

from ...wrappers import after, before, wrap
from ..objects import Function, NamedValue, Optimizer, Variable

if TYPE_CHECKING:
    from ...probe import Probe

Run = Callable[[], Any]  # applies the gradients
Apply = Callable[[Optimizer, List[NamedValue], List[Variable], Run], Any]
Result = TypeVar("Result")


class OptimizerStep:
    """One optimizer step: the gradients that the optimizer gets, by the names of their variables."""

    def __init__(self, optimizer: Optimizer, gradients: List[NamedValue], variables: List[Variable]) -> None:
        self.optimizer = optimizer
        self.gradients = gradients  # [(name, gradient)]
        self.variables = variables
        self.updates: List[NamedValue] = []  # [(name, value)], if a later step of the same call hides them


class StepCollection:
    """What one train step showed, in its order."""

    def __init__(self, before_apply: "Callable[[StepCollection], Any]") -> None:
        self.applied: List[OptimizerStep] = []
        self.layers: List[NamedValue] = []  # [(name, what a layer returned)], if the values of layers are wanted
        self.loss: Any = None
        self._before_apply = before_apply  # function(collected), before each optimizer step
        # function(collected), when its gradients are known
        self.on_apply: "Optional[Callable[[StepCollection], Any]]" = None

    def results(self) -> List[NamedValue]:
        """Return [(name, value)]: the loss, and what layers returned."""
        return ([("loss", self.loss)] if self.loss is not None else []) + self.layers

    def returned(self, _layer: Any, named: List[NamedValue]) -> None:
        """Note that a layer has returned [(name, value)]."""
        self.layers.extend(named)

    def add(self, optimizer: Optimizer, gradients: List[NamedValue], variables: List[Variable]) -> None:
        self._before_apply(self)
        self.applied.append(OptimizerStep(optimizer, gradients, variables))
        if self.on_apply is not None:
            self.on_apply(self)


class CollectionHooks:
    """The state that the wrapped methods share, one for each process. `collected` is set while a train step runs."""

    def __init__(self, probe: "Probe", names_of: Callable[[Iterable[Variable]], List[str]]) -> None:
        self.probe = probe
        self.collected: Optional[StepCollection] = None
        # function(optimizer, gradients, variables, apply), for steps outside of train steps
        self.outside: Optional[Apply] = None
        self.is_compiling: Optional[Callable[[], bool]] = (
            None  # function() -> bool: torch.compile reads the code, and must find nothing of samebits
        )
        self._names_of = names_of
        self._inside = False

    def collecting(self, collected: StepCollection, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a train step, and collect what it shows in `collected`."""
        before, self.collected = self.collected, collected
        try:
            return function(*arguments)
        finally:
            self.collected = before

    def compute(self, function: Callable[[], Result]) -> Result:
        """Call `function` of an optimizer. Steps of its inner optimizers do not count."""
        self._inside = True
        try:
            return function()
        finally:
            self._inside = False

    def is_off(self) -> bool:
        """Return whether a wrapped method must go straight to the original."""
        return self._inside or (self.is_compiling is not None and self.is_compiling())

    def pairs(
        self, optimizer: Optimizer, gradients: Iterable[Any], variables: Optional[Iterable[Variable]]
    ) -> Tuple[List[NamedValue], List[Variable]]:
        """Return ([(name, gradient)] without those that are None, variables)."""
        chosen = list(variables) if variables is not None else list(optimizer._trainable_variables)
        names = self._names_of(chosen)
        return [(name, value) for name, value in zip(names, gradients) if value is not None], chosen


def wrap_apply(owner: Any, hooks: "CollectionHooks") -> None:
    """Wrap `apply(grads, trainable_variables=None)` of an optimizer class."""

    def make(original: Function) -> Function:
        def apply(self: Any, grads: Iterable[Any], trainable_variables: Optional[Iterable[Variable]] = None) -> Any:
            if hooks.is_off():
                return original(self, grads, trainable_variables)
            grads = grads if isinstance(grads, (list, tuple)) else list(grads)
            if trainable_variables is not None:
                trainable_variables = list(trainable_variables)

            def run() -> Any:
                return hooks.compute(lambda: original(self, grads, trainable_variables))

            found = hooks.probe.guard("gradients", hooks.pairs, self, grads, trainable_variables)
            if found is None or hooks.collected is None:
                return run() if found is None or hooks.outside is None else hooks.outside(self, *found, run)
            hooks.probe.guard("gradients", hooks.collected.add, self, *found)
            return run()

        return apply

    wrap(owner, "apply", make)


def wrap_stateless_apply(owner: Any, hooks: "CollectionHooks") -> None:
    """Wrap `stateless_apply(optimizer_variables, grads, trainable_variables)` of an optimizer class (JAX).

    Outside of train steps, the watcher of JAX sees the compiled function that calls it.
    """

    def make(original: Function) -> Function:
        def stateless_apply(self: Any, optimizer_variables: Any, grads: Any, trainable_variables: Any) -> Any:
            if hooks.is_off():
                return original(self, optimizer_variables, grads, trainable_variables)
            if hooks.collected is not None:
                found = hooks.probe.guard("gradients", hooks.pairs, self, grads, None)
                hooks.probe.guard("gradients", hooks.collected.add, self, *(found or ([], [])))
            return hooks.compute(lambda: original(self, optimizer_variables, grads, trainable_variables))

        return stateless_apply

    wrap(owner, "stateless_apply", make)


def wrap_loss(owner: Any, name: str, hooks: "CollectionHooks") -> None:
    """Wrap the trainer's method that computes the loss. Its last result in a train step is the loss."""

    def tell(loss: Any, *_: Any, **__: Any) -> None:
        if not hooks.is_off() and hooks.collected is not None:
            hooks.collected.loss = loss

    after(owner, name, tell)


def wrap_loss_tracker(owner: Any, name: str, hooks: "CollectionHooks") -> None:
    """Wrap a method whose second argument is the loss (JAX computes it inside a transformed function)."""

    def tell(_: Any, metrics_variables: Any, loss: Any, *__: Any, **___: Any) -> None:
        if hooks.collected is not None:
            hooks.collected.loss = loss

    before(owner, name, tell)
