"""Reads variables of many kinds as the watcher does after a step, and says how, and whether the values are theirs."""

import keras  # noqa: F401  (its watcher needs it)
import numpy as np
import tensorflow as tf

from samebits_probe.watchers.keras3.tensorflow import TensorFlow


def variables():
    return [
        tf.Variable(np.arange(6, dtype="f4").reshape(2, 3)),
        tf.Variable(7, dtype=tf.int64),
        tf.Variable(["a", "bc"]),
        tf.Variable(np.zeros((0, 2), "f8")),
        tf.Variable(tf.zeros((2,), tf.bfloat16), shape=tf.TensorShape(None)),
    ]


def same(arrays, owners):
    said = [owner.numpy() for owner in owners]
    return all(a.dtype == b.dtype and a.shape == b.shape and (a == b).all() for a, b in zip(arrays, map(np.asarray, said)))


def show(name, backend):
    owners, calls = variables(), []
    execute, backend._execute = backend._execute, lambda *given: calls.append(given[2]) or execute(*given)
    read = backend.reader(owners)
    first = same(read(), owners)
    owners[0].assign_add(np.ones((2, 3)))
    owners[1].assign(9)
    owners[4].assign(np.ones((3, 3)))
    print(name, sorted(set(calls)), first, same(read(), owners))


show("usual", TensorFlow())
lacking = TensorFlow()
lacking._execute = lambda *given: lacking.tf.no_such_operation
show("lacking", lacking)
