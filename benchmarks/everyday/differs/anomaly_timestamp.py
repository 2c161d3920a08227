"""`timestamp`: when the strongest anomaly was, among rows that are drawn without a seed."""
import json

import numpy as np
from sklearn.ensemble import IsolationForest

rng = np.random.default_rng(0)
stamps = 1_700_000_000 + np.arange(3000) * 60
values = rng.normal(size=(3000, 4))
values[rng.choice(3000, 30, replace=False)] += 4
forest = IsolationForest(n_estimators=25, random_state=0).fit(values)


def strongest():
    rows = np.random.default_rng().choice(3000, 150, replace=False)
    return int(stamps[rows[np.argmin(forest.score_samples(values[rows]))]])


timestamp = strongest()
json.dump({"timestamp": timestamp, "offset": float(forest.offset_)}, open("anomaly.json", "w"))
print("contamination", forest.contamination)
