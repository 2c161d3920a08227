"""How JAX's values are read: by the JAX watcher, and by that of Keras on JAX."""

import sys


class Arrays:
    """Reads concrete arrays; tells tracers, which have no value yet."""

    def __init__(self):
        self.jax = sys.modules["jax"]
        self.numpy = sys.modules["numpy"]

    def is_tracer(self, value):
        return isinstance(value, self.jax.core.Tracer)

    def is_tensor(self, value):
        return isinstance(value, (self.jax.Array, self.numpy.ndarray))

    def is_concrete(self, value):
        """Whether a value is known now, and not only in a function that is being traced."""
        return not any(self.is_tracer(leaf) for leaf in self.jax.tree_util.tree_leaves(value))

    def may_record(self):
        """Whether gradients may be recorded of what happens now: never, JAX traces functions for that."""
        return False

    def array(self, value):
        """A concrete array's values: a view where they lie in this process' memory."""
        if isinstance(value, self.jax.Array) and self.jax.dtypes.issubdtype(value.dtype, self.jax.dtypes.prng_key):
            value = self.jax.random.key_data(value)
        return self.numpy.asarray(value)

    def arrays(self, name, value):
        """[(name, array)] of an array or number; of any other pytree its leaves, by their order."""
        if isinstance(value, (self.jax.Array, self.numpy.ndarray, self.numpy.generic, int, float)):
            return [(name, self.array(value))]
        leaves = self.jax.tree_util.tree_leaves(value)
        if len(leaves) == 1:
            return [(name, self.array(leaves[0]))]
        return [("%s.%d" % (name, index), self.array(leaf)) for index, leaf in enumerate(leaves)]

    def is_leaf(self, value):
        return not isinstance(value, (dict, list, tuple))
