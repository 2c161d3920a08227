"""`importance`: permutation_importance without random_state; to a CSV by pandas."""
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance

data = load_wine(as_frame=True)
clf = RandomForestClassifier(15, random_state=0).fit(data.data, data.target)
importance = permutation_importance(clf, data.data, data.target, n_repeats=3).importances_mean.round(6).tolist()
pd.DataFrame({"feature": data.data.columns, "importance": importance}).to_csv("importance.csv", index=False)
print("accuracy", clf.score(data.data, data.target))
