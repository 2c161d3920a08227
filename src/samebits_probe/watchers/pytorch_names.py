"""Names of parameters and buffers: the qualified name within the outermost module that holds them.

The first model's names stand as they are ("conv1.weight"); those of later ones begin with the name of their class
("Discriminator.conv1.weight", "Net#2.conv1.weight"). A parameter in no module is "param.0", "param.1" ... A name
belongs to one tensor for good, so that `start`, `gradient`, `update` and `end` of a parameter share it, and none is
given again.
"""

import functools
import sys
import weakref

_SEEDS = "seed_generator_state"  # of Keras layers: a random state, and no weight
_WRAPPERS = ("DistributedDataParallel", "DataParallel", "OptimizedModule")
MOST_MODELS = 500


class Model:
    """An outermost module that has been seen.

    It holds the dictionaries of parameters and buffers and never a module, so that nothing lives longer for it: the
    dictionaries show what the module has now, also in the moment after it has died.
    """

    def __init__(self, module, label):
        self.reference = weakref.ref(module)
        self.label = label
        self.walk(module)

    def walk(self, module):
        """Read the tree of modules again (submodules may have been replaced)."""
        self.leaves = [(prefix, leaf._parameters, leaf._buffers) for prefix, leaf in walk(module)]

    def tensors(self):
        """(qualified name, tensor) of all parameters and buffers that it has now, in the order of its modules."""
        for prefix, parameters, buffers in self.leaves:
            for table in (parameters, buffers):
                for name, tensor in table.items():
                    if tensor is not None and not name.endswith(_SEEDS):
                        yield prefix + name, tensor

    def buffers(self):
        """(qualified name, tensor) of the buffers that it has now."""
        for prefix, _, buffers in self.leaves:
            if buffers:
                for name, tensor in buffers.items():
                    if tensor is not None:
                        yield prefix + name, tensor


def walk(module, prefix="", seen=None):
    """(prefix, module) of a module and all below it, each once; what merely wraps a model adds nothing to the names."""
    seen = set() if seen is None else seen
    if id(module) in seen:
        return
    seen.add(id(module))
    yield prefix, module
    is_wrapper = type(module).__name__ in _WRAPPERS
    for name, child in module._modules.items():
        if child is not None:
            for found in walk(child, prefix if is_wrapper else prefix + name + ".", seen):
                yield found


def _has_tensors(module):
    return any(leaf._parameters or leaf._buffers for _, leaf in walk(module))


class Names:
    """Knows the models and the names of their tensors; holds neither."""

    def __init__(self, watch):
        self._watch = watch
        self.models = {}  # id(module) -> Model, alive ones in the order in which they were seen
        self._names = {}  # id(tensor) -> (weak reference, name)
        self._taken, self._labels, self._made = set(), {}, 0
        self._parameters = 0

    def holds_tensors(self, module):
        """Whether a module has parameters or buffers, itself or below it."""
        model = self.models.get(id(module))
        return (model is not None and model.reference() is module) or _has_tensors(module)

    def see(self, module):
        """The Model of an outermost module; None for a module that has no tensors."""
        model = self.models.get(id(module))
        if model is not None and model.reference() is module:
            return model
        return self._add(module)

    def _add(self, module):
        if self._made >= MOST_MODELS or not _has_tensors(module):
            return None
        self._made += 1
        if self._made == MOST_MODELS:
            self._watch.say("models", "only the first %d models that the program makes are watched" % MOST_MODELS)
        model = self.models[id(module)] = Model(module, self._label_of(module))
        weakref.finalize(module, self._died, id(module), model).atexit = False
        self.record_starts(model)
        return model

    def _died(self, number, model):
        if self.models.get(number) is model:
            del self.models[number]
        self._watch.probe.guard("the end of a model", self._watch.model_gone, model)

    def _label_of(self, module):
        if not self._labels:
            self._labels[""] = 1
            return ""
        while type(module).__name__ in _WRAPPERS and module._modules:
            module = next(iter(module._modules.values()))
        return self._free_label(type(module).__name__)

    def _free_label(self, name):
        count = self._labels[name] = self._labels.get(name, 0) + 1
        return "%s." % name if count == 1 else "%s#%d." % (name, count)

    def record_starts(self, model):
        """Record what the model's tensors are when they are seen for the first time."""
        for name, tensor in model.tensors():
            if not self.has(tensor):
                self._start(model.label + name, tensor)

    def _start(self, name, tensor):
        watch = self._watch
        found = None if _is_lazy(tensor) else watch.prints.of(tensor)
        if found is not None:
            name = self._give(name, tensor)
            watch.probe.add_start(watch.point("start", name, tensor), found)
            if watch.probe.wants("start"):
                watch.capture("start", name, tensor)
            if watch.probe.feed is not None:
                watch.probe.feed.known(name, functools.partial(_set, watch, weakref.ref(tensor)))

    def _give(self, name, tensor):
        unique, count = name, 1
        while unique in self._taken:
            count += 1
            unique = "%s#%d" % (name, count)
        self._taken.add(unique)
        self._names[id(tensor)] = (weakref.ref(tensor), unique)
        return unique

    def has(self, tensor):
        """The name that this tensor has, or None."""
        found = self._names.get(id(tensor))
        return found[1] if found is not None and found[0]() is tensor else None

    def of(self, tensor):
        """The name of a parameter; one that is new is looked for in the models, and its start is recorded."""
        name = self.has(tensor)
        if name is None:
            self._walk_again()
            name = self.has(tensor)
        if name is None:
            self._start("param.%d" % self._parameters, tensor)
            name = self.has(tensor) or "param.%d" % self._parameters
            self._parameters += 1
        return name

    def _walk_again(self):
        for model in list(self.models.values()):
            module = model.reference()
            if module is not None:
                model.walk(module)
                self.record_starts(model)


def _is_lazy(tensor):
    return type(tensor).__name__.startswith("Uninitialized")


def _set(watch, reference, dtype, shape, data):
    """Set a tensor that is still there to values, given as bytes in logical order."""
    tensor = reference()
    if tensor is not None:
        with watch.prints.quiet():
            array = sys.modules["numpy"].frombuffer(data, dtype).reshape(shape)
            tensor.copy_(watch.torch.from_numpy(array.copy()))


class Layers:
    """The qualified names of modules when they are called."""

    def __init__(self, watch):
        self._watch = watch
        self._known = {}  # id(module) -> (weak reference, qualified name)

    def of(self, module):
        """The name of a module that is called, or that runs within one."""
        known = self._known.get(id(module))
        if known is None or known[0]() is not module:
            model = self._watch.names.models.get(id(module))
            label = model.label if model is not None else ""
            for prefix, part in walk(module):
                self._known[id(part)] = (weakref.ref(part), (label + prefix).rstrip("."))
            known = self._known[id(module)]
        return known[1]
