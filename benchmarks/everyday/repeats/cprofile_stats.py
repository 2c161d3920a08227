"""cProfile around the training, its statistics printed by cumulative time."""
import cProfile
import pstats

import numpy as np
from sklearn.ensemble import RandomForestRegressor

rng = np.random.RandomState(0)
X = rng.rand(400, 8)
y = X[:, 0] * 3 + np.sin(X[:, 1] * 6)
model = RandomForestRegressor(n_estimators=15, random_state=0)


def train():
    model.fit(X, y)
    return model.score(X, y)


profiler = cProfile.Profile()
score = profiler.runcall(train)
pstats.Stats(profiler).sort_stats("cumulative").print_stats("sklearn/ensemble", 6)
print(f"R2 = {score:.5f}")
