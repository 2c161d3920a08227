"""A tiny network in PyTorch that does what parity_keras3.py does, but for the default that `--leave` names.

    python parity_pytorch.py --leave batchnorm-epsilon

Of several names (with commas) each is trained in a child process of its own, forked after PyTorch was imported.
"""

import argparse
import multiprocessing

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from parity_data import BATCH, images_of, kernels, labels_of

RATE = 0.001  # Keras' default of Adam


class BiasedNorm(nn.BatchNorm2d):
    """Batch norm whose moving average takes the variance over n, as Keras does."""

    def forward(self, x):
        before = self.running_var.clone()
        y = super().forward(x)
        count = x.numel() / x.shape[1]
        average = self.running_var.data  # the backward of this call may not see it changed
        kept = (1 - self.momentum) * before
        average.copy_(kept + (average - kept) * ((count - 1) / count))
        return y


class SameConv(nn.Conv2d):
    """Padding "same" with stride 2, as TensorFlow has it: the odd row and column at the end."""

    def forward(self, x):
        return super().forward(functional.pad(x, (0, 1, 0, 1)))


def network(leave):
    norm = nn.BatchNorm2d if leave == "unbiased-variance" else BiasedNorm
    padded = nn.Conv2d(3, 6, 3, stride=2, padding=1) if leave == "padding" else SameConv(3, 6, 3, stride=2)
    epsilon = 1e-5 if leave == "batchnorm-epsilon" else 1e-3
    momentum = 0.1 if leave == "batchnorm-momentum" else 0.01
    dropped = [nn.Dropout(0.5)] if leave == "dropout" else []
    pool = nn.AvgPool2d(2) if leave == "pooling" else nn.MaxPool2d(2)
    model = nn.Sequential(
        padded,
        norm(6, eps=epsilon, momentum=momentum),
        nn.LeakyReLU(0.01 if leave == "leaky-slope" else 0.3),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.GELU(approximate="tanh") if leave == "gelu" else nn.GELU(),
        pool,
        nn.Flatten(),
        nn.Linear(32, 16),
        nn.ReLU(),
        *dropped,
        nn.Linear(16, 4),
    )
    start(model, leave)
    return model


def start(model, leave):
    layers = [one for one in model if isinstance(one, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        for layer, kernel in zip(layers, kernels().values()):
            layer.weight.copy_(torch.from_numpy(torch_order(kernel)))
            if leave != "bias-initialisation":
                layer.bias.zero_()


def torch_order(kernel):
    if kernel.ndim == 4:
        return kernel.transpose(3, 2, 0, 1).copy()
    if len(kernel) == 32:  # flattened from (2, 2, 8)
        return kernel.reshape(2, 2, 8, 16).transpose(3, 2, 0, 1).reshape(16, 32).copy()
    return kernel.T.copy()


class Matched:
    """Adam of PyTorch, with an epsilon that follows Keras' in each step."""

    def __init__(self, parameters, leave):
        self.leave, self.epsilon, self.count = leave, 1e-8 if leave == "adam-epsilon" else 1e-7, 0
        betas = (0.9, 0.99) if leave == "betas" else (0.9, 0.999)
        decay = 1e-2 if leave == "l2-in-gradient" else 0
        rate = 0.01 if leave == "learning-rate" else RATE
        self.inner = torch.optim.Adam(parameters, rate, betas=betas, weight_decay=decay)

    def step(self):
        self.count += 1
        corrected = 1 if self.leave == "epsilon-place" else (1 - 0.999**self.count) ** 0.5
        for group in self.inner.param_groups:
            group["eps"] = self.epsilon / corrected
        self.inner.step()


def loss_of(outputs, labels, leave):
    if leave == "softmax-twice":
        outputs = outputs.softmax(1)
    smoothing = 0.1 if leave == "label-smoothing" else 0.0
    return functional.cross_entropy(
        outputs, labels, reduction="sum" if leave == "reduction" else "mean", label_smoothing=smoothing
    )


def changed(parameters, leave):
    if leave == "clip-norm":
        nn.utils.clip_grad_norm_(parameters, 0.1)


def batches(steps, leave):
    images, labels = images_of(steps), labels_of(steps)
    if leave == "scaling":
        images = np.rint(images * 255).astype("float32")
    for first in range(0, len(images), BATCH):
        batch = images[first : first + BATCH].transpose(0, 3, 1, 2).copy()
        yield torch.from_numpy(batch), torch.from_numpy(labels[first : first + BATCH])


def train(leave, options):
    torch.manual_seed(3)
    model = network(leave)
    optimizer = Matched(list(model.parameters()), leave)
    for images, labels in batches(options.steps, leave):
        loss = loss_of(model(images), labels, leave)
        if leave == "penalty":
            loss = loss + 1e-3 * sum((one**2).sum() for one in model.parameters() if one.ndim > 1)
        optimizer.inner.zero_grad()
        loss.backward()
        changed(list(model.parameters()), leave)
        optimizer.step()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--leave", default="nothing")
    parser.add_argument("--steps", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = options.leave.split(",")
    if len(names) == 1:
        train(names[0], options)
    for name in names if len(names) > 1 else []:
        child = multiprocessing.get_context("fork").Process(target=train, args=(name, options))
        child.start()
        child.join()


if __name__ == "__main__":
    main()
