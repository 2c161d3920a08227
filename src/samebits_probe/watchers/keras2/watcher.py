"""Watches Keras 2 (2.3.1 was tried) on TensorFlow 1.14 and 2.1: `fit`, `fit_generator`, `train_on_batch`, functions.
What counts as seen, as (point, hook, hidden by, what the report says then):
"""

import functools
import sys
from typing import TYPE_CHECKING, Any, Iterable, List, Optional, Sequence, Union

from ... import rng, saved_files
from ..data_passes import watch_epochs
from ..keras3.models import Labels
from ..objects import Library, Model, NamedValue, Operation, Session, Variable
from ..plain_attributes import PlainAttributes
from ..points import Points
from ..remains import leave_out, remains_of, tell_death, tell_new
from ..tensorflow import variables as tensorflow_variables
from ..tensorflow.operations import ancestors
from ..trainers import Trainers
from .functions import Functions, OldTensorFlow
from .gradients import AppliedGradients, watch_backend, watch_get_gradients
from .variables import EagerReader, GraphReader, mark_left_out

if TYPE_CHECKING:
    from ...probe import Probe

SEEN = [
    (
        "rng",
        "python, numpy; seed and operation counter of TensorFlow's default graph (eager: the context's seed and state)",
        "generators inside the kernels of random operations (dropout, noise)",
        "the state of random operations lives inside TensorFlow's kernels",
    ),
    (
        "batch",
        "arrays fed to the train function: inputs, labels, sample weights; inputs made of tensors as further outputs",
        "labels that are tensors of the graph",
        "tensors of the graph, not arrays, are fed to the model",
    ),
    ("loss and metrics", "outputs of the train function"),
    (
        "gradient",
        "tensors of Optimizer.get_gradients or apply_gradients as further outputs of the train function",
        "an optimizer that asks for gradients in its own way",
        "the optimizer computes its gradients outside of get_gradients",
    ),
    (
        "gradient after clipping",
        "as above, in the functions of a session",
        "clipnorm of Keras 2 on TensorFlow 2: returning clipped gradients would change the order of the computation",
        "gradients are seen before clipnorm is applied",
    ),
    ("update", "weights, optimizer slots, iterations and rates, read after each step"),
    (
        "start",
        "weights and slots, read before the first step of their function",
        "weights that the first step makes itself (a subclassed model of tf.keras)",
        "the first step makes the weights: they are seen after it",
    ),
    (
        "end",
        "every variable outside of graphs and every variable of a session's graph, also in models that were never "
        "trained, in copies, and if it is trained by hand; read at the exit, when it dies, or when its session closes",
    ),
    (
        "end: attributes",
        "numbers and arrays in plain attributes of layers, models and tf.Module, also in lists and dicts",
        "text; private names and numbers that the library's own code uses; seeds",
    ),
    (
        "end: state of metrics",
        "",
        "it is left out, because an evaluation changes it; what is printed or saved of it is compared",
    ),
    (
        "batch of a loop",
        "Optimizer.apply_gradients with eager gradients: gradients, weights and state",
        "a loop of the program's own with GradientTape",
        "the batch of a loop with GradientTape is not seen on this TensorFlow",
    ),
    (
        "loss of a session",
        "Optimizer.compute_gradients of a session's optimizer",
        "gradients that the program computes by itself",
        "the program computes its gradients without compute_gradients",
    ),
    (
        "steps inside a function",
        "training loop of tf.keras in TensorFlow 2.1",
        "apply_gradients inside a tf.function of the program, in TensorFlow 1.14 and 2.1",
        "an optimizer is applied inside a tf.function: these steps are not seen on this TensorFlow",
    ),
    ("evaluation", "outputs of the test and predict functions, kind forward"),
]
HIDDEN = {row[0]: row[3] for row in SEEN if len(row) > 3}
_RANDOM = "Random", "Multinomial", "TruncatedNormal"  # in the names of operations that keep a state


class Keras2Watch:
    """What the parts of this watcher share in one process."""

    def __init__(self, probe: "Probe", tensorflow: OldTensorFlow) -> None:
        self.probe, self._tensorflow = probe, tensorflow
        self.arrays = Points(probe)
        self.remains, self.labels = remains_of(probe), Labels(probe)
        self.functions = Functions(self)
        self.looping = False  # whether the loop of tf.keras in TensorFlow 2.1 is calling an optimizer
        # what the optimizer applied in that call, if it ran eagerly
        self.eager_gradients: Optional[AppliedGradients] = None
        self.trainers = Trainers(probe)

    def make_reader(self, variables: Sequence[Variable], session: Optional[Session]) -> Union[EagerReader, GraphReader]:
        """Return a reader of variables: of a graph if a session is given, else of eager variables."""
        return EagerReader(variables, self._tensorflow) if session is None else GraphReader(variables)

    def leave_out_metrics(self, metric_class: Any) -> None:
        """Leave out the states of metrics. They do not belong to a model: an evaluation changes them."""
        leave_out(metric_class, "add_weight", self.remains.drop, mark_left_out)

    def session_for(self, function: Any, inputs: Any) -> Optional[Session]:
        """Return the session in which `function` is about to run; None for eager functions."""
        if hasattr(function, "_make_callable"):
            return self._tensorflow.backend.get_session(self._tensorflow.flatten(inputs))
        return None

    def own_gradients(self, model: Model) -> bool:
        """Watch an optimizer that has its own `get_gradients`. Returns whether it is watched only from now on."""
        method = getattr(type(model.optimizer), "get_gradients", None)
        if method is None or hasattr(method, "__wrapped__"):
            return False
        watch_get_gradients(model.optimizer, self.probe)
        return True

    def arrays_of(self, name: str, value: Any) -> List[NamedValue]:
        """Return [(name, array)] of a value that is fed or returned. The array is None for a tensor of a graph."""
        numpy = sys.modules["numpy"]
        if hasattr(value, "tocoo"):
            sparse = value.tocoo()
            parts = ("row", sparse.row), ("col", sparse.col), ("data", sparse.data)
            return [("%s.%s" % (name, part), array) for part, array in parts]
        if hasattr(value, "_numpy"):
            return [(name, value._numpy())]
        if value is None or self._tensorflow.is_tensor(value):
            return [(name, None)]
        return [(name, numpy.asarray(value))]

    def add_all(self, kind: str, named: Iterable[NamedValue]) -> None:
        """Record [(name, value)], tensors and arrays alike."""
        for name, value in named:
            for part, array in self.arrays_of(name, value):
                if array is not None:
                    self.arrays.array(kind, part, array)

    def flatten(self, values: Any) -> List[Any]:
        """Return the leaves of a nested structure."""
        found: List[Any] = self._tensorflow.flatten(values)
        return found

    def end_step(self, how: str = "train-function") -> None:
        """End a step. `how`: what counted as a step."""
        self.probe.once("observed-by", how=how)
        self.probe.end_step()

    def say_hidden(self, found: Optional[AppliedGradients], model: Optional[Model]) -> None:
        """Say what cannot be seen of a function that trains."""
        if found is None or not found.gradients:
            self.say_hidden_point("gradient")
        self.say_random(ancestors([model.total_loss if model is not None else getattr(found, "loss", None)]))

    def say_random(self, operations: Iterable[Operation]) -> None:
        """Say that random states are hidden if an operation of the training has one."""
        if any(_is_random(kind) for operation in operations for kind in _kinds(operation)):
            self.say_hidden_point("rng")

    def say_hidden_point(self, point: str) -> None:
        """Say that a point of the table cannot be seen."""
        self.probe.not_observed(point, HIDDEN[point])


def _is_random(kind: str) -> bool:
    return any(word in kind for word in _RANDOM)


def _kinds(operation: Operation) -> List[str]:
    """Return the types of an operation, and of those in the functions (branches of a condition) that it calls."""
    kinds = [operation.type]
    for attribute in operation.node_def.attr.values():
        called = operation.graph._functions.get(attribute.func.name) if attribute.func.name else None
        if called is not None:
            kinds += [node.op for node in called.definition.node_def]
    return kinds


@functools.lru_cache(maxsize=None)  # once for each probe
def watch_of(probe: "Probe") -> Keras2Watch:
    """Return the `Keras2Watch` of a process; its TensorFlow is wrapped when it is made."""
    tensorflow = OldTensorFlow()
    watch = Keras2Watch(probe, tensorflow)
    tensorflow.wrap(watch)
    tensorflow_variables.watch_variables(probe)
    rng.SAMPLERS["tensorflow"] = tensorflow.random_state
    return watch


def install(module: Library, probe: "Probe") -> None:
    """Install the watcher for the package `keras`."""
    if module.backend.backend() != "tensorflow":
        probe.not_observed("all", "Keras 2 is watched with its TensorFlow backend only")
        return
    watch = watch_of(probe)
    watch.functions.wrap_model(sys.modules["keras.engine.training"].Model)
    watch.leave_out_metrics(module.metrics.Metric)
    watch_epochs(probe, module.callbacks.CallbackList)
    saved_files.watch_functions(probe, ("save", "save_weights"), sys.modules["keras.engine.training"].Model)
    _watch_layers(module.engine.base_layer.Layer, watch)
    watch_backend(module.backend)
    watch_get_gradients(sys.modules["keras.optimizers"].Optimizer, probe)


def _watch_layers(layer_class: Any, watch: Keras2Watch) -> None:
    """Follow what layers hold in plain attributes; their variables are TensorFlow's."""
    remains, is_eager = watch.remains, lambda value: hasattr(value, "_numpy")
    attributes = PlainAttributes(watch.probe, is_eager, lambda value: value._numpy())
    tell_new(layer_class, lambda layer: remains.add(layer, lambda owner: attributes.of(owner, str(owner.name))))
    tell_death(layer_class, remains.died)
