"""An anchor-free detector of digits in a scene, in Keras 3 and in Keras 2.3.1.

    KERAS_BACKEND=jax python detection_keras.py --data scenes.npz --out results

The same network, loss and optimizer as in PyTorch: see detection_pytorch.py.
"""

import keras
import keras_parts
import numpy as np
import outcomes

CLASSES, PRIOR = 10, 3.0
ops = getattr(keras, "ops", keras.backend)


def network(options, images, features=8):
    """Return a network from images (n, size, size, 1) to cells (n, size / 4, size / 4, classes + 4)."""
    layers = []
    for width in (features, 2 * features, 3 * features):
        layers += [keras.layers.MaxPooling2D()] if layers else []
        layers += [keras.layers.Conv2D(width, 3, padding="same", activation="relu") for _ in range(2)]
    model = keras.models.Sequential([*layers, keras.layers.Conv2D(CLASSES + 4, 1)])
    model.build((None,) + images.shape[1:])
    model.compile(keras.optimizers.Adam(options.rate), loss_of)
    return model


def loss_of(targets, given):
    """Return the focal loss of the scores; absolute errors of the boxes in the cells that hold a digit."""
    score, true = ops.clip(ops.sigmoid(given[..., :CLASSES] - PRIOR), 1e-6, 1 - 1e-6), targets[..., :CLASSES]
    focal = -true * (1 - score) ** 2 * ops.log(score) - (1 - true) * score**2 * ops.log(1 - score)
    apart = ops.sum(true, -1, keepdims=True) * ops.abs(given[..., CLASSES:] - targets[..., CLASSES:])
    return ops.sum(focal, (1, 2, 3)) + ops.sum(apart, (1, 2, 3))


def arrays_of(data, part):
    """Return images (n, size, size, 1) from 0 to 1, and the targets of their cells."""
    return data[part + "_images"][..., None].astype("float32") / 255, data[part + "_targets"]


def predict(model, options, images, targets):
    """Return the cells, their scores from 0 to 1."""
    given = model.predict(images, batch_size=100, verbose=0)
    return np.concatenate([1 / (1 + np.exp(PRIOR - given[..., :CLASSES])), given[..., CLASSES:]], -1)


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "made by scenes.py", epochs=12, batch=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    outcomes.add(parser, keras_parts.OPTIONS, ["--threads"])
    outcomes.run(parser.parse_args(), outcomes.Task(keras_parts, (1,), arrays_of, network, keras_parts.fit, predict))
