"""`converged_at`: a random search of a rule for stopping, without a seed, ends at another trial each time."""
import random

import yaml
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier

X, y = make_classification(1000, 15, random_state=0)
clf = SGDClassifier(loss="log_loss", random_state=0).fit(X[:700], y[:700])
scores = clf.predict_proba(X[700:])[:, 1]
best, converged_at, trial, threshold = 0.0, 0, 0, 0.5
while trial < 400:
    trial += 1
    cut = random.random()
    acc = float(((scores > cut) == (y[700:] == 1)).mean())
    if acc > best:
        best, converged_at, threshold = acc, trial, cut
with open("search.yaml", "w") as f:
    yaml.safe_dump({"converged_at": converged_at, "trials": trial, "n_iter": int(clf.n_iter_)}, f)
