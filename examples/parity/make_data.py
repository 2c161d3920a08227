"""Images, labels and initial weights that a Keras and a PyTorch script read alike: one npz file.

    python make_data.py lenet5 lenet5.npz
    python make_data.py unet unet.npz

The images are random, since the two trainings are compared and not their results. Kernels are drawn as Keras draws
them (Glorot, uniform), in Keras' order of axes, and written as kernel_00, kernel_01 ...; biases begin at zero.
"""

import argparse

import numpy as np

LENET5 = [(5, 5, 1, 6), (5, 5, 6, 16), (400, 120), (120, 84), (84, 10)]


def unet_kernels(features, levels):
    """Shapes in the order in which the layers are made: down, up (a transposed one, two others), the last."""
    widths = [features * 2**level for level in range(levels + 1)]
    shapes, before = [], 1
    for width in widths:
        shapes += [(3, 3, before, width), (3, 3, width, width)]
        before = width
    for width in reversed(widths[:-1]):
        shapes += [(2, 2, width, 2 * width), (3, 3, 2 * width, width), (3, 3, width, width)]
    return [*shapes, (1, 1, features, 2)]


def glorot(random, shape):
    field = int(np.prod(shape[:-2]))
    limit = np.sqrt(6 / (field * (shape[-2] + shape[-1])))
    return random.uniform(-limit, limit, shape).astype("float32")


def digits(random):
    """A batch for LeNet-5: 16 images and their labels."""
    return random.randint(0, 256, (16, 28, 28)).astype("uint8"), random.randint(0, 10, 16)


def cells(random):
    """A batch for U-Net: 2 images and their masks."""
    return random.randint(0, 256, (2, 32, 32)).astype("uint8"), (random.uniform(size=(2, 32, 32)) < 0.3).astype("uint8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=("lenet5", "unet"))
    parser.add_argument("out")
    parser.add_argument("--batches", type=int, default=50)
    parser.add_argument("--seed", type=int, default=2019)
    options = parser.parse_args()
    random = np.random.RandomState(options.seed)
    shapes = LENET5 if options.model == "lenet5" else unet_kernels(4, 2)
    kernels = {"kernel_%02d" % number: glorot(random, shape) for number, shape in enumerate(shapes)}
    batches = [(digits if options.model == "lenet5" else cells)(random) for _ in range(options.batches)]
    images, labels = (np.concatenate(part) for part in zip(*batches))
    np.savez(options.out, images=images, labels=labels, batch=len(batches[0][0]), **kernels)


if __name__ == "__main__":
    main()
