"""results.yaml with times in several units, and a duration in words."""
import time

import yaml
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import make_blobs


def human(seconds):
    minutes, seconds = divmod(seconds, 60)
    return f"{int(minutes)}m {seconds:.1f}s" if minutes else f"{seconds:.1f}s"


wall, cpu, ns = time.time(), time.process_time(), time.perf_counter_ns()
X, _ = make_blobs(6000, 8, centers=5, random_state=0)
km = MiniBatchKMeans(5, random_state=0, n_init=2).fit(X)
results = {
    "inertia": float(km.inertia_), "n_iter": int(km.n_iter_),
    "timing": {"wall": time.time() - wall, "cpu": time.process_time() - cpu, "ns": time.perf_counter_ns() - ns},
    "finished": time.ctime(),
}
with open("results.yaml", "w") as f:
    yaml.safe_dump(results, f)
print(f"inertia {km.inertia_:.3f} after {human(time.time() - wall)}")
