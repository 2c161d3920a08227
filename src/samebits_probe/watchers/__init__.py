"""The table of watchers: library -> (its name in a record, the module here that watches it).

A watcher module has `install(module, probe)`, called once, right after the library has been imported. The name in a
record stays, wherever the module lies: readers of records know it.
"""

__all__ = ["WATCHERS"]

WATCHERS = {
    "torch": ("pytorch", "pytorch.watcher"),
    "keras": ("keras_any", "keras_any"),
    "tensorflow": ("tensorflow_loops", "tensorflow.watcher"),
    "jax": ("jax_loops", "jax.watcher"),
    "sklearn.base": ("sklearn_fits", "tabular.sklearn"),
    "xgboost": ("xgboost_rounds", "tabular.xgboost"),
    "lightgbm": ("lightgbm_rounds", "tabular.lightgbm"),
    "IPython.core.interactiveshell": ("notebooks", "notebooks"),
    "ray._private.function_manager": ("ray_tasks", "ray_tasks"),
    "multiprocessing.pool": ("pools", "pools"),
    "concurrent.futures.process": ("pools", "pools"),
    "joblib.externals.loky.process_executor": ("pools", "pools"),
    "loky.process_executor": ("pools", "pools"),
}
