"""LeNet-5 in Keras 3 for a comparison with lenet5_pytorch.py, step by step.

python make_data.py lenet5 lenet5.npz
samebits parity train "python lenet5_keras3.py lenet5.npz" "python lenet5_pytorch.py lenet5.npz" --single-step
"""

import sys

import keras
import numpy as np


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


def main():
    data = np.load(sys.argv[1])
    model = lenet5()
    layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    for number, layer in enumerate(layers):
        layer.kernel.assign(data["kernel_%02d" % number])
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy")
    images = data["images"][..., None].astype("float32") / 255
    model.fit(images, data["labels"].astype("int64"), batch_size=int(data["batch"]), shuffle=False, verbose=0)


if __name__ == "__main__":
    main()
