"""verbose=3 of GridSearchCV over a verbose Pipeline; cv_results_ goes to a CSV."""
import pandas as pd
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
pipe = Pipeline([("scale", StandardScaler()), ("svc", SVC())], verbose=True)
search = GridSearchCV(pipe, {"svc__C": [0.1, 1, 10], "svc__gamma": [0.01, 0.1]}, cv=3, verbose=3)
search.fit(X, y)
pd.DataFrame(search.cv_results_).to_csv("cv_results.csv")
print("Best parameters:", search.best_params_)
print("Best score: %.4f" % search.best_score_)
print(f"refit took {search.refit_time_:.4f}s")
