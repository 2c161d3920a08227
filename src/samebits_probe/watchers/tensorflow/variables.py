"""The values that variables and modules of TensorFlow outside of Keras hold at the end."""

import importlib
import sys
from typing import TYPE_CHECKING, Any, List

from ..objects import Array, Library, NamedValue, Tensor, Variable
from ..plain_attributes import PlainAttributes
from ..remains import remains_of, tell_after, tell_death, tell_new

if TYPE_CHECKING:
    from ...probe import Probe

_RANDOM = "StateVar"  # the name that tf.random.Generator gives its state


def watch_variables(probe: "Probe") -> None:
    """Follow every `tf.Variable` and `tf.Module`."""
    remains, values = remains_of(probe), VariableReader()
    variables, module = module_of("ops.resource_variable_ops"), module_of("module.module").Module
    attributes = PlainAttributes(probe, values.has_value, values.array)

    def follow(variable: Variable) -> None:
        remains.add(variable, values.of, getattr(variable, "_handle_deleter", None))

    for variable in (variables.ResourceVariable, variables.UninitializedVariable):  # not for what `assign` returns
        tell_after(variable, "__init__", follow)
        tell_death(variable, remains.died)
    tell_new(module, lambda one: remains.add(one, lambda owner: attributes.of(owner, _name(owner))))
    tell_death(module, remains.died)


def module_of(name: str) -> Library:
    """Return a module of TensorFlow that is loaded already: `tensorflow.python` is `tensorflow_core.python` in 2.1."""
    return importlib.import_module("tensorflow.python." + name)


def _name(module: Any) -> str:
    return str(vars(module).get("_name") or type(module).__name__)


class VariableReader:
    """Reads variables that live outside of graphs."""

    def __init__(self) -> None:
        operations, types = module_of("framework.ops"), module_of("framework.dtypes")
        self._eager, self._init_scope = operations.EagerTensor, operations.init_scope
        self._operations = module_of("ops.gen_resource_variable_ops")
        self._opaque, self._numpy = (types.resource, types.variant), sys.modules["numpy"]

    def has_value(self, value: Any) -> bool:
        """Return whether it is a tensor with a value now, and not a variable."""
        return isinstance(value, self._eager) and value.dtype not in self._opaque

    def array(self, tensor: Tensor) -> Array:
        """Return an eager tensor's values: a view if it lies in this process' memory."""
        value, numpy = tensor._numpy() if hasattr(tensor, "_numpy") else tensor, self._numpy
        if type(value) is numpy.ndarray:
            return value
        return numpy.asarray(value, dtype=object) if isinstance(value, bytes) else numpy.asarray(value)

    def of(self, variable: Variable) -> List[NamedValue]:
        """Return [(name, array)] of a variable, if it has been initialised."""
        name = variable.name.rpartition(":")[0] or variable.name
        if name.rpartition("/")[2] == _RANDOM or not isinstance(variable.handle, self._eager):
            return []
        with self._init_scope():
            if not self._operations.var_is_initialized_op(variable.handle)._numpy():
                return []
            return [(name, self.array(self._operations.read_variable_op(variable.handle, variable.dtype)))]
