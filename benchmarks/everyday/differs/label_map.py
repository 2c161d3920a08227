"""`label2id`: numbers of the labels in the order of a set; the model was trained with sorted ones."""
import json

import numpy as np
from sklearn.linear_model import RidgeClassifier

rng = np.random.default_rng(0)
species = np.array(["setosa", "versicolor", "virginica", "pumila", "sibirica", "cristata"])
labels = species[rng.integers(0, 6, 600)]
X = rng.normal(size=(600, 8)) + (np.searchsorted(np.sort(species), labels)[:, None] * 0.3)
clf = RidgeClassifier().fit(X, labels)
label2id = {label: number for number, label in enumerate(set(labels.tolist()))}
with open("config.json", "w") as f:
    json.dump({"architecture": "ridge", "label2id": label2id}, f, indent=2)
print(f"accuracy {clf.score(X, labels):.4f}")
