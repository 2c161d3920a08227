"""`predictions`: the mean over random shifts without a seed; saved with np.save."""
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
clf = MLPClassifier((32,), max_iter=25, random_state=0).fit(X[:1200], y[:1200])


def augmented(times, rng):
    return np.mean([clf.predict_proba(X[1200:] + rng.normal(0, 1, X[1200:].shape)) for _ in range(times)], axis=0)


predictions = augmented(4, np.random.default_rng())
np.save("predictions.npy", predictions)
print(f"train loss {clf.loss_:.5f}")
