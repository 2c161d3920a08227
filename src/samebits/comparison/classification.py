"""Classifies a difference in something that left a run: it counts, it is understood, or it is unknown.

*counts*: the value is a model, or a part of one. *understood*: a time, a path, a process id and the like, which
differ between any two runs. *unknown*: anything else; the verdict is inconclusive then, and the user says which it is.

A difference in some points is understood by itself: such a point leaves nothing behind, and what it feeds is compared.
An evaluation (a call of a model that no backward reaches) leaves what it writes, prints and changes, and all of that is
compared. A number in a module's attribute that is a time, an id of the run or the like differs between any two runs.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from samebits.store.masks import masked, results_in_path
from samebits.store.text_files import number_or_text
from samebits.store.trace import Point
from samebits.store.value_names import (
    CHOSEN,
    COEFFICIENTS,
    OF_DATA,
    STAGES,
    can_be,
    may_be_squares,
    reason_of_key,
    tokens,
)

Effect = Literal["counts", "understood", "unknown"]
# endings of model files whose format samebits does not read: if their bytes differ, the model differs
MODEL_ENDINGS = frozenset(
    (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".h5", ".hdf5", ".keras", ".onnx", ".bin", ".ckpt", ".model", ".ubj",
     ".cbm", ".weights", ".params", ".npz", ".npy", ".safetensors", ".tflite", ".mlmodel", ".gguf", ".msgpack", ".sav",
     ".dill", ".pdparams", ".caffemodel")
)  # fmt: skip
TENSOR_FORMATS = frozenset(
    ("torch", "torch-legacy", "safetensors", "hdf5", "keras", "npz", "npy", "tensorflow", "ocdbt", "msgpack", "ubjson")
)
Value = str | int | float | bool | None

_WORDS = {"moment": "a time", "pid": "a process id", "run id": "an id of a run", "memory": "an amount of memory"}
# an array with the name "path" may hold points, and one with the name "pid" the gains of a controller
_ARRAY_REASONS = frozenset(("time", "duration", "rate", "memory"))
_STRING_REASONS = frozenset(("time", "host", "run id", "version of the code", "path"))
# if the name of a path or an id says which model was best, it is a result
_RESULTS = frozenset(("best", "checkpoint", "ckpt", "model", "last", "selected", "top"))
_OF_FEATURES = COEFFICIENTS | {"weights", "beta", "betas", "theta"}
_FORMS_OF_TIME = ("time", "date", "duration", "rate", "memory")  # a predicted date is a result
_PER_SECOND, _PER_THING = re.compile(r"/(?:s|secs?|seconds?)$"), re.compile(r"(^|\W)(?:us|ms|s|secs?|seconds?)/\w+$")
_UNIT_BESIDE = re.compile(r"[ _]*[\[(]([num]?s|secs?|seconds?|mins?|minutes?|hours?|[kMG]i?B)[\])]$")  # "Time [s]"
_MODEL_WORDS = frozenset(
    ("weight", "weights", "kernel", "bias", "biases", "coef", "coefs", "intercept", "theta", "policy", "params",
     "centroids", "parameters", "embedding", "embeddings", "w", "b", "beta", "learner", "tree", "trees", "model")
)  # fmt: skip


# how long the fits and scores of a model took, as in
# https://scikit-learn.org/stable/modules/generated/sklearn.model_selection.GridSearchCV.html
_WORK = frozenset(("fit", "fitting", "refit", "train", "training", "score", "scoring"))
_SPENT = frozenset(("time", "times", "duration", "durations", "seconds", "secs", "sec", "elapsed"))


class Classification(NamedTuple):
    """The class of a difference, and why it is this one."""

    effect: Effect
    reason: str = ""


def classify(
    name: str, a: Value = None, b: Value = None, *, model: bool = False, nonnegative: bool = False
) -> Classification:
    """Classify a difference between two values of one name. None: a value that was not kept.

    `name`: the path to the value, its last part says most. `model`: the value belongs to a model (a weight, a part of
    an estimator). `nonnegative`: an array of which no value is below zero, as times are.
    """
    key = last_key(name)
    above = name.rpartition(key)[0] if key else ""
    is_of_feature = not _OF_FEATURES.isdisjoint(tokens(above))  # coef.duration
    reason = None if is_of_feature else reason_of_key(key)
    if model and (is_of_feature or not _is_time_of_work(key)):
        return Classification("counts", "it belongs to a model")
    if reason and _fits(reason, key, a, b, nonnegative=nonnegative):
        return Classification("understood", f"named like {_article(reason)}")
    form = _reason_of_form(a, b)
    if form and not (form in _FORMS_OF_TIME and OF_DATA.intersection(tokens(key))):
        return Classification("understood", f"written like {_article(form)}")
    return Classification("unknown")


def last_key(name: str) -> str:
    """Return the last part of a path that carries meaning, such as ``loss`` of ``log.json > rows.3.loss``.

    Numbers are left out.
    """
    name = _UNIT_BESIDE.sub(r" \1", name)
    name = _PER_SECOND.sub("_per_s", _PER_THING.sub(r"\1ms", name))
    parts = [part for part in re.split(r"[./\[\]@]| > ", name) if part and not part.isdigit()]
    if len(parts) > 1 and parts[-1].lower() in ("name", "id", "hash", "sha", "value", "values"):
        return f"{parts[-2]}_{parts[-1]}"
    if len(parts) > 1 and parts[-1].lower() in STAGES and reason_of_key(parts[-2]) in ("time", "duration", "rate"):
        return parts[-2]  # {"time": {"train": 3.2}}
    return parts[-1] if parts else ""


def names_a_model(name: str) -> bool:
    """Return whether any word of a path says that a model is there."""
    return not _MODEL_WORDS.isdisjoint(tokens(name))


def _is_time_of_work(key: str) -> bool:
    words = tokens(key)
    is_work = not _WORK.isdisjoint(words) and words[-1] in _SPENT  # time_score is a score
    return is_work and set(words) <= _WORK | _SPENT | {"mean", "std", "total"}


def _article(reason: str) -> str:
    return _WORDS.get(reason, f"a {reason}")


def _fits(reason: str, key: str, a: Value, b: Value, *, nonnegative: bool) -> bool:
    """Return whether the values can be what the name says: a time is not negative, a path is text."""
    if reason == "path" and not _RESULTS.isdisjoint(tokens(key)):
        return False
    if reason == "run id" and not CHOSEN.isdisjoint(tokens(key)):
        return False
    known = [value for value in (a, b) if value is not None]
    if not known:
        return nonnegative and reason in _ARRAY_REASONS and not may_be_squares(key)
    if reason == "path" and len({tuple(results_in_path(str(value))) for value in known}) > 1:
        return False
    if reason == "path" and tokens(key)[-1] in ("filename", "path", "paths"):  # a bare name may be that of a sample
        return all(isinstance(value, str) and re.search(r"[/\\]", value) for value in known)
    return all(_can_be(reason, key, value) for value in known)


def _can_be(reason: str, key: str, value: Value) -> bool:
    if isinstance(value, str):
        said = f"{'time' if reason == 'moment' else reason}: {value}"
        return reason in _STRING_REASONS or masked(said) != said
    if isinstance(value, (int, float)):
        is_possible = value >= 0 and reason not in ("path", "host", "version of the code")
        return not isinstance(value, bool) and is_possible and can_be(reason, key, value)
    return False


def _reason_of_form(a: Value, b: Value) -> str | None:
    """Return what differs between two texts that are equal once they are masked."""
    if not isinstance(a, str) or not isinstance(b, str):
        return None
    one, two = masked(a), masked(b)
    if one != two:
        return None
    found = re.search(r"<(time|date|duration|rate|path|address|id|pid|port|memory)>", one)
    return found[1] if found else None


NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\bnan\b|\binf\b")
_MOST_SETTING = 4096  # characters
_PLACEHOLDER = re.compile(r"<[a-z]+>")
# a word, a path, or nothing but numbers: "times: [0.1, 0.2]"
_ONE_VALUE = re.compile(r"\s*(?:[^\s,;|=]*|[^\s,;|=]*[/\\][^,;|=]*|[^A-Za-z;|=]*)\s*")
_SETTING = re.compile(r"^[\s\-]*[\"']?([\w.\- ]+?)[\"']?\s*[:=]\s*(.+?),?$")


def classify_lines(a: str, b: str) -> Classification:
    """Return what it means that two lines differ. A setting `name: value` is understood by its name."""
    if max(len(a), len(b)) > _MOST_SETTING:
        return Classification("unknown")
    one, two = _SETTING.match(a), _SETTING.match(b)
    if one and two and one[1] == two[1] and _is_one_value(one[2]) and _is_one_value(two[2]):
        return classify(one[1].strip(), *(number_or_text(found[2].strip("\"'")) for found in (one, two)))
    return Classification("unknown")


# MLflow keeps each tag and each metric in a file of its own: https://mlflow.org/docs/latest/tracking/backend-stores
_OF_MLFLOW = re.compile(r"<time> (\S+) \d+")


def classify_line_of_file(path: str, a: str, b: str, *, alone: bool) -> Classification:
    """Return what a difference between two lines of a file means.

    If the file holds only one value, the name of the file may decide. `alone`: the file has no other line.
    """
    found = classify_lines(a, b)
    folder, _, name = path.rpartition("/")
    one, two = _OF_MLFLOW.fullmatch(a), _OF_MLFLOW.fullmatch(b)
    if found.effect == "unknown" and one and two and "metrics" in folder.split("/"):
        return classify(name, number_or_text(one[1]), number_or_text(two[1]))
    if found.effect == "unknown" and alone and a and b and _is_one_value(a) and _is_one_value(b):
        return classify(name, number_or_text(a), number_or_text(b))
    return found


def _is_one_value(text: str) -> bool:
    """Return whether a line says nothing behind its first value: "time: 3.2 acc: 0.91" says more."""
    return _ONE_VALUE.fullmatch(_PLACEHOLDER.sub("", text)) is not None


EVALUATION = "an evaluation"
NUMBERS = frozenset(("int", "float", "bool", "numbers"))
GLOBALS = "globals "  # begins the names of what the program's globals held at the end
EVALUATIONS = ("evaluation/", "prediction/")
_OF_THIS_RUN = re.compile(r"@(time|pid|address)$")
_MEASURES = re.compile(r"(^|[._])(ms|ns|secs?|seconds?|times?|durations?|elapsed|fps)$")
_FORMS = {"time": "a time", "pid": "a process id", "address": "an address"}


def aside(point: Point) -> str | None:
    """Return what the point is, if a difference in this point alone is understood; None if the difference counts."""
    if point.kind in ("forward", "end") and point.name.startswith(EVALUATIONS):
        return EVALUATION
    if point.kind != "end":
        return None
    form = _OF_THIS_RUN.search(point.name)
    if form:
        return _FORMS[form[1]]
    if point.dtype not in NUMBERS:
        return None
    by_name = classify(point.name, 1, 1)
    if by_name.effect == "understood":
        return by_name.reason
    return "named like a duration" if _MEASURES.search(point.name) else None
