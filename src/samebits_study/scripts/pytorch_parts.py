"""What the scripts in PyTorch (1.3 and later) share."""

import random

import numpy as np
import torch
from torch import nn


def set_seeds(seed, *, inverted=False):
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


def start_weights(net, initial=None, equation=1):
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


def match_epsilon(optimizer, step, epsilon=1e-7, beta2=0.999):
    """Make PyTorch's epsilon act as in Keras.

    Keras adds epsilon to the square root before the bias correction, PyTorch after it. So the same number has a
    different effect.
    """
    for group in optimizer.param_groups:
        group["eps"] = epsilon / (1 - beta2**step) ** 0.5


def save_weights(net, path):
    np.savez(path, **{name: value.numpy() for name, value in net.state_dict().items()})


def batches(data, rows):
    """Yield the inputs and the targets of each batch. `rows`: the numbers of its samples."""
    inputs, targets = data
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
