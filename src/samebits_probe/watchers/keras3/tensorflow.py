"""Keras 3 on TensorFlow: the train function returns batch, loss and gradients as further outputs."""

import itertools
import sys
from typing import TYPE_CHECKING, Any, Callable, Iterable, List, Optional, Sequence, Tuple

from ... import wire
from ..objects import Arguments, Array, Library, NamedValue, Tensor, Variable
from ..tensorflow import tapes
from ..tensorflow.variables import VariableReader
from . import functions
from . import loops as keras3_loops
from .collection import CollectionHooks
from .functions import Keras3Watch
from .train_step import KEY, LOOKED, Layout, TrainStep

if TYPE_CHECKING:
    from ..tensorflow.inspection import OperationInspection


class TensorFlow(VariableReader):
    """Reads TensorFlow's values: eager tensors as views, variables by the one operation that reads them."""

    def __init__(self) -> None:
        super().__init__()
        from tensorflow.python import pywrap_tfe
        from tensorflow.python.eager import context, record
        from tensorflow.python.framework import ops
        from tensorflow.python.ops import gen_resource_variable_ops, resource_variable_ops

        self.tf = sys.modules["tensorflow"]
        self.look: "Optional[OperationInspection]" = None  # if a step is inspected
        self.numpy = sys.modules["numpy"]
        self._is_eager_here = self.tf.executing_eagerly
        self.is_eager: Callable[[Any], bool] = lambda value: isinstance(value, ops.EagerTensor)
        self.graph_of = ops.get_default_graph
        self.may_record = record.could_possibly_record
        self._execute, self._context = pywrap_tfe.TFE_Py_Execute, context.context
        self._read = gen_resource_variable_ops.read_variable_op
        self._plain = resource_variable_ops.BaseResourceVariable

    def read(self, variable: Variable) -> Array:
        """Return a variable's value as an array. While a graph is being built, it is the value before the call."""
        if not self._is_eager_here():
            with self.tf.init_scope():
                return self.read(variable)
        value: Variable = getattr(variable, "_value", variable)
        if isinstance(value, self._plain):
            return self.array(self._read(value.handle, value.dtype))
        return self.numpy.asarray(value.numpy())

    def set(self, variable: Variable, array: Array) -> None:
        """Set a variable. While a graph is being built, it is set before the first call."""
        value: Variable = getattr(variable, "_value", variable)
        with self.tf.init_scope():
            value.assign(array)

    def reader(self, variables: Sequence[Variable]) -> Callable[[], List[Array]]:
        """Return function() -> [array], which reads many variables. If possible, it calls TensorFlow only once."""
        values: List[Variable] = [getattr(variable, "_value", variable) for variable in variables]
        are_plain = bool(values) and all(isinstance(value, self._plain) for value in values)
        at_once = self._operation_reader(values) if are_plain else None
        return at_once or (lambda: [self.read(variable) for variable in variables])

    def _operation_reader(self, values: Sequence[Variable]) -> "Optional[Callable[[], List[Array]]]":
        """Return function() -> [array], which reads by one operation of TensorFlow.

        The operation is not public, and all variables must lie on one device:
        https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/resource_variable_ops.cc. Returns None
        if the operation does not read them.
        """
        devices = {value.handle.device for value in values}
        handles, types = [value.handle for value in values], tuple(value.dtype.as_datatype_enum for value in values)
        attributes, name, array = ("dtypes", types, "N", len(values)), devices.pop(), self.array
        execute, context = self._execute, self._context

        def arrays() -> List[Array]:
            read = execute(context()._handle, name, "_ReadVariablesOp", handles, attributes, len(handles))
            return list(map(array, read))

        try:
            return arrays if not devices and arrays() else None
        except Exception:  # this release or device has no such operation
            return None

    def tensor(self, variable: Variable) -> Tensor:
        """Return a variable's value at this point of the program or graph, as a tensor."""
        value: Variable = getattr(variable, "_value", variable)
        return value.read_value()

    def arrays(self, name: str, value: Any) -> List[NamedValue]:
        """Return [(name, array)] of an eager tensor, a sparse or ragged one (by its parts), a number or an array."""
        if self.is_eager(value):
            return [(name, self.array(value))]
        parts = self.parts(name, value)
        if len(parts) == 1 and not self.tf.is_tensor(value):
            return [(name, self.numpy.asarray(value))]
        return [(part, self.array(tensor)) for part, tensor in parts]

    def parts(self, name: str, value: Any) -> List[NamedValue]:
        """Return [(name, tensor)]: itself, or the parts of a composite tensor (IndexedSlices, sparse, ragged)."""
        flat = self.tf.nest.flatten(value, expand_composites=True)
        if len(flat) == 1:
            return [(name, flat[0])]
        return [("%s.%d" % (name, index), part) for index, part in enumerate(flat)]

    def is_tensor(self, value: Any) -> bool:
        return self.tf.is_tensor(value) or isinstance(value, self.numpy.ndarray)

    def is_concrete(self, value: Any) -> bool:
        """Return whether a value is known now, and not only in a graph."""
        return all(self.is_eager(part) or not self.tf.is_tensor(part) for _, part in self.parts("", value))

    def is_leaf(self, value: Any) -> bool:
        return self.tf.is_tensor(value) or not isinstance(value, (dict, list, tuple))


class TensorFlowFunction(functions.TrainFunction):
    """A model's train function on TensorFlow. The program gets its result without the further outputs."""

    def __init__(self, watch: Keras3Watch, step: TrainStep) -> None:
        super().__init__(watch, step)
        self._known = -1
        step.on_step = self._record_inside

    def before(self, arguments: Arguments) -> int:
        look = self.watch.backend.look
        if look is not None and self.step.unseen:
            look.unseen(self.step.unseen)
        return self._iterations()

    def _iterations(self) -> int:
        """Return how many updates the optimizer has made, if nothing else shows how many one call makes."""
        optimizer = self.step.model.optimizer
        return 0 if self.step.is_plain or optimizer is None else int(self.watch.backend.read(optimizer.iterations))

    def _split(self, result: Any) -> Tuple[Any, Layout, Sequence[Tensor]]:
        """Return (what the program's step returned, layout, tensors)."""
        if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict) and len(result[1]) == 1:
            key, tensors = next(iter(result[1].items()))
            if isinstance(key, str) and key.startswith(KEY):
                return result[0], self.step.layouts[int(key[len(KEY) :])], tensors
        return result, Layout(), []

    def given(self, result: Any) -> Any:
        return self._split(result)[0]

    def after(self, result: Any, before: Any) -> None:
        logs, layout, tensors = self._split(result)
        self._refresh()
        watch = self.watch
        if self.step.calls_back:  # the steps were recorded when they were made
            watch.record("forward", functions.metrics(watch, logs, "", loss_is_seen=True))
            return
        for _ in range(self._iterations() - (before or 0) - 1):
            watch.probe.end_step()
            watch.probe.begin()
        self._play(layout, tensors)
        loss_is_seen = any(("forward", "loss") in step for step in layout.steps)
        watch.record("forward", functions.metrics(watch, logs, "", loss_is_seen))
        self.model.updates()
        watch.probe.end_step()

    def _record_inside(self, layout: "Layout", arrays: Sequence[Array]) -> None:
        self.watch.probe.begin()
        self._play(layout, arrays)
        self.watch.probe.end_step()

    def _play(self, layout: "Layout", values: Iterable[Any]) -> None:
        """Record a layout's values; a call that applies several optimizers makes several steps."""
        watch, following = self.watch, iter(values)
        for number, runs in enumerate(layout.runs(watch.points)):
            if number:
                watch.probe.end_step()
                watch.probe.begin()
            looked: List[Any] = []
            for kind, names, rows in runs:
                some = list(itertools.islice(following, len(names)))
                if kind == LOOKED:
                    looked += some
                elif kind == "forward":
                    self._play_forward(names, some)
                else:
                    rows.record(names, list(map(watch.backend.array, some)))
            if number < len(layout.looked):
                layout.looked[number].write(watch, looked)

    def _play_forward(self, names: List[str], values: List[Any]) -> None:
        watch, array = self.watch, self.watch.backend.array
        for name, value in zip(names, values):
            if name.startswith(wire.LAYER):
                watch.captured(name, array(value))
            else:
                watch.points.array("forward", name, array(value))

    def _refresh(self) -> None:
        """Find the variables again: a new trace may have built the model, or an optimizer."""
        if len(self.step.layouts) != self._known:
            self._known = len(self.step.layouts)
            self.model.optimizers = [one for layout in self.step.layouts for one in layout.optimizers]
            self.model.refresh()


def loops(keras: Library, watch: Keras3Watch) -> keras3_loops.Loops:
    """Return the training loops of the program's own."""
    return tapes.install(watch.backend.tf, watch, keras.layers.Layer)


def install(trainer: Any, watch: Keras3Watch, hooks: CollectionHooks) -> None:
    """Wrap the functions that a trainer makes."""
    functions.wrap_train_maker(trainer, watch, lambda model: TrainStep(watch, hooks, model), TensorFlowFunction)
    functions.wrap_evaluation_makers(trainer, watch)
