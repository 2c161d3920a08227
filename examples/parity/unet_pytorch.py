"""A small U-Net in PyTorch that does what unet_keras3.py does; `--leave NAME` leaves one default as PyTorch has it.

python make_data.py unet unet.npz
samebits parity train "python unet_keras3.py unet.npz" "python unet_pytorch.py unet.npz --leave decay"
"""

import argparse

import numpy as np
import torch
from torch import nn

LEAVE = {
    "adam": "epsilon: 1e-8, added to the corrected root",
    "rate": "Adam's learning rate: 1e-3",
    "bias": "biases begin at random",
    "decay": "L2 of the weights is left to Adam's weight_decay, as half of what it has to be",
    "penalty": "the loss has no penalty",
    "scaling": "pixels go from 0 to 255",
    "sigmoid": "the loss takes the probabilities that the network gives",
    "reduction": "the loss is a sum",
    "slope": "activations are leaky",
}


def two_convolutions(before, features, active):
    return nn.Sequential(
        nn.Conv2d(before, features, 3, padding=1), active(), nn.Conv2d(features, features, 3, padding=1), active()
    )


class UNet(nn.Module):
    """Images (n, 1, size, size) to logits (n, 2, size, size): background, cell."""

    def __init__(self, features, active, levels=2):
        super(UNet, self).__init__()
        widths = [features * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(two_convolutions(a, b, active) for a, b in zip([1, *widths], widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, stride=2) for width in reversed(widths[:-1]))
        self.joined = nn.ModuleList(two_convolutions(2 * width, width, active) for width in reversed(widths[:-1]))
        self.last = nn.Conv2d(features, 2, 1)

    def forward(self, x):
        skips = []
        for number, convolutions in enumerate(self.down):
            x = convolutions(nn.functional.max_pool2d(x, 2) if number else x)
            skips.append(x)
        for up, convolutions, skip in zip(self.up, self.joined, reversed(skips[:-1])):
            x = convolutions(torch.cat([up(x), skip], 1))
        return self.last(x)

    def layers(self):
        """The layers with kernels, in the order in which Keras has them."""
        found = [one for block in self.down for one in block]
        for up, block in zip(self.up, self.joined):
            found += [up, *block]
        return [one for one in [*found, self.last] if hasattr(one, "weight")]


def start(net, data, leave):
    for number, layer in enumerate(net.layers()):
        kernel = data["kernel_%02d" % number].transpose(3, 2, 0, 1)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(kernel.copy()))
            if leave != "bias":
                layer.bias.zero_()


def match_epsilon(optimizer, step, epsilon=1e-7, beta2=0.999):
    """Keras adds epsilon to the square root before the bias correction, PyTorch after it: the same number differs."""
    for group in optimizer.param_groups:
        group["eps"] = epsilon / (1 - beta2**step) ** 0.5


def loss_of(net, output, masks, leave):
    """Binary cross-entropy over both channels, and Keras' L2: 1e-3 sum(w^2) of all kernels.

    Keras 3 computes it from what the softmax was given (a tensor remembers the logits of its activation), each channel
    through a sigmoid, and not from the probabilities that the network gives.
    """
    reduction = "sum" if leave == "reduction" else "mean"
    if leave == "sigmoid":
        loss = nn.functional.binary_cross_entropy(torch.softmax(output, 1).clamp(1e-7, 1 - 1e-7), masks)
    else:
        loss = nn.functional.binary_cross_entropy_with_logits(output, masks, reduction=reduction)
    if leave in ("decay", "penalty"):
        return loss
    return loss + 1e-3 * sum((layer.weight**2).sum() for layer in net.layers())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--leave", choices=sorted(LEAVE), help="a default that is not matched")
    options = parser.parse_args()
    leave = options.leave
    torch.manual_seed(2019)
    data = np.load(options.data)
    net = UNet(4, nn.LeakyReLU if leave == "slope" else nn.ReLU)
    start(net, data, leave)
    decay = 1e-3 if leave == "decay" else 0
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3 if leave == "rate" else 1e-4, weight_decay=decay)
    images = torch.from_numpy(data["images"][:, None].astype("float32")) / (1 if leave == "scaling" else 255)
    cell = data["labels"].astype("float32")
    masks, batch = torch.from_numpy(np.stack([1 - cell, cell], axis=1)), int(data["batch"])
    for step, rows in enumerate(torch.arange(len(images)).split(batch), 1):
        if leave != "adam":
            match_epsilon(optimizer, step)
        optimizer.zero_grad()
        loss_of(net, net(images[rows]), masks[rows], leave).backward()
        optimizer.step()


if __name__ == "__main__":
    main()
