"""verbose=2 of a random forest: [Parallel(n_jobs=2)] ... Done ... elapsed."""
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import classification_report

X, y = load_digits(return_X_y=True)
clf = RandomForestClassifier(n_estimators=60, n_jobs=2, verbose=2, random_state=0)
clf.fit(X[:1200], y[:1200])
print(classification_report(y[1200:], clf.predict(X[1200:])))
