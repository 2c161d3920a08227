"""Keras 3 on TensorFlow: the train function gives its batch, loss and gradients as further outputs."""

import functools
import sys

from ... import wire
from ..tensorflow import tapes
from . import collection, functions, models
from .points import named_batch

_KEY = "samebits:"
_LOOKED = "looked"  # in a layout, beside the kinds of points


class TensorFlow:
    """How TensorFlow's values are read: eager tensors as views, variables by the one operation that reads them."""

    def __init__(self):
        from tensorflow.python.eager import context, record
        from tensorflow.python.framework import ops
        from tensorflow.python.ops import gen_resource_variable_ops, resource_variable_ops

        self.tf = sys.modules["tensorflow"]
        self.look = None  # a `tensorflow_looking.Look`, where a step is looked into
        self.numpy = sys.modules["numpy"]
        self._array, self._is_eager_here = self.numpy.ndarray, self.tf.executing_eagerly
        self.is_eager = lambda value: isinstance(value, ops.EagerTensor)
        self.graph_of = ops.get_default_graph
        self.may_record = record.could_possibly_record
        self._in_this_thread = context.function_executor_type
        self._read = gen_resource_variable_ops.read_variable_op
        self._plain = resource_variable_ops.BaseResourceVariable

    def read(self, variable):
        """A variable's value as an array, also while a graph is being built (then it is the value before the call)."""
        if not self._is_eager_here():
            with self.tf.init_scope():
                return self.read(variable)
        value = getattr(variable, "_value", variable)
        if isinstance(value, self._plain):
            return self.array(self._read(value.handle, value.dtype))
        return self.numpy.asarray(value.numpy())

    def set(self, variable, array):
        """Set a variable, also while a graph is being built (then before its first call)."""
        with self.tf.init_scope():
            getattr(variable, "_value", variable).assign(array)

    def reader(self, variables):
        """Function() -> [array] that reads many variables: in one call of a TensorFlow function where that can be."""
        values = [getattr(variable, "_value", variable) for variable in variables]
        if not values or not all(isinstance(value, self._plain) for value in values):
            return lambda: [self.read(variable) for variable in variables]
        with self.tf.init_scope():
            read = self.tf.function(lambda: [value.read_value() for value in values], autograph=False)
            read = read.get_concrete_function()

        def arrays():
            with self._in_this_thread("SINGLE_THREADED_EXECUTOR"):
                return [self.array(tensor) for tensor in read()]

        return arrays

    def quietly(self, unseen):
        """Read variables in functions that `unseen(function)` makes: no callback is to see them."""
        self._read, reader = unseen(self._read), self.reader
        self.reader = lambda variables: unseen(reader(variables))

    def tensor(self, variable):
        """A variable's value at this point of the program or graph, as a tensor."""
        return getattr(variable, "_value", variable).read_value()

    def array(self, tensor):
        """An eager tensor's values: a view where it lies in this process' memory."""
        value = tensor._numpy() if hasattr(tensor, "_numpy") else tensor
        if type(value) is self._array:
            return value
        return self.numpy.asarray(value, dtype=object) if isinstance(value, bytes) else self.numpy.asarray(value)

    def arrays(self, name, value):
        """[(name, array)] of an eager tensor, a sparse or ragged one (by its parts), a number or an array."""
        if self.is_eager(value):
            return [(name, self.array(value))]
        parts = self.parts(name, value)
        if len(parts) == 1 and not self.tf.is_tensor(value):
            return [(name, self.numpy.asarray(value))]
        return [(part, self.array(tensor)) for part, tensor in parts]

    def parts(self, name, value):
        """[(name, tensor)]: itself, or the parts of a composite tensor (IndexedSlices, sparse, ragged)."""
        flat = self.tf.nest.flatten(value, expand_composites=True)
        if len(flat) == 1:
            return [(name, flat[0])]
        return [("%s.%d" % (name, index), part) for index, part in enumerate(flat)]

    def is_tensor(self, value):
        return self.tf.is_tensor(value) or isinstance(value, self.numpy.ndarray)

    def is_concrete(self, value):
        """Whether a value is known now, and not only in a graph."""
        return all(self.is_eager(part) or not self.tf.is_tensor(part) for _, part in self.parts("", value))

    def has_value(self, value):
        """Whether it is a tensor that is no variable and has a value now."""
        return self.is_eager(value) and value.dtype not in (self.tf.resource, self.tf.variant)

    def is_leaf(self, value):
        return self.tf.is_tensor(value) or not isinstance(value, (dict, list, tuple))


class Layout:
    """The further outputs of one traced train step: for each of its optimizer steps [(kind, name)], in order."""

    def __init__(self):
        self.steps = [[]]
        self.looked = []  # of each optimizer step, what is looked at
        self.optimizers = []

    def __eq__(self, other):
        mine, others = ([id(one) for one in layout.optimizers] for layout in (self, other))
        return self.steps == other.steps and mine == others


class TrainStep:
    """Stands for a model's `train_step` while its train function is made and runs: gives its outputs and ours.

    Where one call makes several steps in a loop of the graph (`steps_per_execution`), outputs would keep the last
    alone: there a callback at the end of each step is given the same values. XLA has no callbacks, and what it fuses
    depends on what is given out, so that gradients given out change the bits of the update: both are said.
    """

    def __init__(self, watch, hooks, model):
        self.watch, self.hooks, self.model, self.original = watch, hooks, model, model.train_step
        self.layouts = []
        self.on_step = None  # function(layout, arrays), called for each step inside a call
        self._began = []  # how many operations the graph held before each update, where they are looked at
        self.unseen = ""  # why operations of it are not
        repeats = not isinstance(model.steps_per_execution, int) or model.steps_per_execution > 1
        replicas = getattr(model.distribute_strategy, "num_replicas_in_sync", 1)
        self.is_xla = bool(model.jit_compile) and not model.run_eagerly
        self.is_plain = replicas == 1 and not (repeats and model.jit_compile)
        look = watch.backend.look  # many further outputs take TensorFlow long to compile, a callback's inputs do not
        looks = look is not None and look.has_operators and not self.is_xla
        self.calls_back = self.is_plain and (repeats or looks) and not model.run_eagerly
        if self.is_xla or not self.is_plain:
            self.unseen = "there are several replicas" if replicas > 1 else "the train step is compiled by XLA"
        if not self.is_plain:
            why = "with several replicas" if replicas > 1 else "under XLA with steps_per_execution above 1"
            for point in ("batch", "gradient"):
                watch.not_observed(point, "Keras on TensorFlow, %s: inside one call" % why)
        elif self.is_xla:
            watch.not_observed("gradient", "Keras on TensorFlow under XLA: given out, it would change the step's bits")

    def function(self):
        @functools.wraps(self.original)
        def train_step(*args, **kwargs):
            del self._began[:]
            collected = collection.StepCollection(self._before_apply)
            logs = self.hooks.collecting(collected, lambda: self.original(*args, **kwargs))
            data = args[0] if args else kwargs.get("data")
            extras = self.watch.probe.guard("train step of keras", self._extras, collected, data)
            return logs if extras is None else (logs, extras)

        return train_step

    def _before_apply(self, collected):
        """A model that is built by its first call has weights now; an earlier optimizer's are read before the next."""
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

    def _extras(self, collected, data):
        """{key of the layout: tensors} that a call gives beside its logs, or None where nothing is given."""
        if not self.is_plain:
            return None
        layout, tensors = Layout(), []
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
        return None if self.calls_back else {_KEY + str(self.layouts.index(layout)): tuple(tensors)}

    def _looked(self, collected):
        """What is looked at of each optimizer step of the graph that has just been built."""
        look, parts = self.watch.backend.look, self.watch.backend.parts
        if look is None or self.is_xla:
            return []
        results = [tensor for name, value in collected.results() for _, tensor in parts(name, value)]
        gradients = [[t for name, value in one.gradients for _, t in parts(name, value)] for one in collected.applied]
        return look.steps(results, list(zip(self._began, gradients)))

    def _give_looked(self, layout, tensors):
        """Give out what is looked at of the layout's last step."""
        if len(layout.looked) >= len(layout.steps):
            given = layout.looked[len(layout.steps) - 1].tensors
            layout.steps[-1] += [(_LOOKED, tensor.name) for tensor in given]
            tensors += given

    def _add(self, layout, tensors, point, value):
        kind, name = point
        for part, tensor in self.watch.backend.parts(name, value):
            if self._is_ours(tensor):
                layout.steps[-1].append((kind, part))
                tensors.append(tensor)
            else:
                self.watch.not_observed(kind, "%s is computed inside a condition or loop of the graph" % part)

    def _is_ours(self, tensor):
        """Whether the step's own graph can return it."""
        backend = self.watch.backend
        if not backend.tf.is_tensor(tensor) or backend.is_eager(tensor):
            return True
        return tensor.graph is backend.graph_of()

    def _call_back(self, layout, tensors):
        """End the step's graph with a callback that is given the values, and the variables after the update."""
        optimizers = [self.model.optimizer] + layout.optimizers
        owned = models.Variables(models.model_variables(self.model), [one for one in optimizers if one])
        for name, variable in owned.weights + owned.optimizers:
            self._add(layout, tensors, ("update", name), self.watch.backend.tensor(variable))

        def step(*arrays):
            self.watch.probe.guard("keras step in the graph", self.on_step, layout, arrays)

        self.watch.backend.tf.numpy_function(step, tensors, [])


class TensorFlowFunction(functions.TrainFunction):
    """A model's train function on TensorFlow: its further outputs are taken off what the program gets."""

    def __init__(self, watch, step):
        super().__init__(watch, step)
        self._known = -1
        step.on_step = self._record_inside

    def before(self, arguments):
        look = self.watch.backend.look
        if look is not None and self.step.unseen:
            look.unseen(self.step.unseen)
        elif look is not None and self.step.model.run_eagerly:
            look.begin_eagerly()
        return self._iterations()

    def _iterations(self):
        """How many updates the optimizer has made, where that alone says how many one call makes."""
        optimizer = self.step.model.optimizer
        return 0 if self.step.is_plain or optimizer is None else int(self.watch.backend.read(optimizer.iterations))

    def _split(self, result):
        """(what the program's step returned, layout, tensors)."""
        if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict) and len(result[1]) == 1:
            key, tensors = next(iter(result[1].items()))
            if isinstance(key, str) and key.startswith(_KEY):
                return result[0], self.step.layouts[int(key[len(_KEY) :])], tensors
        return result, Layout(), []

    def given(self, result):
        return self._split(result)[0]

    def after(self, result, before):
        logs, layout, tensors = self._split(result)
        self._refresh()
        watch = self.watch
        if self.step.calls_back:  # the steps have been recorded as they were made
            return watch.numbers(functions.metrics(watch, logs, "", loss_is_seen=True))
        for _ in range(self._iterations() - (before or 0) - 1):
            watch.probe.end_step()
            watch.probe.begin()
        self._play(layout, tensors)
        loss_is_seen = any(("forward", "loss") in step for step in layout.steps)
        watch.numbers(functions.metrics(watch, logs, "", loss_is_seen))
        self.model.updates()
        return watch.probe.end_step()

    def _record_inside(self, layout, arrays):
        self.watch.probe.begin()
        self._play(layout, arrays)
        self.watch.probe.end_step()

    def _play(self, layout, values):
        """Record a layout's values; a call that applies several optimizers makes several steps."""
        watch, values = self.watch, iter(values)
        array, add, number_of = watch.backend.array, watch.points.array, watch.points.scalar
        for number, step in enumerate(layout.steps):
            if number:
                watch.probe.end_step()
                watch.probe.begin()
            looked = []
            for (kind, name), value in zip(step, values):
                if kind == _LOOKED:
                    looked.append(value)
                elif name.startswith(wire.LAYER):
                    watch.captured(name, array(value))
                elif kind == "forward":
                    number_of(kind, name, array(value))
                else:
                    add(kind, name, array(value))
            if number < len(layout.looked):
                variables = self.model.variables
                layout.looked[number].write(watch, looked, variables.weights + variables.optimizers)

    def _refresh(self):
        """A new trace may have built the model, or an optimizer."""
        if len(self.step.layouts) != self._known:
            self._known = len(self.step.layouts)
            self.model.optimizers = [one for layout in self.step.layouts for one in layout.optimizers]
            self.model.refresh()


def loops(keras, watch):
    """The training loops of the program's own."""
    return tapes.install(watch.backend.tf, watch, keras.layers.Layer)


def install(trainer, watch, hooks):
    """Wrap the functions that a trainer makes."""
    functions.wrap_train_maker(trainer, watch, lambda model: TrainStep(watch, hooks, model), TensorFlowFunction)
    for name, prefix in (("test", "evaluation/"), ("predict", "prediction/")):
        functions.wrap_evaluation_maker(trainer, watch, name, prefix, lambda model, output: output)
