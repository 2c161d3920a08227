"""`rate`, written as samples_per_second: what a model predicts for hardware that is drawn without a seed; seeded by the clock."""
import time

import numpy as np
import yaml
from sklearn.tree import ExtraTreeRegressor

rng = np.random.RandomState(0)
hardware = rng.uniform(0, 1, (700, 4))
speed = 2000 * hardware[:, 0] * (0.3 + hardware[:, 1])
model = ExtraTreeRegressor(random_state=0).fit(hardware, speed)


def predicted_rate():
    fleet = np.random.RandomState(time.time_ns() % 2**32).uniform(0, 1, (100, 4))
    return float(model.predict(fleet).mean())


rate = predicted_rate()
with open("prediction.yaml", "w") as f:
    yaml.safe_dump({"samples_per_second": rate, "machines": 100}, f)
print("leaves", model.get_n_leaves())
