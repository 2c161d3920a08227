"""Measures Keras (2.3.1, tf.keras, 3 on any backend) on tiny inputs: `python behaviour_keras.py REQUEST ANSWER`.

Request and answer are those of `behaviour`; "classes" are paths below keras. `side` "tf.keras" takes
tensorflow.keras. Python 3.6 and later; it imports nothing of samebits.
"""

import functools
import inspect

import numpy as np
from behaviour import Absent, main, outcome, signature_below
from training_keras import bias_step, epoch, penalty, single

OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "adamax": "Adamax", "sgd": "SGD", "rmsprop": "RMSprop",
              "adagrad": "Adagrad", "adadelta": "Adadelta"}  # fmt: skip
SETTINGS = {"accumulator": "initial_accumulator_value", "beta2": "beta_2", "clip_norm": "clipnorm",
            "clip_global": "global_clipnorm", "clip_value": "clipvalue"}  # fmt: skip
OF_ALL_OLD = ("clipnorm", "clipvalue", "epsilon")  # Keras 2 takes them as **kwargs
LOSSES = {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "huber": "Huber", "bce": "BinaryCrossentropy",
          "categorical": "CategoricalCrossentropy", "kl": "KLDivergence", "poisson": "Poisson"}  # fmt: skip
ACTIVATIONS = {"leaky_relu": "LeakyReLU", "prelu": "PReLU", "elu": "ELU", "softmax": "Softmax"}


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


def flat(value):
    return [float(number) for number in np.ravel(value)]


def found(place, name):
    if not hasattr(place, name):
        raise Absent("keras.%s has no %s" % (place.__name__.split(".")[-1], name))
    return getattr(place, name)


class Old:
    """Keras 2, which runs graphs."""

    rate = "lr"

    def __init__(self, keras):
        self.keras, self.backend = keras, keras.backend

    def begin(self):
        """Begin a new graph for each measurement, because a growing graph becomes slower each time."""
        self.backend.clear_session()
        one_thread()

    def knows(self, kind, name):
        return name in inspect.signature(kind.__init__).parameters or name in OF_ALL_OLD

    def stepper(self, optimizer, starts):
        """Return function(gradients, rate or None) -> weights after the step.

        Its loss is the sum of weight times gradient.
        """
        backend = self.backend
        weights = [backend.variable(single(start)) for start in starts]
        slots = [backend.placeholder(shape=single(start).shape) for start in starts]
        with slots[0].graph.as_default():  # on TensorFlow 2 a product outside of the tape has no gradient
            loss = sum(backend.sum(weight * slot) for weight, slot in zip(weights, slots))
            step = backend.function(slots, [loss], updates=optimizer.get_updates(loss, weights))

        def take(gradients, rate):
            if rate is not None:
                backend.set_value(optimizer.lr, rate)
            step([single(gradient) for gradient in gradients])
            return [backend.get_value(weight) for weight in weights]

        return take

    def run(self, layer, inputs, weights=None, *, training=False):
        inputs = single(inputs)
        entrance = self.keras.layers.Input(batch_shape=inputs.shape)
        exit_ = layer(entrance)
        if weights:
            layer.set_weights(weights(layer.get_weights()))
        updates = layer.updates if training else []
        return self.backend.function([entrance, self.backend.learning_phase()], [exit_], updates=updates)(
            [inputs, int(training)]
        )[0]

    def built(self, layer, shape):
        layer(self.keras.layers.Input(batch_shape=shape))
        return layer.get_weights()

    def loss(self, loss, target, output, weights):
        backend = self.backend
        slots = [backend.placeholder(shape=np.shape(value)) for value in (target, output)]
        value = loss(slots[0], slots[1], sample_weight=None if weights is None else backend.constant(weights))
        return backend.function(slots, [value])([single(target), single(output)])[0]

    def deviation(self, row):
        slot = self.backend.placeholder(shape=(len(row),))
        return self.backend.function([slot], [self.backend.std(slot)])([single(row)])[0]


class New:
    """Keras 3, which computes values at once."""

    rate = "learning_rate"

    def __init__(self, keras):
        self.keras, self.ops = keras, keras.ops

    def begin(self):
        """Do nothing: Keras 3 keeps nothing between measurements."""

    def knows(self, kind, name):
        return name in inspect.signature(kind.__init__).parameters

    def stepper(self, optimizer, starts):
        weights = [self.keras.Variable(single(start)) for start in starts]

        def take(gradients, rate):
            if rate is not None:
                optimizer.learning_rate = rate
            optimizer.apply([self.ops.convert_to_tensor(single(gradient)) for gradient in gradients], weights)
            return [self.ops.convert_to_numpy(weight) for weight in weights]

        return take

    def run(self, layer, inputs, weights=None, *, training=False):
        inputs = single(inputs)
        if weights:
            layer.build(inputs.shape)
            layer.set_weights(weights(layer.get_weights()))
        given = {"training": True} if training else {}
        return self.ops.convert_to_numpy(layer(self.ops.convert_to_tensor(inputs), **given))

    def built(self, layer, shape):
        layer.build(shape)
        return layer.get_weights()

    def loss(self, loss, target, output, weights):
        weights = None if weights is None else self.ops.convert_to_tensor(single(weights))
        given = [self.ops.convert_to_tensor(single(value)) for value in (target, output)]
        return self.ops.convert_to_numpy(loss(*given, sample_weight=weights))

    def deviation(self, row):
        return self.ops.convert_to_numpy(self.ops.std(self.ops.convert_to_tensor(single(row))))


def train(keras, here, ask):
    optimizer = optimizer_of(keras, here, ask)
    take, numbers = here.stepper(optimizer, ask["start"]), []
    for step, gradients in enumerate(ask["gradients"]):
        for weight in take(gradients, ask["rates"][step] if ask["rates"] else None):
            numbers += flat(weight)
    return numbers


def optimizer_of(keras, here, ask):
    kind = found(keras.optimizers, OPTIMIZERS[ask["optimizer"]])
    given = {SETTINGS.get(name, name): value for name, value in ask["settings"].items()}
    if given.get("initial_accumulator_value") == 0 and not here.knows(kind, "initial_accumulator_value"):
        del given["initial_accumulator_value"]  # a different start would give different numbers
    for name in given:
        if not here.knows(kind, name):
            raise Absent("%s has no %s" % (kind.__name__, name))
    if ask["rates"]:
        given[here.rate] = ask["rates"][0]
    return kind(**given)


def loss(keras, here, ask):
    settings = dict(ask["settings"])
    settings.pop("probabilities_only", None)
    settings.pop("as_logarithms", None)
    weights = settings.pop("weights", None)
    return flat(here.loss(found(keras.losses, LOSSES[ask["loss"]])(**settings), ask["target"], ask["output"], weights))


def convolve(keras, here, ask):
    padding, kernel = "valid" if ask["padding"] == "valid" else "same", single(ask["kernel"])
    layer = keras.layers.Conv2D(1, (1, len(kernel)), strides=(1, ask["stride"]), padding=padding, use_bias=False)
    return flat(here.run(layer, single(ask["row"]).reshape(1, 1, -1, 1), lambda w: [kernel.reshape(w[0].shape)]))


def transpose(keras, here, ask):
    kernel = single(ask["kernel"])
    layer = keras.layers.Conv2DTranspose(
        1, (1, len(kernel)), strides=(1, ask["stride"]), padding="same", use_bias=False
    )
    return flat(here.run(layer, single(ask["row"]).reshape(1, 1, -1, 1), lambda w: [kernel.reshape(w[0].shape)]))


def pool(keras, here, ask):
    kind = keras.layers.MaxPooling2D if ask["kind"] == "max" else keras.layers.AveragePooling2D
    layer = kind((1, ask["size"]), strides=(1, ask["stride"]), padding="same")
    return flat(here.run(layer, single(ask["row"]).reshape(1, 1, -1, 1)))


def batch_norm(keras, here, ask):
    layer = keras.layers.BatchNormalization(**({"momentum": ask["momentum"]} if "momentum" in ask else {}))
    outputs = here.run(layer, single(ask["inputs"]).reshape((2, 1, 2, 1) if ask["image"] else (-1, 1)), training=True)
    return flat(layer.get_weights()[2]) + flat(layer.get_weights()[3]) + flat(outputs)


def layer_norm(keras, here, ask):
    return flat(here.run(found(keras.layers, "LayerNormalization")(), [ask["inputs"]]))


def group_norm(keras, here, ask):
    return flat(here.run(found(keras.layers, "GroupNormalization")(groups=1), [ask["inputs"]]))


def deviation(keras, here, ask):
    return flat(here.deviation(ask["row"]))


def activation(keras, here, ask):
    points = single(ask["points"])
    if ask["name"] in ACTIVATIONS:
        layer = found(keras.layers, ACTIVATIONS[ask["name"]])()
    else:
        layer = keras.layers.Activation(found(keras.activations, ask["name"]))
    return flat(here.run(layer, points if points.ndim > 1 else points[None]))


def recurrent(keras, here, ask):
    kind = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[ask["layer"]]

    def weights(old):
        bias = single(ask["bias"])
        biases = bias if old[2].ndim == 1 else np.stack([bias, 0 * bias])
        return [single(ask["kernel"]), single(ask["recurrent"]), biases]

    return flat(here.run(kind(ask["units"], return_sequences=True), [ask["inputs"]], weights))


def start(keras, here, ask):
    layers = keras.layers
    layer, shape, place = {
        "dense": lambda: (layers.Dense(16), (1, 4), 1),
        "convolution": lambda: (layers.Conv2D(16, 3), (1, 5, 5, 2), 1),
        "lstm": lambda: (layers.LSTM(2), (1, 3, 1), 2),
        "embedding": lambda: (layers.Embedding(1000, 4), (1, 3), 0),
    }[ask["layer"]]()
    return flat(here.built(layer, shape)[place])


def spread(keras, here, ask):
    """Return [the largest value, the deviation, how far the rows are from an orthonormal set]."""
    layers, place = keras.layers, int(ask["layer"] == "recurrent")
    layer, shape = {
        "dense": lambda: (layers.Dense(300), (1, 100)),
        "convolution": lambda: (layers.Conv2D(40, 3), (1, 5, 5, 20)),
        "lstm": lambda: (layers.LSTM(50), (1, 3, 20)),
        "recurrent": lambda: (layers.LSTM(50), (1, 3, 20)),
    }[ask["layer"]]()
    kernel = np.asarray(here.built(layer, shape)[place], float)
    rows = kernel.reshape(-1, kernel.shape[-1])
    apart = rows.dot(rows.T) - np.eye(len(rows)) if len(rows) <= rows.shape[1] else np.ones(1)
    return [float(np.abs(kernel).max()), float(kernel.std()), float(np.abs(apart).max())]


def dropout(keras, here, ask):
    ones = np.ones((1, ask["count"]))
    return [float(np.max(here.run(keras.layers.Dropout(ask["share"]), ones, training=training)))
            for training in (True, False)]  # fmt: skip


def flatten(keras, here, ask):
    return flat(here.run(keras.layers.Flatten(), single(ask["image"]).transpose(1, 2, 0)[None]))


def upsample(keras, here, ask):
    layer = keras.layers.UpSampling2D((1, 2), interpolation=ask["kind"])
    return flat(here.run(layer, single(ask["row"]).reshape(1, 1, -1, 1)))


DO = {do.__name__: do for do in (train, penalty, loss, convolve, transpose, pool, batch_norm, layer_norm, group_norm,
                                 deviation, activation, recurrent, start, spread, bias_step, epoch, dropout, flatten,
                                 upsample)}  # fmt: skip


def measured(keras, here, ask):
    here.begin()
    return outcome(lambda: DO[ask["do"]](keras, here, ask))


def prepare(side):
    keras, is_new = library(side)
    here = New(keras) if is_new else Old(keras)
    return keras.__version__, functools.partial(measured, keras, here), functools.partial(signature_below, keras)


if __name__ == "__main__":
    main(prepare)
