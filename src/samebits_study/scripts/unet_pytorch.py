"""U-Net for cell masks in PyTorch (1.3 and later), seeded as the paper's Code 3.

    PYTHONHASHSEED=0 python unet_pytorch.py --data cells.npz --out results --initial weights.npz

The same network, loss and optimizer as in Keras: see unet_keras2.py for what the paper gives and what is chosen.
"""

import argparse
import json
import os
import random
import time

import numpy as np
import torch
from torch import nn

KEPT = (1, 2, 5, 10)  # epochs whose weights are kept, beside the initial and the last


def set_seeds(seed, inverted):
    """Set the seeds as the paper's Code 3 does.

    `inverted`: the last two lines have the opposite values, as in the paper's Discussion.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.random.manual_seed(seed)
    torch.cuda.manual_seed(seed)
    torch.backends.cudnn.deterministic = not inverted
    torch.backends.cudnn.benchmark = inverted


def two_convolutions(before, features):
    return nn.Sequential(
        nn.Conv2d(before, features, 3, padding=1), nn.ReLU(), nn.Conv2d(features, features, 3, padding=1), nn.ReLU()
    )


class UNet(nn.Module):
    """Images (n, 1, size, size) to probabilities (n, 2, size, size): background, cell."""

    def __init__(self, features, levels=4):
        super(UNet, self).__init__()
        widths = [features * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(two_convolutions(a, b) for a, b in zip([1] + widths, widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, stride=2) for width in reversed(widths[:-1]))
        self.joined = nn.ModuleList(two_convolutions(2 * width, width) for width in reversed(widths[:-1]))
        self.last = nn.Conv2d(features, 2, 1)

    def forward(self, x):
        skips = []
        for number, convolutions in enumerate(self.down):
            x = convolutions(nn.functional.max_pool2d(x, 2) if number else x)
            skips.append(x)
        for up, convolutions, skip in zip(self.up, self.joined, reversed(skips[:-1])):
            x = convolutions(torch.cat([up(x), skip], 1))
        return torch.softmax(self.last(x), 1)


def start_weights(net, initial, equation=1):
    """Load the weights from a file, or draw them (Glorot uniform: the paper's Equation 1; or 2) with zero biases."""
    if initial:
        with np.load(initial) as weights:
            net.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files})
        return
    for name, weight in net.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weight)
        else:
            nn.init.xavier_uniform_(weight, gain=equation**0.5)  # Equation 2 is wider by the root of 2


def adam(net, rate):
    """Return Adam with the L2 penalty of Keras. Keras adds 1e-3 * w^2 to the loss, so the gradient gets 2e-3 * w.

    The penalty is for kernels alone, not for biases.
    """
    kernels = [weight for name, weight in net.named_parameters() if not name.endswith("bias")]
    biases = [weight for name, weight in net.named_parameters() if name.endswith("bias")]
    return torch.optim.Adam([{"params": kernels, "weight_decay": 2e-3}, {"params": biases}], lr=rate)


def flush_subnormals():
    """Make PyTorch take subnormal numbers for zero, as TensorFlow's graphs do.

    L2 draws the weights of the lower levels towards zero. A processor takes far longer for products that are
    subnormal. PyTorch: https://docs.pytorch.org/docs/stable/generated/torch.set_flush_denormal.html TensorFlow:
    https://github.com/tensorflow/tensorflow/blob/v2.1.0/tensorflow/core/lib/core/threadpool.cc
    """
    torch.set_flush_denormal(True)


def match_epsilon(optimizer, step, epsilon=1e-7, beta2=0.999):
    """Make PyTorch's epsilon act as in Keras.

    Keras adds epsilon to the square root before the bias correction, PyTorch after it. So the same number has a
    different effect.
    """
    for group in optimizer.param_groups:
        group["eps"] = epsilon / (1 - beta2**step) ** 0.5


def cross_entropy(probabilities, masks, epsilon=1e-7):
    """Return the binary cross-entropy over both channels, as Keras 2.3.1 takes it.

    It is clipped, and epsilon is added in the logarithm.
    """
    inside = probabilities.clamp(epsilon, 1 - epsilon)
    return -(masks * torch.log(inside + epsilon) + (1 - masks) * torch.log(1 - inside + epsilon)).mean()


def images_of(data, part):
    """Return (n, 1, size, size) from 0 to 1."""
    return torch.from_numpy(data[part + "_images"][:, None].astype("float32") / 255)


def masks_of(data, part):
    """Return (n, 2, size, size) of 0 and 1: background, cell."""
    cell = (data[part + "_masks"] > 0).astype("float32")
    return torch.from_numpy(np.stack([1 - cell, cell], axis=1))


def save_weights(net, path):
    np.savez(path, **{name: value.numpy() for name, value in net.state_dict().items()})


def orders(images, epochs, seed):
    """Return the order of the images in each epoch.

    It is the same in every library, and numpy does not change this stream.
    """
    generator = np.random.RandomState(seed)
    return [generator.permutation(images) for _ in range(epochs)]


def one_epoch(net, optimizer, cells, batches, step):
    """Return the mean loss over the epoch, and the number of the last step."""
    images, masks = cells
    total = 0.0
    for rows in batches:
        step += 1
        match_epsilon(optimizer, step)
        optimizer.zero_grad()
        loss = cross_entropy(net(images[rows]), masks[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images), step


def train(net, options, out, images, masks):
    """Return the losses, one for each epoch."""
    optimizer, step, losses = adam(net, options.rate), 0, []
    for epoch, rows in enumerate(orders(len(images), options.epochs, options.seed), 1):
        loss, step = one_epoch(net, optimizer, (images, masks), torch.from_numpy(rows).split(options.batch), step)
        losses.append(loss)
        if epoch in KEPT + (options.epochs,):
            save_weights(net, os.path.join(out, "weights-%02d.npz" % epoch))
        print("epoch %d  loss %.6f" % (epoch, loss))
    return losses


def predict(net, images, batch):
    """Return the cells' probabilities (n, size, size)."""
    net.eval()
    with torch.no_grad():
        return torch.cat([net(part)[:, 1] for part in images.split(batch)])


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]


def train_and_test(options, out):
    """Train and test one model. Write its weights, its predictions on the test images, and outcome.json."""
    os.makedirs(out, exist_ok=True)
    set_seeds(options.seed, options.inverted)
    flush_subnormals()
    data = np.load(options.data)
    images, masks, test = images_of(data, "train"), masks_of(data, "train"), images_of(data, "test")
    net = UNet(options.features)
    start_weights(net, options.initial, options.equation)
    save_weights(net, os.path.join(out, "weights-00.npz"))
    began = time.time()
    losses = train(net, options, out, images, masks)
    trained = time.time()
    predictions = predict(net, test, options.batch)
    tested = time.time()
    np.savez(os.path.join(out, "predictions.npz"), predictions=predictions.numpy())
    outcome = {
        "library": "torch %s" % torch.__version__,
        "train_seconds": trained - began,
        "test_seconds": tested - trained,
        "loss": in_json(losses),
    }
    with open(os.path.join(out, "outcome.json"), "w") as file:
        json.dump(outcome, file, indent=1, allow_nan=False)


def test_again(options):
    """Write the predictions of weights that were trained before."""
    os.makedirs(options.out, exist_ok=True)
    set_seeds(options.seed, options.inverted)
    flush_subnormals()
    images, net = images_of(np.load(options.data), "test"), UNet(options.features)
    start_weights(net, options.test)
    np.savez(os.path.join(options.out, "predictions.npz"), predictions=predict(net, images, options.batch).numpy())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz file: train_images, train_masks, test_images")
    parser.add_argument("--out", required=True, help="folder for the results")
    parser.add_argument("--initial", help="npz file with the weights to start from (default: Glorot uniform)")
    parser.add_argument(
        "--equation", type=int, choices=(1, 2), default=1, help="draw the weights from this equation of the paper"
    )
    parser.add_argument(
        "--inverted", action="store_true", help="set the deterministic flag off and the benchmark flag on"
    )
    parser.add_argument("--features", type=int, default=32, help="feature maps of the first level")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-4, help="learning rate (default: 1e-4, as in the paper)")
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument(
        "--repeat", type=int, default=1, help="how many models to train in this process, one after another"
    )
    parser.add_argument("--test", help="npz file with trained weights; test them again, and train nothing")
    options = parser.parse_args()
    if options.test:
        test_again(options)
    for number in range(0 if options.test else options.repeat):
        out = os.path.join(options.out, "model-%d" % (number + 1)) if options.repeat > 1 else options.out
        train_and_test(options, out)


if __name__ == "__main__":
    main()
