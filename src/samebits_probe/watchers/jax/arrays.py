"""How values of JAX are read by the watcher of JAX, and by the watcher of Keras on JAX."""

import sys
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from .. import addresses
from ..identities import Identities
from ..objects import Array, Pytree, Traced

if TYPE_CHECKING:
    from ...fingerprint import Hasher, Header, Shape


class Arrays:
    """Reads concrete arrays, and recognises tracers, which have no value yet."""

    def __init__(self) -> None:
        self.jax = sys.modules["jax"]
        self.numpy = sys.modules["numpy"]

    def is_tracer(self, value: Any) -> bool:
        return isinstance(value, self.jax.core.Tracer)

    def is_tensor(self, value: Pytree) -> bool:
        return isinstance(value, (self.jax.Array, self.numpy.ndarray))

    def has_value(self, value: Any) -> bool:
        """Return whether it is an array that has a value now: it is not traced, and its memory was not donated."""
        return isinstance(value, self.jax.Array) and not self.is_tracer(value) and not value.is_deleted()

    def is_concrete(self, value: Pytree) -> bool:
        """Return whether a value is known now. A value in a function that is being traced is not known."""
        return not any(self.is_tracer(leaf) for leaf in self.jax.tree_util.tree_leaves(value))

    def may_record(self) -> bool:
        """Return whether gradients of the current code may be recorded.

        The answer is always no, because JAX computes gradients by tracing functions.
        """
        return False

    def array(self, value: Traced) -> Array:
        """Return a concrete array's values. If they lie in the memory of this process, return a view."""
        if isinstance(value, self.jax.Array) and self.jax.dtypes.issubdtype(value.dtype, self.jax.dtypes.prng_key):
            value = self.jax.random.key_data(value)
        return self.numpy.asarray(value)

    def arrays(self, name: str, value: Pytree) -> List[Tuple[str, Array]]:
        """Return [(name, array)] of an array or number, or of the leaves of any other pytree, in their order."""
        if isinstance(value, (self.jax.Array, self.numpy.ndarray, self.numpy.generic, int, float)):
            return [(name, self.array(value))]
        leaves = self.jax.tree_util.tree_leaves(value)
        if len(leaves) == 1:
            return [(name, self.array(leaves[0]))]
        return [("%s.%d" % (name, index), self.array(leaf)) for index, leaf in enumerate(leaves)]

    def is_leaf(self, value: Any) -> bool:
        return not isinstance(value, (dict, list, tuple))


class Print(NamedTuple):
    """What a point needs of a value that was read."""

    dtype: str
    shape: "Shape"
    fingerprint: bytes
    number: Optional[float]  # the value, if it is a number
    data: Optional[bytes]  # its bytes, if wanted


class Prints:
    """Reads arrays and numbers.

    Each array of JAX is read once, because it cannot change. Returns None for an array that has been deleted.
    """

    def __init__(self, hasher: "Hasher") -> None:
        self._arrays, self._hasher = Arrays(), hasher
        self._alone = self._arrays.jax.sharding.SingleDeviceSharding
        # (dtype, shape) -> (name of the dtype, header): NumPy spells out the name each time
        self._headers: Dict[Tuple[Any, Shape], Tuple[str, Header]] = {}
        self._known = Identities()  # arrays of JAX -> Print

    def of(self, value: Any, is_kept: bool = False) -> Optional[Print]:
        """Return the Print of a value. `is_kept`: with its bytes."""
        known: Optional[Print] = self._known.get(value)
        if known is not None and not is_kept:
            return known
        is_array = isinstance(value, self._arrays.jax.Array)
        if is_array and value.is_deleted():
            return None
        found = self._read(self._array(value) if is_array else self._arrays.numpy.asarray(value), is_kept)
        if is_array and type(value).__weakrefoffset__:  # else it is read again
            self._known.put(value, found)
        return found

    def _array(self, value: Any) -> Array:
        base = getattr(value, "_base_array", value)  # for a random key: key_data would compile a function
        if type(base.sharding) is self._alone:  # by far the most common: it lies whole on one device
            return self._arrays.numpy.asarray(base)
        if not base.is_fully_addressable:
            parts = [self._arrays.numpy.asarray(shard.data).ravel() for shard in base.addressable_shards]
            return self._arrays.numpy.concatenate(parts)
        is_copied = base.is_fully_replicated and len(base.sharding.device_set) > 1
        return self._arrays.numpy.asarray(base.addressable_data(0) if is_copied else base)

    def _read(self, array: Array, is_kept: bool) -> Print:
        dtype, shape = array.dtype, array.shape
        known = self._headers.get((dtype, shape))
        if known is None:
            known = self._headers[dtype, shape] = dtype.name, self._hasher.header(dtype.name, shape)
        name, header = known
        fingerprint = addresses.fingerprint(self._hasher, array, header)
        number = float(array.reshape(())) if array.size == 1 and dtype.kind in "fiub" else None
        return Print(name, shape, fingerprint, number, array.tobytes() if is_kept else None)
