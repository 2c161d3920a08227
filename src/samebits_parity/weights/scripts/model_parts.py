"""What samebits' scripts share about models of both libraries."""

import os

import numpy as np

RECURRENT = ("lstm", "gru", "simple_recurrent")


def is_plain(value):
    """Return whether a setting is a number, a word, or a list of them."""
    if isinstance(value, (list, tuple)):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def first_tensor(value):
    """Return the first tensor in what a layer gives: lists, tuples and dictionaries of tensors."""
    while isinstance(value, (list, tuple, dict)) and value:
        value = list(value.values())[0] if isinstance(value, dict) else value[0]
    return value


def first_line(why):
    return "%s: %s" % (type(why).__name__, str(why).strip().split("\n")[0][:300])


def given_arrays(request):
    """Return the inputs that a request names; none if it names none."""
    if not request["inputs"]:
        return []
    with np.load(request["inputs"]) as given:
        return [given["i%d" % number] for number in range(len(given.files))]


def save(request, outputs, weights):
    """Write the outputs of layers, by name, and the weights."""
    np.savez(os.path.join(request["out"], "outputs.npz"), **outputs)
    np.savez(os.path.join(request["out"], "weights.npz"), **{"w%d" % n: value for n, value in enumerate(weights)})
