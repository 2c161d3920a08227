"""Measures Keras (2.3.1, tf.keras, 3 on any backend) on tiny inputs: `python behaviour_keras.py REQUEST ANSWER`.

Request and answer are those of `exchange`; "classes" are paths below keras. `side` "tf.keras" takes
tensorflow.keras. Python 3.6 and later; it imports nothing of samebits.
"""

import functools
import inspect

import numpy as np
from exchange import Absent, course, first_of, flat, main, measured, refuse_unknown, signature_below, single

OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
ACCUMULATOR = "initial_accumulator_value"
SETTINGS = {"accumulator": ACCUMULATOR, "clip_norm": "clipnorm",
            "clip_global": "global_clipnorm", "clip_value": "clipvalue"}  # fmt: skip
DEFAULTS = {"rate": "learning_rate", "beta1": "beta_1", "beta2": "beta_2", "epsilon": "epsilon", "rho": "rho",
            "decay": "weight_decay"}  # fmt: skip
LOSSES = {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "huber": "Huber", "bce": "BinaryCrossentropy",
          "categorical": "CategoricalCrossentropy", "kl": "KLDivergence", "poisson": "Poisson"}  # fmt: skip


def library(side):
    """Return (keras, whether it is Keras 3)."""
    if side == "tf.keras":
        import tensorflow

        return tensorflow.keras, True
    import keras

    return keras, not keras.__version__.startswith("2.")


def one_thread():
    """Use one thread: with several, Adam of Keras 2.3.1 counts its steps in a race."""
    import tensorflow as tf

    if tf.__version__.startswith("1."):
        import keras

        settings = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        keras.backend.set_session(tf.Session(config=settings))
    elif not tf.executing_eagerly() or tf.config.threading.get_intra_op_parallelism_threads() != 1:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


class Old:
    """Keras 2, which runs graphs."""

    rate = "lr"
    more = ("clipnorm", "clipvalue", "epsilon")  # it takes them as **kwargs

    def __init__(self, keras):
        self.keras, self.backend = keras, keras.backend

    def begin(self):
        """Begin a new graph for each measurement, because a growing graph becomes slower each time."""
        self.backend.clear_session()
        one_thread()

    def stepper(self, optimizer, starts):
        """Return function(gradients, rate) -> weights after the step.

        Its loss is the sum of weight times gradient.
        """
        backend = self.backend
        weights = [backend.variable(single(start)) for start in starts]
        slots = [backend.placeholder(shape=single(start).shape) for start in starts]
        with slots[0].graph.as_default():  # on TensorFlow 2 a product outside of the tape has no gradient
            loss = sum(backend.sum(weight * slot) for weight, slot in zip(weights, slots))
            step = backend.function(slots, [loss], updates=optimizer.get_updates(loss, weights))

        def take(gradients, rate):
            backend.set_value(optimizer.lr, rate)
            step([single(gradient) for gradient in gradients])
            return [backend.get_value(weight) for weight in weights]

        return take

    def loss(self, loss, target, output, weights):
        backend = self.backend
        slots = [backend.placeholder(shape=np.shape(value)) for value in (target, output)]
        value = loss(slots[0], slots[1], sample_weight=None if weights is None else backend.constant(weights))
        return backend.function(slots, [value])([single(target), single(output)])[0]


class New:
    """Keras 3, which computes values at once."""

    rate = "learning_rate"
    more = ()

    def __init__(self, keras):
        self.keras, self.ops = keras, keras.ops

    def begin(self):
        """Do nothing: Keras 3 keeps nothing between measurements."""

    def stepper(self, optimizer, starts):
        weights = [self.keras.Variable(single(start)) for start in starts]

        def take(gradients, rate):
            optimizer.learning_rate = rate
            optimizer.apply([self.ops.convert_to_tensor(single(gradient)) for gradient in gradients], weights)
            return [self.ops.convert_to_numpy(weight) for weight in weights]

        return take

    def loss(self, loss, target, output, weights):
        weights = None if weights is None else self.ops.convert_to_tensor(single(weights))
        given = [self.ops.convert_to_tensor(single(value)) for value in (target, output)]
        return self.ops.convert_to_numpy(loss(*given, sample_weight=weights))


def train(keras, here, ask):
    return course(ask, here.stepper(optimizer_of(keras, here, ask), ask["start"]))


def optimizer_of(keras, here, ask):
    kind = first_of(keras.optimizers, OPTIMIZERS[ask["optimizer"]])
    given = {SETTINGS.get(name, name): value for name, value in ask["settings"].items()}
    if given.get(ACCUMULATOR) == 0 and ACCUMULATOR not in inspect.signature(kind.__init__).parameters:
        del given[ACCUMULATOR]  # a different start would give different numbers
    refuse_unknown(kind, kind.__init__, given, here.more)
    given[here.rate] = ask["rates"][0]
    return kind(**given)


def setting(keras, here, ask):
    """Return a setting of an optimizer that is made without settings."""
    config, name = first_of(keras.optimizers, OPTIMIZERS[ask["optimizer"]])().get_config(), DEFAULTS[ask["setting"]]
    if config.get(name) is None:
        raise Absent("%s has no %s" % (OPTIMIZERS[ask["optimizer"]], name))
    return [float(config[name])]


def loss(keras, here, ask):
    settings = dict(ask["settings"])
    settings.pop("probabilities_only", None)
    settings.pop("as_logarithms", None)
    weights = settings.pop("weights", None)
    return flat(
        here.loss(first_of(keras.losses, LOSSES[ask["loss"]])(**settings), ask["target"], ask["output"], weights)
    )


def penalty(keras, here, ask):
    layer = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.l2(ask["factor"]))
    model = keras.models.Sequential([keras.layers.InputLayer(batch_shape=(1, 1)) if here.rate == "learning_rate"
                                     else keras.layers.InputLayer(input_shape=(1,)), layer])  # fmt: skip
    layer.set_weights([single([[ask["kernel"]]]), single([ask["bias"]])])
    model.compile(keras.optimizers.SGD(**{here.rate: 1.0}), "mean_squared_error")
    loss = model.train_on_batch(np.zeros((1, 1), "float32"), single([[ask["bias"]]]))
    kernel, bias = layer.get_weights()
    return [ask["kernel"] - float(kernel[0, 0]), ask["bias"] - float(bias[0]), float(np.ravel(loss)[0])]


def begun(measure, keras, here, ask):
    here.begin()
    return measure(keras, here, ask)


def answer(request):
    keras, is_new = library(request["side"])
    here = New(keras) if is_new else Old(keras)
    do = {
        measure.__name__: functools.partial(begun, measure, keras, here) for measure in (train, setting, penalty, loss)
    }
    return measured(request, keras.__version__, do, functools.partial(signature_below, keras))


if __name__ == "__main__":
    main(answer)
