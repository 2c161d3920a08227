"""scikit-learn: each fit that the program calls is a step. Fits within it are a part of it."""

import copy
import functools
import threading
import types
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ...prints import ArrayPrint
from ...wire import OWN_MODEL
from ..identities import ObjectLabels
from ..objects import Arguments, Estimator, Function, Library
from ..trainers import Trainers
from .content import Content, is_called_by_joblib, is_joblib_worker, kept_sum, own_state

if TYPE_CHECKING:
    from ...probe import Probe

Holding = Tuple[str, ArrayPrint, Any]  # name, content, value

SEEN = [
    (
        "step",
        "a call of fit, partial_fit, fit_transform or fit_predict of an estimator that is not within a different one",
        "a fit in a worker of joblib: it belongs to the search or ensemble that started it",
    ),
    ("batch", "X, y and the other arguments, before the fit"),
    (
        "update, end",
        "all that the estimator holds after the fit, with its own estimators and trees, without moments, addresses and "
        "generators; read again at the exit if it is alive",
        "objects that neither show their attributes nor can be pickled",
        "is not read",
    ),
    (
        "fits in several threads",
        "only the one that begins while no other runs; threads of joblib within a fit belong to it",
        "fits side by side, in a pool of threads",
        "`training in another thread` in `not_observed`: inconclusive, unless a file or a printed line differs",
    ),
    ("loss", "loss_, best_loss_, inertia_ and best_score_ of the estimator"),
]
_METHODS = ("fit", "partial_fit", "fit_transform", "fit_predict")
_LOSSES = ("loss_", "best_loss_", "inertia_", "best_score_", "train_score_")
_JUDGED = ("update", "end")  # a float of an estimator may be a time
_MOST = 2000  # elements of an attribute that are separate points
_ELSEWHERE = ("xgboost", "lightgbm")  # their own watchers count rounds


def install(module: Library, probe: "Probe") -> None:
    """Wrap the fitting methods of each class derived from BaseEstimator, when the class is made."""
    fits = Fits(probe)
    base = module.BaseEstimator
    original = base.__dict__.get("__init_subclass__")

    def __init_subclass__(cls: Any, **kwargs: Any) -> None:
        if original is not None:
            original.__get__(None, cls)(**kwargs)
        else:
            super(base, cls).__init_subclass__(**kwargs)
        _wrap_methods(cls, fits)

    base.__init_subclass__ = classmethod(__init_subclass__)  # type: ignore[arg-type]  # no keyword is called `cls`
    for known in _subclasses(base):
        _wrap_methods(known, fits)
    probe.at_end(fits.end)


def _subclasses(base: Any) -> Iterator[type]:
    for one in base.__subclasses__():
        yield one
        for inner in _subclasses(one):
            yield inner


def _wrap_methods(owner: type, fits: "Fits") -> None:
    for name in _METHODS:
        method = owner.__dict__.get(name)
        if isinstance(method, types.FunctionType):
            setattr(owner, name, _WatchedMethod(method, _watched(method, fits)))


class _WatchedMethod:
    """The watched form of a method, in the dictionary of its class.

    cloudpickle writes the class of a script with its methods, for workers of joblib and for models of MLflow. It writes
    the method of the program, which is also there without samebits.
    """

    def __init__(self, method: Function, watched: Function) -> None:
        self._method, self._watched = method, watched

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self._watched.__get__(instance, owner)

    def __reduce__(self) -> Tuple[Any, ...]:
        return copy.copy, (self._method,)  # a copy of a function is the function itself


def _watched(method: Function, fits: "Fits") -> Function:
    @functools.wraps(method)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        is_outermost = fits.begin(self, args, kwargs)
        try:
            result = method(self, *args, **kwargs)
        except BaseException:
            fits.leave(is_outermost)
            raise
        fits.end_fit(self, is_outermost)
        return result

    return fit


class Fits:
    """Records the outermost fits of a process."""

    def __init__(self, probe: "Probe") -> None:
        self._probe, self._content = probe, Content(probe.hasher)
        self._lock, self._trainers = threading.Lock(), Trainers(probe, OWN_MODEL)
        self._depth = 0
        self._thread: Optional[threading.Thread] = None  # the one whose fit is the outermost
        self._began_at: Optional[int] = None
        self._labels = ObjectLabels()
        self._last: Dict[str, List[Holding]] = {}  # by label

    def begin(self, estimator: Estimator, args: Arguments, kwargs: Dict[str, Any]) -> bool:
        """Begin a fit. Returns True if it is not within a different fit."""
        with self._lock:
            self._depth += 1
            is_outermost = self._depth == 1
            self._thread = threading.current_thread() if is_outermost else self._thread
        self._probe.guard("threads of scikit-learn", self._look_at_threads, is_outermost)
        if is_outermost and is_joblib_worker():
            self._probe.fitted = "joblib"
        elif is_outermost:
            for close in self._probe.open_rounds:
                self._probe.guard("round before a fit", close)
            self._probe.fitted = type(estimator).__module__.partition(".")[0]
            if self._probe.fitted not in _ELSEWHERE:
                self._began_at = self._probe.step
                self._probe.guard("fit of scikit-learn", self._given, estimator, args, kwargs)
        return is_outermost

    def _look_at_threads(self, is_outermost: bool) -> None:
        """Report fits that run side by side: their order may change, and only one of them is read.

        A thread of joblib runs a part of the current fit, unless that fit is itself such a task.
        """
        here, outer = threading.current_thread(), self._thread
        if is_outermost:
            self._trainers.step()
        elif outer is not here and (outer is not threading.main_thread() or not is_called_by_joblib()):
            self._trainers.say()

    def leave(self, is_outermost: bool) -> None:
        """Note that a fit is over, or has failed."""
        with self._lock:
            self._depth -= 1
        if is_outermost:
            self._probe.fitted = self._began_at = None

    def end_fit(self, estimator: Estimator, is_outermost: bool) -> None:
        """Note that a fit has ended without an exception.

        The outermost one is a step, unless a different library took steps within it.
        """
        is_step = is_outermost and self._began_at is not None and self._began_at == self._probe.step
        self.leave(is_outermost)
        if is_step and self._probe.stepping is None:
            self._probe.guard("fit of scikit-learn", self._fitted, estimator)

    def _given(self, estimator: Estimator, args: Arguments, kwargs: Dict[str, Any]) -> None:
        self._probe.begin()
        named = list(zip(("X", "y"), args)) + [("argument.%d" % n, one) for n, one in enumerate(args[2:], 2)]
        for name, value in named + sorted(kwargs.items()):
            if value is not None:
                self._add("batch", self._label(estimator) + "/" + name, value)

    def _label(self, estimator: Estimator) -> str:
        return self._labels.of(estimator, type(estimator).__name__)

    def _fitted(self, estimator: Estimator) -> None:
        self._probe.once("observed-by", how="fit")
        label = self._label(estimator)
        for name in _LOSSES:
            value = vars(estimator).get(name)
            if isinstance(value, float):
                self._lost(label + "." + name, value)
        found = self._last[label] = self._read(estimator, label)
        for name, content, value in found:
            self._record("update", name, content, value)
        self._last[label] = [(name, content, kept_sum(value)) for name, content, value in found]
        self._probe.end_step()

    def _lost(self, name: str, value: float) -> None:
        content = self._content.of(value)  # a number of NumPy is an array
        if content is not None:
            point = self._probe.point("forward", name, "float64")
            self._probe.scalar(point, value, self._probe.add(point, content.fingerprint))

    def _read(self, estimator: Estimator, label: str) -> "List[Holding]":
        """Return [(name, content, value)] of what an estimator holds."""
        given: Sequence[str] = getattr(type(estimator), "_get_param_names", list)()
        found = []
        for name, value in _shown(own_state(estimator), given):
            content, leaves = self._content.with_leaves(value)
            if content is not None:
                found.append((label + "." + name, content, value))
            found += [("%s.%s.%s" % (label, name, leaf.path), leaf.content, leaf.value) for leaf in leaves]
        for unread in sorted(self._content.unread):
            self._probe.not_observed("update", "scikit-learn: %s is not read" % unread)
        return found

    def _add(self, kind: str, name: str, value: Any) -> None:
        content = self._content.of(value)
        if content is not None:
            self._record(kind, name, content, value)

    def _record(self, kind: str, name: str, content: ArrayPrint, value: Any) -> None:
        point = self._probe.point(kind, name, content.dtype, content.shape)
        occurrence, number = self._probe.add(point, content.fingerprint), kept_sum(value) if kind in _JUDGED else None
        if number is not None:
            self._probe.scalar(point, number, occurrence)
        if self._probe.wants(kind) and hasattr(value, "tobytes") and content.dtype != "content":
            self._probe.captured(kind, name, content.dtype, content.shape, value.tobytes())

    def end(self) -> None:
        """Record the last content of each estimator: its present content, if it is alive."""
        living = {label: estimator for estimator, label in self._labels.living()}
        for label, found in self._last.items():
            estimator = living.get(label)
            now = self._read(estimator, label) if estimator is not None else found
            for name, content, value in now:
                self._record("end", name, content, value)


def _shown(state: Dict[str, Any], given: Sequence[str]) -> Iterator[Tuple[str, Any]]:
    """Yield (name, value) of an estimator's attributes, and of the elements of its lists of estimators or arrays.

    Of the parameters (`given`), only those that hold estimators are shown, because a pipeline fits them in place.
    """
    for name, value in sorted(state.items()):
        if name in given and not _holds_estimators(value):
            continue
        inner = value.ravel().tolist() if getattr(getattr(value, "dtype", None), "hasobject", False) else value
        if isinstance(inner, (list, tuple)) and 1 < len(inner) <= _MOST and _holds_models(inner):
            for number, one in enumerate(inner):
                yield "%s.%d" % (name, number), one
        else:
            yield name, value


def _holds_models(values: Sequence[Any]) -> bool:
    return _holds_estimators(values) or all(hasattr(one, "dtype") and hasattr(one, "shape") for one in values)


def _holds_estimators(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_estimators(one) for one in value)
    if isinstance(value, dict):
        return any(_holds_estimators(one) for one in value.values())
    return hasattr(value, "fit") and hasattr(value, "get_params")
