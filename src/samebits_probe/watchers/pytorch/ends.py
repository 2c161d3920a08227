"""The end: final weights and buffers of every model that was seen, the parameters of every optimizer, and everything in
living modules. What is alive at the exit is read then. What died before (locals of `main()`) is read when it dies, and
again at the exit if something else of the program still holds its tensor.
"""

import collections
import weakref
from typing import TYPE_CHECKING, Dict, Iterator, NamedTuple, Optional, Set, Tuple

from ...prints import ArrayPrint
from ...system import System
from ..objects import Reference, Tensor
from .attributes import ModuleAttributes
from .survivors import Survivors

if TYPE_CHECKING:
    from .backward import ByHand
    from .forwards import Forwards
    from .optimizers import Optimizers
    from .plans import OptimizerPlan, PlanWeight
    from .trees import ModuleTree
    from .watch import PyTorchWatch

_NO_STEP = "no step of an optimizer was seen, and no backward after which weights had changed"
_NO_BATCH = "no call of a module that trains was seen: there was none, or it ran inside a compiled function"
_TRANSFORM = "torch.func gives gradients to the program, and no optimizer: samebits_probe.observe can name its steps"
_IN_OPTIMIZER = "%s (in the optimizer)"  # what it still holds after the model got a different parameter
_MOST_LOOKS_BACK = 16  # models whose last values are read when they die


class Dead(NamedTuple):
    """A value whose owner has died. `reference`: to a tensor."""

    value: ArrayPrint
    reference: Optional[Reference]


class PyTorchEnds:
    """Keeps the fingerprints of dead values, and records everything at the end."""

    def __init__(
        self, watch: "PyTorchWatch", optimizers: "Optimizers", forwards: "Forwards", by_hand: "ByHand"
    ) -> None:
        self._watch, self._optimizers = watch, optimizers
        self._forwards, self._by_hand = forwards, by_hand
        self._attributes = ModuleAttributes(watch)
        self._survivors = Survivors(watch, self._attributes)
        watch.model_gone = self.keep_model
        optimizers.gone.append(self.keep_optimizer)
        watch.renewals.append(self._begin)
        self._begin()

    def _begin(self) -> None:
        self._dead: Dict[str, Dead] = collections.OrderedDict()  # name -> Dead
        self._deaths = 0
        self._gone: Set[str] = set()  # tensors of models that were deleted
        self._living: Set[str] = set()  # names of tensors that the program still holds at the latest end
        self._found: Dict[str, ArrayPrint] = collections.OrderedDict()
        self._kept: Dict[int, Tensor] = {}  # name -> ArrayPrint; id(tensor) -> tensor, while it is read
        self._watch.probe.at_end(self.record)

    # -- what dies before the end ---------------------------------------------------------------------------------

    def keep_model(self, model: "ModuleTree") -> None:
        """Read what a model that has died holds, while that is possible."""
        if System.getpid() != self._watch.pid:
            return
        self._deaths += 1
        parts = model.look_back() if self._deaths <= _MOST_LOOKS_BACK else []
        named = list(self._named(model))
        for name, tensor in named:
            self._keep_dying(name, tensor)
        self._gone.update(name for name, _ in named)
        self._watch.probe.event("gone", names=[name for name, _ in named])
        for name, value in self._attributes.of_parts(model.label, parts):
            self._dead[name] = Dead(value, None)

    def keep_optimizer(self, plan: "OptimizerPlan") -> None:
        """Keep the parameters of a dead optimizer that belong to no model. Otherwise they would be lost."""
        if System.getpid() == self._watch.pid:
            for weight in plan.weights:
                if weight.is_loose():
                    self._keep_dying(weight.name, weight.parameter)

    def _keep_dying(self, name: str, tensor: Tensor) -> None:
        value = self._watch.print_of(tensor)
        if value is not None:
            self._dead[name] = Dead(value, weakref.ref(tensor))
        self._capture(name, tensor)

    # -- the end --------------------------------------------------------------------------------------------------

    def record(self) -> None:
        """Record what is still open of the last step, then the points of kind "end".

        The program may have ended here.
        """
        if System.getpid() != self._watch.pid:
            return
        self._by_hand.notice_compiled_steps()
        with self._by_hand.state_kept(), self._forwards.state_kept():
            self._record()

    def _record(self) -> None:
        probe = self._watch.probe
        probe.guard("the last step", self._by_hand.settle, None, True)
        probe.guard("the last forwards", self._forwards.end)
        self._found, self._kept = collections.OrderedDict(), {}
        self._keep_all()
        for name, value in self._found.items():
            value.record(probe, name)
        self._found, self._kept = collections.OrderedDict(), {}
        self._say_what_was_not_seen()

    def _keep_all(self) -> None:
        guard = self._watch.probe.guard
        guard("what died before the end", self._keep_dead)
        guard("models at the end", self._keep_models)
        guard("parameters at the end", self._keep_parameters)
        if self._watch.probe.has_observed():
            guard("modules that were never called", self._keep_survivors)
        held, gone = self._gone & self._living, self._gone - self._living
        self._watch.probe.gone_prints = {self._found[name].fingerprint for name in gone if name in self._found}
        if held:
            self._watch.probe.event("held", names=sorted(held))

    def _say_what_was_not_seen(self) -> None:
        forwards, watch = self._forwards, self._watch
        if forwards.has_trained and not watch.probe.step:
            watch.probe.not_observed("steps", _TRANSFORM if forwards.is_transformed else _NO_STEP)
        if forwards.has_trained and not forwards.has_batch:
            watch.probe.not_observed("batch", _NO_BATCH)

    def _keep_dead(self) -> None:
        """Record the state in which something died, or its present state if the program still holds the tensor."""
        self._living = set()
        for name, dead in self._dead.items():
            tensor = dead.reference() if dead.reference is not None else None
            now = self._watch.print_of(tensor) if tensor is not None else None
            if now is not None:
                self._living.add(name)
            self._found[name] = now or dead.value

    def _keep_models(self) -> None:
        for model in list(self._watch.names.models.values()):
            module = model.reference()
            if module is not None:
                model.look(module)
            for name, tensor in self._named(model):
                self._keep(name, tensor)

    def _keep_parameters(self) -> None:
        for name, leaf in self._by_hand.living():
            if id(leaf) not in self._kept:
                self._keep(name, leaf)
        for plan in self._optimizers.plans():
            for weight in plan.weights:
                if id(weight.parameter) not in self._kept:
                    self._keep(self._name_in_optimizer(weight), weight.parameter)

    def _name_in_optimizer(self, weight: "PlanWeight") -> str:
        """Return its own name, unless its model ends with a different tensor under that name."""
        dead = self._dead.get(weight.name)
        reference = dead.reference if dead is not None else None  # none of what stood in a plain attribute
        is_new = weight.name not in self._found or (reference is not None and reference() is weight.parameter)
        return weight.name if is_new else _IN_OPTIMIZER % weight.name

    def _keep_survivors(self) -> None:
        for name, value in self._survivors.values(self._kept):
            self._found[name] = value

    # -- names and values -----------------------------------------------------------------------------------------

    def _named(self, model: "ModuleTree") -> Iterator[Tuple[str, Tensor]]:
        """Yield (name, tensor) of everything that a model has now. A tensor has its given name.

        At a new place it has the name of that place.
        """
        for place, tensor in model.tensors():
            given, here = self._watch.names.has(tensor), model.label + place
            first = model.places.get(place)
            has_moved = first is not None and given != first and (given or "").rpartition("#")[0] != here
            yield here if given is None or has_moved else given, tensor

    def _keep(self, name: str, tensor: Tensor) -> None:
        self._kept[id(tensor)] = tensor
        self._living.add(name)
        value = self._watch.print_of(tensor)
        if value is not None:
            self._found[name] = value
        self._capture(name, tensor)

    def _capture(self, name: str, tensor: Tensor) -> None:
        if self._watch.probe.wants("end"):
            self._watch.capture("end", name, tensor)
