"""LightGBM: each boosting round is a step."""

import functools
from typing import TYPE_CHECKING, Any, Iterable, Sequence

from ..objects import Booster, Function, Library
from .boosting import Rounds

if TYPE_CHECKING:
    from ...probe import Probe

SEEN = [
    (
        "step",
        "Booster.update, of train, cv and the scikit-learn interface",
        "a round within a fit of scikit-learn (a search, a pipeline): it belongs to that fit",
        "",
    ),
    (
        "batch",
        "data, label and weight that a Dataset is made from; the rows of a subset, as the folds of cv are",
        "data in files",
        "",
    ),
    ("update", "the trees that the round added (Booster.model_to_string); the whole model of dart", "", ""),
    ("loss", "Booster.eval, eval_train and eval_valid", "", ""),
    ("end", "each model that is alive, as text; else all that its rounds added; the model that refit returned", "", ""),
]
_DATA = ("data", "label", "weight", "group", "init_score")
_SETTINGS = "\nparameters:"  # after the trees of a model as text
_CHANGES_TREES = "\n[boosting: dart]\n"
_FIRST = ("data", "label", "reference", "weight", "group", "init_score")


def install(module: Library, probe: "Probe") -> None:
    """Wrap the rounds, the evaluations and the data sets."""
    basic = module.basic
    rounds = Rounds(probe, "lightgbm", _added, _model)
    basic.Booster.refit = _refit(basic.Booster.refit, rounds, probe)
    basic.Booster.update = _round(basic.Booster.update, rounds, probe)
    for name in ("eval", "eval_train", "eval_valid"):
        setattr(basic.Booster, name, _evaluation(getattr(basic.Booster, name), rounds, probe))
    basic.Dataset.__init__ = _data(basic.Dataset.__init__, rounds, probe)
    basic.Dataset.subset = _part(basic.Dataset.subset, rounds, probe)


def _added(booster: Booster) -> bytes:
    """Return the trees of the latest round, as text; nothing if no tree could be added.

    If rounds change earlier trees, return all trees.
    """
    count = booster.current_iteration()
    if not count:
        return b""
    text = booster.model_to_string(num_iteration=1, start_iteration=count - 1)
    return _model(booster) if _CHANGES_TREES in text.partition(_SETTINGS)[2] else _trees(text)


def _model(booster: Booster) -> bytes:
    return _trees(booster.model_to_string(num_iteration=-1))


def _trees(text: str) -> bytes:
    """Return the text without the settings after the trees, which include paths and numbers of threads."""
    return text.partition(_SETTINGS)[0].encode()


def _round(original: Function, rounds: Rounds, probe: "Probe") -> Function:
    @functools.wraps(original)
    def update(self: Any, *args: Any, **kwargs: Any) -> Any:
        is_step = probe.guard("round of lightgbm", rounds.begin)
        result = original(self, *args, **kwargs)
        if is_step:
            dataset = (args[0] if args else kwargs.get("train_set")) or getattr(self, "train_set", None)
            probe.guard("round of lightgbm", rounds.updated, self, dataset)
        return result

    return update


def _refit(original: Function, rounds: Rounds, probe: "Probe") -> Function:
    @functools.wraps(original)
    def refit(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        probe.guard("refit of lightgbm", rounds.made, result)
        return result

    return refit


def _evaluation(original: Function, rounds: Rounds, probe: "Probe") -> Function:
    @functools.wraps(original)
    def evaluate(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        probe.guard("evaluation of lightgbm", _numbers, rounds, self, result)
        return result

    return evaluate


def _numbers(rounds: Rounds, booster: Booster, results: Iterable[Sequence[Any]]) -> None:
    for found in results:
        rounds.metric(booster, "%s.%s" % (found[0], found[1]), float(found[2]))


def _data(original: Function, rounds: Rounds, probe: "Probe") -> Function:
    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        named = [one for one in list(zip(_FIRST, args)) + sorted(kwargs.items()) if one[0] in _DATA]
        probe.guard("data of lightgbm", rounds.keep_data, self, named)

    return __init__


def _part(original: Function, rounds: Rounds, probe: "Probe") -> Function:
    @functools.wraps(original)
    def subset(self: Any, used_indices: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, used_indices, *args, **kwargs)
        probe.guard("data of lightgbm", rounds.keep_part, result, self, used_indices)
        return result

    return subset
