"""A Keras model (Keras 2.3, tf.keras, Keras 3 on any backend). describe_model.py describes the answer."""

import os
import sys

import numpy as np
from layers_keras import ACTIVATED, entry, follow, kind_of, shape_of, units_of
from model_parts import first_line, first_tensor, given_arrays, save

BATCH = 2  # samples in the inputs that are made here, if none are given
UNKNOWN = 32  # the size that replaces one that the model leaves open


class LayerCall:
    """The first call of a layer: its input, its output, and the input of its activation."""

    def __init__(self, layer):
        self.layer, self.inputs, self.outputs, self.before = layer, None, None, None

    @property
    def compared(self):
        return self.outputs if self.before is None else self.before


CALLS = {}  # id of a layer -> its first call, in the order of the calls
WATCHED = []


def base_layers():
    """Return the base classes of layers in the libraries that have been imported."""
    found = []
    for name, path in (("keras", "layers.Layer"), ("tensorflow", "keras.layers.Layer")):
        part = sys.modules.get(name)
        for attribute in path.split("."):
            part = getattr(part, attribute, None)
        if part is not None and part not in found:
            found.append(part)
    return found


def watch():
    """Record the calls of layers from now on. Returns whether there was something new to watch."""
    new = [kind for kind in base_layers() if kind not in WATCHED]
    for kind in new:
        kind.__call__ = recording(kind.__call__)
        WATCHED.append(kind)
    if new and is_graph():
        sys.modules["keras"].backend.set_learning_phase(0)
    return bool(new)


def is_graph():
    """Return whether this is Keras 2, whose layers are built into a graph that is run later."""
    return "keras" in sys.modules and sys.modules["keras"].__version__.startswith("2.")


def recording(original):
    def __call__(self, *args, **kwargs):
        call = CALLS.setdefault(id(self), LayerCall(self))
        if call.outputs is not None or call.inputs is not None:
            return original(self, *args, **kwargs)
        call.inputs = args[0] if args else None
        activation = vars(self).get("activation")
        if kind_of(self) in ACTIVATED and callable(activation):
            vars(self)["activation"] = noting(call, activation)
        try:
            call.outputs = original(self, *args, **kwargs)
        finally:
            if "activation" in vars(self):
                vars(self)["activation"] = activation
        return call.outputs

    return __call__


def noting(call, activation):
    def noted(value, *args, **kwargs):
        call.before = value
        return activation(value, *args, **kwargs)

    return noted


def seed(number):
    if "keras" in sys.modules and hasattr(sys.modules["keras"].utils, "set_random_seed"):
        sys.modules["keras"].utils.set_random_seed(number)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and hasattr(tensorflow, "set_random_seed"):
        tensorflow.set_random_seed(number)
    elif tensorflow is not None and hasattr(tensorflow, "random"):
        tensorflow.random.set_seed(number)


def load(path):
    """Load a saved model, and watch while it is built."""
    import keras

    watch()
    return keras.models.load_model(path, compile=False)


def ordered(units, built):
    """Return the layers in the order in which they were put together.

    If that was not seen for all layers with weights, it is the order in which they ran.
    """
    every = all(id(layer) in built for _, layer in units if layer.weights)
    order = {key: place for place, key in enumerate(built if every else CALLS)}
    return sorted(units, key=lambda unit: order.get(id(unit[1]), len(order)))


def declared_inputs(model):
    """Return [(shape without the batch, dtype, tensor)], empty if the model has not been built."""
    try:
        tensors = model.inputs or []
    except (AttributeError, ValueError):
        return []
    return [(shape_of(tensor), str(getattr(tensor.dtype, "name", tensor.dtype)), tensor) for tensor in tensors]


def embedded(units, tensor):
    """Return the number of rows of the embedding that takes an input; None if none does."""
    for _, layer in units:
        if kind_of(layer) == "embedding" and any(into is tensor for into in inputs_of(layer)):
            return int(layer.input_dim)
    return None


def inputs_of(layer):
    try:
        found = layer.input
    except (AttributeError, ValueError, RuntimeError):
        return []
    return found if isinstance(found, (list, tuple)) else [found]


def input_entries(model, units, shapes):
    tables = [int(layer.input_dim) for _, layer in units if kind_of(layer) == "embedding"]
    declared = declared_inputs(model)
    made = []
    for number, (shape, dtype, tensor) in enumerate(declared):
        below = embedded(units, tensor) or (min(tables) if tables and dtype.startswith("int") else None)
        below = below or (2 if dtype.startswith(("int", "uint", "bool")) else None)
        chosen = shapes[number] if shapes and number < len(shapes) else [size or UNKNOWN for size in shape]
        made.append({"shape": chosen, "dtype": "int32" if below else "float32", "below": below, "declared": shape})
    if declared or not shapes:
        return made
    below = min(tables) if tables else None
    return [{"shape": shape, "dtype": "int32" if below and len(shape) == 1 else "float32",
             "below": below if len(shape) == 1 else None, "declared": None} for shape in shapes]  # fmt: skip


def as_array(tensor):
    tensor = first_tensor(tensor)
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "ops"):
        return np.asarray(keras.ops.convert_to_numpy(tensor))
    return tensor.numpy()


def run_eagerly(model, arrays):
    """Return {id of a layer: its output}, with the model's output under the model's id."""
    CALLS.clear()
    given = [np.asarray(array) for array in arrays]
    output = model(given[0] if len(given) == 1 else given, training=False)
    found = {id(layer): as_array(CALLS[id(layer)].compared) for _, layer in units_of(model) if id(layer) in CALLS}
    found[id(model)] = as_array(output)
    return found


def run_graph(model, arrays):
    """Do what `run_eagerly` does, for Keras 2.

    Layers that the inputs do not reach (of a model within a model) are left out.
    """
    wanted = {key: call.compared for key, call in CALLS.items() if hasattr(call.compared, "op")}
    wanted[id(model)] = model.outputs[0]
    try:
        return dict(zip(wanted, fetched(model, list(wanted.values()), arrays)))
    except Exception:  # what TensorFlow raises differs from release to release
        alone = {key: reached(model, tensor, arrays) for key, tensor in wanted.items()}
        return {key: array for key, array in alone.items() if array is not None}


def fetched(model, tensors, arrays):
    return sys.modules["keras"].backend.function(model.inputs, tensors)(arrays)


def reached(model, tensor, arrays):
    """Return the value of one tensor; None if it needs other inputs."""
    try:
        return fetched(model, [tensor], arrays)[0]
    except Exception:
        return None


def run(model, arrays):
    """Return (outputs, why it did not run)."""
    try:
        return (run_graph if is_graph() else run_eagerly)(model, arrays), None
    except Exception as why:
        return {}, first_line(why)


def values_of(model):
    if is_graph():
        return sys.modules["keras"].backend.batch_get_value(model.weights)
    return [as_array(weight) for weight in model.weights]


def set_weights(model, path):
    values = values_of(model)
    with np.load(path) as given:
        for key in given.files:
            values[int(key[1:])] = given[key]
    model.set_weights(values)


def describe(model, request):
    built = dict(CALLS)
    units = units_of(model)
    entries = input_entries(model, units, request["shapes"])
    if not entries:
        return {"error": {"what": "%s does not say which shape its input has." % model.name,
                          "advice": "Give --input 28,28,1, the shape without the batch."}}  # fmt: skip
    arrays = given_arrays(request) or [np.zeros([BATCH] + entry["shape"], entry["dtype"]) for entry in entries]
    if not declared_inputs(model):  # a subclassed model, whose weights are made by its first run
        try:
            model(arrays[0] if len(arrays) == 1 else arrays, training=False)
        except Exception as why:
            return {"error": {"what": "The model cannot be run: %s" % first_line(why), "advice": "Check --input."}}
    try:
        if request["h5"]:
            model.load_weights(request["h5"])
    except Exception as why:
        what = "Keras cannot load %s: %s" % (os.path.basename(request["h5"]), first_line(why))
        return {"error": {"what": what, "advice": "Name the weights of this model."}}
    if request["load"]:
        set_weights(model, request["load"])
    found, why = run(model, arrays)
    return answer(model, request, (entries, ordered(units_of(model), built)), (found, why))


def answer(model, request, described, ran):
    entries, units = described
    found, why = ran
    numbers = {id(weight): number for number, weight in enumerate(model.weights)}
    layers, outputs = [], {"model": found[id(model)]} if id(model) in found else {}
    for name, layer in units:
        if type(layer).__name__ == "InputLayer":
            continue
        if id(layer) in found:
            outputs[str(len(layers))] = found[id(layer)]
        layers.append(entry(name, layer, numbers, CALLS.get(id(layer)) or LayerCall(layer)))
        layers += follow(layer)
    values = values_of(model)
    save(request, outputs, values)
    weights = [{"name": getattr(weight, "path", weight.name), "shape": list(value.shape), "dtype": str(value.dtype)}
               for weight, value in zip(model.weights, values)]  # fmt: skip
    return {"library": "keras", "version": version(), "inputs": entries, "weights": weights, "layers": layers,
            "ran": why, "layout": None}  # fmt: skip


def version():
    keras, tensorflow = sys.modules.get("keras"), sys.modules.get("tensorflow")
    if keras is None:
        return "tf.keras of TensorFlow %s" % tensorflow.__version__
    if is_graph():
        return "Keras %s on TensorFlow %s" % (keras.__version__, tensorflow.__version__)
    return "Keras %s on %s" % (keras.__version__, keras.backend.backend())
