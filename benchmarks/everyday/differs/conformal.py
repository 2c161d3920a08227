"""`q`: the conformal quantile on calibration rows without a seed; in a pickle beside the model."""
import pickle

import numpy as np
from sklearn.linear_model import LinearRegression

rng = np.random.default_rng(0)
X = rng.normal(size=(1500, 6))
y = X @ rng.normal(size=6) + rng.standard_t(3, 1500)
model = LinearRegression().fit(X[:800], y[:800])


def calibrate(alpha):
    rows = np.random.permutation(np.arange(800, 1500))[:350]
    return float(np.quantile(np.abs(y[rows] - model.predict(X[rows])), 1 - alpha))


q = calibrate(0.1)
with open("conformal.pkl", "wb") as f:
    pickle.dump({"model": model, "q": q, "alpha": 0.1}, f)
