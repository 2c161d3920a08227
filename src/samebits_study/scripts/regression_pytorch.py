"""A network of two hidden layers that predicts a number, in PyTorch (1.3 and later).

python regression_pytorch.py --data diabetes.npz --out results
"""

import outcomes
import pytorch_parts
import torch
from torch import nn


def network(options, inputs, hidden=64):
    return nn.Sequential(
        nn.Linear(inputs.shape[1], hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
    )


def loss_of(net, inputs, targets):
    return nn.functional.mse_loss(net(inputs), targets)


def arrays_of(data, part):
    return torch.from_numpy(data[part + "_inputs"]), torch.from_numpy(data[part + "_targets"])


def train(net, options, keep, *arrays):
    return pytorch_parts.fit(net, options, keep, loss_of, arrays)


def predict(net, options, inputs, targets):
    net.eval()
    with torch.no_grad():
        return net(inputs).numpy()


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "made by diabetes.py", epochs=60, batch=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    outcomes.run(parser.parse_args(), outcomes.Task(pytorch_parts, (1, 10), arrays_of, network, train, predict))
