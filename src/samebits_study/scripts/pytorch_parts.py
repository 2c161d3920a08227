"""What the scripts in PyTorch (1.3 and later) share."""

import random

import numpy as np
import torch
from torch import nn


def name():
    return "torch %s" % torch.__version__


def set_seeds(options):
    """Set the seeds as the paper's Code 3 does.

    With --inverted, the last two lines have the opposite values, as in the paper's Discussion.
    """
    inverted = getattr(options, "inverted", False)
    random.seed(options.seed)
    np.random.seed(options.seed)
    torch.manual_seed(options.seed)
    torch.random.manual_seed(options.seed)
    torch.cuda.manual_seed(options.seed)
    torch.backends.cudnn.deterministic = not inverted
    torch.backends.cudnn.benchmark = inverted


OPTIONS = {
    "--initial": {"help": "npz file with the weights to start from (default: Glorot uniform)"},
    "--equation": {
        "type": int,
        "choices": (1, 2),
        "default": 1,
        "help": "draw the weights from this equation of the paper",
    },
    "--inverted": {"action": "store_true", "help": "set the deterministic flag off and the benchmark flag on"},
}


def start(net, options):
    """Load the weights from a file, or draw them (Glorot uniform: the paper's Equation 1; or 2) with zero biases."""
    if getattr(options, "initial", None):
        load(net, options.initial)
        return
    gain = getattr(options, "equation", 1) ** 0.5  # Equation 2 is wider by the root of 2
    for name, weight in net.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weight)
        else:
            nn.init.xavier_uniform_(weight, gain=gain)


def load(net, path):
    with np.load(path) as weights:
        net.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files})


def save(net, path):
    np.savez(path, **{name: value.numpy() for name, value in net.state_dict().items()})


def match_epsilon(optimizer, step, epsilon=1e-7, beta2=0.999):
    """Make PyTorch's epsilon act as in Keras.

    Keras adds epsilon to the square root before the bias correction, PyTorch after it. So the same number has a
    different effect.
    """
    for group in optimizer.param_groups:
        group["eps"] = epsilon / (1 - beta2**step) ** 0.5


def fit(net, options, keep, loss_of, arrays):
    """Train with Adam, in an order that numpy draws. Return the losses."""
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=options.rate), []
    for epoch in range(1, options.epochs + 1):
        rows = torch.from_numpy(np.random.permutation(len(arrays[0]))).split(options.batch)
        losses.append(one_epoch(net, optimizer, loss_of, batches(arrays, rows)))
        keep(net, epoch)
        print("epoch %d  loss %.6f" % (epoch, losses[-1]))
    return {"loss": losses}


def batches(arrays, rows):
    """Yield the inputs and the targets of each batch. `rows`: the numbers of its samples."""
    inputs, targets = arrays
    return ((inputs[some], targets[some]) for some in rows)


def one_epoch(net, optimizer, loss_of, parts, steps=None):
    """Train one epoch, and return its mean loss. `loss_of`: (network, inputs, targets) -> the loss.

    `steps`: the number of steps before the epoch, if epsilon should act as in Keras.
    """
    total, seen = 0.0, 0
    for number, (inputs, targets) in enumerate(parts, 1):
        if steps is not None:
            match_epsilon(optimizer, steps + number)
        optimizer.zero_grad()
        loss = loss_of(net, inputs, targets)
        loss.backward()
        optimizer.step()
        total, seen = total + loss.item() * len(inputs), seen + len(inputs)
    return total / seen
