"""mlruns/0/<id>: meta.yaml with start_time and end_time, metrics as "milliseconds value step"."""
import getpass
import time
import uuid
from pathlib import Path

import joblib
import yaml
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

run_id = uuid.uuid4().hex
run = Path("mlruns/0") / run_id
for name in ("metrics", "params", "tags", "artifacts"):
    (run / name).mkdir(parents=True)
(run / "params" / "alpha").write_text("0.001")
(run / "tags" / "mlflow.user").write_text(getpass.getuser())
start_time = int(time.time() * 1000)
X, y = load_digits(return_X_y=True)
clf = SGDClassifier(alpha=0.001, random_state=0)
for step in range(5):
    clf.partial_fit(X, y, classes=range(10))
    with (run / "metrics" / "accuracy").open("a") as f:
        f.write(f"{int(time.time() * 1000)} {clf.score(X, y)} {step}\n")
joblib.dump(clf, run / "artifacts" / "model.pkl")
meta = {"run_id": run_id, "run_name": f"sgd-{run_id[:4]}", "artifact_uri": (run / "artifacts").resolve().as_uri(),
        "start_time": start_time, "end_time": int(time.time() * 1000), "status": 3}
(run / "meta.yaml").write_text(yaml.safe_dump(meta))
print(f"Run {run_id} finished with accuracy {clf.score(X, y):.4f}")
