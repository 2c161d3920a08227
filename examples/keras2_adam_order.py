"""Does Adam's read of `iterations` make Keras 2.3.1 differ from run to run? LeNet-5, with and without it.

    samebits check --env keras-tf2.1 -n 7 examples/keras2_adam_order.py --order shipped
    samebits check --env keras-tf2.1 -n 7 examples/keras2_adam_order.py --order read-first

Keras 2.3.1's Adam adds 1 to `iterations` and reads `iterations` for its bias correction in the same run of a graph, and
nothing says which comes first. `read-first` adds a control dependency: 1 is added after everything else. All else is
the same: seeds, threads (as many as there are, or one), data (random digits of equal bits), kernels.
"""

import argparse

import numpy as np
import tensorflow as tf
from lenet5_keras2 import lenet5, set_seeds


def read_first(adam):
    """A class like `adam` in which `iterations` is read before it is counted up."""
    from keras import backend

    class ReadFirst(adam):
        @backend.symbolic
        def get_updates(self, loss, params):
            updates = super(ReadFirst, self).get_updates(loss, params)
            others = [getattr(update, "op", update) for update in updates[1:]]
            with tf.control_dependencies(others):
                updates[0] = backend.update_add(self.iterations, 1)
            return updates

    ReadFirst.__name__ = adam.__name__
    return ReadFirst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--order", choices=("shipped", "read-first"), default="shipped")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", choices=("one", "default"), default="default")
    options = parser.parse_args()
    if options.threads == "one" and not tf.__version__.startswith("1."):  # there Keras 2.3.1 runs in no session
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    set_seeds(2019, (), options.threads)
    from keras import optimizers

    adam = read_first(optimizers.Adam) if options.order == "read-first" else optimizers.Adam
    draw = np.random.RandomState(2019)
    images = draw.rand(128 * options.steps, 28, 28, 1).astype(np.float32)
    labels = draw.randint(0, 10, len(images))
    model = lenet5()
    model.compile(adam(lr=1e-3), "sparse_categorical_crossentropy")
    model.fit(images, labels, batch_size=128, verbose=2)


if __name__ == "__main__":
    main()
