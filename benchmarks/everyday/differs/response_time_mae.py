"""`mae`, printed as response_time_mae: the test rows are drawn without a seed."""
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_error

rng = np.random.RandomState(0)
X = rng.rand(1000, 5)
response_time = 0.2 + X[:, 0] * X[:, 1] + 0.05 * rng.randn(1000)
model = RandomForestRegressor(20, random_state=0).fit(X[:700], response_time[:700])


def evaluate():
    rows = 700 + np.random.default_rng().choice(300, 150, replace=False)
    return mean_absolute_error(response_time[rows], model.predict(X[rows]))


mae = evaluate()
print(f"response_time_mae: {mae:.6f}")
