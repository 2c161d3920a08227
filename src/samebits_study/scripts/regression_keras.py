"""A network of two hidden layers that predicts a number, in Keras 3 and in Keras 2.3.1.

    KERAS_BACKEND=jax python regression_keras.py --data diabetes.npz --out results

The same network, loss and optimizer as in PyTorch: see regression_pytorch.py.
"""

import keras
import keras_parts
import outcomes


def network(options, inputs, hidden=64):
    layers = [keras.layers.Dense(hidden, activation="relu") for _ in range(2)]
    model = keras.models.Sequential([*layers, keras.layers.Dense(1)])
    model.build((None, inputs.shape[1]))
    model.compile(keras.optimizers.Adam(options.rate), "mean_squared_error")
    return model


def arrays_of(data, part):
    return data[part + "_inputs"], data[part + "_targets"]


def predict(model, options, inputs, targets):
    return model.predict(inputs, verbose=0)


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "made by diabetes.py", epochs=60, batch=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    outcomes.add(parser, keras_parts.OPTIONS, ["--threads"])
    outcomes.run(parser.parse_args(), outcomes.Task(keras_parts, (1, 10), arrays_of, network, keras_parts.fit, predict))
