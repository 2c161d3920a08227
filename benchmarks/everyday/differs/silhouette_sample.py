"""`silhouette`: silhouette_score with sample_size and no random_state."""
import time

from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import silhouette_score

X, _ = make_blobs(2000, 6, centers=4, cluster_std=3.0, random_state=1)
start = time.time()
km = KMeans(4, n_init=2, random_state=0).fit(X)
print(f"fit in {time.time() - start:.3f}s, inertia {km.inertia_:.2f}")
silhouette = silhouette_score(X, km.labels_, sample_size=300)
print(f"silhouette {silhouette:.5f}")
