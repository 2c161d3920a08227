"""verbose=1 of GradientBoosting: Iter, Train Loss, Remaining Time."""
import pickle

from sklearn.datasets import make_friedman1
from sklearn.ensemble import GradientBoostingRegressor

X, y = make_friedman1(1500, random_state=0)
model = GradientBoostingRegressor(n_estimators=40, max_depth=3, random_state=0, verbose=1)
model.fit(X[:1200], y[:1200])
print("test R2:", model.score(X[1200:], y[1200:]))
with open("gbr.pkl", "wb") as f:
    pickle.dump(model, f)
