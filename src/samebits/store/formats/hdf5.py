"""Reads the datasets and attributes of an HDF5 file by their paths.

Links are not followed, because they may lead to any file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from samebits.store.content import Parts, add_json, canonical, joined, shape_text, text_or_bytes
from samebits.store.formats.keras import without_identities


def read(path: Path, parts: Parts) -> None:
    """Add everything in the file."""
    import h5py

    with h5py.File(path, "r") as file:
        _add_attributes(parts, "", file)
        file.visititems(lambda name, item: _add_item(parts, name, item))
        file.visititems_links(lambda name, link: _add_link(parts, name, link))


def _add_item(parts: Parts, name: str, item: Any) -> None:
    _add_attributes(parts, name, item)
    if not hasattr(item, "shape"):  # a group
        if not len(item):
            parts.add_plain(name, "(empty group)")
        return
    if item.is_virtual or item.external:  # its values are in different files, which are not opened
        sources = [tuple(source)[1:3] for source in item.virtual_sources()] if item.is_virtual else item.external
        parts.add(f"{name} (values in different files)", shape_text(item.dtype.str, item.shape), canonical(sources))
        return
    _add_value(parts, name, item[()], item.file)


def _add_link(parts: Parts, name: str, link: Any) -> None:
    """Add the target of a link to a name. An item of the file itself is not such a link."""
    if hasattr(link, "path"):
        parts.add_plain(f"{name} (link)", (getattr(link, "filename", ""), link.path))


def _add_attributes(parts: Parts, name: str, item: Any) -> None:
    for key in sorted(item.attrs):
        attribute = joined(name, f"@{key}")
        value = item.attrs[key]
        is_number = isinstance(value, np.generic) and value.dtype.kind in "fiub"
        _add_value(parts, attribute, value.item() if is_number else value, item.file, is_value=True)


def _add_value(parts: Parts, name: str, value: Any, file: Any, *, is_value: bool = False) -> None:
    """Add an array, a number or text. JSON text (a configuration of Keras) is added by its keys."""
    value = text_or_bytes(value)
    document = _document(value) if isinstance(value, str) else None
    if document is not None:
        add_json(parts, name, document)
    elif isinstance(value, (str, bytes)) or type(value) in (bool, int, float):  # NumPy's float64 is also a float
        parts.add_plain(name, value)
    elif np.asarray(value).dtype.hasobject:
        array = np.asarray(value)
        parts.add_plain(joined(name, "(shape)"), list(array.shape))
        parts.add_plain(name, [_plain(item, file) for item in array.flat])
    else:
        parts.add_array(name, np.asarray(value), is_value=is_value)


def _plain(item: Any, file: Any) -> Any:
    """Return an item as text or bytes: a reference as the name of what it refers to, a row of numbers as its bytes."""
    if isinstance(item, np.ndarray):
        return item.dtype.str.encode() + item.tobytes()
    is_reference = type(item).__name__ in ("Reference", "RegionReference")
    return text_or_bytes((file[item].name if item else "(no item)") if is_reference else item)


def _document(text: str) -> Any:
    """Return the JSON object that a text holds, or None."""
    try:
        return without_identities(json.loads(text)) if text.startswith("{") else None
    except ValueError:
        return None
