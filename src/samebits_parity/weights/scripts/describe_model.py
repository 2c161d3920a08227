"""Describes a model under its own library: its layers in the order in which they run, its weights, and every layer's
output.

    python describe_model.py REQUEST.json ANSWER.json

Request: `path` of a Python file or a saved Keras model, `function` in the file (null: a saved model), `seed`, `out` (a
folder), and, each null if there is none: `shapes` of the inputs without the batch, `inputs` (npz: i0, i1, ...),
`layouts` (for PyTorch: orders of the axes to try, a list for each input), `load` (npz of weights to set before the run:
w0, w1, ...), `h5` (weights that Keras itself reads), `exact` (whether PyTorch runs once more in float64).

Answer: `library`, `version`, `inputs` [{shape, dtype, below}], `weights` [{name, shape, dtype}], `layers` [{name,
class, type (the library's class from which it derives), kind, settings, roles {role: number of a weight}, input_shape,
output_shape, refused}], `ran` (null, or why not), `layout`. Beside it, in `out`: weights.npz (w0, ...), outputs.npz
(the number of a layer, and `model`; with `.exact` in float64). Or `error` {what, advice}. Shapes are without the batch,
null if unknown.
"""

import importlib.util
import json
import os
import random
import sys
import traceback

import model_keras
import model_pytorch

# the user's own files may have the names of ours
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != HERE]
for name in ("model_keras", "model_pytorch", "model_parts", "layers_keras", "layers_pytorch"):
    del sys.modules[name]


class UnusableModel(Exception):
    """Something that cannot be done, and what to do instead."""


def is_keras(thing):
    """Return whether a thing is a model of Keras 2, tf.keras or Keras 3.

    (On its torch backend it is a torch module too.)
    """
    return any(
        kind.__name__ == "Model" and kind.__module__.split(".")[0] in ("keras", "tensorflow", "tf_keras")
        for kind in type(thing).__mro__
    )


def is_pytorch(thing):
    return "torch" in sys.modules and isinstance(thing, sys.modules["torch"].nn.Module)


def seed_all(seed):
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    model_keras.seed(seed)


def words_of(why, path):
    """Return the error of a user's program, and the last line of the user's file that led to it."""
    places = [place for place in traceback.extract_tb(why.__traceback__) if place[0] == path]
    where = "line %d: " % places[-1][1] if places else ""
    said = "%s%s: %s" % (where, type(why).__name__, str(why).strip() or "(no message)")
    return said if len(said) < 600 else said[:600] + "..."


def advice_for(why):
    missing = isinstance(why, ImportError)
    return "Name its interpreter: --env-a or --env-b, --python-a or --python-b." if missing else ""


def load_file(path):
    """Return the user's file as a module."""
    sys.path.insert(0, os.path.dirname(path))
    name = "samebits_model_" + os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as why:
        raise UnusableModel(
            "%s cannot be read: %s" % (os.path.basename(path), words_of(why, path)), advice_for(why)
        ) from why
    return module


def function_of(module, path, name):
    file = os.path.basename(path)
    there = [key for key, value in vars(module).items()
             if getattr(value, "__module__", "") == module.__name__ and callable(value)]  # fmt: skip
    if not hasattr(module, name):
        raise UnusableModel("%s has no %s." % (file, name), "It has: %s." % (", ".join(there) or "no function"))
    function = getattr(module, name)
    if not callable(function):
        raise UnusableModel("%s in %s is not a function." % (name, file), "Name a function that returns the model.")
    return function


def made_by(function, path, seed):
    seed_all(seed)
    try:
        return function()
    except (Exception, SystemExit) as why:
        raise UnusableModel("%s raised %s" % (getattr(function, "__name__", "the function"), words_of(why, path)),
                      advice_for(why)) from why  # fmt: skip


def build(request):
    """Return (the model, samebits' module for its library)."""
    path = request["path"]
    if request["function"] is None:
        try:
            return model_keras.load(path), model_keras
        except Exception as why:
            said = "%s cannot be loaded: %s" % (os.path.basename(path), words_of(why, path))
            raise UnusableModel(said, advice_for(why)) from why
    function = function_of(load_file(path), path, request["function"])
    watched = model_keras.watch()
    model = made_by(function, path, request["seed"])
    if is_keras(model):
        if not watched and model_keras.watch():  # the function itself imported Keras
            model = made_by(function, path, request["seed"])
        return model, model_keras
    if is_pytorch(model):
        return model, model_pytorch
    raise UnusableModel("%s gave no model of Keras or PyTorch, but: %s." % (request["function"], type(model).__name__),
                  "Name a function that returns the model.")  # fmt: skip


def answer_of(request):
    try:
        model, library = build(request)
        return library.describe(model, request)
    except UnusableModel as why:
        return {"error": {"what": why.args[0], "advice": why.args[1]}}


if __name__ == "__main__":
    sys.dont_write_bytecode = True  # leave nothing beside the user's files
    with open(sys.argv[1]) as asked:
        answered = answer_of(json.load(asked))
    with open(sys.argv[2], "w") as answer:
        json.dump(answered, answer)
