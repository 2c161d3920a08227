"""Updates that diverge although their gradients agree: finds the rules of both optimizers, and the setting that
differs. Each side's rule is read from its optimizer. It counts only if it gives that side's new weights. If it does
not, or if the optimizer's settings are unknown, the other side's rule is varied, one setting at a time. The reason is
the smallest set of settings of A with which B's rule gives A's weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import chain, combinations
from typing import Any

import numpy as np

from samebits_parity.defaults import hypotheses
from samebits_parity.defaults.hypotheses import Clip, Decay, Gradients
from samebits_parity.train.pairs import WeightPair
from samebits_parity.train.values import FACTOR, Array
from samebits_parity.train.verdict import CORRECTION, STORED, Account, TrainVerdict, by_reason, number, sides

_MOST_TOGETHER = 3  # settings that differ at once
_PLACES = {
    ("adam", "after"): "to the root of the corrected moment",
    ("adam", "before"): "to the root before its bias is corrected",
    ("adam", "inside"): "inside the root",
    ("", "outside"): "to the root",
    ("", "inside"): "inside the root",
}
_FORMS = {
    "gradient": "of gradients",
    "step": "of steps",
    "damped": "of damped gradients",
}
_DECAYS = {"gradient": "in the gradient (L2)", "weights": "decoupled (AdamW)", "unscaled": "without the learning rate"}


class WeightCourse:
    """The history of one weight on one side up to a step, in A's order of axes."""

    def __init__(self, judged: TrainVerdict, pair: WeightPair, step: int, side: str) -> None:
        self.name, self.is_a = pair.a, side == "A"
        self.start = judged.before(pair, 0)[0 if self.is_a else 1]
        before, after = (both[0 if self.is_a else 1] for both in (judged.before(pair, step), judged.after(pair, step)))
        self.move, self.size = after - before, np.fmax(np.abs(after), np.abs(before))
        self.gradients = [_gradients(judged, at, side) for at in range(step + 1)]
        self.step = step

    def fits(self, rule: UpdateRule) -> bool:
        """Return whether a rule gives this step, except for rounding."""
        if any(self.name not in given for given in self.gradients):
            return False
        with np.errstate(all="ignore"):
            made = rule.step(self.start, self.gradients, self.name)
        u = 2.0**-24
        most = STORED * u * self.size + np.abs(self.move) * (CORRECTION + FACTOR * u)
        return bool((np.abs(made - self.move) <= most + 1e-3 * u).all())


def _gradients(judged: TrainVerdict, step: int, side: str) -> dict[str, Array]:
    found = {pair.a: judged.gradients(pair, step) for pair in judged.pairs if pair.trains}
    return {name: both["AB".index(side)] for name, both in found.items() if both is not None}


def reasons(judged: TrainVerdict, step: int, names: list[str]) -> list[Account]:
    """Return what explains the updates of these weights. Weights with the same reason are named together."""
    found = by_reason(judged.pairs, names, lambda pair: _reason(judged, pair, step))
    untouched = [pair.a for pair in judged.pairs if pair.trains and pair.a not in names]
    return [Account(id, _with_biases(id, words, of, untouched), tuple(of)) for (id, words), of in found.items()]


def _with_biases(default: str, words: str, of: list[str], others: list[str]) -> str:
    """Return the explanations. If weight decay differs only for biases, its explanation says so."""
    if default == "weight decay" and others and all("bias" in name for name in of):
        return words + " (on biases alone)"
    return words


def _reason(judged: TrainVerdict, pair: WeightPair, step: int) -> tuple[str, str] | None:
    a, b = (WeightCourse(judged, pair, step, side) for side in "AB")
    rule_a = read(judged.a.optimizer(step), pair.a)
    rule_b = read(judged.b.optimizer(step), pair.b)
    rule_a, rule_b = _fitting(a, rule_a, rule_b), _fitting(b, rule_b, rule_a)
    if rule_a is None or rule_b is None:
        return None
    differing = _needed(a, rule_a, rule_b)
    return _said(differing, rule_a, rule_b) if differing else None


def _fitting(course: WeightCourse, own: UpdateRule | None, other: UpdateRule | None) -> UpdateRule | None:
    """Return the rule that gives this side's step.

    It is read from its optimizer, or it is the other side's with one setting changed.
    """
    known = [rule for rule in (own, other) if rule is not None]
    variants = (rule for base in known for rule in _variants(base, course))
    return next((rule for rule in chain(known, variants) if course.fits(rule)), None)


def _variants(rule: UpdateRule, course: WeightCourse) -> Iterator[UpdateRule]:
    """Yield the variants of a rule with one setting changed to a default of some library.

    The last variant has the rate that the step shows.
    """
    for place in {"adam": ("after", "before", "inside"), "rmsprop": ("inside", "outside")}.get(rule.kind, ()):
        for epsilon in (rule.epsilon, 1e-8, 1e-7, 1e-6, 1e-5, 1e-3):
            yield replace(rule, place=place, epsilon=epsilon)
    if rule.kind == "adam":
        yield from (replace(rule, betas=betas) for betas in ((0.9, 0.999), (0.9, 0.99), (0.5, 0.999), (0.9, 0.95)))
    if rule.kind == "sgd":
        for form in _FORMS:
            for nesterov in (False, True):
                yield replace(rule, form=form, nesterov=nesterov)
        yield from (replace(rule, momentum=momentum) for momentum in (0.0, 0.5, 0.9, 0.95, 0.99))
    for factor in (0.0, 1e-4, 5e-4, 1e-3, 4e-3, 1e-2, 5e-2, 1e-1):
        yield from (replace(rule, decay=factor, decays=kind) for kind in _DECAYS)
    yield from (replace(rule, clip=clip) for clip in _clips())
    ratio = _ratio(rule, course)
    if ratio:
        yield replace(rule, rate=float(f"{rule.rate * ratio:.4g}"))


def _clips() -> list[Clip | None]:
    found: list[Clip | None] = [None]
    for most in (0.01, 0.1, 0.5, 1.0, 5.0, 10.0):
        found += [Clip("tensor", most), Clip("all", most), Clip("value", most)]
    return found


def _ratio(rule: UpdateRule, course: WeightCourse) -> float:
    """Return how many times as far the step goes as the rule says, from the largest element.

    The result is 0 if that cannot be told.
    """
    if any(course.name not in given for given in course.gradients):
        return 0.0
    made = rule.step(course.start, course.gradients, course.name)
    place = np.unravel_index(np.abs(made).argmax(), made.shape)
    return float(course.move[place] / made[place]) if made[place] else 0.0


def _needed(a: WeightCourse, rule_a: UpdateRule, rule_b: UpdateRule) -> list[str]:
    """Return the fewest settings of A with which B's rule gives A's step from A's gradients.

    The result is empty if none are needed.
    """
    different = [one.name for one in fields(UpdateRule) if getattr(rule_a, one.name) != getattr(rule_b, one.name)]
    for count in range(1, min(_MOST_TOGETHER, len(different)) + 1):
        for some in combinations(different, count):
            changed: dict[str, Any] = {name: getattr(rule_a, name) for name in some}
            if a.fits(replace(rule_b, **changed)):
                return list(some)
    return different


_NAMES = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
_IDS = {"rate": "learning rate", "decay": "weight decay", "decays": "weight decay", "place": "epsilon's place",
        "form": "momentum's form", "clip": "clipping", "kind": "optimizer", "rho": "rho"}  # fmt: skip


def _said(settings: list[str], a: UpdateRule, b: UpdateRule) -> tuple[str, str]:
    words = [_words(name, a, b) for name in settings]
    return _IDS.get(settings[0], settings[0]), "; ".join(dict.fromkeys(words))


def _words(name: str, a: UpdateRule, b: UpdateRule) -> str:
    kind = _NAMES[b.kind]
    if name == "place":
        return sides(f"where {kind} adds epsilon", *(_PLACES.get((one.kind, one.place)) or _PLACES["", one.place]
                                                     for one in (a, b)))  # fmt: skip
    if name in ("decay", "decays"):
        return sides("weight decay", *(_decay(one) for one in (a, b)))
    if name == "form":
        return sides("what momentum gathers", f"a sum {_FORMS[a.form]}", f"a sum {_FORMS[b.form]}")
    if name == "clip":
        return sides("clipping of gradients within the optimizer", *(_clip(one) for one in (a, b)))
    if name == "kind":
        return sides("the optimizer", _NAMES[a.kind], kind)
    said = {"rate": "the learning rate", "accumulator": "what Adagrad's sum starts from"}.get(name, f"{kind}'s {name}")
    return sides(said, *(_value(getattr(one, name)) for one in (a, b)))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(number(part) for part in (value if isinstance(value, tuple) else (value,)))


def _decay(rule: UpdateRule) -> str:
    return f"{number(rule.decay)} {_DECAYS[rule.decays]}" if rule.decay else "none"


def _clip(rule: UpdateRule) -> str:
    if rule.clip is None:
        return "none"
    over = {"tensor": "the norm of each tensor", "all": "the norm of all together", "value": "each value"}
    return f"{over[rule.clip.over]} to {number(rule.clip.most)}"


# The rule by which an optimizer changes one weight, in one vocabulary for all libraries.

Facts = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class UpdateRule:
    """`kind`: adam, sgd, rmsprop or adagrad; settings of other kinds keep their defaults.

    `place`: of epsilon (see the formulas). `clip`: what it clips itself.
    """

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
    clip: Clip | None = None

    def step(self, start: Array, gradients: list[dict[str, Array]], name: str) -> Array:
        """Return how the last of these steps changes a weight (of any shape). `gradients`: of all weights, by step."""
        used = [self.clip.applied(given, name) if self.clip else given[name] for given in gradients]
        each = [gradient.reshape(-1) for gradient in used]
        course = Gradients(start.reshape(-1), np.array(each), self.rate)
        path = self._path(course)
        before = path[-2] if len(path) > 1 else start.reshape(-1)
        return np.asarray(path[-1] - before).reshape(start.shape)

    def _path(self, course: Gradients) -> Array:
        decay = Decay(self.decay, self.decays)  # type: ignore[arg-type]
        if self.kind == "sgd":
            more = {"momentum": self.momentum, "form": self.form, "nesterov": self.nesterov}
            return hypotheses.sgd(course, decay=decay, **more)  # type: ignore[arg-type]
        if self.kind == "adam":
            return hypotheses.adam(course, betas=self.betas, epsilon=self.epsilon, place=self.place, decay=decay)  # type: ignore[arg-type]
        if self.kind == "rmsprop":
            more = {"rho": self.rho, "place": self.place, "centered": self.centered}
            return hypotheses.rmsprop(course, epsilon=self.epsilon, **more)  # type: ignore[arg-type]
        return hypotheses.adagrad(course, accumulator=self.accumulator, epsilon=self.epsilon, place=self.place)  # type: ignore[arg-type]


def read(facts: Facts | None, weight: str) -> UpdateRule | None:
    """Return the rule of a weight, from the settings of its optimizer; None for an optimizer that is not known here."""
    if facts is None:
        return None
    group = next((one for one in facts["groups"] if weight in one["weights"]), None)
    if group is None:
        return None
    try:
        return (
            _of_keras(facts["type"], group, hypotheses.clip_of(facts))
            if facts["library"] == "keras"
            else _of_pytorch(facts["type"], group)
        )
    except (KeyError, TypeError, ValueError):  # a class of the program, with its own settings
        return None


def _of_keras(kind: str, group: Facts, clip: Clip | None) -> UpdateRule | None:
    common = UpdateRule(kind="sgd", rate=float(group["learning_rate"]), decays="weights",
                  decay=float(group.get("weight_decay") or 0), clip=clip)  # fmt: skip
    if kind == "SGD":
        return replace(common, momentum=float(group["momentum"]), form="step", nesterov=bool(group["nesterov"]))
    epsilon = float(group.get("epsilon") or 0)
    if kind in ("Adam", "AdamW") and not group["amsgrad"]:
        betas = float(group["beta_1"]), float(group["beta_2"])
        return replace(common, kind="adam", epsilon=epsilon, place="before", betas=betas)
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
    if kind == "SGD" and not group["dampening"]:
        return replace(common, momentum=float(group["momentum"]), form="gradient", nesterov=group["nesterov"])
    if kind in ("Adam", "AdamW") and not group["amsgrad"]:
        betas = float(group["betas"][0]), float(group["betas"][1])
        return replace(common, kind="adam", epsilon=float(group["eps"]), betas=betas)
    if kind == "RMSprop" and not group["momentum"]:
        rho, epsilon, centered = float(group["alpha"]), float(group["eps"]), bool(group["centered"])
        return replace(common, kind="rmsprop", epsilon=epsilon, place="outside", rho=rho, centered=centered)
    if kind == "Adagrad" and not group["lr_decay"]:
        started = float(group["initial_accumulator_value"])
        return replace(common, kind="adagrad", epsilon=float(group["eps"]), place="outside", accumulator=started)
    return None
