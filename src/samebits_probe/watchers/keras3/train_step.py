"""A train step of Keras 3 on TensorFlow: the values that it returns in addition to its logs."""

import functools
import itertools
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple

from ..objects import Array, Function, Model, Optimizer, Tensor
from ..points import ArrayRows, named_batch
from . import collection, models
from .collection import CollectionHooks, StepCollection
from .functions import Keras3Watch

if TYPE_CHECKING:
    from ..points import Points
    from ..tensorflow.inspection import Step

Point = Tuple[str, str]  # kind, name
Run = Tuple[str, List[str], ArrayRows]  # a kind, the names of some points, and what records them

KEY = "samebits:"
LOOKED = "looked"  # in a layout, beside the kinds of points


class Layout:
    """The further outputs of one traced train step: for each of its optimizer steps [(kind, name)], in order."""

    def __init__(self) -> None:
        self.steps: List[List[Point]] = [[]]
        self.looked: List[Step] = []  # of each optimizer step, what is inspected
        self.optimizers: List[Optimizer] = []
        self._runs: Optional[List[List[Run]]] = None

    def runs(self, points: "Points") -> "List[List[Run]]":
        """Return the outputs of each optimizer step, with consecutive points of one kind joined."""
        if self._runs is None:
            self._runs = []
            for step in self.steps:
                by_kind = itertools.groupby(step, key=lambda point: point[0])
                found = [(kind, [name for _, name in some]) for kind, some in by_kind]
                self._runs.append([(kind, names, ArrayRows(points, kind)) for kind, names in found])
        return self._runs

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Layout):
            return NotImplemented
        mine, others = ([id(one) for one in layout.optimizers] for layout in (self, other))
        return self.steps == other.steps and mine == others


class TrainStep:
    """Replaces a model's `train_step` while its train function is made and runs: returns its outputs and samebits'
    values. If one call makes several steps in a loop of the graph (`steps_per_execution`), outputs would keep only the
    last. In that case a callback at the end of each step gets the same values. XLA has no callbacks. What it fuses
    depends on the outputs, so returning gradients changes the bits of the update. The report says both.
    """

    def __init__(self, watch: Keras3Watch, hooks: CollectionHooks, model: Model) -> None:
        self.watch, self.hooks, self.model, self.original = watch, hooks, model, model.train_step
        self.layouts: List[Layout] = []
        # function(layout, arrays), called for each step inside a call
        self.on_step: Optional[Callable[[Layout, Sequence[Array]], Any]] = None
        self._began: List[int] = []  # how many operations the graph held before each update, if they are inspected
        self.unseen = ""  # why its operations are not inspected
        repeats = not isinstance(model.steps_per_execution, int) or model.steps_per_execution > 1
        replicas = getattr(model.distribute_strategy, "num_replicas_in_sync", 1)
        self.is_xla = bool(model.jit_compile) and not model.run_eagerly
        self.is_plain = replicas == 1 and not (repeats and model.jit_compile)
        # TensorFlow takes long to compile many further outputs, but not the inputs of a callback
        look = watch.backend.look
        looks = look is not None and look.has_operators and not self.is_xla
        self.calls_back = self.is_plain and (repeats or looks) and not model.run_eagerly
        if self.is_xla or not self.is_plain:
            self.unseen = "there are several replicas" if replicas > 1 else "the train step is compiled by XLA"
        if not self.is_plain:
            why = "with several replicas" if replicas > 1 else "under XLA with steps_per_execution above 1"
            for point in ("batch", "gradient"):
                watch.probe.not_observed(point, "Keras on TensorFlow, %s: inside one call" % why)
        elif self.is_xla:
            watch.probe.not_observed(
                "gradient", "Keras on TensorFlow under XLA: returning it would change the step's bits"
            )

    def function(self) -> Function:
        @functools.wraps(self.original)
        def train_step(*args: Any, **kwargs: Any) -> Any:
            del self._began[:]
            collected = collection.StepCollection(self._before_apply)
            logs = self.hooks.collecting(collected, lambda: self.original(*args, **kwargs))
            data = args[0] if args else kwargs.get("data")
            extras = self.watch.probe.guard("train step of keras", self._extras, collected, data)
            return logs if extras is None else (logs, extras)

        return train_step

    def _before_apply(self, collected: StepCollection) -> None:
        """Record first values: a model that its first call builds has weights now.

        An earlier optimizer's are read before the next.
        """
        look = self.watch.backend.look
        if look is not None:
            self._began.append(look.applies())
        if not self.layouts:
            owned = models.Variables(models.model_variables(self.model), [])
            self.watch.lives.start(owned.weights)
        if self.is_xla or not self.is_plain:
            return
        for applied in collected.applied[-1:]:
            variables = list(applied.variables) + list(applied.optimizer.variables)
            value = self.watch.backend.tensor
            applied.updates = [(name, value(one)) for name, one in models.named(variables)]

    def _extras(self, collected: StepCollection, data: Any) -> Optional[Dict[str, Tuple[Tensor, ...]]]:
        """Return {key of the layout: tensors} that a call returns in addition to its logs; None if there are none."""
        if not self.is_plain:
            return None
        layout = Layout()
        tensors: List[Tensor] = []
        layout.looked = self._looked(collected)
        layout.optimizers = [applied.optimizer for applied in collected.applied]
        for name, value in named_batch(data, self.watch.backend.is_leaf):
            self._add(layout, tensors, ("batch", name), value)
        for name, value in collected.results() if not self.is_xla else []:
            self._add(layout, tensors, ("forward", name), value)
        for index, applied in enumerate(collected.applied):
            for kind, named in (("gradient", applied.gradients), ("update", applied.updates)):
                for name, value in named if not self.is_xla else []:
                    self._add(layout, tensors, (kind, name), value)
            if index + 1 < len(collected.applied):
                self._give_looked(layout, tensors)
                layout.steps.append([])
        self._give_looked(layout, tensors)
        if self.calls_back:
            self._call_back(layout, tensors)
        if layout not in self.layouts:
            self.layouts.append(layout)
        return None if self.calls_back else {KEY + str(self.layouts.index(layout)): tuple(tensors)}

    def _looked(self, collected: StepCollection) -> "List[Step]":
        """Return what is inspected of each optimizer step of the graph that has just been built."""
        look, parts = self.watch.backend.look, self.watch.backend.parts
        if look is None or self.is_xla:
            return []
        results = [tensor for name, value in collected.results() for _, tensor in parts(name, value)]
        gradients = [[t for name, value in one.gradients for _, t in parts(name, value)] for one in collected.applied]
        found: "List[Step]" = look.steps(results, list(zip(self._began, gradients)))
        return found

    def _give_looked(self, layout: "Layout", tensors: List[Tensor]) -> None:
        """Return what is inspected of the layout's last step."""
        if len(layout.looked) >= len(layout.steps):
            given = layout.looked[len(layout.steps) - 1].tensors
            layout.steps[-1] += [(LOOKED, tensor.name) for tensor in given]
            tensors += given

    def _add(self, layout: "Layout", tensors: List[Tensor], point: Point, value: Any) -> None:
        kind, name = point
        for part, tensor in self.watch.backend.parts(name, value):
            if self._is_ours(tensor):
                layout.steps[-1].append((kind, part))
                tensors.append(tensor)
            else:
                self.watch.probe.not_observed(kind, "%s is computed inside a condition or loop of the graph" % part)

    def _is_ours(self, tensor: Tensor) -> bool:
        """Return whether the step's own graph can return the value."""
        backend = self.watch.backend
        if not backend.tf.is_tensor(tensor) or backend.is_eager(tensor):
            return True
        return tensor.graph is backend.graph_of()

    def _call_back(self, layout: "Layout", tensors: List[Tensor]) -> None:
        """End the step's graph with a callback that gets the values, and the variables after the update."""
        optimizers = [self.model.optimizer] + layout.optimizers
        owned = models.Variables(models.model_variables(self.model), [one for one in optimizers if one])
        for name, variable in owned.weights + owned.optimizers:
            self._add(layout, tensors, ("update", name), self.watch.backend.tensor(variable))

        def step(*arrays: Any) -> None:
            if self.on_step is not None:
                self.watch.probe.guard("keras step in the graph", self.on_step, layout, arrays)

        self.watch.backend.tf.numpy_function(step, tensors, [])
