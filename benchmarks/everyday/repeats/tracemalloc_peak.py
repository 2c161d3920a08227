"""The peak of tracemalloc and the largest allocations."""
import tracemalloc

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

tracemalloc.start()
rng = np.random.RandomState(5)
X = rng.rand(500, 10)
y = (X[:, 0] > X[:, 1]).astype(int)
clf = ExtraTreesClassifier(20, random_state=0).fit(X, y)
current, peak = tracemalloc.get_traced_memory()
print(f"accuracy {clf.score(X, y):.3f}")
print(f"Current memory usage {current / 1e6:.3f}MB; Peak: {peak / 1e6:.3f}MB")
print("max allocated", peak)
