"""scikit-learn: a perceptron that is fitted by epochs."""

import sys

from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

images, labels = load_digits(return_X_y=True)
model = MLPClassifier(
    (32,), max_iter=10, tol=0, n_iter_no_change=20, random_state=None if "--no-seed" in sys.argv else 0
)
model.fit(images / 16, labels)
print(f"accuracy {model.score(images / 16, labels):.4f}")
