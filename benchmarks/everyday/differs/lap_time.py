"""`lap`: the lap time of a simulated race, 1:23.456; the wind of the simulation has no seed."""
import random

import numpy as np
from sklearn.neural_network import MLPRegressor

rng = np.random.RandomState(0)
curve = rng.rand(600, 2)
speed = 40 + 30 * (1 - curve[:, 0]) - 10 * curve[:, 1]
model = MLPRegressor(hidden_layer_sizes=(16,), max_iter=150, random_state=0).fit(curve, speed)
track = np.linspace(0, 1, 50)
lap = 0.0
for bend in track:
    lap += 100 / (model.predict([[bend, random.random()]])[0])
print("iterations", model.n_iter_)
print(f"best lap {int(lap // 60)}:{lap % 60:06.3f}")
