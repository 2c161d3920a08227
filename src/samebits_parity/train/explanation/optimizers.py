"""Updates that diverge although their gradients agree: finds the rules of both optimizers, and the setting that
differs. Each side's rule is read from its optimizer. It counts only if it gives that side's new weights. If it does
not, or if the optimizer's settings are unknown, the other side's rule is varied, one setting at a time. The reason is
the smallest set of settings of A with which B's rule gives A's weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, combinations, product
from typing import Any, NamedTuple

import numpy as np

from samebits_parity.defaults import hypotheses as known
from samebits_parity.defaults.hypotheses import NO_DECAY, Clip, Decay, Gradients
from samebits_parity.train.pairs import WeightPair
from samebits_parity.train.values import FACTOR, Array
from samebits_parity.train.verdict import CORRECTION, STORED, Account, TrainVerdict, number, sides

_MOST_TOGETHER = 3  # settings that differ at once
_FORMS = {"gradient": "a sum of gradients", "step": "a sum of steps", "damped": "a sum of damped gradients"}
_TITLES = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
_TEXTS = {
    **_FORMS, **_TITLES, "outside": "to the root", "inside": "inside the root",
    "after": "to the root of the corrected moment", "before": "to the root before its bias is corrected",
}  # fmt: skip
_DECAYS: dict[known.DecayKind, str]
_DECAYS = {"gradient": "in the gradient (L2)", "weights": "decoupled (AdamW)", "unscaled": "without the learning rate"}
_CLIPS: dict[known.ClipKind, str]
_CLIPS = {"tensor": "the norm of each tensor", "all": "the norm of all together", "value": "each value"}


class WeightCourse:
    """The history of one weight on one side up to a step, in A's order of axes."""

    def __init__(self, judged: TrainVerdict, pair: WeightPair, step: int, side: int) -> None:
        self.name, self.start = pair.a, judged.before(pair, 0)[side]
        before, after = judged.before(pair, step)[side], judged.after(pair, step)[side]
        self.move, self.size = after - before, np.fmax(np.abs(after), np.abs(before))
        trained = [one for one in judged.pairs if one.trains]
        seen = [{one.a: judged.gradients(one, at) for one in trained} for at in range(step + 1)]
        self.gradients = [{name: both[side] for name, both in each.items() if both is not None} for each in seen]
        self.is_seen = all(self.name in given for given in self.gradients)

    def fits(self, rule: UpdateRule) -> bool:
        """Return whether a rule gives this step, except for rounding."""
        if not self.is_seen:
            return False
        made = rule.step(self.start, self.gradients, self.name)
        u = 2.0**-24
        most = STORED * u * self.size + np.abs(self.move) * (CORRECTION + FACTOR * u)
        return bool((np.abs(made - self.move) <= most + 1e-3 * u).all())


def reasons(judged: TrainVerdict, step: int, names: list[str]) -> list[Account]:
    """Return what explains the updates of these weights. Weights with the same reason are named together."""
    found = dict[tuple[str, str], list[str]]()
    for pair in judged.pairs:
        said = _reason(judged, pair, step) if pair.a in names else None
        if said is not None:
            found.setdefault(said, []).append(pair.a)
    has_others = any(pair.trains and pair.a not in names for pair in judged.pairs)
    return [Account(id, _with_biases(id, words, of) if has_others else words, tuple(of))
            for (id, words), of in found.items()]  # fmt: skip


def _with_biases(default: str, words: str, of: list[str]) -> str:
    """Return the words. If weight decay differs only for biases, they say so."""
    return words + " (on biases alone)" if default == "weight decay" and all("bias" in name for name in of) else words


def _reason(judged: TrainVerdict, pair: WeightPair, step: int) -> tuple[str, str] | None:
    a, b = (WeightCourse(judged, pair, step, side) for side in (0, 1))
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
    given = [rule for rule in (own, other) if rule is not None]
    variants = (rule for base in given for rule in _variants(base, course))
    return next((rule for rule in chain(given, variants) if course.fits(rule)), None)


def _variants(rule: UpdateRule, course: WeightCourse) -> Iterator[UpdateRule]:
    """Yield the variants of a rule with one setting changed to a default of some library.

    The last variant has the rate that the step shows.
    """
    changes: list[Facts] = []
    for place in {"adam": ("after", "before", "inside"), "rmsprop": ("inside", "outside")}.get(rule.kind, ()):
        epsilons = (rule.settings["epsilon"], 1e-8, 1e-7, 1e-6, 1e-5, 1e-3)
        changes += [{"place": place, "epsilon": epsilon} for epsilon in epsilons]
    if rule.kind == "adam":
        changes += [{"betas": betas} for betas in ((0.9, 0.999), (0.9, 0.99), (0.5, 0.999), (0.9, 0.95))]
    if rule.kind == "sgd":
        changes += [{"form": form, "nesterov": nesterov} for form in _FORMS for nesterov in (False, True)]
        changes += [{"momentum": momentum} for momentum in (0.0, 0.5, 0.9, 0.95, 0.99)]
    if "decay" in rule.settings:
        decays = [Decay(*both) for both in product((1e-4, 5e-4, 1e-3, 4e-3, 1e-2, 5e-2, 1e-1), _DECAYS)]
        changes += [{"decay": decay} for decay in (NO_DECAY, *decays)]
    clips = [Clip(over, most) for most, over in product((0.01, 0.1, 0.5, 1.0, 5.0, 10.0), _CLIPS)]
    changes += [{"clip": clip} for clip in (None, *clips)]
    yield from map(rule.but, changes)
    ratio = _ratio(rule, course)
    if ratio:
        yield rule.but({"rate": float(f"{rule.settings['rate'] * ratio:.4g}")})


def _ratio(rule: UpdateRule, course: WeightCourse) -> float:
    """Return how many times as far the step goes as the rule says, from the largest element.

    The result is 0 if that cannot be told.
    """
    if not course.is_seen:
        return 0.0
    made = rule.step(course.start, course.gradients, course.name)
    place = np.unravel_index(np.abs(made).argmax(), made.shape)
    return float(course.move[place] / made[place]) if made[place] else 0.0


def _needed(a: WeightCourse, rule_a: UpdateRule, rule_b: UpdateRule) -> list[str]:
    """Return the fewest settings of A with which B's rule gives A's step from A's gradients.

    The result is empty if none are needed.
    """
    if rule_a.kind != rule_b.kind:
        return ["kind"]
    different = [name for name, value in rule_a.settings.items() if value != rule_b.settings[name]]
    for count in range(1, min(_MOST_TOGETHER, len(different)) + 1):
        for some in combinations(different, count):
            if a.fits(rule_b.but({name: rule_a.settings[name] for name in some})):
                return list(some)
    return different


_IDS = {"rate": "learning rate", "decay": "weight decay", "place": "epsilon's place", "form": "momentum's form",
        "clip": "clipping", "kind": "optimizer"}  # fmt: skip


def _said(settings: list[str], a: UpdateRule, b: UpdateRule) -> tuple[str, str]:
    words = [sides(_words(name, b.kind), _value(name, a), _value(name, b)) for name in settings]
    return _IDS.get(settings[0], settings[0]), "; ".join(words)


def _words(name: str, kind: str) -> str:
    """Return what a setting is called in a sentence."""
    return {
        "kind": "the optimizer", "rate": "the learning rate", "place": f"where {_TITLES[kind]} adds epsilon",
        "decay": "weight decay", "form": "what momentum gathers", "accumulator": "what Adagrad's sum starts from",
        "clip": "clipping of gradients within the optimizer",
    }.get(name, f"{_TITLES[kind]}'s {name}")  # fmt: skip


def _value(name: str, rule: UpdateRule) -> str:
    """Return the value of a setting in words."""
    value = rule.settings.get(name, rule.kind)
    if isinstance(value, Decay):
        return f"{number(value.factor)} {_DECAYS[value.kind]}" if value.factor else "none"
    if isinstance(value, Clip) or value is None:
        return f"{_CLIPS[value.over]} to {number(value.most)}" if value else "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return _TEXTS.get(value) or ", ".join(map(number, value if isinstance(value, tuple) else (value,)))


# The rule by which an optimizer changes one weight, in one vocabulary for all libraries.

Facts = dict[str, Any]
_FORMULAS: dict[str, Callable[..., Any]]
_FORMULAS = {"adam": known.adam, "sgd": known.sgd, "rmsprop": known.rmsprop, "adagrad": known.adagrad}


class UpdateRule(NamedTuple):
    """`kind`: adam, sgd, rmsprop or adagrad; `settings`: those of its formula, its `rate`, and the `clip` that it does
    itself.
    """

    kind: str
    settings: Facts

    def but(self, changes: Facts) -> UpdateRule:
        """Return the rule with different settings."""
        return UpdateRule(self.kind, {**self.settings, **changes})

    def step(self, start: Array, gradients: list[dict[str, Array]], name: str) -> Array:
        """Return how the last of these steps changes a weight (of any shape). `gradients`: of all weights, by step."""
        settings = dict(self.settings)
        rate, clip = settings.pop("rate"), settings.pop("clip")
        each = [(clip.applied(given, name) if clip else given[name]).reshape(-1) for given in gradients]
        path = _FORMULAS[self.kind](Gradients(start.reshape(-1), np.array(each), rate), **settings)
        before = path[-2] if len(path) > 1 else start.reshape(-1)
        return np.asarray(path[-1] - before).reshape(start.shape)


_KINDS = {"Adam": "adam", "AdamW": "adam", "SGD": "sgd", "RMSprop": "rmsprop", "Adagrad": "adagrad"}
# a setting of a formula -> its names in Keras and in PyTorch
_READ = {
    "adam": {"epsilon": ("epsilon", "eps")},
    "sgd": {"momentum": ("momentum", "momentum"), "nesterov": ("nesterov", "nesterov")},
    "rmsprop": {"epsilon": ("epsilon", "eps"), "rho": ("rho", "alpha"), "centered": ("centered", "centered")},
    "adagrad": {"epsilon": ("epsilon", "eps"), "accumulator": ("initial_accumulator_value",) * 2},
}
# what Keras and PyTorch do, and have no setting for
_FIXED: dict[str, tuple[Facts, Facts]] = {
    "adam": ({"place": "before"}, {"place": "after"}),
    "sgd": ({"form": "step"}, {"form": "gradient"}),
    "rmsprop": ({"place": "inside"}, {"place": "outside"}),
    "adagrad": ({"place": "inside"}, {"place": "outside"}),
}
_NO_FORMULA = {
    "adam": ("amsgrad",), "sgd": ("dampening",), "rmsprop": ("momentum", "weight_decay"),
    "adagrad": ("lr_decay", "weight_decay"),
}  # fmt: skip


def read(facts: Facts | None, weight: str) -> UpdateRule | None:
    """Return the rule of a weight, from the settings of its optimizer; None for an optimizer that is not known here."""
    group = next((one for one in facts["groups"] if weight in one["weights"]), None) if facts else None
    if facts is None or group is None or facts["type"] not in _KINDS:
        return None
    kind, side = _KINDS[facts["type"]], int(facts["library"] != "keras")
    if any(group.get(name) for name in _NO_FORMULA[kind]):
        return None
    is_decoupled = not side or facts["type"] == "AdamW" or group.get("decoupled_weight_decay")
    try:
        settings: Facts = {name: _plain(group[names[side]]) for name, names in _READ[kind].items()}
        if kind == "adam":
            settings["betas"] = tuple(map(float, group["betas"] if side else (group["beta_1"], group["beta_2"])))
        if kind in ("adam", "sgd"):
            factor = float(group.get("weight_decay") or 0)
            settings["decay"] = Decay(factor, "weights" if is_decoupled else "gradient") if factor else NO_DECAY
        rate, clip = float(group["lr" if side else "learning_rate"]), None if side else known.clip_of(facts)
    except (KeyError, TypeError, ValueError):  # a class of the program, with its own settings
        return None
    return UpdateRule(kind, {"rate": rate, **settings, **_FIXED[kind][side], "clip": clip})


def _plain(value: Any) -> float | bool:
    return value if isinstance(value, bool) else float(value or 0)
