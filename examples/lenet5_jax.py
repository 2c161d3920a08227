"""LeNet-5 on MNIST digits in plain JAX, with Adam written out: a training loop that no watcher knows.

Such a loop says itself what it does: `observe(name, value, step=...)` records a value under `samebits check`, and
does nothing elsewhere. Without samebits the script runs as well.

    samebits check examples/lenet5_jax.py --data data/mnist
"""

import argparse
import gzip
import os

import jax
import jax.numpy as jnp
import numpy as np

try:
    from samebits_probe import observe
except ImportError:  # not under samebits

    def observe(name, value, step=None):
        return


SHAPES = {
    "conv1": (5, 5, 1, 6),
    "conv2": (5, 5, 6, 16),
    "dense1": (400, 120),
    "dense2": (120, 84),
    "dense3": (84, 10),
}


def read_idx(folder, name):
    """An idx file of MNIST, plain or gzipped, as an array of bytes: digits (n, 28, 28) or labels (n,)."""
    path = os.path.join(folder, name)
    with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz") as file:
        data = file.read()
    axes = data[3]
    shape = np.frombuffer(data, ">i4", axes, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def digits(folder, which, count):
    """The first `count` digits: (n, 28, 28, 1) from 0 to 1, and their labels."""
    images = read_idx(folder, which + "-images-idx3-ubyte")[:count, :, :, None]
    return images.astype(np.float32) / 255, read_idx(folder, which + "-labels-idx1-ubyte")[:count].astype(np.int32)


def initial_weights(key):
    """He initialisation: {"conv1": {"kernel", "bias"}, ...}."""
    weights = {}
    for (name, shape), part in zip(SHAPES.items(), jax.random.split(key, len(SHAPES))):
        scale = np.sqrt(2 / np.prod(shape[:-1]))
        weights[name] = {"kernel": scale * jax.random.normal(part, shape), "bias": jnp.zeros(shape[-1])}
    return weights


def convolve(images, layer, padding):
    axes = ("NHWC", "HWIO", "NHWC")
    out = jax.lax.conv_general_dilated(images, layer["kernel"], (1, 1), padding, dimension_numbers=axes)
    return out + layer["bias"]


def pool(images):
    return jax.lax.reduce_window(images, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def lenet5(weights, images):
    """Logits (n, 10)."""
    x = pool(jax.nn.relu(convolve(images, weights["conv1"], "SAME")))
    x = pool(jax.nn.relu(convolve(x, weights["conv2"], "VALID"))).reshape(len(images), -1)
    for name in ("dense1", "dense2"):
        x = jax.nn.relu(x @ weights[name]["kernel"] + weights[name]["bias"])
    return x @ weights["dense3"]["kernel"] + weights["dense3"]["bias"]


def loss_of(weights, images, labels):
    chances = jax.nn.log_softmax(lenet5(weights, images))
    return -jnp.mean(jnp.take_along_axis(chances, labels[:, None], axis=1))


@jax.jit
def adam_step(weights, state, images, labels, rate):
    """One step of Adam: (loss, gradients, weights, state)."""
    loss, gradients = jax.value_and_grad(loss_of)(weights, images, labels)
    count = state["count"] + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state["mean"], gradients)
    square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state["square"], gradients)

    def moved(weight, m, v):
        return weight - rate * (m / (1 - 0.9**count)) / (jnp.sqrt(v / (1 - 0.999**count)) + 1e-8)

    return loss, gradients, jax.tree.map(moved, weights, mean, square), {"count": count, "mean": mean, "square": square}


def train(weights, images, labels, options):
    nothing = jax.tree.map(jnp.zeros_like, weights)
    state, step = {"count": jnp.zeros(()), "mean": nothing, "square": nothing}, 0
    observe("start", weights)
    for epoch in range(options.epochs):
        order = np.random.permutation(len(images))
        for at in range(0, len(images), options.batch):
            batch = order[at : at + options.batch]
            observe("batch", [images[batch], labels[batch]], step=step)
            loss, gradients, weights, state = adam_step(weights, state, images[batch], labels[batch], options.lr)
            observe("loss", loss, step=step)
            observe("gradient", gradients, step=step)
            observe("weights", weights, step=step)
            step += 1
        print(f"epoch {epoch + 1}  loss {loss:.6f}")
    return weights


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="data/mnist", help="folder with the four idx files")
    parser.add_argument("--digits", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--no-seed", action="store_true", help="leave numpy's seed out, which orders the digits")
    options = parser.parse_args()
    if not options.no_seed:
        np.random.seed(options.seed)
    weights = initial_weights(jax.random.key(options.seed))
    weights = train(weights, *digits(options.data, "train", options.digits), options=options)
    images, labels = digits(options.data, "t10k", None)
    print(f"accuracy {np.mean(np.argmax(lenet5(weights, images), 1) == labels):.4f}")


if __name__ == "__main__":
    main()
