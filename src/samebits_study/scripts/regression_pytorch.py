"""A network of two hidden layers that predicts a number, in PyTorch (1.3 and later).

python regression_pytorch.py --data diabetes.npz --out results
"""

import numpy as np
import outcomes
import pytorch_parts
import torch
from torch import nn


def network(inputs, hidden=64):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
    )


def loss_of(net, inputs, targets):
    return nn.functional.mse_loss(net(inputs), targets)


def train(net, options, out, data):
    """Return the losses, one for each epoch."""
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=options.rate), []
    for epoch in range(1, options.epochs + 1):
        rows = torch.from_numpy(np.random.permutation(len(data[0]))).split(options.batch)
        losses.append(pytorch_parts.one_epoch(net, optimizer, loss_of, pytorch_parts.batches(data, rows)))
        if epoch in (1, 10, options.epochs):
            pytorch_parts.save_weights(net, outcomes.weights_file(out, epoch))
    print(f"loss {losses[-1]:.6f}")
    return losses


def predict(net, inputs):
    net.eval()
    with torch.no_grad():
        return net(inputs).numpy()


def train_and_test(options, out):
    """Train and test one model. Write its weights, its predictions on the test data, and outcome.json."""
    pytorch_parts.set_seeds(options.seed)
    data = np.load(options.data)
    net = network(data["test_inputs"].shape[1])
    pytorch_parts.start_weights(net)
    pytorch_parts.save_weights(net, outcomes.weights_file(out, 0))
    clock = outcomes.Clock()
    losses = train(net, options, out, [torch.from_numpy(data[name]) for name in ("train_inputs", "train_targets")])
    clock.mark()
    outcomes.write_predictions(out, predict(net, torch.from_numpy(data["test_inputs"])))
    clock.mark()
    outcomes.write(out, f"torch {torch.__version__}", clock, loss=losses)


def test_again(options, out):
    """Write the predictions of weights that were trained before."""
    inputs = torch.from_numpy(np.load(options.data)["test_inputs"])
    net = network(inputs.shape[1])
    pytorch_parts.start_weights(net, options.test)
    outcomes.write_predictions(out, predict(net, inputs))


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "made by diabetes.py", epochs=60, batch=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    outcomes.run(parser.parse_args(), train_and_test, test_again)
