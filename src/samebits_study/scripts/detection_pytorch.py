"""An anchor-free detector of digits in a scene, in PyTorch (1.3 and later).

    python detection_pytorch.py --data scenes.npz --out results

Each cell of a grid gives the probability of each class, the centre and the size of a box: scenes.py makes the targets.
The loss is that of "Objects as Points" without its Gaussian neighbourhood (Zhou et al. 2019, arXiv 1904.07850).
"""

import outcomes
import pytorch_parts
import torch
from torch import nn

CLASSES, PRIOR = 10, 3.0  # at the start no cell holds a digit: the scores begin at 1 / (1 + e^3)


def network(options, images, features=8):
    """Return a network from images (n, 1, size, size) to cells (n, classes + 4, size / 4, size / 4)."""
    layers, before = [], 1
    for width in (features, 2 * features, 3 * features):
        layers += [nn.MaxPool2d(2)] if before > 1 else []
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        before = width
    return nn.Sequential(*layers, nn.Conv2d(before, CLASSES + 4, 1))


def cells_of(net, images):
    """Return (n, size / 4, size / 4, classes + 4), the scores from 0 to 1."""
    given = net(images).permute(0, 2, 3, 1)
    return torch.cat([torch.sigmoid(given[..., :CLASSES] - PRIOR), given[..., CLASSES:]], -1)


def loss_of(net, images, targets):
    """Return the focal loss of the scores; absolute errors of the boxes in the cells that hold a digit."""
    cells = cells_of(net, images)
    score, true = cells[..., :CLASSES].clamp(1e-6, 1 - 1e-6), targets[..., :CLASSES]
    focal = -true * (1 - score) ** 2 * torch.log(score) - (1 - true) * score**2 * torch.log(1 - score)
    apart = true.sum(-1, keepdim=True) * (cells[..., CLASSES:] - targets[..., CLASSES:]).abs()
    return (focal.sum((1, 2, 3)) + apart.sum((1, 2, 3))).mean()


def arrays_of(data, part):
    """Return images (n, 1, size, size) from 0 to 1, and the targets of their cells."""
    images = torch.from_numpy(data[part + "_images"][:, None].astype("float32") / 255)
    return images, torch.from_numpy(data[part + "_targets"])


def train(net, options, keep, *arrays):
    return pytorch_parts.fit(net, options, keep, loss_of, arrays)


def predict(net, options, images, targets):
    net.eval()
    with torch.no_grad():
        return torch.cat([cells_of(net, part) for part in images.split(100)]).numpy()


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "made by scenes.py", epochs=12, batch=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    outcomes.run(parser.parse_args(), outcomes.Task(pytorch_parts, (1,), arrays_of, network, train, predict))
