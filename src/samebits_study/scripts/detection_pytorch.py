"""An anchor-free detector of digits in a scene, in PyTorch (1.3 and later).

    python detection_pytorch.py --data scenes.npz --out results

Each cell of a grid gives the probability of each class, the centre and the size of a box: scenes.py makes the targets.
The loss is that of "Objects as Points" without its Gaussian neighbourhood (Zhou et al. 2019, arXiv 1904.07850).
"""

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

CLASSES, PRIOR = 10, 3.0  # at the start no cell holds a digit: the scores begin at 1 / (1 + e^3)


def set_seeds(seed):
    """Set the seeds as the paper's Code 3 does."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def detector(features=8):
    """Return a network from images (n, 1, size, size) to cells (n, classes + 4, size / 4, size / 4)."""
    layers, before = [], 1
    for width in (features, 2 * features, 3 * features):
        layers += [nn.MaxPool2d(2)] if before > 1 else []
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        before = width
    net = nn.Sequential(*layers, nn.Conv2d(before, CLASSES + 4, 1))
    for name, weight in net.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weight)
        else:
            nn.init.xavier_uniform_(weight)
    return net


def cells_of(net, images):
    """Return (n, size / 4, size / 4, classes + 4), the scores from 0 to 1."""
    given = net(images).permute(0, 2, 3, 1)
    return torch.cat([torch.sigmoid(given[..., :CLASSES] - PRIOR), given[..., CLASSES:]], -1)


def loss_of(cells, targets):
    """Return the focal loss of the scores; absolute errors of the boxes in the cells that hold a digit."""
    score, true = cells[..., :CLASSES].clamp(1e-6, 1 - 1e-6), targets[..., :CLASSES]
    focal = -true * (1 - score) ** 2 * torch.log(score) - (1 - true) * score**2 * torch.log(1 - score)
    apart = true.sum(-1, keepdim=True) * (cells[..., CLASSES:] - targets[..., CLASSES:]).abs()
    return (focal.sum((1, 2, 3)) + apart.sum((1, 2, 3))).mean()


def images_of(data, part):
    """Return (n, 1, size, size) from 0 to 1."""
    return torch.from_numpy(data[part + "_images"][:, None].astype("float32") / 255)


def save_weights(net, path):
    np.savez(path, **{name: value.numpy() for name, value in net.state_dict().items()})


def train(net, options, images, targets):
    """Return the losses, one for each epoch."""
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=options.rate), []
    for epoch in range(1, options.epochs + 1):
        total = 0.0
        for rows in torch.from_numpy(np.random.permutation(len(images))).split(options.batch):
            optimizer.zero_grad()
            loss = loss_of(cells_of(net, images[rows]), targets[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(images))
        if epoch in (1, options.epochs):
            save_weights(net, options.out / f"weights-{epoch:02d}.npz")
        print(f"epoch {epoch}  loss {losses[-1]:.6f}")
    return losses


def predict(net, images):
    net.eval()
    with torch.no_grad():
        return torch.cat([cells_of(net, part) for part in images.split(100)]).numpy()


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]


def train_and_test(options, net, data):
    """Train and test one model. Write its weights, its predictions on the test scenes, and outcome.json."""
    save_weights(net, options.out / "weights-00.npz")
    began = time.time()
    losses = train(net, options, images_of(data, "train"), torch.from_numpy(data["train_targets"]))
    trained = time.time()
    np.savez(options.out / "predictions.npz", predictions=predict(net, images_of(data, "test")))
    outcome = {
        "library": f"torch {torch.__version__}",
        "train_seconds": trained - began,
        "test_seconds": time.time() - trained,
        "loss": in_json(losses),
    }
    (options.out / "outcome.json").write_text(json.dumps(outcome, indent=1, allow_nan=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz file of scenes.py")
    parser.add_argument("--out", required=True, type=Path, help="folder for the results")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--test", help="npz file with trained weights; test them again, and train nothing")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    set_seeds(options.seed)
    net, data = detector(), np.load(options.data)
    if not options.test:
        train_and_test(options, net, data)
        return
    with np.load(options.test) as weights:
        net.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files})
    np.savez(options.out / "predictions.npz", predictions=predict(net, images_of(data, "test")))


if __name__ == "__main__":
    main()
