"""Reads OCDBT with TensorStore: the databases in which Orbax keeps the arrays of a checkpoint.

The bytes of a database differ from run to run, because its files refer to each other by random names:
https://google.github.io/tensorstore/kvstore/ocdbt/index.html
"""

from __future__ import annotations

from pathlib import Path

from samebits.store.content import Parts

_MANIFEST = "manifest.ocdbt"


def owns(path: Path) -> bool:
    """Return whether a file is the manifest of a database, or a part of one whose manifest is in the folder above."""
    return path.name == _MANIFEST or (path.parent.name == "d" and (path.parent.parent / _MANIFEST).is_file())


def read(path: Path, parts: Parts) -> str | None:
    """Add each value of a database by its key. A value is a chunk of an array, or describes an array.

    If the database can be opened, the files to which the manifest refers add no parts.
    """
    import tensorstore

    folder = path.parent if path.name == _MANIFEST else path.parent.parent
    store = tensorstore.KvStore.open({"driver": "ocdbt", "base": f"file://{folder}/"}).result()
    keys = sorted(store.list().result())
    if path.name != _MANIFEST:
        parts.add_plain("", f"a part of {_MANIFEST}")
        return "piece"
    for key in keys:
        parts.add(key.decode("utf-8", "backslashreplace"), "value", store.read(key).result().value)
    return None
