"""Reads the arrays in files of NumPy, safetensors and HDF5, in .keras archives (which hold an HDF5 file), and in OCDBT.

Nothing is unpickled. Only this module imports h5py and tensorstore.
"""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from samebits.store.content import (
    LimitedStream,
    Parts,
    add_json,
    canonical,
    joined,
    parse_json,
    shape_text,
    text_or_bytes,
    without,
)
from samebits.store.pickle_files import add_objects

_MOST_HEADER = 100 << 20  # the limit of the safetensors library itself


def read_npy(path: Path, parts: Parts) -> str:
    """Add the one array of a .npy file."""
    with path.open("rb") as file:
        add_array(parts, "", LimitedStream(file, parts))
    return "npy"


def read_npz(path: Path, parts: Parts) -> str:
    """Add the arrays of a .npz file by name. Times and compression do not matter."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            with archive.open(name) as inner:
                _add_member(parts, name, LimitedStream(inner, parts))
    return "npz"


def _add_member(parts: Parts, name: str, stream: LimitedStream) -> None:
    if name.endswith(".npy"):
        add_array(parts, name.removesuffix(".npy"), stream)
    else:
        parts.add(name, "bytes", stream.read())


def add_array(parts: Parts, name: str, stream: LimitedStream) -> None:
    """Add the array of a .npy file under a name."""
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(stream)
    if dtype.hasobject:
        add_objects(parts, name, stream.read())
        return
    data = stream.read()
    parts.spend(len(data) if fortran else 0)
    count = int(np.prod(shape, dtype=object))
    if len(data) != count * dtype.itemsize:
        raise ValueError(f"{len(data):,} bytes of data do not fit its shape, which needs {count * dtype.itemsize:,}")
    if dtype.names:
        parts.add_plain(joined(name, "(shape)"), list(shape))
        parts.add_array(name, np.frombuffer(data, dtype))
        return
    about = shape_text(np.lib.format.dtype_to_descr(dtype).__repr__(), shape)
    if data:
        parts.add_numbers(name, about, np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C"))
    else:
        parts.add(name, about)


def read_safetensors(path: Path, parts: Parts) -> str:
    """Add the tensors of a .safetensors file: eight bytes of length, a JSON header, then the data."""
    with path.open("rb") as file:
        size = path.stat().st_size
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(_MOST_HEADER, size - 8):
            raise ValueError("the header is longer than the file")
        header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("the header is not a JSON object")
        for name in sorted(header):
            if name == "__metadata__":
                add_json(parts, name, header[name])
            else:
                _add_safe(parts, name, header[name], (file, 8 + length, size))
    return "safetensors"


def _add_safe(parts: Parts, name: str, entry: Any, source: tuple[IO[bytes], int, int]) -> None:
    file, base, size = source
    begin, end = entry["data_offsets"]
    if not 0 <= begin <= end <= size - base:
        raise ValueError(f"the tensor {name[:80]} lies outside the file")
    parts.spend(end - begin)
    file.seek(base + begin)
    parts.add(name, shape_text(entry["dtype"], entry["shape"]), file.read(end - begin))


_HEAD_OF_MAT = 116  # bytes


def read_mat(path: Path, parts: Parts) -> str:
    """Add the content of a MATLAB file, and the text before it, which holds the time.

    https://docs.scipy.org/doc/scipy/reference/generated/scipy.io.savemat.html
    """
    with path.open("rb") as file:
        head, rest = file.read(_HEAD_OF_MAT), LimitedStream(file, parts).read()
    if not head.startswith(b"MATLAB 5.0 "):
        raise ValueError("it does not begin as a MATLAB file does")
    parts.add_plain("head", head.decode("latin1").rstrip())
    parts.add("content", "bytes", rest)
    parts.values.add("content")
    return "mat"


_TIMES = ("date_saved",)
_IDENTITIES = ("shared_object_id",)  # addresses of the objects that were saved


class MissingH5py(ValueError):
    """The error if h5py is not installed."""


def read_hdf5(path: Path, parts: Parts) -> str:
    """Add the datasets and attributes of an HDF5 file by their paths."""
    _add_file(parts, "", path)
    return "hdf5"


def read_keras(path: Path, parts: Parts) -> str:
    """Add a .keras archive: its configuration, its metadata without the time, and its weights."""
    add_keras(parts, "", path)
    return "keras"


def add_keras(parts: Parts, prefix: str, source: Path | IO[bytes]) -> None:
    """Add the members of a .keras archive under a name."""
    with zipfile.ZipFile(source) as archive:
        for member in sorted(archive.namelist()):
            with archive.open(member) as stream:
                data = LimitedStream(stream, parts).read()
            name = joined_path(prefix, member)
            if name.endswith(".json"):
                add_json(parts, name.removesuffix(".json"), without(parse_json(data), (*_TIMES, *_IDENTITIES)))
            elif name.endswith(".h5"):
                _add_file(parts, name.removesuffix(".weights.h5").removesuffix(".h5"), io.BytesIO(data))
            elif not name.endswith("/"):
                parts.add(name, "bytes", data)


def _add_file(parts: Parts, prefix: str, source: Any) -> None:
    try:
        import h5py
    except ImportError:
        raise MissingH5py("h5py is not installed (pip install h5py)") from None
    with h5py.File(source, "r") as file:
        _add_attributes(parts, prefix, file, h5py)
        file.visititems(lambda name, item: _add_item(parts, joined_path(prefix, name), item, h5py))
        if hasattr(file, "visititems_links"):  # h5py 3.9 and later
            file.visititems_links(lambda name, link: _add_link(parts, joined_path(prefix, name), link, h5py))


def joined_path(prefix: str, name: str) -> str:
    """Return the name of an item in a file, below the name of the file."""
    return f"{prefix}/{name}" if prefix else name


def _add_item(parts: Parts, name: str, item: Any, h5py: Any) -> None:
    _add_attributes(parts, name, item, h5py)
    if not isinstance(item, h5py.Dataset):
        if not len(item):
            parts.add_plain(name, "(empty group)")
        return
    if item.is_virtual or item.external:  # its values are in different files, which are not opened
        sources = [tuple(source)[1:3] for source in item.virtual_sources()] if item.is_virtual else item.external
        parts.add(f"{name} (values in different files)", shape_text(item.dtype.str, item.shape), canonical(sources))
        return
    parts.spend(math.prod(item.shape or ()) * item.dtype.itemsize)
    _add_value(parts, name, _with_names(item[()], item.file, h5py))


def _add_link(parts: Parts, name: str, link: Any, h5py: Any) -> None:
    """Add a link by its target. It is not followed, because it may lead to any file."""
    if isinstance(link, h5py.ExternalLink):
        parts.add_plain(f"{name} (link)", (link.filename, link.path))
    elif isinstance(link, h5py.SoftLink):
        parts.add_plain(f"{name} (link)", link.path)


def _stored(attribute: Any) -> int:
    """Return the size of an attribute in bytes. HDF5 gives 0 for an empty one, which h5py takes for an error."""
    try:
        return int(attribute.get_storage_size())
    except RuntimeError:
        return 0


def _with_names(value: Any, file: Any, h5py: Any) -> Any:
    """Return a value with the name of an item instead of each reference to it. All references look the same."""

    def name(one: Any) -> Any:
        is_reference = isinstance(one, (h5py.Reference, h5py.RegionReference))
        return one if not is_reference else str(file[one].name) if one else "(no item)"

    if isinstance(value, np.ndarray) and value.dtype.hasobject and value.dtype.names is None:
        named = np.empty(value.shape, object)
        for place in np.ndindex(value.shape):
            named[place] = name(value[place])
        return named
    return name(value)


def _add_attributes(parts: Parts, name: str, item: Any, h5py: Any) -> None:
    for key in sorted(item.attrs):
        attribute = joined(name, f"@{key}")
        parts.spend(_stored(item.attrs.get_id(key)))
        _add_value(parts, attribute, _with_names(_plain(item.attrs[key]), item.file, h5py))
        parts.values.add(attribute)


def _plain(value: Any) -> Any:
    """Return a number of NumPy as one of Python."""
    return value.item() if isinstance(value, np.generic) and value.dtype.kind in "fiub" else value


def _add_value(parts: Parts, name: str, value: Any) -> None:
    """Add an array, a number or text. JSON text (a configuration of Keras) loses its times and identities."""
    text = _json_text(value)
    if text is not None:
        add_json(parts, name, without(text, (*_TIMES, *_IDENTITIES)))
        return
    if isinstance(value, (str, bytes)) or type(value) in (bool, int, float):  # float64 of NumPy is a float, too
        parts.add_plain(name, text_or_bytes(value))
        return
    array = np.asarray(value)
    if array.dtype.hasobject and all(isinstance(item, (str, bytes)) for item in array.flat):
        parts.add_plain(joined(name, "(shape)"), list(array.shape))
        parts.add_plain(name, [text_or_bytes(item) for item in array.flat])
    elif array.dtype.hasobject:
        parts.add(name, shape_text("object", array.shape), *(_bytes_of(parts, one) for one in array.flat))
    else:
        parts.add_array(name, array)


def _bytes_of(parts: Parts, value: Any) -> bytes:
    """Return bytes that are equal only for equal items. The text of a long array does not hold most of its values."""
    if not isinstance(value, np.ndarray) or value.dtype.hasobject:
        return canonical(value)
    parts.spend(value.nbytes)
    return shape_text(value.dtype.str, value.shape).encode() + np.ascontiguousarray(value).tobytes()


def _json_text(value: Any) -> Any:
    """Return the JSON object that a text holds, or None."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str) or not value.startswith("{"):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


# -- OCDBT of TensorStore: the databases in which Orbax keeps the arrays of a checkpoint -------------------------------
# The bytes of a database differ from run to run, because its files have random names and refer to each other by these.
#
# https://google.github.io/tensorstore/kvstore/ocdbt/index.html

_MANIFEST = "manifest.ocdbt"


class MissingTensorStore(ValueError):
    """The error if tensorstore is not installed."""


def is_ocdbt_data(path: Path) -> bool:
    """Return whether a file holds a part of a database whose manifest is in the folder above."""
    return path.parent.name == "d" and len(path.name) == 32 and (path.parent.parent / _MANIFEST).is_file()


def read_ocdbt(path: Path, parts: Parts) -> str:
    """Add each value of a database by its key. A value is a chunk of an array, or describes an array."""
    tensorstore = _tensorstore()
    store = tensorstore.KvStore.open({"driver": "ocdbt", "base": f"file://{path.parent}/"}).result()
    for key in sorted(store.list().result()):
        value = store.read(key).result().value
        parts.spend(len(value))
        parts.add(key.decode("utf-8", "backslashreplace"), "value", value)
    return "ocdbt"


def read_ocdbt_data(path: Path, parts: Parts) -> str:
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
