"""What the scripts of the study share: their options, the order of the data, and the files that they write.

It runs with each Python and each library of the study, and imports none of them.
"""

import argparse
import json
import os
import time

import numpy as np

KEPT = (1, 2, 5, 10)  # epochs of a U-Net whose weights are kept, beside the initial and the last


OPTIONS = {
    "--repeat": {"type": int, "default": 1, "help": "how many models to train in this process, one after another"},
    "--features": {"type": int, "default": 32, "help": "feature maps of the first level"},
    "--rate": {"type": float, "default": 1e-4, "help": "learning rate (default: 1e-4, as in the paper)"},
}


def parser(about, data, epochs, batch):
    """Return a parser of the options that each script takes. `data`: what the file of --data holds."""
    made = argparse.ArgumentParser(description=about.splitlines()[0])
    made.add_argument("--data", required=True, help="npz file: " + data)
    made.add_argument("--out", required=True, help="folder for the results")
    made.add_argument("--epochs", type=int, default=epochs)
    made.add_argument("--batch", type=int, default=batch)
    made.add_argument("--seed", type=int, default=2019)
    made.add_argument("--test", help="npz file with trained weights; test them again, and train nothing")
    return made


def add(made, options, names):
    """Add the options of a table that a script takes. samebits reads their names in the text of the script."""
    for name in names:
        made.add_argument(name, **options[name])


def run(options, train_and_test, test_again):
    """Train as many models as --repeat asks for, each in a folder of its own, or test again what --test names."""
    repeat = getattr(options, "repeat", 1)
    for number in range(1, 1 + (1 if options.test else repeat)):
        out = os.path.join(options.out, "model-%d" % number) if repeat > 1 and not options.test else options.out
        os.makedirs(out, exist_ok=True)
        (test_again if options.test else train_and_test)(options, out)


def weights_file(out, epoch):
    """Return where the weights after an epoch are kept. Epoch 0 is before the training."""
    return os.path.join(out, "weights-%02d.npz" % epoch)


def orders(images, epochs, seed):
    """Return the order of the images in each epoch.

    It is the same in every library, and numpy does not change this stream.
    """
    generator = np.random.RandomState(seed)
    return [generator.permutation(images) for _ in range(epochs)]


class Clock(object):
    """Measures a training and its test, in seconds."""

    def __init__(self):
        self._moments = [time.time()]

    def mark(self):
        """Note that the training, or the test, has ended."""
        self._moments.append(time.time())

    def spans(self):
        began, trained, tested = self._moments
        return {"train_seconds": trained - began, "test_seconds": tested - trained}


def write_predictions(out, predictions):
    np.savez(os.path.join(out, "predictions.npz"), predictions=predictions)


def write(out, library, clock, **curves):
    """Write outcome.json. `curves`: the losses of the epochs."""
    outcome = {"library": library}
    outcome.update(clock.spans())
    outcome.update((name, in_json(values)) for name, values in curves.items())
    with open(os.path.join(out, "outcome.json"), "w") as file:
        json.dump(outcome, file, indent=1, allow_nan=False)


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]
