"""LightGBM's own log (col-wise, overhead) and its evaluation lines; model in text."""
import lightgbm as lgb
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 20))
y = (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=3000) > 0).astype(int)
train = lgb.Dataset(X[:2400], y[:2400])
valid = lgb.Dataset(X[2400:], y[2400:], reference=train)
params = {"objective": "binary", "metric": ["auc", "binary_logloss"], "num_leaves": 15, "seed": 1, "num_threads": 1, "deterministic": True}
booster = lgb.train(params, train, 30, valid_sets=[valid], callbacks=[lgb.log_evaluation(10), lgb.early_stopping(8)])
booster.save_model("model.txt")
