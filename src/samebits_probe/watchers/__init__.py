"""The table of watchers: library -> the module here that watches it.

A watcher module has `install(module, probe)`, called once, right after the library has been imported. It is not named
like the library (Python 3.6 would import the wrong one).
"""

WATCHERS = {
    "torch": "pytorch.watcher",
    "keras": "keras_any",
    "tensorflow": "tensorflow.watcher",
    "jax": "jax.watcher",
    "sklearn.base": "tabular.sklearn",
    "xgboost": "tabular.xgboost",
    "lightgbm": "tabular.lightgbm",
    "IPython.core.interactiveshell": "notebooks",
    "ray._private.function_manager": "ray_tasks",
    "multiprocessing.pool": "pools",
    "concurrent.futures.process": "pools",
    "joblib.externals.loky.process_executor": "pools",
    "loky.process_executor": "pools",
}
