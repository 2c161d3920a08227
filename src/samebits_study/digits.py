"""The digits of the LeNet-5 study: MNIST's training set split in two, and its test set."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.errors import DataError
from samebits_study.results import Digits

CLASSES = 10
Split = dict[str, NDArray[np.uint8]]


def prepare(folder: Path, *, train: int, validation: int, test: int, seed: int) -> Split:
    """Arrays {train,validation,test}_{images,labels}: images (n, 28, 28) and labels (n,), bytes.

    `validation` digits, as many of each class, are drawn from the training set (the paper, section VIII.B: 1,000 a
    class), `train` of the others in MNIST's order, and the first `test` of the test set. Raises DataError.
    """
    images, labels = read_idx(folder, "train-images-idx3-ubyte"), read_idx(folder, "train-labels-idx1-ubyte")
    held_out = _of_each_class(labels, validation // CLASSES, np.random.default_rng(seed))
    others = np.setdiff1d(np.arange(len(labels)), held_out)[:train]
    test_images, test_labels = read_idx(folder, "t10k-images-idx3-ubyte"), read_idx(folder, "t10k-labels-idx1-ubyte")
    return {
        "train_images": images[others],
        "train_labels": labels[others],
        "validation_images": images[held_out],
        "validation_labels": labels[held_out],
        "test_images": test_images[:test],
        "test_labels": test_labels[:test],
    }


def _of_each_class(labels: NDArray[np.uint8], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Sorted rows, `count` of each class."""
    rows = [rng.permutation(np.flatnonzero(labels == digit))[:count] for digit in range(CLASSES)]
    return np.sort(np.concatenate(rows))


def read_idx(folder: Path, name: str) -> NDArray[np.uint8]:
    """An idx file of bytes, plain or gzipped. Raises DataError."""
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
    if path is None:
        raise DataError(f"{folder} holds no {name}.", f"samebits data get mnist --to {folder}")
    data: Any = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if len(data) < 8 or data[:3] != b"\0\0\x08":
        raise DataError(f"{path} is no idx file of bytes.", "samebits data get mnist fetches it again.")
    shape = np.frombuffer(data, ">i4", data[3], 4)
    if len(data) != 4 + 4 * data[3] + shape.prod():
        raise DataError(f"{path} is cut off or too long.", "samebits data get mnist fetches it again.")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def judge(predictions: NDArray[Any], labels: NDArray[np.uint8]) -> Digits:
    """What predictions (n, classes) are worth: accuracy, wrong ones, confusion matrix (rows: true classes)."""
    found = predictions.argmax(axis=1)
    classes = predictions.shape[1]
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (labels.astype(int), found), 1)
    wrong = int(confusion.sum() - np.trace(confusion))
    return Digits(accuracy=1 - wrong / len(labels), wrong=wrong, confusion=confusion.tolist())
