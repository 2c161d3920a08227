"""Trains three small steps with the library that is named ("none" among them), and prints as JSON what it can see.

Everything here is what a program could look at to find out whether it is watched. Runs under Python 3.6, too.
"""

import atexit
import copy
import ctypes
import functools
import gc
import hashlib
import json
import os
import pickle
import random
import secrets  # noqa: F401 - the probe replaces functions of it
import signal
import socket  # noqa: F401 - the probe replaces functions of it
import sys
import sysconfig
import tempfile  # noqa: F401 - the probe replaces functions of it
import threading
import traceback
import types
import uuid  # noqa: F401 - the probe replaces functions of it
import warnings
import weakref

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
OURS = os.sep + "samebits_probe" + os.sep
VARIABLES = ("PYTHONPATH", "SAMEBITS_PROBE")
OF_PYTHON = (
    "builtins",
    "io",
    "os",
    "posix",
    "signal",
    "_signal",
    "atexit",
    "genericpath",
    "posixpath",
    "threading",
    "subprocess",
    "random",
    "secrets",
    "socket",
    "tempfile",
    "uuid",
)


class Wrong(Exception):
    pass


def digest(data):
    return hashlib.sha256(data if isinstance(data, bytes) else repr(data).encode()).hexdigest()[:16]


# -- the trainings: each gives (a function that takes a step, its objects, its weights as bytes, what is set) ---------


def none():
    weights = [random.random() for _ in range(8)]

    def step(fails=False):
        if fails:
            raise Wrong("in a step")
        weights[:] = [weight - 0.1 * random.random() for weight in weights]

    return step, [], lambda: repr(weights).encode(), lambda: {}


def torch():
    import torch

    torch.manual_seed(2019)
    torch.set_num_threads(1)

    class Net(torch.nn.Module):
        def __init__(self):
            super(Net, self).__init__()
            self.layer = torch.nn.Linear(4, 2)
            self.fails = False

        def forward(self, x):
            if self.fails:
                raise Wrong("in a step")
            return self.layer(torch.nn.functional.dropout(x))

    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)

    def step(fails=False):
        net.fails = fails
        optimizer.zero_grad()
        net(torch.randn(3, 4)).sum().backward()
        optimizer.step()

    def weights():
        return b"".join(weight.detach().numpy().tobytes() for weight in net.parameters())

    def facts():
        return {
            "state of torch.random": digest(bytes(bytearray(torch.get_rng_state().tolist()))),
            "threads of torch": torch.get_num_threads(),
            "flags of torch": [torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic, torch.is_grad_enabled(),
                               str(torch.get_default_dtype()), torch.is_anomaly_enabled() if hasattr(torch, "is_anomaly_enabled") else None],
            "pickled network": digest(pickle.dumps([(key, value.tolist()) for key, value in net.state_dict().items()])),
            "type of a copied optimizer": type(copy.deepcopy(optimizer)).__name__,
            "hooks of a module": [len(value) for key, value in sorted(vars(net).items()) if key.endswith("_hooks")],
            "hooks of a weight": repr(net.layer.weight._backward_hooks),
            "seen: hooks of all optimizers": len(getattr(sys.modules["torch.optim.optimizer"], "_global_optimizer_pre_hooks", ())),
            "calls that a mode sees": calls(torch, step),
        }  # fmt: skip

    return step, {"a module": net, "a weight": net.layer.weight, "an optimizer": optimizer}, weights, facts


def calls(torch, step):
    if not hasattr(torch, "overrides") or not hasattr(torch.overrides, "TorchFunctionMode"):
        return None
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = []

    class Functions(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            seen.append(getattr(function, "__name__", ""))
            return function(*args, **(kwargs or {}))

    class Operators(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    with Functions(), Operators():
        step()
    return [len(seen), digest(seen)]


def keras():
    import numpy

    numpy.random.seed(2019)
    if "KERAS_BACKEND" not in os.environ:  # Keras 2.3
        import tensorflow

        tensorflow.random.set_seed(2019)
    import keras

    if hasattr(keras.utils, "set_random_seed"):
        keras.utils.set_random_seed(2019)
    layers = [keras.layers.Dense(4, activation="relu", input_shape=(4,)), keras.layers.Dense(2)] if keras.__version__ < "3" else [
        keras.Input((4,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2)]  # fmt: skip
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(0.1), "mse")

    def step(fails=False):
        if fails:

            class Fails(keras.callbacks.Callback):
                def on_train_batch_end(self, batch, logs=None):
                    raise Wrong("in a step")

            model.fit(numpy.random.rand(8, 4), numpy.random.rand(8, 2), verbose=0, callbacks=[Fails()])
        model.fit(numpy.random.rand(8, 4), numpy.random.rand(8, 2), batch_size=8, verbose=0)

    def weights():
        return b"".join(weight.tobytes() for weight in model.get_weights())

    def facts():
        return {
            "kind of a train function": type(model.train_function).__name__,
            "seed of the backend": sorted(name for name in vars(keras.backend) if name.startswith("rng")),
            "settings of the model": digest(json.dumps(model.get_config(), default=str)),
        }  # fmt: skip

    return step, {"a model": model, "an optimizer": model.optimizer}, weights, facts


def tensorflow():
    import tensorflow as tf

    tf.random.set_seed(2019)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    weight = tf.Variable(tf.random.normal((4, 2)))

    @tf.function
    def apply(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.matmul(x, weight) ** 2)
        weight.assign_sub(0.01 * tape.gradient(loss, weight))
        return loss

    def step(fails=False):
        if fails:
            raise Wrong("in a step")
        apply(tf.random.normal((3, 4)))

    def facts():
        return {
            "devices of TensorFlow": [device.name for device in tf.config.list_logical_devices()],
            "threads of TensorFlow": tf.config.threading.get_intra_op_parallelism_threads(),
            "type of a function": type(apply).__name__,
            "functions run eagerly": tf.config.functions_run_eagerly(),
        }

    return step, {"a weight": weight}, lambda: weight.numpy().tobytes(), facts


def jax():
    import jax
    import jax.numpy as jnp
    import numpy

    numpy.random.seed(2019)

    @jax.jit
    def apply(weights, x):
        return jax.tree_util.tree_map(
            lambda a, g: a - 0.01 * g, weights, jax.grad(lambda w: jnp.sum((x @ w["w"]) ** 2))(weights)
        )

    state = {"w": jax.random.normal(jax.random.PRNGKey(2019), (4, 2))}

    def step(fails=False):
        if fails:
            raise Wrong("in a step")
        state.update(apply(state, numpy.random.rand(3, 4).astype("float32")))

    def facts():
        return {
            "settings of JAX": digest(sorted((key, str(value)) for key, value in jax.config.values.items())),
            "traced again": apply._cache_size(),
            "type of a compiled function": type(apply).__name__,
        }

    return step, {"a compiled function": apply}, lambda: numpy.asarray(state["w"]).tobytes(), facts


# -- what can be seen -------------------------------------------------------------------------------------------------


def files_below(function):
    """Whether a frame of the probe was seen by a function of `sys.settrace` or `sys.setprofile`."""
    seen = set()

    def note(frame, event, argument):
        seen.add(frame.f_code.co_filename)

    sys_function = getattr(sys, function)
    sys_function(note)
    try:
        STEP()
        open(os.devnull).close()
    finally:
        sys_function(None)
    return any(OURS in name for name in seen)


def is_ours(function):
    if isinstance(function, (staticmethod, functools.partial)):  # it stands for a built-in function
        inner = getattr(function, "func", None)  # some values of JAX refuse to be true or false
        function = function.__func__ if inner is None else inner
    return isinstance(function, types.FunctionType) and OURS in function.__code__.co_filename


def is_framework(name):
    return name.partition(".")[0] in (
        "torch",
        "keras",
        "tensorflow",
        "tensorflow_core",
        "jax",
        "optax",
        "flax",
        "sklearn",
    )


def replaced():
    """{name: function} of the functions of Python and of the libraries whose code is the probe's."""
    found = {}
    for name, module in sorted(sys.modules.items()):
        if name not in OF_PYTHON and not is_framework(name):
            continue
        for key, value in list(getattr(module, "__dict__", {}).items()):
            if is_ours(value):
                found.setdefault(id(value), (name + "." + key, value))
            elif isinstance(value, type) and value.__module__ == name:
                for attribute, member in list(vars(value).items()):
                    if is_ours(member):
                        found.setdefault(id(member), ("%s.%s.%s" % (name, key, attribute), member))
    return dict(found.values())


def poses(function):
    """Whether a replaced function is what its original is by name, text and arguments.

    The original may itself stand for another function, as TensorFlow's do.
    """
    if isinstance(function, staticmethod):  # before Python 3.10 it has no `__wrapped__`
        function = function.__func__
    original = getattr(function, "__wrapped__", function)
    while is_ours(original) and hasattr(original, "__wrapped__"):
        original = original.__wrapped__
    same = [
        getattr(function, key, None) == getattr(original, key, None)
        for key in ("__name__", "__qualname__", "__module__", "__doc__")
    ]
    return not is_ours(original) and all(same)


def modules():
    standard = os.path.realpath(sysconfig.get_paths()["stdlib"])
    tops = {name.partition(".")[0] for name in sys.modules}
    tops = {name for name in tops if not name.startswith("__autograph_generated_file")}  # TensorFlow's, a random name
    found = {True: [], False: []}
    for name in sorted(tops - {"samebits_probe", "sitecustomize"}):
        path = getattr(sys.modules.get(name), "__file__", None)
        inside = path is None or (os.path.realpath(path).startswith(standard) and "-packages" not in path)
        found[inside].append(name)
    return found


def descriptors():
    """Those that lie in the folder of the trial, if there is one, and how many others there are."""
    trial = os.path.dirname(os.environ.get("SAMEBITS_PROBE", "")) or "-"
    names = []
    for number in os.listdir("/proc/self/fd"):
        try:
            names.append(os.readlink("/proc/self/fd/" + number))
        except OSError:
            pass
    inside = [name for name in names if name.startswith(trial)]
    return inside, len(names) - len(inside)


def rounding():
    library = ctypes.CDLL(None)
    return [library.fegetround() if hasattr(library, "fegetround") else None, 1e-310 * 1.0 > 0.0, 0.1 + 0.2]


def last_frames():
    """(text of an exception of a step, whether a frame of the probe is in its traceback)"""
    try:
        STEP(True)
    except Wrong as error:
        frames = traceback.extract_tb(error.__traceback__)
        return [repr(error), repr(error.__cause__), repr(error.__context__)], any(
            OURS in str(frame) for frame in frames
        )
    return None, None


def process():
    inside, others = descriptors()
    rest = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    loaded = modules()
    return {
        "environment": digest(sorted(rest.items())),
        "working folder": os.getcwd(),
        "arguments": sys.argv,
        "flags of Python": repr(sys.flags),
        "modules of packages": loaded[False],
        "warnings filters": repr([(one[0], one[2].__name__, one[4]) for one in warnings.filters]),
        "signal handlers": [getattr(signal.getsignal(one), "__qualname__", str(signal.getsignal(one))) for one in range(1, 32)],
        "alarm": signal.getitimer(signal.ITIMER_REAL),
        "float environment": rounding(),
        "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled(), gc.get_threshold()],
        "hooks of sys": [sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__, sys.gettrace(), sys.getprofile()],
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "standard output": [type(sys.stdout).__name__, sys.stdout is sys.__stdout__, sys.stdout.encoding, sys.stdout.fileno(), sys.stdout.mode],
        "descriptors outside of the trial": others,
        "state of random": digest(random.getstate()),
        "state of numpy.random": digest(sys.modules["numpy"].random.get_state()[1].tobytes()) if "numpy" in sys.modules else None,
        "seen: variables": sorted(set(VARIABLES) & set(os.environ)),
        "seen: sys.path": len(sys.path),
        "seen: sys.meta_path": any(type(one).__module__.startswith("samebits_probe") for one in sys.meta_path),
        "seen: sys.modules": "samebits_probe" in sys.modules,
        "seen: modules of Python": loaded[True],
        "seen: descriptors of the trial": len(inside) > 0,
        "seen: exit functions": atexit._ncallbacks(),
        "seen: objects of the collector": any(str(type(one).__module__).startswith("samebits_probe") for one in gc.get_objects()),
        "seen: os of os.path": type(sys.modules["posixpath"].os).__name__,
    }  # fmt: skip


def main():
    global STEP
    random.seed(2019)
    if sys.argv[1] != "none":
        import numpy

        numpy.random.seed(2019)
    STEP, objects, weights, facts = globals()[sys.argv[1]]()
    for _ in range(3):
        STEP()
    seen = {"weights": digest(weights())}
    seen.update(process())
    seen.update(facts())
    objects = dict(objects)
    for name in list(objects):
        one = objects[name]
        seen["attributes of " + name] = sorted(
            (key, type(value).__name__) for key, value in getattr(one, "__dict__", {}).items()
        )
        seen["seen: references to " + name] = [sys.getrefcount(one), weakref.getweakrefcount(one)]
    found = replaced()
    seen["functions that do not pose"] = sorted(
        name for name in found if not name.endswith("__del__") and not poses(found[name])
    )
    seen["seen: replaced functions of Python"] = sorted(name for name in found if not is_framework(name))
    seen["seen: replaced functions of the library"] = sorted(name for name in found if is_framework(name))
    seen["exception"], seen["seen: traceback"] = last_frames()
    seen["seen: sys.settrace"] = files_below("settrace")
    seen["seen: sys.setprofile"] = files_below("setprofile")
    seen["weights at the end"] = digest(weights())
    print(json.dumps(seen, sort_keys=True))
    sys.exit(3)


if __name__ == "__main__":
    main()
