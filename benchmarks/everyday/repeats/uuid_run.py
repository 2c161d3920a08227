"""A run id from uuid4 in the folder's name, in the settings and in the log."""
import json
import uuid
from pathlib import Path

import joblib
from sklearn.datasets import load_wine
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale

run_id = uuid.uuid4()
folder = Path("experiments") / str(run_id)
folder.mkdir(parents=True)
print("experiment", run_id.hex[:8])
X, y = load_wine(return_X_y=True)
clf = MLPClassifier((16,), max_iter=60, random_state=0)
clf.fit(scale(X), y)
joblib.dump(clf, folder / "model.joblib")
(folder / "run.json").write_text(json.dumps({"run_id": str(run_id), "score": clf.score(scale(X), y), "params": {"hidden": 16}}, indent=2))
print(f"accuracy {clf.score(scale(X), y):.4f}; written to {folder}")
