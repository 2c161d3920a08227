"""HDF5 files, and the .keras archives that hold one. h5py is imported here only."""

from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from samebits.store.content import LimitedStream, Parts, add_json, canonical, joined, parse_json, shape_text, without

_TIMES = ("date_saved",)
_IDENTITIES = ("shared_object_id",)  # addresses of the objects that were saved


class MissingH5py(ValueError):
    """h5py is not installed."""


def read_hdf5(path: Path, parts: Parts) -> str:
    """Datasets and attributes of an HDF5 file, by their paths."""
    _add_file(parts, "", path)
    return "hdf5"


def read_keras(path: Path, parts: Parts) -> str:
    """A .keras archive: configuration, metadata without the time, weights."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            with archive.open(name) as stream:
                data = LimitedStream(stream, parts).read()
            if name.endswith(".json"):
                add_json(parts, name.removesuffix(".json"), without(parse_json(data), (*_TIMES, *_IDENTITIES)))
            elif name.endswith(".h5"):
                _add_file(parts, name.removesuffix(".weights.h5").removesuffix(".h5"), io.BytesIO(data))
            elif not name.endswith("/"):
                parts.add(name, "bytes", data)
    return "keras"


def _add_file(parts: Parts, prefix: str, source: Any) -> None:
    try:
        import h5py
    except ImportError:
        raise MissingH5py("h5py is not installed (pip install 'samebits[hdf5]')") from None
    with h5py.File(source, "r") as file:
        _add_attributes(parts, prefix, file)
        file.visititems(lambda name, item: _add_item(parts, joined_path(prefix, name), item, h5py))
        if hasattr(file, "visititems_links"):  # h5py 3.9 and later
            file.visititems_links(lambda name, link: _add_link(parts, joined_path(prefix, name), link, h5py))


def joined_path(prefix: str, name: str) -> str:
    """The name of something in the file, below the file's own."""
    return f"{prefix}/{name}" if prefix else name


def _add_item(parts: Parts, name: str, item: Any, h5py: Any) -> None:
    _add_attributes(parts, name, item)
    if not isinstance(item, h5py.Dataset):
        return
    if item.is_virtual or item.external:  # its values lie in different files, which are not opened
        sources = [tuple(source)[1:3] for source in item.virtual_sources()] if item.is_virtual else item.external
        parts.add(f"{name} (values in different files)", shape_text(item.dtype.str, item.shape), canonical(sources))
        return
    parts.spend(math.prod(item.shape or ()) * item.dtype.itemsize)
    _add_value(parts, name, item[()])


def _add_link(parts: Parts, name: str, link: Any, h5py: Any) -> None:
    """A link by what it names: it is not followed, since it may lead to any file."""
    if isinstance(link, h5py.ExternalLink):
        parts.add_plain(f"{name} (link)", (link.filename, link.path))
    elif isinstance(link, h5py.SoftLink):
        parts.add_plain(f"{name} (link)", link.path)


def _stored(attribute: Any) -> int:
    """The bytes of an attribute. HDF5 gives 0 for an empty one, which h5py takes for an error."""
    try:
        return int(attribute.get_storage_size())
    except RuntimeError:
        return 0


def _add_attributes(parts: Parts, name: str, item: Any) -> None:
    for key in sorted(item.attrs):
        attribute = joined(name, f"@{key}")
        parts.spend(_stored(item.attrs.get_id(key)))
        _add_value(parts, attribute, item.attrs[key])
        parts.values.add(attribute)


def _add_value(parts: Parts, name: str, value: Any) -> None:
    """An array, a number, or text; JSON text (Keras' configurations) without identities."""
    text = _json_text(value)
    if text is not None:
        add_json(parts, name, without(text, (*_TIMES, *_IDENTITIES)))
        return
    array = np.asarray(value)
    if array.dtype.hasobject:
        parts.add(name, shape_text("object", array.shape), canonical(array.tolist()))
        if all(isinstance(item, (str, bytes)) for item in array.flat):
            parts.values.add(name)
    else:
        parts.add_array(name, array)


def _json_text(value: Any) -> Any:
    """What a text holds as JSON, where it is a JSON object; else None."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str) or not value.startswith("{"):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None
