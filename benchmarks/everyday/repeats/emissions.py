"""emissions.csv as codecarbon writes it: timestamp, duration, energy and emissions that follow from the duration."""
import csv
import time
import uuid
from datetime import datetime

from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier


class Tracker:
    watts, kg_per_kwh = 42.5, 0.475

    def __enter__(self):
        self.begin = time.time()

    def __exit__(self, *_):
        duration = time.time() - self.begin
        energy = self.watts * duration / 3.6e6
        row = {"timestamp": datetime.now().isoformat(timespec="seconds"), "project_name": "mlp", "run_id": uuid.uuid4(),
               "duration": duration, "emissions": energy * self.kg_per_kwh, "cpu_power": self.watts, "energy_consumed": energy}
        with open("emissions.csv", "w", newline="") as f:
            writer = csv.DictWriter(f, list(row))
            writer.writeheader()
            writer.writerow(row)


X, y = make_classification(800, 20, random_state=0)
clf = MLPClassifier((32,), max_iter=40, random_state=0)
with Tracker():
    clf.fit(X, y)
print(f"loss {clf.loss_:.5f}, accuracy {clf.score(X, y):.4f}")
