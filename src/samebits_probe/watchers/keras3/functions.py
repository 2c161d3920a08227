"""The sequence of a watched call of a model's train, test or predict function, which is the same on every backend."""

import contextlib
import functools
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, List, Optional, Type, TypeVar

from ... import wire
from ...wrappers import after, wrap
from ..objects import Arguments, Array, Backend, Function, Model, NamedValue, Optimizer
from ..points import ArrayRows, named_leaves
from ..trainers import Trainers
from . import models

if TYPE_CHECKING:
    from ...probe import Probe
    from ...probe.inspection import Inspection, Output
    from ..points import Points
    from ..remains import Remains

ModelStep = Any  # of a backend: replaces a model's `train_step`, has `model` and `function()`
Result = TypeVar("Result")

_MARK = "_samebits_watched"
_PREFIXES = {"test": "evaluation/", "predict": "prediction/"}  # of the points of functions that do not train


class Keras3Watch:
    """What the functions of all models share: the probe, the points, the hooks, the backend.

    `backend` has: read(variable) -> array, arrays(name, value) -> [(name, array)], is_leaf(value).
    """

    def __init__(self, probe: "Probe", points: "Points", backend: Backend, remains: "Remains") -> None:
        self.probe, self.points, self.backend = probe, points, backend
        self.lives = models.Lives(probe, points, backend)
        self.remains = remains
        self.trainers = Trainers(probe)

    def record(self, kind: str, named: Iterable[NamedValue]) -> None:
        """Record (name, value) pairs of the backend's own values."""
        for name, value in named:
            for leaf, array in self.backend.arrays(name, value):
                self.points.array(kind, leaf, array)

    def variables(self, kind: str, named: Iterable[NamedValue]) -> None:
        """Record (name, variable) pairs."""
        read, add = self.backend.read, self.points.array
        for name, variable in named:
            add(kind, name, read(variable))

    def captured(self, name: str, array: Array) -> None:
        """Hand over what a layer returned. It is not a point."""
        details = self.probe.details
        if details is not None and details.is_on():
            details.add("forward", "module", name[len(wire.LAYER) :], [self.described(details, array)])
        self.probe.captured("forward", name, array.dtype.name, array.shape, array.tobytes())

    def described(self, details: "Inspection", array: Array) -> "Output":
        """Return what an inspection keeps of an array."""
        kept = self.points.kept(array)
        return details.output(kept.dtype, kept.shape, kept.fingerprint, array.tobytes)

    def owned(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Call a function of the program. Meanwhile other watchers leave steps and points to this one."""
        before, self.probe.stepping = self.probe.stepping, "keras"
        try:
            return function(*args, **kwargs)
        finally:
            self.probe.stepping = before


class ModelVariables:
    """The variables of one model. They are found again when they may have changed."""

    def __init__(self, watch: "Keras3Watch", model: Model) -> None:
        self.watch = watch
        self.variables: models.Variables  # there from the first step on
        self._is_found = False
        self.optimizers: List[Optimizer] = []
        self._updated: List[NamedValue] = []
        self._names: List[str] = []  # of these; and what records them
        self._rows = ArrayRows(watch.points, "update")
        self._read: Optional[Callable[[], List[Array]]] = None
        self._are_started = False
        self._seeds_at: Optional[int] = None
        self._model = model

    def refresh(self) -> None:
        """Find the variables. The first call makes the optimizer's, and may build the model."""
        model = self._model
        optimizer = getattr(model, "optimizer", None)
        known = ([optimizer] if optimizer is not None else []) + self.optimizers
        unique = list({id(one): one for one in known}.values())
        self.variables, self._is_found = models.Variables(models.model_variables(model), unique), True
        self._updated = self.variables.weights + self.variables.optimizers
        self._names, self._rows = [name for name, _ in self._updated], ArrayRows(self.watch.points, "update")
        self._read, self._are_started = None, False
        self.watch.remains.follow()

    def begin(self) -> None:
        """Record the first sign of a step: random states, and weights that have not been seen yet."""
        watch = self.watch
        watch.probe.begin()
        if not self._is_found:
            self.refresh()
        if not self._are_started:
            self._are_started = True
            watch.lives.start(self.variables.weights)
        if self._seeds_at != watch.probe.step:
            self._seeds_at = watch.probe.step
            self.seeds()

    def seeds(self) -> None:
        """Record the states of the seed generators at this step.

        Before the first step they are also recorded at -1, like the probe's own.
        """
        read, points, step = self.watch.backend.read, self.watch.points, self.watch.probe.step
        for name, variable in self.variables.seeds:
            state = read(variable)
            points.array("rng", name, state)
            if step == 0:
                points.array("rng", name, state, step=-1)

    def updates(self) -> None:
        """Record weights, buffers and optimizer state after the step."""
        if self._read is None:
            self._read = self.watch.backend.reader([variable for _, variable in self._updated])
        self._rows.record(self._names, self._read())
        probe = self.watch.probe
        if probe.values is not None:
            models.tell(probe, probe.values, self.watch.backend.read, self._model, self.optimizers)


class TrainFunction:
    """A model's train function: begins a step, calls the function that the model made, and lets a backend record what
    it did. A backend overrides three methods: `before(arguments)`, whose result goes to `after`; `given(result)`, which
    is what the program gets; and `after(result, before)`, which records and ends the steps of the call.
    """

    def __init__(self, watch: "Keras3Watch", step: ModelStep) -> None:
        self.watch, self.step = watch, step
        self.model = ModelVariables(watch, step.model)
        self._stand_in = step.function()
        self.has_wrapped_steps = False  # whether the steps within the function are watched, and not the function

    def wrap(self, function: Function) -> Function:
        """Return the watched function, which replaces `function`."""

        @functools.wraps(function, updated=())
        def train_function(*args: Any, **kwargs: Any) -> Any:
            probe = self.watch.probe
            before = probe.guard("begin of a keras step", self._begin, args)
            with standing_in(self.step.model, self._stand_in):
                result = self.watch.owned(function, *args, **kwargs)
            given = self.given(result)
            probe.guard("keras step", self.after, result, before)
            return given

        return mark(train_function)

    @contextlib.contextmanager
    def made_from(self, trainer: Any) -> Iterator[None]:
        """While this is entered, a trainer class makes the function."""
        yield

    def _begin(self, arguments: Arguments) -> Any:
        self.watch.probe.once("observed-by", how="train-function")
        self.watch.trainers.step()
        self.begin(arguments)
        self.model.begin()
        return self.before(arguments)

    def begin(self, arguments: Arguments) -> None:
        """Make the variables readable before the call."""

    def before(self, arguments: Arguments) -> Any:
        """Return what is known before the call."""

    def after(self, result: Any, before: Any) -> None:
        """Record what the call did, and end its steps."""

    def given(self, result: Any) -> Any:
        """Return the result without what was added to it."""
        return result


@contextlib.contextmanager
def standing_in(model: Model, function: Function) -> Iterator[None]:
    """Replace the model's `train_step` by `function` while its train function is made or runs."""
    own = model.__dict__
    before = own.get("train_step")
    own["train_step"] = function
    try:
        yield
    finally:
        del own["train_step"]
        if before is not None:
            own["train_step"] = before


def wrap_train_maker(
    trainer: Any, watch: "Keras3Watch", step_of: Callable[[Model], ModelStep], kind: Type[TrainFunction]
) -> None:
    """Wrap `make_train_function` of a trainer class. `step_of(model)`: what replaces its `train_step`."""

    def make(original: Function) -> Function:
        def make_train_function(self: Any, *args: Any, **kwargs: Any) -> Any:
            before = self.train_function
            step = watch.probe.guard("train step of keras", step_of, self)
            if step is None:
                return original(self, *args, **kwargs)
            train = kind(watch, step)
            with standing_in(self, step.function()), train.made_from(trainer):
                result = original(self, *args, **kwargs)
            is_new = self.train_function is not before and not is_watched(self.train_function)
            if is_new and not train.has_wrapped_steps:
                self.train_function = train.wrap(self.train_function)
            return result

        return make_train_function

    wrap(trainer, "make_train_function", make)


def metrics(watch: "Keras3Watch", logs: Any, prefix: str = "", loss_is_seen: bool = False) -> List[NamedValue]:
    """Yield (name, value) pairs of the result of a step function.

    Keras' "loss" is left out, because it is a mean over the epoch so far.
    """
    found = named_leaves("", logs, watch.backend.is_leaf)
    return [(prefix + name, value) for name, value in found if not (loss_is_seen and name == "loss")]


def mark(function: Function) -> Function:
    setattr(function, _MARK, True)
    return function


def is_watched(function: Optional[Function]) -> bool:
    """Return whether a function is a watched one.

    Keras calls make_train_function again and again, and it keeps the function that it made.
    """
    return function is None or getattr(function, _MARK, False)


def wrap_evaluation_makers(
    trainer: Any, watch: "Keras3Watch", outputs: Callable[[Any], Any] = lambda result: result
) -> None:
    """Wrap `make_test_function` and `make_predict_function` of a trainer class.

    The result of a function is a separate forward point, never a batch or a step. `outputs(result)`: the result
    without the state that a backend passes through.
    """
    for role in _PREFIXES:
        after(trainer, "make_%s_function" % role, functools.partial(_watch_evaluation, watch, role, outputs))


def _watch_evaluation(
    watch: "Keras3Watch", role: str, outputs: Callable[[Any], Any], _: Any, model: Model, *__: Any, **___: Any
) -> None:
    """Wrap the function that a model has made."""
    function, prefix = getattr(model, role + "_function"), _PREFIXES[role]
    if is_watched(function):
        return

    def tell(result: Any) -> None:
        watch.record("forward", metrics(watch, outputs(result), prefix))

    @functools.wraps(function)
    def evaluate(*args: Any, **kwargs: Any) -> Any:
        result = watch.owned(function, *args, **kwargs)
        watch.probe.guard(prefix + " of keras", tell, result)
        return result

    setattr(model, role + "_function", mark(evaluate))
