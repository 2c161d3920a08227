"""The end: final weights and buffers of every model that was seen and of every optimizer's parameters.

Those that are alive at the exit are read then. Those that died before (locals of `main()`) are read in the moment in
which they die, and again at the exit where something else of the program still holds their memory.
"""

import collections

from ..system import System
from .pytorch_memory import memory_of
from .pytorch_tensors import dtype_name, shape_of

_NO_STEP = "no optimizer's step was seen, nor a backward after which weights had changed"
_NO_BATCH = "no call of a module was seen that trains: there is none, or it runs inside a compiled function"
_TRANSFORM = "torch.func gives gradients to the program, and no optimizer: samebits_probe.observe can name its steps"


class Ends:
    """Keeps the fingerprints of what has died, and records everything at the end."""

    def __init__(self, watch, optimizers, forwards, by_hand):
        self._watch, self._optimizers = watch, optimizers
        self._forwards, self._by_hand = forwards, by_hand
        watch.model_gone = self.keep_model
        optimizers.gone.append(self.keep_optimizer)
        watch.renewals.append(self._begin)
        self._begin()

    def _begin(self):
        self._found = collections.OrderedDict()  # name -> (dtype, shape, fingerprint)
        self._outlived = {}  # name -> the Memory of a tensor whose owner has died
        self._watch.probe.at_end(self.record)

    def keep_model(self, model):
        """A model has died: its tensors are read while they can be."""
        if System.getpid() == self._watch.pid:
            for name, tensor in self._named(model):
                self._keep_dying(name, tensor)

    def _named(self, model):
        """(name, tensor) of all that a model has now, by the names that they were given."""
        for name, tensor in model.tensors():
            yield self._watch.names.has(tensor) or model.label + name, tensor

    def keep_optimizer(self, plan):
        """An optimizer has died: the parameters that belong to no model, which would be lost."""
        if System.getpid() == self._watch.pid:
            for weight in plan.weights:
                if weight.is_loose():
                    self._keep_dying(weight.name, weight.parameter)

    def _keep_dying(self, name, tensor):
        self._keep(name, tensor)
        with self._watch.prints.quiet():
            self._outlived[name] = memory_of(self._watch.torch, tensor)

    def _keep(self, name, tensor):
        found = self._watch.prints.of(tensor)
        if found is not None:
            self._found[name] = (dtype_name(tensor.dtype), shape_of(tensor), found)
        if self._watch.probe.wants("end"):
            self._watch.capture("end", name, tensor)

    def record(self):
        """The program may have ended: what is still open of the last step, then the points of kind "end"."""
        if System.getpid() != self._watch.pid:
            return
        self._by_hand.notice_compiled_steps()
        before = self._found, self._outlived
        self._found, self._outlived = before[0].copy(), before[1].copy()
        with self._by_hand.state_kept(), self._forwards.state_kept(), self._watch.saying_again():
            self._record()
        self._found, self._outlived = before

    def _record(self):
        probe = self._watch.probe
        probe.guard("the last step", self._by_hand.settle, None, True)
        probe.guard("the last forwards", self._forwards.end)
        self._keep_living()
        probe.guard("memory that outlives its model", self._keep_outlived)
        for name, (dtype, shape, found) in self._found.items():
            probe.add(probe.point("end", name, dtype, shape), found)
        self._say_what_was_not_seen()

    def _say_what_was_not_seen(self):
        forwards, watch = self._forwards, self._watch
        if forwards.has_trained and not watch.probe.step:
            watch.say("steps", _TRANSFORM if forwards.is_transformed else _NO_STEP)
        if forwards.has_trained and not forwards.has_batch:
            watch.say("batch", _NO_BATCH)

    def _keep_living(self):
        for model in list(self._watch.names.models.values()):
            module = model.reference()
            if module is not None:
                model.walk(module)
            for name, tensor in self._named(model):
                self._keep_alive(name, tensor)
        for name, leaf in self._by_hand.living():
            self._keep_alive(name, leaf)
        for plan in self._optimizers.plans():
            for weight in plan.weights:
                self._keep_alive(weight.name, weight.parameter)

    def _keep_alive(self, name, tensor):
        self._outlived.pop(name, None)
        self._keep(name, tensor)

    def _keep_outlived(self):
        for name, memory in self._outlived.items():
            tensor = memory.tensor() if memory is not None else None
            if tensor is not None:
                self._keep(name, tensor)
