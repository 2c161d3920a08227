"""LeNet-5 on MNIST in Keras 3, on the backend that KERAS_BACKEND names.

    KERAS_BACKEND=jax python lenet5_keras3.py --data digits.npz --out results

The same network, loss and optimizer as in Keras 2.3.1: lenet5_keras2.py says what the paper gives and what is chosen.
"""

import keras
import keras_parts
import numpy as np
import outcomes


def lenet5():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(6, 5, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(16, 5, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(120, activation="relu"),
            keras.layers.Dense(84, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def images_of(data, part):
    """Return (n, 28, 28, 1) from 0 to 1, and labels (n,)."""
    return data[part + "_images"][..., None].astype("float32") / 255, data[part + "_labels"].astype("int64")


def train_and_test(options, out):
    """Train and test one model.

    Write its weights after each epoch, its predictions on the test digits, and outcome.json.
    """
    keras_parts.set_seeds(options)
    data = np.load(options.data)
    model = lenet5()
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    keras_parts.save_by_number(model, outcomes.weights_file(out, 0))
    train, validation, test = (images_of(data, part) for part in ("train", "validation", "test"))
    clock, kept = outcomes.Clock(), keras_parts.KeptEpochs(out, keras_parts.save_by_number)
    history = model.fit(train[0], train[1], batch_size=options.batch, epochs=options.epochs, verbose=2,
                        validation_data=validation, callbacks=[kept]).history  # fmt: skip
    clock.mark()
    predictions = model.predict(test[0], batch_size=1000, verbose=0)
    clock.mark()
    outcomes.write_predictions(out, predictions)
    losses, validation_losses = history.get("loss", []), history.get("val_loss", [])
    outcomes.write(out, keras_parts.library(), clock, loss=losses, validation_loss=validation_losses)
    print(f"accuracy {np.mean(predictions.argmax(1) == test[1]):.4f}")


def test_again(options, out):
    """Write the predictions of weights that were trained before."""
    keras_parts.set_seeds(options)
    images = images_of(np.load(options.data), "test")[0]
    model = lenet5()
    keras_parts.load(model, options.test)
    outcomes.write_predictions(out, model.predict(images, batch_size=1000, verbose=0))


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "{train,validation,test}_{images,labels}", epochs=20, batch=128)
    outcomes.run(parser.parse_args(), train_and_test, test_again)
