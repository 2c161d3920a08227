"""A study of Optuna in SQLite: datetime_start, datetime_complete; its own log lines with dates."""
import optuna
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

X, y = load_wine(return_X_y=True)


def objective(trial):
    clf = RandomForestClassifier(trial.suggest_int("n_estimators", 5, 30), max_depth=trial.suggest_int("max_depth", 2, 6),
                                 random_state=0)
    return cross_val_score(clf, X, y, cv=3).mean()


study = optuna.create_study(direction="maximize", study_name="wine", storage="sqlite:///study.db",
                            sampler=optuna.samplers.TPESampler(seed=10))
study.optimize(objective, n_trials=5)
print("Best value:", study.best_value, "Best params:", study.best_params)
best = RandomForestClassifier(**study.best_params, random_state=0).fit(X, y)
print("training accuracy", best.score(X, y))
