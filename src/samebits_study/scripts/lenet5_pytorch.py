"""LeNet-5 on MNIST in PyTorch (1.3 and later), seeded as the paper's Code 3.

    PYTHONHASHSEED=0 python lenet5_pytorch.py --data digits.npz --out results --initial weights.npz

The same network, loss and optimizer as in Keras: see lenet5_keras.py for what the paper gives and what is chosen.
"""

import numpy as np
import outcomes
import pytorch_parts
import torch
from torch import nn


def network(options, images):
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def arrays_of(data, part):
    """Return images (n, 1, 28, 28) from 0 to 1, and labels (n,). The training also gets those of the validation."""
    images = torch.from_numpy(data[part + "_images"][:, None].astype("float32") / 255)
    own = images, torch.from_numpy(data[part + "_labels"].astype("int64"))
    return own + arrays_of(data, "validation") if part == "train" else own


def probabilities(net, images):
    """Return the probabilities (n, 10)."""
    net.eval()
    with torch.no_grad():
        parts = [torch.softmax(net(part), 1) for part in images.split(1000)]
    net.train()
    return torch.cat(parts)


def loss_of(net, images, labels):
    return nn.functional.cross_entropy(net(images), labels)


def train(net, options, keep, *arrays):
    images, labels, held_out_images, held_out_labels = arrays
    optimizer, step, losses, validation = torch.optim.Adam(net.parameters(), lr=1e-3), 0, [], []
    for epoch in range(1, options.epochs + 1):
        rows = torch.from_numpy(np.random.permutation(len(images))).split(options.batch)
        parts = pytorch_parts.batches((images, labels), rows)
        losses.append(pytorch_parts.one_epoch(net, optimizer, loss_of, parts, step))
        step += len(rows)
        logarithms = torch.log(probabilities(net, held_out_images).clamp(min=1e-7))
        validation.append(nn.functional.nll_loss(logarithms, held_out_labels).item())
        keep(net, epoch)
        print("epoch %d  loss %.6f  validation loss %.6f" % (epoch, losses[-1], validation[-1]))
    return {"loss": losses, "validation_loss": validation}


def predict(net, options, images, labels):
    predictions = probabilities(net, images)
    print("accuracy %.4f" % (predictions.argmax(1) == labels).float().mean().item())
    return predictions.numpy()


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "{train,validation,test}_{images,labels}", epochs=20, batch=128)
    outcomes.add(parser, outcomes.OPTIONS, ["--repeat"])
    outcomes.add(parser, pytorch_parts.OPTIONS, ["--initial", "--equation", "--inverted"])
    outcomes.run(parser.parse_args(), outcomes.Task(pytorch_parts, None, arrays_of, network, train, predict))
