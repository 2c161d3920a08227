"""LeNet-5 on MNIST in Keras: 2.3.1 on TensorFlow 1.14 or 2.1, seeded as the paper's Codes 1 and 2; or Keras 3.

    PYTHONHASHSEED=0 python lenet5_keras.py --data digits.npz --out results
    KERAS_BACKEND=jax python lenet5_keras.py --data digits.npz --out results

The paper (Alahmari et al. 2020, section VIII.B) gives: Adam with 1e-3, 20 epochs, no augmentation, Keras' initial
weights. It leaves open, and here is chosen: batches of 128, ReLU, max pooling, padding "same" in the first convolution.
"""

import keras
import keras_parts
import numpy as np
import outcomes


def network(options, images):
    model = keras.models.Sequential(
        [
            keras.layers.InputLayer((28, 28, 1)),
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
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def arrays_of(data, part):
    """Return images (n, 28, 28, 1) from 0 to 1, and labels (n,). The training also gets those of the validation."""
    own = data[part + "_images"][..., None].astype("float32") / 255, data[part + "_labels"].astype("int64")
    return own + arrays_of(data, "validation") if part == "train" else own


def predict(model, options, images, labels):
    predictions = model.predict(images, batch_size=1000, verbose=0)
    print("accuracy %.4f" % np.mean(predictions.argmax(1) == labels))
    return predictions


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "{train,validation,test}_{images,labels}", epochs=20, batch=128)
    outcomes.add(parser, outcomes.OPTIONS, ["--repeat"])
    outcomes.add(parser, keras_parts.OPTIONS, ["--gpu", "--threads", "--one-thread"])
    outcomes.run(parser.parse_args(), outcomes.Task(keras_parts, None, arrays_of, network, keras_parts.fit, predict))
