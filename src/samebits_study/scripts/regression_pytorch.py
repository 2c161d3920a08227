"""A network of two hidden layers that predicts a number, in PyTorch (1.3 and later).

python regression_pytorch.py --data diabetes.npz --out results
"""

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn


def set_seeds(seed):
    """Set the seeds as the paper's Code 3 does."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def network(inputs, hidden=64):
    net = nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
    )
    for name, weight in net.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weight)
        else:
            nn.init.xavier_uniform_(weight)
    return net


def save_weights(net, path):
    np.savez(path, **{name: value.numpy() for name, value in net.state_dict().items()})


def train(net, options, inputs, targets):
    """Return the losses, one for each epoch."""
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=options.rate), []
    for epoch in range(1, options.epochs + 1):
        total = 0.0
        for rows in torch.from_numpy(np.random.permutation(len(inputs))).split(options.batch):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(inputs[rows]), targets[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(inputs))
        if epoch in (1, 10, options.epochs):
            save_weights(net, options.out / f"weights-{epoch:02d}.npz")
    print(f"loss {losses[-1]:.6f}")
    return losses


def predict(net, inputs):
    net.eval()
    with torch.no_grad():
        return net(inputs).numpy()


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]


def train_and_test(options, net, data):
    """Train and test one model. Write its weights, its predictions on the test data, and outcome.json."""
    save_weights(net, options.out / "weights-00.npz")
    began = time.time()
    losses = train(net, options, torch.from_numpy(data["train_inputs"]), torch.from_numpy(data["train_targets"]))
    trained = time.time()
    np.savez(options.out / "predictions.npz", predictions=predict(net, torch.from_numpy(data["test_inputs"])))
    outcome = {
        "library": f"torch {torch.__version__}",
        "train_seconds": trained - began,
        "test_seconds": time.time() - trained,
        "loss": in_json(losses),
    }
    (options.out / "outcome.json").write_text(json.dumps(outcome, indent=1, allow_nan=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz file of diabetes.py")
    parser.add_argument("--out", required=True, type=Path, help="folder for the results")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--test", help="npz file with trained weights; test them again, and train nothing")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    set_seeds(options.seed)
    data = np.load(options.data)
    net = network(data["test_inputs"].shape[1])
    if not options.test:
        train_and_test(options, net, data)
        return
    with np.load(options.test) as weights:
        net.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files})
    np.savez(options.out / "predictions.npz", predictions=predict(net, torch.from_numpy(data["test_inputs"])))


if __name__ == "__main__":
    main()
