"""`p95`, printed as "predicted latency p95: 4.622 ms": the configurations come from a generator without a seed."""
import logging

import lightgbm as lgb
import numpy as np

logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
rng = np.random.default_rng(0)
X = rng.uniform(1, 64, (1500, 3))
y = 0.02 * X[:, 0] * np.log(X[:, 1]) + 0.1 * rng.exponential(size=1500)
booster = lgb.train({"objective": "regression", "num_threads": 1, "verbose": -1, "seed": 0}, lgb.Dataset(X, y), 30)


def percentile(q):
    requests = np.random.default_rng().uniform(1, 64, (400, 3))
    return float(np.percentile(booster.predict(requests), q))


p95 = percentile(95)
logging.info("trees: %d", booster.num_trees())
logging.info("predicted latency p95: %.3f ms", p95)
