"""The rule by which an optimizer changes one weight: what libraries call it, as one set of words and numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from samebits_parity.defaults import hypotheses
from samebits_parity.defaults.hypotheses import Decay, Gradients
from samebits_parity.train import clip_norms
from samebits_parity.train.clip_norms import Clip
from samebits_parity.train.values import Array

Facts = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class UpdateRule:
    """`kind`: adam, sgd, rmsprop or adagrad; what another kind has is left as it is. `place`: of epsilon (see the
    formulas). `clip`: what it clips itself."""

    kind: str
    rate: float
    epsilon: float = 0.0
    place: str = "after"
    betas: tuple[float, float] = (0.9, 0.999)
    decay: float = 0.0
    decays: str = "gradient"
    momentum: float = 0.0
    form: str = "gradient"
    nesterov: bool = False
    rho: float = 0.9
    centered: bool = False
    accumulator: float = 0.0
    amsgrad: bool = False
    clip: Clip | None = None

    def step(self, start: Array, gradients: list[dict[str, Array]], name: str) -> Array:
        """How the last of these steps changes a weight (of any shape). `gradients`: of all weights, by step."""
        used = [self.clip.applied(given, name) if self.clip else given[name] for given in gradients]
        each = [gradient.reshape(-1) for gradient in used]
        course = Gradients(start.reshape(-1), np.array(each), self.rate)
        path = self._path(course)
        before = path[-2] if len(path) > 1 else start.reshape(-1)
        return np.asarray(path[-1] - before).reshape(start.shape)

    def _path(self, course: Gradients) -> Array:
        decay = Decay(self.decay, self.decays)  # type: ignore[arg-type]
        if self.kind == "sgd" and self.form == "dampened":
            return _dampened(course, self, decay)
        if self.kind == "sgd":
            more = {"momentum": self.momentum, "form": self.form, "nesterov": self.nesterov}
            return hypotheses.sgd(course, decay=decay, **more)  # type: ignore[arg-type]
        if self.kind == "adam":
            if self.amsgrad:
                return _amsgrad(course, self, decay)
            return hypotheses.adam(course, betas=self.betas, epsilon=self.epsilon, place=self.place, decay=decay)  # type: ignore[arg-type]
        if self.kind == "rmsprop":
            more = {"rho": self.rho, "place": self.place, "centered": self.centered}
            return hypotheses.rmsprop(course, epsilon=self.epsilon, **more)  # type: ignore[arg-type]
        return hypotheses.adagrad(course, accumulator=self.accumulator, epsilon=self.epsilon, place=self.place)  # type: ignore[arg-type]


def _dampened(course: Gradients, rule: UpdateRule, decay: Decay) -> Array:
    """PyTorch's dampening: v = mu v + (1 - mu) g, but for the first gradient, which is taken whole."""
    weights, gathered = np.asarray(course.start, float), None
    path = []
    for gradient, rate in course.steps():
        weights, gradient = decay.applied(weights, gradient, rate)
        gathered = gradient if gathered is None else rule.momentum * gathered + (1 - rule.momentum) * gradient
        weights = weights - rate * gathered
        path.append(weights)
    return np.array(path)


def _amsgrad(course: Gradients, rule: UpdateRule, decay: Decay) -> Array:
    """Adam with the largest second moment so far (Reddi et al. 2018)."""
    weights = np.asarray(course.start, float)
    first, second, path = np.zeros_like(weights), np.zeros_like(weights), []
    largest = second
    for step, (gradient, rate) in enumerate(course.steps(), 1):
        weights, gradient = decay.applied(weights, gradient, rate)
        first = rule.betas[0] * first + (1 - rule.betas[0]) * gradient
        second = rule.betas[1] * second + (1 - rule.betas[1]) * gradient**2
        largest = np.maximum(largest, second)
        divisor = hypotheses.adam_denominator(largest, 1 - rule.betas[1] ** step, rule.epsilon, rule.place)  # type: ignore[arg-type]
        weights = weights - rate * first / (1 - rule.betas[0] ** step) / divisor
        path.append(weights)
    return np.array(path)


def read(facts: Facts | None, weight: str) -> UpdateRule | None:
    """The rule of a weight, from what its optimizer is set to; None for what is not known here."""
    if facts is None:
        return None
    group = next((one for one in facts["groups"] if weight in one["weights"]), None)
    if group is None:
        return None
    try:
        return (
            _of_keras(facts["type"], group, clip_norms.of(facts))
            if facts["library"] == "keras"
            else _of_pytorch(facts["type"], group)
        )
    except (KeyError, TypeError, ValueError):  # a class of the program's own, with settings of its own
        return None


def _of_keras(kind: str, group: Facts, clip: Clip | None) -> UpdateRule | None:
    common = UpdateRule(kind="sgd", rate=float(group["learning_rate"]), decays="weights",
                  decay=float(group.get("weight_decay") or 0), clip=clip)  # fmt: skip
    if kind == "SGD":
        return replace(common, momentum=float(group["momentum"]), form="step", nesterov=bool(group["nesterov"]))
    epsilon = float(group.get("epsilon") or 0)
    if kind in ("Adam", "AdamW"):
        betas = float(group["beta_1"]), float(group["beta_2"])
        return replace(common, kind="adam", epsilon=epsilon, place="before", betas=betas, amsgrad=group["amsgrad"])
    if kind == "RMSprop" and not group["momentum"]:
        rho, centered = float(group["rho"]), bool(group["centered"])
        return replace(common, kind="rmsprop", epsilon=epsilon, place="inside", rho=rho, centered=centered)
    if kind == "Adagrad":
        started = float(group["initial_accumulator_value"])
        return replace(common, kind="adagrad", epsilon=epsilon, place="inside", accumulator=started)
    return None


def _of_pytorch(kind: str, group: Facts) -> UpdateRule | None:
    is_decoupled = kind == "AdamW" or group.get("decoupled_weight_decay")
    common = UpdateRule(kind="sgd", rate=float(group["lr"]), decay=float(group.get("weight_decay") or 0),
                  decays="weights" if is_decoupled else "gradient")  # fmt: skip
    if kind == "SGD":
        momentum, dampening = float(group["momentum"]), float(group["dampening"])
        form = "gradient" if not dampening else "dampened" if dampening == momentum else None
        return replace(common, momentum=momentum, form=form, nesterov=group["nesterov"]) if form else None
    if kind in ("Adam", "AdamW"):
        betas = float(group["betas"][0]), float(group["betas"][1])
        return replace(common, kind="adam", epsilon=float(group["eps"]), betas=betas, amsgrad=group["amsgrad"])
    if kind == "RMSprop" and not group["momentum"]:
        rho, epsilon, centered = float(group["alpha"]), float(group["eps"]), bool(group["centered"])
        return replace(common, kind="rmsprop", epsilon=epsilon, place="outside", rho=rho, centered=centered)
    if kind == "Adagrad" and not group["lr_decay"]:
        started = float(group["initial_accumulator_value"])
        return replace(common, kind="adagrad", epsilon=float(group["eps"]), place="outside", accumulator=started)
    return None
