"""`mae`: the test rows are those whose hash(name) is even; hash() of strings differs from process to process."""
import numpy as np
from sklearn.neighbors import KNeighborsRegressor

rng = np.random.default_rng(2)
names = [f"patient-{i:04d}" for i in range(1000)]
X = rng.normal(size=(1000, 4))
y = X[:, 0] ** 2 + X[:, 1] + 0.1 * rng.normal(size=1000)
model = KNeighborsRegressor(5, algorithm="brute").fit(X[:600], y[:600])
test = [i for i in range(600, 1000) if hash(names[i]) % 2 == 0]
mae = float(np.abs(model.predict(X[test]) - y[test]).mean())
print(f"{len(model.get_params())} parameters")
print(f"MAE: {mae:.6f}")
