"""An npz with loss, accuracy and epoch_times."""
import time

import numpy as np
from sklearn.linear_model import SGDClassifier

rng = np.random.default_rng(9)
X = rng.normal(size=(4000, 40))
y = np.where(X[:, :5].sum(1) > 0, 1, 0)
clf = SGDClassifier(loss="log_loss", random_state=2)
loss, acc, epoch_times = [], [], []
for epoch in range(7):
    t = time.time()
    order = rng.permutation(3000)
    clf.partial_fit(X[order], y[order], classes=[0, 1])
    epoch_times.append(time.time() - t)
    p = clf.predict_proba(X[3000:])[np.arange(1000), y[3000:]]
    loss.append(-np.log(np.clip(p, 1e-12, 1)).mean())
    acc.append(clf.score(X[3000:], y[3000:]))
np.savez("history.npz", loss=loss, acc=acc, epoch_times=epoch_times, coef=clf.coef_)
print("accuracy by epoch:", np.round(acc, 3))
