"""U-Net for cell masks in PyTorch (1.3 and later), seeded as the paper's Code 3.

    PYTHONHASHSEED=0 python unet_pytorch.py --data cells.npz --out results --initial weights.npz

The same network, loss and optimizer as in Keras: see unet_keras.py for what the paper gives and what is chosen.
"""

import numpy as np
import outcomes
import pytorch_parts
import torch
from torch import nn


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


def adam(net, rate):
    """Return Adam with the L2 penalty of Keras. Keras adds 1e-3 * w^2 to the loss, so the gradient gets 2e-3 * w.

    The penalty is for kernels alone, not for biases.
    """
    kernels = [weight for name, weight in net.named_parameters() if not name.endswith("bias")]
    biases = [weight for name, weight in net.named_parameters() if name.endswith("bias")]
    return torch.optim.Adam([{"params": kernels, "weight_decay": 2e-3}, {"params": biases}], lr=rate)


def network(options, images):
    """Return the network, after PyTorch was told to take subnormal numbers for zero, as TensorFlow's graphs do.

    L2 draws the weights of the lower levels towards zero. A processor takes far longer for products that are
    subnormal. PyTorch: https://docs.pytorch.org/docs/stable/generated/torch.set_flush_denormal.html TensorFlow:
    https://github.com/tensorflow/tensorflow/blob/v2.1.0/tensorflow/core/lib/core/threadpool.cc
    """
    torch.set_flush_denormal(True)
    return UNet(options.features)


def cross_entropy(probabilities, masks, epsilon=1e-7):
    """Return the binary cross-entropy over both channels, as Keras 2.3.1 takes it.

    It is clipped, and epsilon is added in the logarithm.
    """
    inside = probabilities.clamp(epsilon, 1 - epsilon)
    return -(masks * torch.log(inside + epsilon) + (1 - masks) * torch.log(1 - inside + epsilon)).mean()


def arrays_of(data, part):
    """Return images (n, 1, size, size) from 0 to 1; of the training also masks (n, 2, size, size): background, cell."""
    images = torch.from_numpy(data[part + "_images"][:, None].astype("float32") / 255)
    if part == "test":
        return [images]
    cell = (data[part + "_masks"] > 0).astype("float32")
    return [images, torch.from_numpy(np.stack([1 - cell, cell], axis=1))]


def loss_of(net, images, masks):
    return cross_entropy(net(images), masks)


def train(net, options, keep, images, masks):
    optimizer, step, losses = adam(net, options.rate), 0, []
    for epoch, rows in enumerate(outcomes.orders(len(images), options.epochs, options.seed), 1):
        batches = torch.from_numpy(rows).split(options.batch)
        parts = pytorch_parts.batches((images, masks), batches)
        losses.append(pytorch_parts.one_epoch(net, optimizer, loss_of, parts, step))
        step += len(batches)
        keep(net, epoch)
        print("epoch %d  loss %.6f" % (epoch, losses[-1]))
    return {"loss": losses}


def predict(net, options, images):
    """Return the cells' probabilities (n, size, size)."""
    net.eval()
    with torch.no_grad():
        return torch.cat([net(part)[:, 1] for part in images.split(options.batch)]).numpy()


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "train_images, train_masks, test_images", epochs=20, batch=16)
    outcomes.add(parser, outcomes.OPTIONS, ["--features", "--rate", "--repeat"])
    outcomes.add(parser, pytorch_parts.OPTIONS, ["--initial", "--equation", "--inverted"])
    outcomes.run(parser.parse_args(), outcomes.Task(pytorch_parts, outcomes.KEPT, arrays_of, network, train, predict))
