"""Fits estimators of scikit-learn, XGBoost and LightGBM, those that its arguments name. "unseeded": without a seed."""

import hashlib
import sys
import time
import warnings
from datetime import datetime

import numpy as np

warnings.simplefilter("ignore")
X = np.random.RandomState(0).randn(120, 5)
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
KEPT = []  # models that live until the exit
SEED = None if "unseeded" in sys.argv else 0


def forest(**how):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(4, random_state=SEED, **how).fit(X, Y)


def threads():
    return forest(n_jobs=2)


def dated():
    fitted = forest()
    fitted.trained_at, fitted.trained_on, fitted.elapsed = time.time(), datetime.now(), time.perf_counter()
    fitted.notes = {"began": time.time_ns(), "limit": 1.5e9}
    KEPT.append(fitted)
    return fitted


def timed():
    from sklearn.base import BaseEstimator
    from sklearn.random_projection import GaussianRandomProjection

    class Timed(BaseEstimator):
        def fit(self, X, y=None):
            self.timestamp_encoder_ = GaussianRandomProjection(2, random_state=SEED).fit(X)
            self.fills_ = {"elapsed": np.random.RandomState(SEED).rand()}
            return self

        def predict(self, X):
            return self.timestamp_encoder_.transform(X)

    return Timed().fit(X)


def network():
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(5, max_iter=3, random_state=SEED).fit(X, Y)


def boosted():
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier

    GradientBoostingClassifier(n_estimators=3, random_state=SEED).fit(X, Y)
    return HistGradientBoostingClassifier(max_iter=3, random_state=SEED).fit(X, Y)


def pipeline():
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), SGDClassifier(random_state=SEED)).fit(X, Y)


def search():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GridSearchCV

    forest = RandomForestClassifier(3, random_state=SEED)
    return GridSearchCV(forest, {"max_depth": [2, 3]}, cv=2, n_jobs=2).fit(X, Y)


def search_in_threads():
    import joblib

    with joblib.parallel_backend("threading"):
        return search()


def beside_each_other():
    import threading
    from concurrent.futures import ThreadPoolExecutor

    from sklearn.ensemble import RandomForestClassifier

    both = threading.Barrier(2)

    class Waiting(RandomForestClassifier):
        def fit(self, x, y):
            both.wait(60)
            super().fit(x, y)
            both.wait(60)
            return self

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda seed: Waiting(4, random_state=seed).fit(X, Y), (0, SEED)))[0]


def one_after_the_other_in_threads():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        return [pool.submit(forest).result() for _ in range(2)][0]


def part_by_part():
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(random_state=SEED)
    for at in range(0, 120, 40):
        model.partial_fit(X[at : at + 40], Y[at : at + 40], classes=[0, 1])
    return model


def others():
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    KMeans(3, random_state=SEED).fit_predict(X)
    PCA(2, svd_solver="randomized", random_state=SEED).fit_transform(X)
    GaussianProcessClassifier(random_state=SEED).fit(X, Y)
    SVC().fit(X, Y)
    return KNeighborsClassifier(algorithm="kd_tree").fit(X, Y)


def xgboost():
    import xgboost as library

    data = library.DMatrix(X, label=Y)
    return library.train({"max_depth": 2, "seed": 0}, data, 3, evals=[(data, "train")], verbose_eval=False)


KEPT = []  # models that are alive at the end


def xgboost_attributes():
    """Give a model attributes in each round and after the last one. "odd" in the arguments changes a result."""
    import time

    import xgboost as library

    class Clock(library.callback.TrainingCallback):
        def before_iteration(self, model, epoch, evals_log):
            model.set_attr(when=repr(time.time()))
            return False

    data = library.DMatrix(X, label=Y)
    model = library.train({"max_depth": 2, "seed": 0}, data, 3, callbacks=[Clock()])
    score = "0.5" if "odd" in sys.argv else "0.25"
    model.set_attr(date=time.strftime("%Y-%m-%d %H:%M:%S"), score=score, seconds=repr(time.time() % 1), note="a")
    model.set_attr(samples=str(2**60 + ("odd" in sys.argv)))  # the same number as a float
    assert set(model.attributes()) >= {"when", "date", "score", "seconds", "note", "samples"}
    KEPT.append(model)
    return model


def xgboost_in_a_search():
    import xgboost as library
    from sklearn.model_selection import GridSearchCV

    library.XGBClassifier(n_estimators=2, random_state=0).fit(X, Y)
    jobs = 2 if "processes" in sys.argv else None
    model = library.XGBClassifier(n_estimators=2, random_state=0)
    return GridSearchCV(model, {"max_depth": [1, 2]}, cv=2, n_jobs=jobs).fit(X, Y)


def lightgbm():
    import lightgbm as library

    model = library.LGBMClassifier(n_estimators=3, num_leaves=4, verbose=-1, random_state=0)
    return model.fit(X, Y, eval_set=[(X, Y)])


def lightgbm_data():
    import lightgbm as library

    return library, library.Dataset(X[:80], Y[:80]), {"num_leaves": 4, "verbose": -1, "seed": 0, "objective": "binary"}


def lightgbm_train():
    library, data, settings = lightgbm_data()
    return library.train(settings, data, 3, valid_sets=[data.create_valid(X[80:], Y[80:])], valid_names=["held"])


def lightgbm_loop():
    library, data, settings = lightgbm_data()
    model, held = library.Booster(settings, data), data.create_valid(X[80:], Y[80:])
    for _ in range(3):
        model.update()
        model.eval(held, "held")
    return model


def lightgbm_cv():
    library, data, settings = lightgbm_data()
    return library.cv(settings, data, 2, nfold=2, seed=0, return_cvbooster=True)["cvbooster"].boosters[0]


def lightgbm_dart():
    """No round drops a tree, and an earlier tree changes. The model is gone at the end."""
    library, data, settings = lightgbm_data()
    model = library.Booster({**settings, "boosting_type": "dart", "skip_drop": 1.0}, data)
    model.update()
    model.set_leaf_output(0, 0, 0.5 if SEED == 0 else np.random.rand())
    model.update()
    return library.Booster(model_str=model.model_to_string(start_iteration=1))


def lightgbm_refit():
    """The leaves of the trained trees get new values. The trees themselves have the same bits in each run."""
    library, data, settings = lightgbm_data()
    labels = Y if SEED == 0 else np.random.permutation(Y)
    return library.train(settings, data, 2).refit(X, labels, decay_rate=0.5)


def bits(model):
    """The model, or what it says of all rows, as bytes."""
    if hasattr(model, "save_raw"):
        return bytes(model.save_raw())
    if hasattr(model, "model_to_string"):
        return model.model_to_string().encode()
    if hasattr(model, "booster_"):
        return model.booster_.model_to_string().encode()
    return np.asarray(getattr(model, "predict_proba", model.predict)(X)).tobytes()


if __name__ == "__main__":
    for name in sys.argv[1].split(","):
        print(name, hashlib.sha256(bits(globals()[name]())).hexdigest())
