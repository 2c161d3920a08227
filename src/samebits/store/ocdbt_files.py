"""Reads the databases in which Orbax keeps the arrays of a checkpoint: OCDBT of TensorStore.

The bytes of a database differ from run to run, because its files have random names and refer to each other by these.

https://google.github.io/tensorstore/kvstore/ocdbt/index.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samebits.store.content import Parts

__all__ = ["is_data", "read_data", "read_manifest"]

_MANIFEST = "manifest.ocdbt"


class MissingTensorStore(ValueError):
    """The error if tensorstore is not installed."""


def is_data(path: Path) -> bool:
    """Return whether a file holds a part of a database whose manifest is in the folder above."""
    return path.parent.name == "d" and len(path.name) == 32 and (path.parent.parent / _MANIFEST).is_file()


def read_manifest(path: Path, parts: Parts) -> str:
    """Add each value of a database by its key. A value is a chunk of an array, or describes an array."""
    tensorstore = _tensorstore()
    store = tensorstore.KvStore.open({"driver": "ocdbt", "base": f"file://{path.parent}/"}).result()
    for key in sorted(store.list().result()):
        value = store.read(key).result().value
        parts.spend(len(value))
        parts.add(key.decode("utf-8", "backslashreplace"), "value", value)
    return "ocdbt"


def read_data(path: Path, parts: Parts) -> str:
    """Add nothing of a file to which the manifest of its database refers, if the manifest can be read."""
    _tensorstore()
    parts.add_plain("", f"a part of {_MANIFEST}")
    return "ocdbt-data"


def _tensorstore() -> Any:
    try:
        import tensorstore
    except ImportError:
        raise MissingTensorStore("tensorstore is not installed (pip install tensorstore)") from None
    return tensorstore
