"""keras fit with its own bar, a CSVLogger and a checkpoint."""
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch
from sklearn.datasets import load_digits

torch.set_num_threads(1)
keras.utils.set_random_seed(42)
x, y = load_digits(return_X_y=True)
x = x.astype("float32") / 16
model = keras.Sequential([keras.layers.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
callbacks = [keras.callbacks.CSVLogger("training.csv"), keras.callbacks.ModelCheckpoint("best.keras", monitor="loss")]
model.fit(x, y, batch_size=64, epochs=2, callbacks=callbacks)
loss, acc = model.evaluate(x, y, verbose=2)
print(f"Test accuracy: {acc:.4f}")
