"""Logs with relativeCreated, process id and thread name."""
import logging
import sys

import numpy as np
from sklearn.linear_model import SGDClassifier

logging.basicConfig(stream=sys.stdout, level=logging.DEBUG,
                    format="%(relativeCreated)6d %(process)d %(threadName)s %(levelname)-7s %(message)s")
rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 12))
y = (X @ rng.normal(size=12) > 0).astype(int)
clf = SGDClassifier(loss="log_loss", random_state=0)
for epoch in range(6):
    order = rng.permutation(len(X))
    for chunk in np.array_split(order, 10):
        clf.partial_fit(X[chunk], y[chunk], classes=[0, 1])
    logging.info("epoch %d, accuracy %.4f", epoch, clf.score(X, y))
logging.debug("coefficients %s", np.round(clf.coef_, 3))
