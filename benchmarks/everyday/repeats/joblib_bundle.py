"""A joblib file that holds the model beside fit_seconds and trained_at."""
import time
from datetime import datetime

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression

rng = np.random.RandomState(0)
X = rng.randn(1000, 25)
y = (X @ rng.randn(25) + rng.randn(1000) > 0).astype(int)
t = time.perf_counter()
clf = LogisticRegression(C=0.3).fit(X[:800], y[:800])
fit_seconds = time.perf_counter() - t
bundle = {"model": clf, "fit_seconds": fit_seconds, "trained_at": datetime.now(), "accuracy": clf.score(X[800:], y[800:])}
joblib.dump(bundle, "bundle.joblib", compress=3)
print(f"accuracy {bundle['accuracy']:.3f}")
