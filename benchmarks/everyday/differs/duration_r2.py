"""`r2`, written as duration_r2: a hold-out that train_test_split draws without random_state."""
import json

import xgboost as xgb
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split

X, duration = make_friedman1(1200, noise=1.0, random_state=4)
model = xgb.XGBRegressor(n_estimators=20, max_depth=3, n_jobs=1, random_state=0).fit(X[:800], duration[:800])


def hold_out_score():
    _, X_test, _, y_test = train_test_split(X[800:], duration[800:], test_size=0.5)
    return model.score(X_test, y_test)


r2 = hold_out_score()
with open("report.json", "w") as f:
    json.dump({"model": "xgb", "duration_r2": r2, "n_test": 200}, f, indent=1)
