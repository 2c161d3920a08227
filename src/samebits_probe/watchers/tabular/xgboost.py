"""XGBoost: each boosting round is a step."""

import functools
import json
import weakref
from typing import TYPE_CHECKING, Any, Dict

from ...wrappers import after, guarded
from ..objects import Booster, Library
from .boosting import Rounds

if TYPE_CHECKING:
    from ...probe import Probe

SEEN = [
    (
        "step",
        "Booster.update and Booster.boost, of train, cv and the scikit-learn interface",
        "a round within a fit of scikit-learn (a search, a pipeline): it belongs to that fit",
    ),
    ("batch", "data, label and weight that a DMatrix or QuantileDMatrix is made from", "data from iterators, files"),
    ("update", "the trees that the round added (Booster.save_raw); the whole model of gblinear and dart"),
    ("loss", "Booster.eval_set: what `evals` and `eval_set` name"),
    ("end", "the raw bytes and the attributes of each model that is alive; else all that its rounds added"),
]


def install(module: Library, probe: "Probe") -> None:
    """Wrap the rounds, the evaluations and the data sets."""
    core = module.core
    rounds = Rounds(probe, "xgboost", RoundAddition().read, _model, _attributes)
    for name in ("update", "boost"):
        rounds.watch(core.Booster, name, lambda booster, dtrain, *_, **__: dtrain)
    after(core.Booster, "eval_set", guarded(probe, "evaluation of xgboost", functools.partial(_numbers, rounds)))
    for owner in (core.DMatrix, getattr(core, "QuantileDMatrix", None)):
        if owner is not None:
            rounds.watch_data(owner)


class RoundAddition:
    """What a round adds to a booster."""

    def __init__(self) -> None:
        self._are_of_trees: "weakref.WeakKeyDictionary[Booster, bool]" = weakref.WeakKeyDictionary()

    def read(self, booster: Booster) -> bytes:
        """Return the bytes of the trees of the latest round.

        If rounds change earlier trees, return those of the whole model.
        """
        is_of_trees = self._are_of_trees.get(booster)
        if is_of_trees is None:
            is_of_trees = self._are_of_trees[booster] = _is_of_trees(booster)
        count = booster.num_boosted_rounds()
        return _raw(booster[count - 1 : count]) if is_of_trees and count else _model(booster)


def _is_of_trees(booster: Booster) -> bool:
    facts = json.loads(booster.save_config())["learner"]
    settings = facts.get("gradient_booster", {})
    updates = settings.get("gbtree_model_param", {}), settings.get("gbtree_train_param", {})
    found: bool = settings.get("name") == "gbtree" and updates[1].get("process_type", "default") == "default"
    return found


def _model(booster: Booster) -> bytes:
    """Return the bytes of a model without the attributes that the program gave it, such as a time."""
    return _raw(booster.copy() if booster.attributes() else booster)


def _raw(own: Booster) -> bytes:
    """Return the bytes of a model, and remove its attributes before. So nothing else may use a model that has any."""
    names = own.attributes()
    if names:
        own.set_attr(**dict.fromkeys(names))
    return bytes(own.save_raw())


def _attributes(booster: Booster) -> "Dict[str, str]":
    found: Dict[str, str] = booster.attributes()
    return found


def _numbers(rounds: Rounds, text: Any, booster: Booster, *_: Any, **__: Any) -> None:
    """Record the numbers of a line such as "[3]  train-rmse:0.5  test-rmse:0.6"."""
    for part in str(text).split("\t")[1:]:
        name, number = part.rsplit(":", 1)
        rounds.metric(booster, name, float(number))
