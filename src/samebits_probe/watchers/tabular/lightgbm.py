"""LightGBM: each boosting round is a step."""

import functools
from typing import TYPE_CHECKING, Any, Iterable, Sequence

from ...wrappers import after, guarded
from ..objects import Booster, Dataset, Library
from .boosting import Rounds

if TYPE_CHECKING:
    from ...probe import Probe

SEEN = [
    (
        "step",
        "Booster.update, of train, cv and the scikit-learn interface",
        "a round within a fit of scikit-learn (a search, a pipeline): it belongs to that fit",
    ),
    (
        "batch",
        "data, label and weight that a Dataset is made from; the rows of a subset, as the folds of cv are",
        "data in files",
    ),
    ("update", "the trees that the round added (Booster.model_to_string); the whole model of dart"),
    ("loss", "Booster.eval, eval_train and eval_valid"),
    ("end", "each model that is alive, as text; else all that its rounds added; the model that refit returned"),
]
_SETTINGS = "\nparameters:"  # after the trees of a model as text
_CHANGES_TREES = "\n[boosting: dart]\n"


def install(module: Library, probe: "Probe") -> None:
    """Wrap the rounds, the evaluations and the data sets."""
    basic = module.basic
    rounds = Rounds(probe, "lightgbm", _added, _model)
    rounds.watch(basic.Booster, "update", _data_of)
    after(basic.Booster, "refit", guarded(probe, "refit of lightgbm", lambda made, *_, **__: rounds.made(made)))
    for name in ("eval", "eval_train", "eval_valid"):
        after(basic.Booster, name, guarded(probe, "evaluation of lightgbm", functools.partial(_numbers, rounds)))
    rounds.watch_data(basic.Dataset)
    after(basic.Dataset, "subset", guarded(probe, "data of lightgbm", functools.partial(_keep_part, rounds)))


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


def _data_of(booster: Booster, train_set: Any = None, *_: Any, **__: Any) -> Dataset:
    """Return the data of a round. The arguments are those of `update`."""
    return train_set or getattr(booster, "train_set", None)


def _numbers(rounds: Rounds, results: Iterable[Sequence[Any]], booster: Booster, *_: Any, **__: Any) -> None:
    for found in results:
        rounds.metric(booster, "%s.%s" % (found[0], found[1]), float(found[2]))


def _keep_part(rounds: Rounds, part: Dataset, whole: Dataset, used_indices: Any, *_: Any, **__: Any) -> None:
    rounds.keep_part(part, whole, used_indices)
