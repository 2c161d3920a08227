"""Reads a .keras archive: its configuration, its weights, and its metadata without the time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samebits.store.content import Parts, add_json, parse_json
from samebits.store.formats.members import add_member
from samebits.store.formats.zip_ import members_of, names_in

# The time, and the addresses of the objects that were saved:
# https://github.com/keras-team/keras/blob/master/keras/src/saving/saving_lib.py
_OF_ONE_SAVE = ("date_saved", "shared_object_id")


def owns(path: Path) -> bool:
    """Return whether a zip archive holds what Keras writes."""
    return {"config.json", "metadata.json"} <= set(names_in(path) or ())


def read(path: Path, parts: Parts) -> None:
    """Add the members of the archive."""
    for name, stream in members_of(path):
        if name.endswith(".json"):
            document = parse_json(stream.read())
            add_json(parts, name.removesuffix(".json"), without_identities(document))
        else:
            add_member(parts, name, stream)


def without_identities(value: Any) -> Any:
    """Return a JSON value of Keras without the parts that differ in each save."""
    if isinstance(value, dict):
        return {key: without_identities(value[key]) for key in value if key not in _OF_ONE_SAVE}
    return [without_identities(item) for item in value] if isinstance(value, list) else value
