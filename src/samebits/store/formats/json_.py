"""Reads JSON by its keys, also the models that boosting libraries save as JSON."""

from __future__ import annotations

import io
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from typing import Any

from samebits.store.content import Parts, add_json, joined, parse_json
from samebits.store.formats import json_lines
from samebits.store.formats.unpickler import read as unpickled
from samebits.store.text_files import MOST_TEXT

# keys at the top of a model as JSON: of XGBoost, CatBoost, and what LightGBM's dump_model returns
_MODEL_KEYS = frozenset(("learner", "oblivious_trees", "tree_info"))
_PICKLES = ("gAS", "gAW")  # how a pickle of protocol 4 or 5 begins in base64
_OF_ONE_TRAINING = ("model_guid", "train_finish_time")  # of CatBoost: see catboost.py


def read(path: Path, parts: Parts) -> str:
    """Add each value by its keys, or by its line: Ray and pandas write a value in each line of such a file."""
    if path.stat().st_size > MOST_TEXT:
        raise ValueError(f"it has more than {MOST_TEXT:,} bytes")
    try:
        value = parse_json(path.read_bytes())
    except ValueError:
        json_lines.read(path, parts)
        return "jsonl"
    if isinstance(value, dict) and not _MODEL_KEYS.isdisjoint(value):
        parts.models += _names_of_model(value)
        if isinstance(about := value.get("model_info"), dict):
            value["model_info"] = {name: about[name] for name in about if name not in _OF_ONE_TRAINING}
    add_json(parts, "", _without_pickles(parts, "", value))
    return "json"


def owns(path: Path) -> bool:
    """Return whether a file that begins as a document is one: a member of an archive may have no ending."""
    with suppress(ValueError, RecursionError):
        return path.stat().st_size <= MOST_TEXT and isinstance(parse_json(path.read_bytes()), dict)
    return False


def _without_pickles(parts: Parts, path: str, value: Any) -> Any:
    """Add the pickles that stand in a document as text, and return the rest.

    Stable-Baselines3 saves its settings and its latest episodes in this way:
    https://github.com/DLR-RM/stable-baselines3/blob/master/stable_baselines3/common/save_util.py
    """
    if isinstance(value, dict):
        return {key: _without_pickles(parts, joined(path, key), item) for key, item in value.items()}
    if isinstance(value, str) and value.startswith(_PICKLES):
        from samebits.store.formats.pickled_values import PickleWalk  # imports NumPy

        with suppress(ValueError):
            PickleWalk(parts).add(path, unpickled(io.BytesIO(b64decode(value, validate=True))))
            return None
    return value


def _names_of_model(value: dict[str, Any]) -> list[str]:
    """Return the names below which a document holds a model, without the attributes that programs set in XGBoost's."""
    learner = value.get("learner")
    if not isinstance(learner, dict):
        return [""]
    return [*(name for name in value if name != "learner"), *(f"learner.{n}" for n in learner if n != "attributes")]
