"""Active learning: LeNet-5 chooses the digits from which it learns next. Does each run choose the same ones?

    samebits check --full --env keras-tf2.1 -- python examples/active_learning.py --library keras2 --out '{out}'
    samebits check --full -- python examples/active_learning.py --library pytorch --out '{out}' --no-shuffle-seed

The model trains on 50 digits. Then, in each of five rounds, it chooses the 50 digits of a pool that it is least sure
of (the smallest margin between its two best classes), learns their labels, and trains on. Under `samebits check`,
`observe(..., key=...)` says what was chosen in each round; otherwise it does nothing. OUT/chosen.json keeps what was
chosen, and the accuracy after each round.
"""

import argparse
import json
import os

import numpy as np

try:
    from samebits_probe import observe
except ImportError:  # not under samebits

    def observe(name, value, step=None, kind=None, key=None):
        return


class PyTorchLearner:
    """LeNet-5 in PyTorch."""

    def __init__(self, options):
        import lenet5_pytorch as lenet
        import torch

        lenet.set_seeds(options.seed, ())
        self.torch, self.digits, self.net = torch, lenet.digits, lenet.lenet5()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3)

    def train(self, images, labels, batches):
        for rows in batches:
            self.optimizer.zero_grad()
            self.torch.nn.functional.cross_entropy(self.net(images[rows]), labels[rows]).backward()
            self.optimizer.step()

    def probabilities(self, images):
        with self.torch.no_grad():
            return self.torch.softmax(self.net(images), 1).numpy()


class KerasLearner:
    """LeNet-5 in Keras 2.3.1 or Keras 3."""

    def __init__(self, options):
        if options.library == "keras2":
            import lenet5_keras2 as lenet

            lenet.set_seeds(options.seed, (), "default")
            from keras import optimizers

            adam = optimizers.Adam
            if options.order == "read-first":
                from keras2_adam_order import read_first

                adam = read_first(adam)
            optimizer = adam(lr=1e-3)
        else:
            import keras
            import lenet5_keras3 as lenet

            keras.utils.set_random_seed(options.seed)
            optimizer = keras.optimizers.Adam(1e-3)
        self.digits, self.model = lenet.digits, lenet.lenet5()
        self.model.compile(optimizer, "sparse_categorical_crossentropy")

    def train(self, images, labels, batches):
        rows = np.concatenate(batches)
        self.model.fit(images[rows], labels[rows], batch_size=len(batches[0]), shuffle=False, verbose=0)

    def probabilities(self, images):
        return self.model.predict(images, batch_size=500, verbose=0)


def in_batches(chosen, options, shuffle):
    """The chosen digits in batches, each epoch in a different order."""
    orders = [shuffle.permutation(chosen) for _ in range(options.epochs)]
    return [order[at : at + options.batch] for order in orders for at in range(0, len(order), options.batch)]


def least_sure(probabilities, chosen, count):
    """The rows with the smallest margin between the two best classes, of those that are not chosen yet."""
    best = np.sort(probabilities, axis=1)
    margin = best[:, -1] - best[:, -2]
    margin[chosen] = np.inf
    return np.argsort(margin, kind="stable")[:count]


def accuracy(learner, images, labels):
    return float(np.mean(learner.probabilities(images).argmax(1) == np.asarray(labels)))


def learn(learner, options):
    """What was chosen in each round, and the accuracy after it; round 0 has the first digits."""
    draw = np.random.RandomState(options.seed)
    shuffle = np.random.RandomState() if options.no_shuffle_seed else draw
    images, labels = learner.digits(options.data, "train", options.pool)
    test = learner.digits(options.data, "t10k", 1000)
    new, chosen, rounds = draw.permutation(options.pool)[: options.each], np.zeros(0, int), []
    for number in range(options.rounds + 1):
        observe("batch/chosen", np.sort(new), key="round %d" % number)
        chosen = np.concatenate([chosen, new])
        learner.train(images, labels, in_batches(chosen, options, shuffle))
        rounds.append({"chosen": sorted(map(int, new)), "accuracy": accuracy(learner, *test)})
        print("round %d: accuracy %.4f" % (number, rounds[-1]["accuracy"]))
        if options.choose == "uncertain":
            new = least_sure(learner.probabilities(images), chosen, options.each)
        else:
            new = draw.permutation(np.setdiff1d(np.arange(options.pool), chosen))[: options.each]
    return rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", choices=("pytorch", "keras2", "keras3"), required=True)
    parser.add_argument("--data", default="data/mnist", help="folder with the four idx files")
    parser.add_argument("--out", help="folder for chosen.json")
    parser.add_argument("--choose", choices=("uncertain", "random"), default="uncertain")
    parser.add_argument("--pool", type=int, default=2000, help="digits to choose from")
    parser.add_argument("--each", type=int, default=50, help="digits that are chosen in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=6, help="in each round")
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--no-shuffle-seed", action="store_true", help="shuffle the digits without a seed")
    parser.add_argument("--order", choices=("shipped", "read-first"), default="shipped",
                        help="of Keras 2.3.1's Adam: see keras2_adam_order.py")  # fmt: skip
    options = parser.parse_args()
    learner = (PyTorchLearner if options.library == "pytorch" else KerasLearner)(options)
    rounds = learn(learner, options)
    if options.out:
        os.makedirs(options.out, exist_ok=True)
        with open(os.path.join(options.out, "chosen.json"), "w") as file:
            json.dump({"choose": options.choose, "rounds": rounds}, file)


if __name__ == "__main__":
    main()
