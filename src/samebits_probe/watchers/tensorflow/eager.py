"""Every operation that TensorFlow executes eagerly in one step, in the one thread that trains, in its order.

A callback is called after each operation and changes nothing. A call of a `tf.function` is one operation. The
operations of a gradient belong to the layer of the forward operation. The tape knows that one by its inputs and
outputs, if it keeps any.
"""

import re
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Set, Tuple, Union

from tensorflow.python.eager import backprop, context
from tensorflow.python.framework import op_callbacks
from tensorflow.python.ops import gen_resource_variable_ops

from ...callers import innermost, running
from ...inspection import constant, numbers
from ..objects import Function, Graph, Tensor
from .operations import NO_VALUE, WRITES, LayerStack, is_random

if TYPE_CHECKING:
    from ...inspection import Inspection
    from ...wire import DetailFields
    from ..keras3.functions import Keras3Watch
    from .operations import Lines

TensorPlace = Tuple[str, int, int]  # type of an operation, place of a tensor, its identity

_native = backprop.pywrap_tfe
_FUNCTION = re.compile(r"__(?:inference|forward|backward)_(.*)_\d+$")


class EagerOperations:
    """The loop sets `phase`. `layers`: those that are being called. `lines`: what `innermost` takes."""

    def __init__(self, watch: "Keras3Watch", details: "Inspection", layers: LayerStack, lines: "Lines") -> None:
        self._watch, self._details, self._layers, self._lines = watch, details, layers, lines
        self.phase = "forward"
        self._is_on, self._is_ours = False, False
        self._layer_of: Dict[TensorPlace, str] = {}
        self._made: Set[int] = set()  # identities of the tensors that the step has made
        details.ended.append(self.end)

    def begin(self) -> None:
        """Note the first sign of a step that is executed eagerly."""
        if self._details.is_on() and not self._is_on and context.executing_eagerly():
            self.phase = "forward"
            self._is_on = True
            op_callbacks.add_op_callback(self._executed)
            _native.TFE_Py_RegisterGradientFunction(self._differentiate)

    def end(self) -> None:
        """End the recording of the step."""
        if self._is_on:
            self._is_on = False
            _native.TFE_Py_RegisterGradientFunction(backprop._gradient_function)
            op_callbacks.remove_op_callback(self._executed)
            self._layer_of.clear()
            self._made.clear()

    def unseen(self, function: Function) -> Function:
        """Return a function that calls `function`. Operations that run in it count as the probe's own."""

        def ours(*args: Any, **kwargs: Any) -> Any:
            before, self._is_ours = self._is_ours, True
            try:
                return function(*args, **kwargs)
            finally:
                self._is_ours = before

        return ours

    def _executed(
        self,
        kind: Union[str, bytes],
        inputs: Sequence[Tensor],
        attributes: Sequence[Any],
        outputs: Optional[Sequence[Tensor]],
        *_: Any,
        graph: Optional[Graph] = None,
        **__: Any,
    ) -> None:
        """The callback. `graph`: if the operation was added to a graph and not executed.

        TensorFlow gives a name too: as the fifth argument (tensorflow/python/eager/execute.py), or as a keyword
        (tensorflow/python/framework/op_callbacks.py).
        """
        kind = kind.decode() if isinstance(kind, bytes) else kind
        if graph is None and not self._is_ours:
            add = self.unseen(self._add)
            self._watch.probe.guard("details of an operation", add, kind, inputs, attributes, outputs)

    def _add(
        self, kind: str, inputs: Sequence[Tensor], attributes: Sequence[Any], outputs: Optional[Sequence[Tensor]]
    ) -> None:
        layer = self._layers.innermost()
        self._layer_of.update((place, layer) for place in _places(kind, inputs, outputs))
        from_outside = self._numbers(inputs)
        self._made.update(tensor._id for tensor in outputs or () if hasattr(tensor, "_id"))
        given = [tensor for tensor in outputs or () if _has_values(tensor)]
        if kind.startswith(WRITES):
            given += _written(inputs, attributes)
        if not given:
            return
        array, kept = self._watch.backend.array, self._watch.points.kept
        prints = [kept(array(tensor)).fingerprint.hex() for tensor in inputs if _has_values(tensor)]
        named = {name: numbers(value) for name, value in zip(attributes[::2], attributes[1::2]) if name[0] != "_"}
        named.update(from_outside)
        fields: DetailFields = {
            "inputs": prints,
            "given": {name: text for name, text in named.items() if text is not None},
            "random": is_random(kind),
            "code": innermost(running(sys._getframe(3)), *self._lines),
        }
        name = _FUNCTION.sub(r"PartitionedCall(\1)", kind)
        shown = [self._watch.described(self._details, array(tensor)) for tensor in given]
        self._details.add(self.phase, "operator", name, shown, module=layer, **fields)

    def _numbers(self, inputs: Sequence[Tensor]) -> Dict[str, Optional[str]]:
        """Return {name: text} of single numbers that come from the program, not from an operation of the step."""
        own = [(at, one) for at, one in enumerate(inputs) if _has_values(one) and one._id not in self._made]
        return {"input %d" % at: constant(one._numpy()) for at, one in own if one.shape.rank == 0}

    def _differentiate(
        self,
        kind: str,
        attributes: Sequence[Any],
        count: int,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        *more: Any,
    ) -> Any:
        """Replaces the function of TensorFlow's tapes that computes the gradient of one operation."""
        known = [self._layer_of[place] for place in _places(kind, inputs, outputs) if place in self._layer_of]
        given = (kind, attributes, count, inputs, outputs) + more
        layer = known[0] if known else ""
        return self._layers.within(layer, lambda: None, backprop._gradient_function, *given)


def _places(kind: str, inputs: Optional[Sequence[Tensor]], outputs: Optional[Sequence[Tensor]]) -> List[TensorPlace]:
    """Return what identifies an operation: (type, place, identity) of each tensor that is there."""
    numbered = list(enumerate(inputs or ())) + [(-1 - place, tensor) for place, tensor in enumerate(outputs or ())]
    return [(kind, place, tensor._id) for place, tensor in numbered if hasattr(tensor, "_id")]


def _has_values(tensor: Tensor) -> bool:
    return hasattr(tensor, "_numpy") and tensor.dtype.name not in NO_VALUE


def _written(inputs: Sequence[Tensor], attributes: Sequence[Any]) -> List[Tensor]:
    """Return what the variables hold after an operation that writes them.

    `attributes`: alternating names and values.
    """
    named = dict(zip(attributes[::2], attributes[1::2]))
    kind = named.get("dtype", named.get("T"))
    handles = [tensor for tensor in inputs if tensor.dtype.name == "resource"]
    return [gen_resource_variable_ops.read_variable_op(handle, kind) for handle in handles if kind is not None]
