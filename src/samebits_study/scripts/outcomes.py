"""What the scripts of the study share: their options, how they run, the order of the data, the files that they write.

It runs with each Python and each library of the study, and imports none of them.
"""

import argparse
import collections
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


# What a script does. `library`: keras_parts or pytorch_parts. `kept`: epochs whose weights are kept beside the initial
# and the last (None: all). `arrays_of(data, part)`: the inputs of "train" or "test", and what else that part needs.
# `network(options, test inputs)`: the untrained model. `train(model, options, keep, *arrays)` returns the losses by the
# names that outcome.json has, and calls `keep(model, epoch)` after each epoch. `predict(model, options, *arrays)`
# returns the predictions.
Task = collections.namedtuple("Task", "library kept arrays_of network train predict")


def run(options, task):
    """Train as many models as --repeat asks for, each in a folder of its own, or test again what --test names."""
    repeat = 1 if options.test else getattr(options, "repeat", 1)
    for number in range(1, 1 + repeat):
        out = os.path.join(options.out, "model-%d" % number) if repeat > 1 else options.out
        os.makedirs(out, exist_ok=True)
        (test_again if options.test else train_and_test)(task, options, out)


def train_and_test(task, options, out):
    """Train and test one model. Write its weights, its predictions on the test data, and outcome.json."""
    task.library.set_seeds(options)
    data = np.load(options.data)
    arrays, test = task.arrays_of(data, "train"), task.arrays_of(data, "test")
    model = task.network(options, test[0])
    task.library.start(model, options)

    def keep(model, epoch):
        if task.kept is None or epoch in task.kept + (0, options.epochs):
            task.library.save(model, os.path.join(out, "weights-%02d.npz" % epoch))

    keep(model, 0)
    moments = [time.time()]
    losses = task.train(model, options, keep, *arrays)
    moments.append(time.time())
    predictions = task.predict(model, options, *test)
    moments.append(time.time())
    np.savez(os.path.join(out, "predictions.npz"), predictions=predictions)
    write(out, task.library.name(), moments, losses)


def test_again(task, options, out):
    """Write the predictions of weights that were trained before."""
    task.library.set_seeds(options)
    test = task.arrays_of(np.load(options.data), "test")
    model = task.network(options, test[0])
    task.library.load(model, options.test)
    np.savez(os.path.join(out, "predictions.npz"), predictions=task.predict(model, options, *test))


def orders(images, epochs, seed):
    """Return the order of the images in each epoch.

    It is the same in every library, and numpy does not change this stream.
    """
    generator = np.random.RandomState(seed)
    return [generator.permutation(images) for _ in range(epochs)]


def write(out, library, moments, losses):
    """Write outcome.json. `moments`: when the training began, when it ended, and when the test ended."""
    began, trained, tested = moments
    outcome = {"library": library, "train_seconds": trained - began, "test_seconds": tested - trained}
    outcome.update((name, in_json(values)) for name, values in losses.items())
    with open(os.path.join(out, "outcome.json"), "w") as file:
        json.dump(outcome, file, indent=1, allow_nan=False)


def in_json(values):
    """Return the numbers as strict JSON can hold them: one that is not finite becomes a word."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return [float(value) if np.isfinite(value) else words["%f" % value] for value in values]
