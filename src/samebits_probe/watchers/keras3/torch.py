"""Keras 3 on torch: the train step runs eagerly, or as one compiled function, of which only inputs and outputs are
seen.
"""

import functools
import sys
from typing import Any, Callable, List, Sequence, Union

from ...wrappers import wrap
from ..objects import Arguments, Array, Function, Layer, Library, Model, NamedValue, Optimizer, Tensor, Variable
from ..points import named_batch
from . import collection, functions, models
from . import loops as keras3_loops
from .collection import CollectionHooks, StepCollection
from .functions import Keras3Watch


class Torch:
    """Reads torch's values: CPU tensors as views of their memory."""

    def __init__(self) -> None:
        self.torch = sys.modules["torch"]
        self.numpy = sys.modules["numpy"]

    def read(self, variable: Variable) -> Array:
        """Return a variable's value as an array."""
        return self.array(getattr(variable, "_value", variable))

    def set(self, variable: Variable, array: Array) -> None:
        """Set a variable in place."""
        value: Tensor = getattr(variable, "_value", variable)
        with self.torch.no_grad():
            value.copy_(self.torch.from_numpy(array.copy()))

    def reader(self, variables: Sequence[Variable]) -> Callable[[], List[Array]]:
        """Return function() -> [array], which reads many variables."""
        return lambda: [self.read(variable) for variable in variables]

    def array(self, tensor: Tensor) -> Array:
        """Return a tensor's values: a view if it lies in this process' memory and is strided."""
        tensor = tensor.detach()
        if tensor.layout != self.torch.strided:
            tensor = tensor.to_dense()
        tensor = tensor.cpu().resolve_conj().resolve_neg()
        name = str(tensor.dtype).rpartition(".")[2]
        if name == "bfloat16" or name.startswith("float8"):  # numpy has them from ml_dtypes, which Keras needs
            bits = self.torch.int16 if name == "bfloat16" else self.torch.uint8
            return tensor.contiguous().view(bits).numpy().view(getattr(sys.modules["ml_dtypes"], name))
        return tensor.numpy()

    def arrays(self, name: str, value: Any) -> List[NamedValue]:
        """Return [(name, array)] of a tensor, a number or an array."""
        if isinstance(value, self.torch.Tensor):
            return [(name, self.array(value))]
        return [(name, self.numpy.asarray(value))]

    def has_value(self, value: Any) -> bool:
        """Return whether it is a tensor with a value, and not a parameter."""
        is_one = isinstance(value, self.torch.Tensor) and not isinstance(value, self.torch.nn.Parameter)
        return is_one and value.device.type != "meta"

    def beside(self, layer: Layer, is_layer: Callable[[Any], bool]) -> List[NamedValue]:
        """Return [(name, tensor)] of a layer's tensors as a module of torch that are not variables of Keras."""
        module, found = self.torch.nn.Module, []
        for name, child in [("", layer)] + list(layer._modules.items()):
            if child is layer or (child is not None and not is_layer(child)):
                for named in (module.named_parameters, module.named_buffers):
                    found += [(name + "." + key, one) for key, one in named(child, recurse=child is not layer)]
        known = {id(variable._value) for variable in layer.variables}
        return [(name.lstrip("."), tensor) for name, tensor in found if id(tensor) not in known]

    def is_concrete(self, value: Any) -> bool:
        return True

    def is_leaf(self, value: Any) -> bool:
        return not isinstance(value, (dict, list, tuple))


class EagerStep:
    """Replaces a model's `train_step`, which runs eagerly. Each optimizer step is recorded when it happens."""

    def __init__(self, watch: Keras3Watch, hooks: CollectionHooks, model: Model) -> None:
        self.watch, self.hooks, self.model, self.original = watch, hooks, model, model.train_step
        self.optimizers: List[Optimizer] = []
        self.loss_is_seen = False

    def function(self) -> Function:
        @functools.wraps(self.original)
        def train_step(*args: Any, **kwargs: Any) -> Any:
            data = args[0] if args else kwargs.get("data")
            self.watch.probe.guard("batch of keras", self._batch, data)
            collected = collection.StepCollection(self._before_apply)
            collected.on_apply = self._applied
            return self.hooks.collecting(collected, lambda: self.original(*args, **kwargs))

        return train_step

    def _batch(self, data: Any) -> None:
        self.watch.record("batch", named_batch(data, self.watch.backend.is_leaf))

    def _before_apply(self, collected: StepCollection) -> None:
        """Record the results of the step before, which are still there.

        A further optimizer step of the same call begins.
        """
        for applied in collected.applied[-1:]:
            owned = list(applied.variables) + list(applied.optimizer.variables)
            self.watch.variables("update", models.named(owned))
            self.watch.probe.end_step()
            self.watch.probe.begin()

    def _applied(self, collected: StepCollection) -> None:
        for name, value in collected.layers:
            for part, array in self.watch.backend.arrays(name, value):
                self.watch.captured(part, array)
        del collected.layers[:]
        if collected.loss is not None:
            self.watch.record("forward", [("loss", collected.loss)])
            collected.loss = None
            self.loss_is_seen = True
        self.optimizers.append(collected.applied[-1].optimizer)
        self.watch.record("gradient", collected.applied[-1].gradients)


class CompiledStep:
    """A train step under `torch.compile`. Nothing of samebits is inside, so that the graphs stay as they are."""

    def __init__(self, watch: Keras3Watch, hooks: CollectionHooks, model: Model) -> None:
        self.watch, self.model, self.original = watch, model, model.train_step
        self.optimizers: List[Optimizer] = []
        self.loss_is_seen = False

    def function(self) -> Function:
        found: Function = self.original
        return found

    def before(self, arguments: Arguments) -> None:
        """Record the batch, which the compiled function gets in a list."""
        data = arguments[0] if arguments else None
        for batch in data if isinstance(data, (list, tuple)) else [data]:
            self.watch.record("batch", named_batch(batch, self.watch.backend.is_leaf))

    def after(self) -> None:
        """Record the gradients, which stay on the parameters until the next call."""
        named = models.named(self.model.trainable_variables)
        grads = [(name, getattr(variable._value, "grad", None)) for name, variable in named]
        self.watch.record("gradient", [(name, grad) for name, grad in grads if grad is not None])


class TorchFunction(functions.TrainFunction):
    """A model's train function on torch: one call, one batch."""

    def __init__(self, watch: Keras3Watch, step: "Union[EagerStep, CompiledStep]") -> None:
        super().__init__(watch, step)
        self._known = -1

    def before(self, arguments: Arguments) -> None:
        del self.step.optimizers[:]
        if isinstance(self.step, CompiledStep):
            self.step.before(arguments)

    def after(self, result: Any, _before: Any) -> None:
        if self._known != len(self.step.optimizers):
            self._known = len(self.step.optimizers)
            self.model.optimizers = list(self.step.optimizers)
            self.model.refresh()
        if isinstance(self.step, CompiledStep):
            self.step.after()
        self.watch.record("forward", functions.metrics(self.watch, result, "", self.step.loss_is_seen))
        self.model.updates()
        self.watch.probe.end_step()


def loops(keras: Library, watch: Keras3Watch) -> keras3_loops.Loops:
    """Return the training loops of the program's own: forwards and losses are seen by the watcher of PyTorch."""
    _own_symbolic_calls(keras.layers.Layer, watch)
    return keras3_loops.Loops(watch)


def _own_symbolic_calls(layer_class: Any, watch: Keras3Watch) -> None:
    """Keep the watcher of PyTorch from taking symbolic calls for forwards.

    Building a model calls its layers with symbols.
    """

    def make(original: Function) -> Function:
        def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
            if models.is_symbolic(args, kwargs):
                return watch.owned(original, self, *args, **kwargs)
            return original(self, *args, **kwargs)

        return __call__

    wrap(layer_class, "__call__", make)

    def make_spec(original: Function) -> Function:
        return lambda *args, **kwargs: watch.owned(original, *args, **kwargs)

    wrap(sys.modules["keras.src.backend"], "compute_output_spec", make_spec)


def install(trainer: Any, watch: Keras3Watch, hooks: CollectionHooks) -> None:
    """Wrap the functions that a trainer makes."""
    hooks.is_compiling = sys.modules["torch"].compiler.is_compiling

    def step_of(model: Model) -> "Union[EagerStep, CompiledStep]":
        return (CompiledStep if model.jit_compile else EagerStep)(watch, hooks, model)

    functions.wrap_train_maker(trainer, watch, step_of, TorchFunction)
    functions.wrap_evaluation_makers(trainer, watch)
