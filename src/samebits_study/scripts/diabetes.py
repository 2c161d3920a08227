"""How far diabetes went on in a year, from ten facts of each patient: data that scikit-learn ships (442 patients).

    python diabetes.py --out diabetes.npz --seed 2019 --test 111

Facts and values are standardised by the patients that train. `scores` says what predictions are worth, `baselines`
gives some that need no training. The report calls them, outside of the trainings.
"""

import argparse

import numpy as np


def main():
    from sklearn.datasets import load_diabetes

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    for word in ("--seed", "--test"):
        parser.add_argument(word, type=int, required=True)
    options = parser.parse_args()
    facts, values = load_diabetes(return_X_y=True)
    order = np.random.default_rng(options.seed).permutation(len(facts))
    test, train = order[: options.test], order[options.test :]
    center, scale = values[train].mean(), values[train].std()
    inputs = (facts - facts[train].mean(0)) / facts[train].std(0)
    arrays = {"test_values": values[test], "center": center, "scale": scale}
    for part, rows in (("train", train), ("test", test)):
        arrays[part + "_inputs"] = inputs[rows].astype("float32")
        arrays[part + "_targets"] = ((values[rows] - center) / scale).astype("float32")[:, None]
    np.savez(options.out, **arrays)


def baselines(data):
    """Yield the mean of the patients that train, and a linear model of the ten facts."""
    facts, new = (np.column_stack([data[part + "_inputs"], np.ones(len(data[part + "_inputs"]))])
                  for part in ("train", "test"))  # fmt: skip
    weights = np.linalg.lstsq(facts, data["train_targets"], rcond=None)[0]
    yield "the mean", "the mean of the patients that train, for each patient", np.zeros((len(new), 1))
    yield "a linear model", "least squares on the ten facts, solved without training steps", new @ weights


def scores(predictions, data):
    """Return the root mean square error, the mean absolute error, and R2.

    R2 is the share of the variance that is explained.
    """
    apart = predictions[:, 0] * data["scale"] + data["center"] - data["test_values"]
    square = np.mean(apart**2)
    return {
        "rmse": np.sqrt(square),
        "mae": np.abs(apart).mean(),
        "explained": 1 - square / data["test_values"].var(),
    }


if __name__ == "__main__":
    main()
