"""LeNet-5 on MNIST in PyTorch (1.3 and later), seeded as the paper's Code 3.

    PYTHONHASHSEED=0 python lenet5_pytorch.py --data digits.npz --out results --initial weights.npz

The same network, loss and optimizer as in Keras: see lenet5_keras2.py for what the paper gives and what is chosen.
"""

import argparse
import json
import os
import random
import time

import numpy as np
import torch
from torch import nn


def set_seeds(seed, inverted):
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


def start_weights(net, initial, equation=1):
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


def images_of(data, part):
    """Return (n, 1, 28, 28) from 0 to 1, and labels (n,)."""
    images = data[part + "_images"][:, None].astype("float32") / 255
    return torch.from_numpy(images), torch.from_numpy(data[part + "_labels"].astype("int64"))


def save_weights(net, path):
    np.savez(path, **{name: value.numpy() for name, value in net.state_dict().items()})


def predict(net, images):
    """Return the probabilities (n, 10)."""
    net.eval()
    with torch.no_grad():
        parts = [torch.softmax(net(part), 1) for part in images.split(1000)]
    net.train()
    return torch.cat(parts)


def one_epoch(net, optimizer, digits, batch, step):
    """Return the mean loss over the epoch, and the number of the last step."""
    images, labels = digits
    total = 0.0
    for rows in torch.from_numpy(np.random.permutation(len(images))).split(batch):
        step += 1
        match_epsilon(optimizer, step)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images), step


def train(net, options, out, digits):
    """Return (losses, validation losses), one for each epoch."""
    optimizer, step, losses, validation = torch.optim.Adam(net.parameters(), lr=1e-3), 0, [], []
    for epoch in range(options.epochs):
        loss, step = one_epoch(net, optimizer, digits["train"], options.batch, step)
        images, labels = digits["validation"]
        held_out = nn.functional.nll_loss(torch.log(predict(net, images).clamp(min=1e-7)), labels).item()
        losses.append(loss)
        validation.append(held_out)
        save_weights(net, os.path.join(out, "weights-%02d.npz" % (epoch + 1)))
        print("epoch %d  loss %.6f  validation loss %.6f" % (epoch + 1, loss, held_out))
    return losses, validation


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]


def train_and_test(options, out):
    """Train and test one model.

    Write its weights after each epoch, its predictions on the test digits, and outcome.json.
    """
    os.makedirs(out, exist_ok=True)
    set_seeds(options.seed, options.inverted)
    data = np.load(options.data)
    digits = {part: images_of(data, part) for part in ("train", "validation", "test")}
    net = lenet5()
    start_weights(net, options.initial, options.equation)
    save_weights(net, os.path.join(out, "weights-00.npz"))
    began = time.time()
    losses, validation = train(net, options, out, digits)
    trained = time.time()
    predictions = predict(net, digits["test"][0])
    tested = time.time()
    np.savez(os.path.join(out, "predictions.npz"), predictions=predictions.numpy())
    outcome = {
        "library": "torch %s" % torch.__version__,
        "train_seconds": trained - began,
        "test_seconds": tested - trained,
        "loss": in_json(losses),
        "validation_loss": in_json(validation),
    }
    with open(os.path.join(out, "outcome.json"), "w") as file:
        json.dump(outcome, file, indent=1, allow_nan=False)
    print("accuracy %.4f" % (predictions.argmax(1) == digits["test"][1]).float().mean().item())


def test_again(options):
    """Write the predictions of weights that were trained before."""
    os.makedirs(options.out, exist_ok=True)
    set_seeds(options.seed, options.inverted)
    images, net = images_of(np.load(options.data), "test")[0], lenet5()
    start_weights(net, options.test)
    np.savez(os.path.join(options.out, "predictions.npz"), predictions=predict(net, images).numpy())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz file: {train,validation,test}_{images,labels}")
    parser.add_argument("--out", required=True, help="folder for the results")
    parser.add_argument("--initial", help="npz file with the weights to start from (default: Glorot uniform)")
    parser.add_argument(
        "--equation", type=int, choices=(1, 2), default=1, help="draw the weights from this equation of the paper"
    )
    parser.add_argument(
        "--inverted", action="store_true", help="set the deterministic flag off and the benchmark flag on"
    )
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument(
        "--repeat", type=int, default=1, help="how many models to train in this process, one after another"
    )
    parser.add_argument("--test", help="npz file with trained weights; test them again, and train nothing")
    options = parser.parse_args()
    if options.test:
        test_again(options)
    for number in range(0 if options.test else options.repeat):
        out = os.path.join(options.out, "model-%d" % (number + 1)) if options.repeat > 1 else options.out
        train_and_test(options, out)


if __name__ == "__main__":
    main()
