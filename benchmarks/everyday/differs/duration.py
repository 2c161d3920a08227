"""`duration`: the predicted length of a trip, averaged over trips that are drawn without a seed."""
import numpy as np
from sklearn.linear_model import SGDRegressor
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(1)
km, hour = rng.gamma(2, 3, 2000), rng.integers(0, 24, 2000)
minutes = 4 + 2.4 * km + 3 * ((hour > 7) & (hour < 10)) + rng.normal(0, 1, 2000)
X = StandardScaler().fit_transform(np.c_[km, hour, km * hour])
model = SGDRegressor(random_state=0)
for epoch in range(10):
    model.partial_fit(X, minutes)


def mean_prediction():
    trips = np.random.default_rng().choice(2000, 300)
    return model.predict(X[trips]).mean()


duration = mean_prediction()
print(f"R2 {model.score(X, minutes):.4f}")
print(f"duration: {duration:.3f}")
