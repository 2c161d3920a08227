"""What Keras models and optimizers own: their variables by name, and the first time they are seen."""

import sys
import weakref

from .points import without_repeats

_SEED_STATE = "seed_generator_state"


class Variables:
    """The variables of one model and its optimizers, sorted by what they are.

    `weights`: trainable and not, without the random states. `seeds`: states of seed generators. `optimizers`: slots,
    iterations, learning rates. Each a list of (name, variable).
    """

    def __init__(self, model_variables, optimizers):
        seeds = [variable for variable in model_variables if is_seed(variable)]
        weights = [variable for variable in model_variables if not is_seed(variable)]
        self.weights = named(weights)
        self.seeds = named(seeds)
        owned = {id(variable) for variable in model_variables}
        self.optimizers = named(
            variable for optimizer in optimizers for variable in optimizer.variables if id(variable) not in owned
        )


def is_seed(variable):
    """Whether a variable is the state of a seed generator: a random state, never a weight."""
    return getattr(variable, "name", "").startswith(_SEED_STATE)


def named(variables):
    """(path, variable) pairs, each variable once."""
    unique = list({id(variable): variable for variable in variables}.values())
    paths = [str(getattr(variable, "path", None) or variable.name) for variable in unique]
    return list(zip(without_repeats(paths), unique))


def model_variables(model):
    """Trainable and other variables of a model (without those of its metrics), in Keras' order."""
    return list(model.trainable_variables) + list(model.non_trainable_variables)


class Labels:
    """Tells which names begin with one model or layer: each is compared with itself, whatever the order of fits is."""

    def __init__(self, probe):
        self._probe, self._told = probe, set()

    def tell(self, name):
        """A weight has been seen: its path begins with the name of its model or layer, which the program gave."""
        owner, separator, _ = name.partition("/")
        if separator and owner not in self._told:
            self._told.add(owner)
            self._probe.event("model", label=owner + separator, paths=["keras." + owner])


class Lives:
    """Records each variable's first value ("start"). Its last is a matter of `ends`."""

    def __init__(self, probe, points, backend):
        self._probe, self._points, self._read = probe, points, backend.read
        self._set = getattr(backend, "set", None)  # function(variable, array), where variables can be set
        self._started = {}  # id -> weak reference: an id may be used again
        self._labels = Labels(probe)

    def start(self, variables):
        """Record those of (name, variable) pairs that have not been seen before."""
        for name, variable in variables:
            known = self._started.get(id(variable))
            array = self._read(variable) if known is None or known() is not variable else None
            if array is not None:
                self._started[id(variable)] = weakref.ref(variable)
                self._points.array("start", name, array)
                self._labels.tell(name)
                if self._probe.feed is not None:
                    self._feed(name, weakref.ref(variable))

    def _feed(self, name, reference):
        """Let the launcher set a variable."""
        if self._set is None:
            self._probe.not_observed("feed", "the weights of Keras cannot be set between two steps on this backend")
            return

        def fed(dtype, shape, data):
            variable = reference()
            if variable is not None:
                self._set(variable, sys.modules["numpy"].frombuffer(data, dtype).reshape(shape))

        self._probe.feed.known(name, fed)
