"""XGBoost's evaluation lines, verbosity 2, the training time, a JSON of the model and of evals_result."""
import json
import time

import numpy as np
import xgboost as xgb

rng = np.random.default_rng(1)
X = rng.uniform(size=(2000, 12))
y = 10 * X[:, 0] + np.sin(8 * X[:, 1]) + rng.normal(scale=0.2, size=2000)
dtrain, dtest = xgb.DMatrix(X[:1500], y[:1500]), xgb.DMatrix(X[1500:], y[1500:])
result = {}
tic = time.monotonic()
params = {"eta": 0.2, "max_depth": 4, "nthread": 1, "verbosity": 2, "subsample": 0.8, "seed": 3}
bst = xgb.train(params, dtrain, 25, [(dtrain, "train"), (dtest, "eval")], evals_result=result, verbose_eval=5)
print(f"trained in {time.monotonic() - tic:.2f}s ({25 / (time.monotonic() - tic):.0f} trees/s)")
bst.save_model("model.json")
json.dump(result, open("evals_result.json", "w"))
