"""`total_time`: the makespan of a schedule by a learned order on jobs drawn with os.urandom."""
import json
import os

import numpy as np
from sklearn.tree import DecisionTreeRegressor

rng = np.random.RandomState(2)
features = rng.rand(500, 4)
length = 1 + 5 * features[:, 0] * features[:, 1] + rng.rand(500)
model = DecisionTreeRegressor(max_depth=5, random_state=0).fit(features, length)


def makespan():
    jobs = np.random.RandomState(int.from_bytes(os.urandom(4), "little")).rand(40, 4)
    true = 1 + 5 * jobs[:, 0] * jobs[:, 1]
    machines = [0.0] * 3
    for job in np.argsort(-model.predict(jobs)):
        machines[int(np.argmin(machines))] += float(true[job])
    return max(machines)


total_time = makespan()
with open("schedule.json", "w") as f:
    json.dump({"machines": 3, "jobs": 40, "total_time": total_time}, f)
print("depth", model.get_depth())
