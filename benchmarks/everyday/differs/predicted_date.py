"""`failure`: a predicted date of failure; the sensor noise of the forecast has no seed."""
from datetime import datetime, timedelta

import numpy as np
from sklearn.linear_model import Ridge

rng = np.random.default_rng(0)
wear = np.cumsum(rng.exponential(0.3, 400))
days = np.arange(400)
model = Ridge().fit(wear[:, None], days)


def forecast(level):
    readings = level + np.random.default_rng().normal(0, 3, 50)
    return datetime(2025, 3, 1) + timedelta(days=float(model.predict(readings[:, None]).mean()))


failure = forecast(150)
print(f"slope {model.coef_[0]:.6f}")
print(f"next failure expected on {failure:%Y-%m-%d %H:%M}")
