"""PyTorch's layers: the kind, settings and arrays of each. Kinds and arrays have the words of both libraries."""

from model_parts import RECURRENT, is_plain

KINDS = {
    "Linear": "dense", "Embedding": "embedding", "LayerNorm": "layer_norm", "GroupNorm": "group_norm",
    "MultiheadAttention": "attention", "PReLU": "prelu", "LSTM": "lstm", "GRU": "gru", "RNN": "simple_recurrent",
    "SyncBatchNorm": "batch_norm",
}  # fmt: skip
for rank in ("1d", "2d", "3d"):
    for start, a_kind in (("Conv", "convolution"), ("ConvTranspose", "transposed"), ("BatchNorm", "batch_norm"),
                          ("MaxPool", "max_pool"), ("AvgPool", "average_pool")):  # fmt: skip
        KINDS[start + rank] = a_kind
ACTIVATIONS = ("ReLU", "LeakyReLU", "ELU", "SELU", "GELU", "Sigmoid", "Tanh", "Softmax", "Softplus", "SiLU", "Softsign",
               "Hardsigmoid")  # fmt: skip


def class_of(module):
    """Return the torch.nn class of a module, or the one from which it derives."""
    for kind in type(module).__mro__:
        if kind.__module__.startswith("torch.nn.") and (kind.__name__ in KINDS or kind.__name__ in ACTIVATIONS):
            return kind.__name__
    return type(module).__name__


def kind_of(module):
    name = class_of(module)
    return KINDS.get(name) or ("activation" if name in ACTIVATIONS else "other")


def units_of(module, name=""):
    """Yield (name, module) of everything that counts as one layer. Such a one has a known kind, or holds no other."""
    children = list(module.named_children())
    if kind_of(module) != "other" or not children:
        return [(name, module)]
    found = [(name, module)] if own_names(module) else []
    for part, child in children:
        found += units_of(child, name + "." + part if name else part)
    return found


def own_names(module):
    """Return the names of the parameters and buffers that belong to the module itself, not to its children."""
    buffers = getattr(module, "_non_persistent_buffers_set", ())
    named = list(module._parameters.items()) + list(module._buffers.items())
    return [name for name, value in named if value is not None and name not in buffers]


def settings_of(module):
    """Return the plain attributes: numbers, words, and tuples of them."""
    return {key: value for key, value in vars(module).items() if not key.startswith("_") and is_plain(value)}


def refusal(module, kind, names):
    """Return why a layer with weights cannot be carried; empty if it can."""
    if kind in RECURRENT and getattr(module, "proj_size", 0):
        return "proj_size is set, and Keras' %s has no projection" % class_of(module)
    if kind == "attention" and module.in_proj_weight is None:
        return "its key and value have sizes of their own (kdim, vdim)"
    if kind == "attention" and (module.bias_k is not None or module.add_zero_attn):
        return "add_bias_kv and add_zero_attn are not in Keras"
    if kind == "embedding" and module.max_norm is not None:
        return "max_norm changes the weights as it is used, which Keras' does not"
    if kind == "other":
        return "no layer of Keras is known that does the same"
    strange = [name for name in names if name.endswith("_orig") or name.startswith("parametrizations")]
    return "its weights are computed from others (%s)" % ", ".join(strange) if strange else ""


def roles_of(module, kind):
    """Return [(end of the unit's name, {role: name of a weight in the module})], one for each layer in a stack."""
    names = [name for name in own_names(module) if name != "num_batches_tracked"]
    if kind == "attention":
        names += ["out_proj." + name for name in own_names(module.out_proj)]
    if kind not in RECURRENT:
        return [("", {name: name for name in names})]
    parts = []
    for level in range(module.num_layers):
        ends = [("_l%d" % level, ""), ("_l%d_reverse" % level, "_reverse")]
        found = {name[: -len(end)] + ours: name for end, ours in ends for name in names if name.endswith(end)}
        parts.append(("[%d]" % level if module.num_layers > 1 else "", found))
    return parts
