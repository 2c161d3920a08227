"""Further values from a session's function: through its list of `fetches` and the callbacks that go with it."""


def fetch(function, tensors, values, first=0):
    """Put the values of `tensors` into the list `values`, from `first` on, at each call of a GraphExecutionFunction."""
    for position, tensor in enumerate(tensors):
        function.fetches.append(tensor)
        following = function.fetch_callbacks.get(tensor)
        function.fetch_callbacks[tensor] = _Store(values, first + position, following)


class _Store:
    """Puts a fetched value into its place; the same tensor may be asked for twice."""

    def __init__(self, values, position, following):
        self._values, self._position, self._following = values, position, following

    def __call__(self, value):
        self._values[self._position] = value
        if self._following is not None:
            self._following(value)
