"""Names for the objects of libraries, so that a signature says what a function takes.

Each is `Any`: no library is there when types are checked, and one name stands for the objects of many releases.
"""

from typing import Any, Callable, Dict, Tuple

Library = Any  # a module of a library, as `import` gives it
Array = Any  # of NumPy
# of scikit-learn, XGBoost, LightGBM
Estimator = Any
Booster = Any
Dataset = Any  # what a booster is trained on
# of PyTorch, TensorFlow, Keras
Tensor = Any
Variable = Any
Module = Any
Layer = Any
Model = Any
Optimizer = Any
Graph = Any
Operation = Any  # of a graph
Session = Any
# of JAX
Pytree = Any  # any value whose leaves are arrays and numbers
Structure = Any  # of a pytree
Traced = Any  # a value that is traced, or an array
JaxProgram = Any  # a jaxpr, closed or not

# of Keras 3: TensorFlow, Torch or Jax, of the watcher: how the values of one library are read
Backend = Any

Function = Callable[..., Any]  # of a library or of the program: it is wrapped, and called with its arguments
Arguments = Tuple[Any, ...]
CallArguments = Tuple[Arguments, Dict[str, Any]]  # of one call: args, kwargs
Reference = Callable[[], Any]  # a weak reference: gives the object, or None after it has died
NamedValue = Tuple[str, Any]  # a value, tensor, array or variable, under its name
