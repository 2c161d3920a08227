"""A network of two hidden layers that predicts a number, in Keras 3 and in Keras 2.3.1.

    KERAS_BACKEND=jax python regression_keras.py --data diabetes.npz --out results

The same network, loss and optimizer as in PyTorch: see regression_pytorch.py.
"""

import keras
import keras_parts
import numpy as np
import outcomes


def network(inputs, hidden=64):
    layers = [keras.layers.Dense(hidden, activation="relu") for _ in range(2)]
    model = keras.models.Sequential([*layers, keras.layers.Dense(1)])
    model.build((None, inputs))
    return model


def train_and_test(options, out):
    """Train and test one model. Write its weights, its predictions on the test data, and outcome.json."""
    keras_parts.set_seeds(options)
    data = np.load(options.data)
    model = network(data["test_inputs"].shape[1])
    model.compile(keras.optimizers.Adam(options.rate), "mean_squared_error")
    keras_parts.save_by_number(model, outcomes.weights_file(out, 0))
    clock, kept = outcomes.Clock(), keras_parts.KeptEpochs(out, keras_parts.save_by_number, (1, 10, options.epochs))
    history = model.fit(data["train_inputs"], data["train_targets"], batch_size=options.batch,
                        epochs=options.epochs, verbose=0, callbacks=[kept]).history  # fmt: skip
    clock.mark()
    outcomes.write_predictions(out, model.predict(data["test_inputs"], verbose=0))
    clock.mark()
    outcomes.write(out, keras_parts.library(), clock, loss=history.get("loss", []))


def test_again(options, out):
    """Write the predictions of weights that were trained before."""
    keras_parts.set_seeds(options)
    inputs = np.load(options.data)["test_inputs"]
    model = network(inputs.shape[1])
    keras_parts.load(model, options.test)
    outcomes.write_predictions(out, model.predict(inputs, verbose=0))


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "made by diabetes.py", epochs=60, batch=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    outcomes.add(parser, keras_parts.OPTIONS, ["--threads"])
    outcomes.run(parser.parse_args(), train_and_test, test_again)
