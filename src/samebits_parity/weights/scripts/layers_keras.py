"""Keras' layers: the kind, settings and arrays of each, in the words that also describe PyTorch's layers."""

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
RECURRENT = ("lstm", "gru", "simple_recurrent")
CONVOLUTIONS = ("convolution", "depthwise", "separable", "transposed")
# attribute of a layer or of its cell -> the role of the array
ROLES = (
    ("kernel", "kernel"), ("_kernel", "kernel"), ("depthwise_kernel", "kernel"), ("pointwise_kernel", "pointwise"),
    ("bias", "bias"), ("gamma", "gamma"), ("beta", "beta"), ("moving_mean", "mean"), ("moving_variance", "variance"),
    ("embeddings", "weight"), ("_embeddings", "weight"), ("recurrent_kernel", "recurrent"), ("alpha", "alpha"),
)  # fmt: skip
FUNCTIONS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "Softmax": "softmax", "swish": "silu"}
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


def same_padding(size, kernel, stride, dilation):
    """Return [before, after] of Keras' padding "same" in one dimension."""
    wide = (kernel - 1) * dilation + 1
    whole = max((-(-size // stride) - 1) * stride + wide - size, 0)
    return [whole // 2, whole - whole // 2]


def spatial(shape, layer):
    """Return the spatial sizes (height and width, for example) of a shape without batch.

    The result is None if they are not known.
    """
    if shape is None:
        return None
    sizes = shape[1:] if channels_first(layer) else shape[:-1]
    return sizes if all(sizes) else None


def channels_first(layer):
    return getattr(layer, "data_format", None) == "channels_first"


def padding_of(layer, sizes, kernel, strides, dilation):
    if layer.padding == "valid":
        return [[0, 0]] * len(kernel)
    if layer.padding == "causal":
        return [[d * (k - 1), 0] for k, d in zip(kernel, dilation)]
    if sizes is None:
        return layer.padding
    return [same_padding(*four) for four in zip(sizes, kernel, strides, dilation)]


def convolution_settings(layer, call):
    kernel, strides, sizes = list(layer.kernel_size), list(layer.strides), spatial(shape_of(call.inputs), layer)
    dilation = list(layer.dilation_rate)
    dilation = dilation * len(kernel) if len(dilation) < len(kernel) else dilation
    settings = {"strides": strides, "dilation": dilation}
    if kind_of(layer) == "transposed":
        settings["crop"] = crop_of(layer, kernel, strides, dilation)
        settings["groups"] = 1
        return settings
    strides = strides * len(kernel) if len(strides) < len(kernel) else strides
    settings.update(strides=strides, padding=padding_of(layer, sizes, kernel, strides, dilation))
    settings["padded with"] = "zeros"
    channels = (shape_of(call.inputs) or [None])[0 if channels_first(layer) else -1]
    settings["groups"] = getattr(layer, "groups", 1) if kind_of(layer) == "convolution" else channels
    return settings


def crop_of(layer, kernel, strides, dilation):
    """Return [[before, after], ...] of the numbers that are cut from the full output of a transposed convolution.

    They are negative if the output is longer.
    """
    if layer.padding == "valid":
        return [[0, min((k - 1) * d + 1 - s, 0)] for k, s, d in zip(kernel, strides, dilation)]
    whole = [(k - 1) * d + 1 - s for k, s, d in zip(kernel, strides, dilation)]
    return [[max(size, 0) // 2, size - max(size, 0) // 2] for size in whole]


def function_name(function):
    name = getattr(function, "__name__", type(function).__name__)
    return FUNCTIONS.get(name, name)


def activation_settings(layer):
    name = class_of(layer)
    settings = {"function": function_name(layer.activation) if name == "Activation" else FUNCTIONS[name]}
    if name == "LeakyReLU":
        slope = getattr(layer, "negative_slope", getattr(layer, "alpha", None))
        settings["slope"] = round(float(slope), 7)
    if name == "ELU":
        settings["alpha"] = round(float(layer.alpha), 7)
    return settings


def pool_settings(layer, call):
    size, strides = list(layer.pool_size), list(layer.strides)
    padding = padding_of(layer, spatial(shape_of(call.inputs), layer), size, strides, [1] * len(size))
    return {"size": size, "strides": strides, "padding": padding}


def layer_norm_settings(layer, call):
    return {"epsilon": layer.epsilon, "axes": len(layer.axis) if isinstance(layer.axis, (list, tuple)) else 1}


SETTINGS = dict(
    dict.fromkeys(CONVOLUTIONS, convolution_settings),
    max_pool=pool_settings,
    average_pool=pool_settings,
    batch_norm=lambda layer, call: {"epsilon": layer.epsilon, "momentum (kept share)": layer.momentum},
    layer_norm=layer_norm_settings,
    group_norm=lambda layer, call: {"epsilon": layer.epsilon, "groups": layer.groups},
    attention=lambda layer, call: {"heads": getattr(layer, "num_heads", None) or layer._num_heads},
    embedding=lambda layer, call: {"inputs": layer.input_dim},
    simple_recurrent=lambda layer, call: {"activation": function_name(cell_of(layer).activation)},
    activation=lambda layer, call: activation_settings(layer),
)


def settings_of(layer, call):
    """Return the settings that change the outputs of a layer, in the words that also describe PyTorch's layers."""
    return SETTINGS.get(kind_of(layer), lambda layer, call: {})(layer, call)


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
        "name": name, "class": type(layer).__name__, "kind": inner, "both_directions": kind == "bidirectional",
        "settings": settings_of(layer, call), "roles": roles, "input_shape": shape_of(call.inputs),
        "output_shape": shape_of(call.outputs), "refused": refused,
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
    return [{"name": layer.name, "class": "activation=" + name, "kind": "activation", "settings": {"function": name},
             "roles": {}, "input_shape": None, "output_shape": None, "refused": ""}]  # fmt: skip
