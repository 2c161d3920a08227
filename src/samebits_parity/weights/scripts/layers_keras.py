"""Keras' layers: the kind, settings and arrays of each. Kinds and arrays have the words of both libraries."""

from model_parts import RECURRENT, is_plain

KINDS = {
    "Dense": "dense", "BatchNormalization": "batch_norm", "LayerNormalization": "layer_norm",
    "GroupNormalization": "group_norm", "Embedding": "embedding", "LSTM": "lstm", "GRU": "gru",
    "SimpleRNN": "simple_recurrent", "Bidirectional": "bidirectional", "MultiHeadAttention": "attention",
    "PReLU": "prelu", "Flatten": "flatten", "Reshape": "reshape", "Activation": "activation", "ReLU": "activation",
    "LeakyReLU": "activation", "ELU": "activation", "Softmax": "activation", "TimeDistributed": "each step",
}  # fmt: skip
for rank in ("1D", "2D", "3D"):
    for start, a_kind in (("Conv", "convolution"), ("DepthwiseConv", "depthwise"), ("SeparableConv", "separable"),
                          ("MaxPooling", "max_pool"), ("AveragePooling", "average_pool")):  # fmt: skip
        KINDS[start + rank] = a_kind
    KINDS["Conv" + rank + "Transpose"] = "transposed"
ACTIVATED = ("dense", "convolution", "depthwise", "separable", "transposed")
# attribute of a layer or of its cell -> the role of the array
ROLES = (
    ("kernel", "kernel"), ("_kernel", "kernel"), ("depthwise_kernel", "kernel"), ("pointwise_kernel", "pointwise"),
    ("bias", "bias"), ("gamma", "gamma"), ("beta", "beta"), ("moving_mean", "mean"), ("moving_variance", "variance"),
    ("embeddings", "weight"), ("_embeddings", "weight"), ("recurrent_kernel", "recurrent"), ("alpha", "alpha"),
)  # fmt: skip
PROJECTIONS = (("query", "_query_dense"), ("key", "_key_dense"), ("value", "_value_dense"), ("output", "_output_dense"))


def class_of(layer):
    """Return the Keras class of a layer, or the one from which it derives."""
    for kind in type(layer).__mro__:
        name = kind.__name__[:-2] if kind.__name__[-2:] in ("V1", "V2") else kind.__name__
        if kind.__module__.split(".")[0] in ("keras", "tensorflow", "tf_keras") and name in KINDS:
            return name
    return type(layer).__name__


def kind_of(layer):
    return KINDS.get(class_of(layer), "other")


def parts_of(layer):
    """Return the layers inside a layer."""
    if hasattr(layer, "_flatten_layers"):
        return [part for part in layer._flatten_layers(include_self=False, recursive=False) if hasattr(part, "weights")]
    return list(getattr(layer, "layers", None) or getattr(layer, "_layers", None) or [])


def units_of(layer, name=""):
    """Yield (name, layer) of everything that counts as one layer. Such a layer has a known kind, or holds no other."""
    if kind_of(layer) != "other":
        return [(name or layer.name, layer)]
    parts = parts_of(layer)
    if not parts:
        return [(name or layer.name, layer)]
    inside = {id(weight) for part in parts for weight in part.weights}
    own = [weight for weight in layer.weights if id(weight) not in inside]
    found = [(name or layer.name, layer)] if own else []
    for part in parts:
        found += units_of(part, name + "/" + part.name if name else part.name)
    return found


def shape_of(value):
    """Return the shape of a tensor without the batch, with None for an unknown size; None if it is not a tensor."""
    while isinstance(value, (list, tuple)) and value and not hasattr(value, "as_list"):
        value = value[0]
    shape = getattr(value, "_keras_shape", None) or getattr(value, "shape", None)
    if shape is None:
        return None
    try:
        sizes = shape.as_list() if hasattr(shape, "as_list") else list(shape)
    except ValueError:
        return None
    return [None if size is None else int(size) for size in sizes[1:]]


def channels_first(layer):
    return getattr(layer, "data_format", None) == "channels_first"


def function_name(function):
    return getattr(function, "__name__", type(function).__name__)


def settings_of(layer):
    """Return the settings that are numbers, words or lists of them; none if the program's class gives none."""
    try:
        found = layer.get_config()
    except Exception:
        return {}
    return {key: value for key, value in found.items() if is_plain(value)}


def cell_of(layer):
    return getattr(layer, "cell", layer)


def recurrent_refusal(layer):
    kind, cell = kind_of(layer), cell_of(layer)
    if kind == "gru" and not getattr(cell, "reset_after", getattr(layer, "reset_after", False)):
        return "reset_after=False, which PyTorch's GRU does not have: it resets after the product"
    if kind != "simple_recurrent":
        used = (function_name(cell.activation), function_name(cell.recurrent_activation))
        if used != ("tanh", "sigmoid"):
            return "its activations are %s and %s, PyTorch's are always tanh and sigmoid" % used
    if getattr(layer, "go_backwards", False):
        return "go_backwards, which PyTorch has only beside the other direction"
    return ""


def refusal(layer, kind):
    """Return why a layer with weights cannot be carried; empty if it can."""
    if kind == "bidirectional":
        if layer.merge_mode != "concat":
            return "merge_mode=%r, and PyTorch always puts both directions side by side" % layer.merge_mode
        inner = kind_of(layer.forward_layer)
        return recurrent_refusal(layer.forward_layer) if inner in RECURRENT else "it holds no LSTM, GRU or SimpleRNN"
    if kind in RECURRENT:
        return recurrent_refusal(layer)
    if kind == "each step" and kind_of(layer.layer) != "dense":
        return "TimeDistributed has a counterpart only around Dense"
    return "no layer of PyTorch is known that does the same" if kind == "other" else ""


def named_arrays(layer):
    """Return {role: weight} of a layer, or of its cell."""
    found, known = {}, {id(weight) for weight in layer.weights}
    for holder in (layer, cell_of(layer)):
        for attribute, role in ROLES:
            weight = getattr(holder, attribute, None)
            if id(weight) in known:
                found[role] = weight
    return found


def roles_of(layer, kind):
    """Return {role: weight} of a layer."""
    if kind == "bidirectional":
        back = {role + "_reverse": weight for role, weight in named_arrays(layer.backward_layer).items()}
        return dict(named_arrays(layer.forward_layer), **back)
    if kind == "attention":
        return {name + "_" + role: weight for name, attribute in PROJECTIONS
                for role, weight in named_arrays(getattr(layer, attribute)).items()}  # fmt: skip
    return named_arrays(layer.layer if kind == "each step" else layer)


def entry(name, layer, numbers, call):
    kind = kind_of(layer)
    roles = {role: numbers[id(weight)] for role, weight in roles_of(layer, kind).items() if id(weight) in numbers}
    refused = refusal(layer, kind) if layer.weights else ""
    missed = [weight for weight in layer.weights if numbers.get(id(weight)) not in roles.values()]
    if missed and not refused:
        refused = "it holds weights of its own that no rule knows"
    if kind == "other":
        roles = {str(place): numbers[id(weight)] for place, weight in enumerate(layer.weights) if id(weight) in numbers}
    shown = {"bidirectional": "forward_layer", "each step": "layer"}.get(kind)
    inner = kind_of(getattr(layer, shown)) if shown else kind
    return {
        "name": name, "class": type(layer).__name__, "type": class_of(layer), "kind": inner,
        "both_directions": kind == "bidirectional", "settings": settings_of(layer), "roles": roles,
        "input_shape": shape_of(call.inputs), "output_shape": shape_of(call.outputs), "refused": refused,
        "channels_first": channels_first(layer), "whole": returns_all(layer, kind),
    }  # fmt: skip


def returns_all(layer, kind):
    """Return whether a recurrent layer gives every step; null for other layers."""
    inner = layer.forward_layer if kind == "bidirectional" else layer
    return bool(getattr(inner, "return_sequences", False)) if kind in RECURRENT + ("bidirectional",) else None


def follow(layer):
    """Return the activation inside a layer, as a separate entry."""
    name = function_name(layer.activation) if callable(vars(layer).get("activation")) else "linear"
    if name == "linear" or kind_of(layer) not in ACTIVATED:
        return []
    return [{"name": layer.name, "class": "activation=" + name, "type": "Activation", "kind": "activation",
             "settings": {"activation": name}, "roles": {}, "input_shape": None, "output_shape": None,
             "refused": ""}]  # fmt: skip
