"""The variables that a step changes: seen before the first step, after each, and at the end."""

import sys

from .. import norms


class FunctionVariables:
    """Weights and optimizer state of one function that trains. `weights`, `state`: [(name, variable)]."""

    def __init__(self, watch, weights, state, session):
        self._watch = watch
        self._weights = list(weights)
        for name, _ in self._weights:
            watch.labels.tell(name)
        new = [item for item in self._weights if watch.ends.is_new(item[1])] + state
        values = watch.make_reader([variable for _, variable in new], session).read(session)
        for (name, _), value in zip(new, values):
            watch.arrays.add("start", name, value, start=True)
        if watch.probe.feed is not None:
            self._feed(session)
        self._read(state, session)
        self._follow(session)

    def _feed(self, session):
        """Let the launcher set the weights (`load` adds nothing to the graph)."""

        def setter(variable):
            def fed(dtype, shape, data):
                array = sys.modules["numpy"].frombuffer(data, dtype).reshape(shape)
                variable.assign(array) if session is None else variable.load(array, session)

            return fed

        for name, variable in self._weights:
            self._watch.probe.feed.known(name, setter(variable))

    def _read(self, state, session):
        """Make the reader. The state's variables are not kept: they live as long as the program's optimizer does."""
        named = self._weights + state
        self._names = [name for name, _ in named]
        self._reader = self._watch.make_reader([variable for _, variable in named], session)

    def _follow(self, session):
        watch, reference = self._watch, self._watch.ends.reference_to(session)
        self._followed = [watch.ends.track(name, variable) for name, variable in self._weights]
        for weight in self._followed:
            weight.session = reference

    def grow(self, weights, state):
        """Take in what the step itself has made, weights among it: initial values were not seen."""
        known = {id(variable) for _, variable in self._weights}
        self._weights += [item for item in weights if id(item[1]) not in known]
        self._read(state, None)
        self._follow(None)

    def add_updates(self, session):
        """Record all of them after a step."""
        if self._followed and not self._watch.ends.is_followed(self._followed[0]):
            self._follow(session)  # trained on after its graph was cleared
        arrays, followed, count = self._watch.arrays, self._followed, len(self._followed)
        values = self._reader.read(session)
        for position, value in enumerate(values):
            name = self._names[position]
            fingerprint = arrays.add("update", name, value)
            if position < count:
                followed[position].last = (arrays.point("end", name, value), fingerprint)
        norms.record_arrays(self._watch.probe, values[:count])
