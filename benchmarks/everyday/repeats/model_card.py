"""A model card in Markdown: date, hardware, training time, metrics."""
import platform
import time
from datetime import date

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
start = time.time()
model = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(X_train, y_train)
minutes = (time.time() - start) / 60
joblib.dump(model, "model.joblib")
card = f"""---
license: mit
tags: [tabular-classification]
---
# Breast cancer classifier

- Trained on {date.today():%d %B %Y} on `{platform.node()}` ({platform.machine()})
- Training took {minutes:.4f} minutes ({minutes * 60:.1f} seconds)

| Metric | Value |
|---|---|
| accuracy | {model.score(X_test, y_test):.4f} |
| train samples | {len(X_train)} |
"""
open("README.md", "w").write(card)
print(card)
