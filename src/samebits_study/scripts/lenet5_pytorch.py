"""LeNet-5 on MNIST in PyTorch (1.3 and later), seeded as the paper's Code 3.

    PYTHONHASHSEED=0 python lenet5_pytorch.py --data digits.npz --out results --initial weights.npz

The same network, loss and optimizer as in Keras: see lenet5_keras2.py for what the paper gives and what is chosen.
"""

import numpy as np
import outcomes
import pytorch_parts
import torch
from torch import nn


def lenet5():
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


def images_of(data, part):
    """Return (n, 1, 28, 28) from 0 to 1, and labels (n,)."""
    images = data[part + "_images"][:, None].astype("float32") / 255
    return torch.from_numpy(images), torch.from_numpy(data[part + "_labels"].astype("int64"))


def predict(net, images):
    """Return the probabilities (n, 10)."""
    net.eval()
    with torch.no_grad():
        parts = [torch.softmax(net(part), 1) for part in images.split(1000)]
    net.train()
    return torch.cat(parts)


def loss_of(net, images, labels):
    return nn.functional.cross_entropy(net(images), labels)


def train(net, options, out, digits):
    """Return (losses, validation losses), one for each epoch."""
    optimizer, step, losses, validation = torch.optim.Adam(net.parameters(), lr=1e-3), 0, [], []
    for epoch in range(1, options.epochs + 1):
        rows = torch.from_numpy(np.random.permutation(len(digits["train"][0]))).split(options.batch)
        parts = pytorch_parts.batches(digits["train"], rows)
        losses.append(pytorch_parts.one_epoch(net, optimizer, loss_of, parts, step))
        step += len(rows)
        images, labels = digits["validation"]
        held_out = nn.functional.nll_loss(torch.log(predict(net, images).clamp(min=1e-7)), labels).item()
        validation.append(held_out)
        pytorch_parts.save_weights(net, outcomes.weights_file(out, epoch))
        print("epoch %d  loss %.6f  validation loss %.6f" % (epoch, losses[-1], held_out))
    return losses, validation


def train_and_test(options, out):
    """Train and test one model.

    Write its weights after each epoch, its predictions on the test digits, and outcome.json.
    """
    pytorch_parts.set_seeds(options.seed, inverted=options.inverted)
    data = np.load(options.data)
    digits = {part: images_of(data, part) for part in ("train", "validation", "test")}
    net = lenet5()
    pytorch_parts.start_weights(net, options.initial, options.equation)
    pytorch_parts.save_weights(net, outcomes.weights_file(out, 0))
    clock = outcomes.Clock()
    losses, validation = train(net, options, out, digits)
    clock.mark()
    predictions = predict(net, digits["test"][0])
    clock.mark()
    outcomes.write_predictions(out, predictions.numpy())
    outcomes.write(out, "torch %s" % torch.__version__, clock, loss=losses, validation_loss=validation)
    print("accuracy %.4f" % (predictions.argmax(1) == digits["test"][1]).float().mean().item())


def test_again(options, out):
    """Write the predictions of weights that were trained before."""
    pytorch_parts.set_seeds(options.seed, inverted=options.inverted)
    images, net = images_of(np.load(options.data), "test")[0], lenet5()
    pytorch_parts.start_weights(net, options.test)
    outcomes.write_predictions(out, predict(net, images).numpy())


if __name__ == "__main__":
    parser = outcomes.parser(__doc__, "{train,validation,test}_{images,labels}", epochs=20, batch=128)
    outcomes.add(parser, outcomes.OPTIONS, ["--repeat"])
    outcomes.add(parser, pytorch_parts.OPTIONS, ["--initial", "--equation", "--inverted"])
    outcomes.run(parser.parse_args(), train_and_test, test_again)
