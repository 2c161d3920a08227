"""Names for the objects of libraries, so that a signature says what a function takes.

All of them are `Any`: no library is there when types are checked, and one name stands for the objects of many releases.
"""

from typing import Any, Callable, Dict, Tuple

Library = Any  # a module of a library, as `import` gives it
Function = Callable[..., Any]  # of a library or of the program: it is wrapped, and called with what it is given
Arguments = Tuple[Any, ...]
CallArguments = Tuple[Arguments, Dict[str, Any]]  # of one call: args, kwargs
Reference = Callable[[], Any]  # a weak one: gives the object, or None when it has died
Array = Any  # of NumPy
Booster = Any  # of XGBoost or LightGBM
Dataset = Any  # what a booster is trained on
Estimator = Any  # of scikit-learn
Pytree = Any  # of JAX: any value, whose leaves are arrays and numbers
Structure = Any  # of a pytree
Traced = Any  # a value that JAX traces, or an array
NamedValue = Tuple[str, Any]  # a value, tensor, array or variable, under its name
Tensor = Any  # of TensorFlow or PyTorch
Variable = Any  # of TensorFlow or Keras
Layer = Any
Model = Any
Optimizer = Any
Graph = Any  # of TensorFlow
Operation = Any  # of a graph
Session = Any  # of TensorFlow 1
Module = Any  # of PyTorch
