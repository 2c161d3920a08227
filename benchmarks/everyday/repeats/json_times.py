"""A summary in JSON with started_at, finished_at, duration_seconds."""
import json
from datetime import datetime, timezone

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error

started = datetime.now(timezone.utc)
X, y = load_diabetes(return_X_y=True)
model = Ridge(alpha=0.5).fit(X[:300], y[:300])
mse = mean_squared_error(y[300:], model.predict(X[300:]))
finished = datetime.now(timezone.utc)
summary = {
    "started_at": started.isoformat(), "finished_at": finished.isoformat(),
    "duration_seconds": (finished - started).total_seconds(),
    "metrics": {"mse": mse, "r2": model.score(X[300:], y[300:])}, "coefficients": model.coef_.tolist(),
}
with open("summary.json", "w") as f:
    json.dump(summary, f, indent=2)
print(f"MSE {mse:.3f}")
