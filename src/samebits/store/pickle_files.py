"""Reads pickles of any object, and joblib's files, by what they describe. It imports and runs nothing from them.

Arrays of NumPy are read as arrays. An estimator of a known library counts as a model, with everything that it holds.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from samebits.store.content import LimitedStream, Parts, joined
from samebits.store.pickles import Global, Made, bytes_of, read
from samebits.store.torch_files import Walk, no_storage

MOST_BYTES = 1 << 30  # of an uncompressed pickle
# how the names of classes begin whose objects are models
_MODEL_CLASSES = (
    "sklearn.", "xgboost.", "lightgbm.", "catboost.", "imblearn.", "statsmodels.", "implicit.", "gensim.", "surprise.",
    "hmmlearn.", "torch.nn.", "keras.", "tensorflow.", "flax.", "equinox.", "pygam.", "prophet.", "spacy.",
)  # fmt: skip
# classes of these libraries that only split, measure or hold settings
_NO_MODELS = (
    "sklearn.utils.",
    "sklearn.model_selection._split",
    "sklearn.metrics.",
    "tensorflow.python.framework.dtypes",
)
_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_OPENERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZ": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"]\x00\x00": lzma.open,
}


def read_pickle(path: Path, parts: Parts) -> str:
    """Add the parts of a pickle, or of a joblib file. Raises many kinds of errors if it is neither."""
    with path.open("rb") as file:
        _add_pickles(parts, "", _uncompressed(file, parts))
    return "pickle"


def _add_pickles(parts: Parts, name: str, stream: IO[bytes]) -> None:
    """Add what each pickle of a stream describes. If anything else follows, its bytes are a part."""
    walk = PickleWalk(parts, no_storage)
    walk.add(name, _next(stream))
    begin, number = stream.tell(), 2
    while _skip_zeros(stream):
        try:
            following = _next(stream)
        except ValueError:
            stream.seek(begin)
            parts.add(joined(name, "(what follows)"), "bytes", stream.read())
            return
        walk.add(joined(name, f"(pickle {number})"), following)
        begin, number = stream.tell(), number + 1


def _next(stream: IO[bytes]) -> Any:
    return read(stream, built=lambda made: _take_array(made, stream))


def _skip_zeros(stream: IO[bytes]) -> bool:
    """Skip zero bytes, with which `dbm.dumb` fills its blocks. Return whether anything is left."""
    byte = stream.read(1)
    while byte == b"\0":
        byte = stream.read(1)
    if byte:
        stream.seek(-1, 1)
    return bool(byte)


def add_pickle(parts: Parts, name: str, data: bytes) -> None:
    """Add what the pickles inside a different file describe. If there is none, raise ValueError and add nothing."""
    _add_pickles(parts, name, io.BytesIO(data))


def add_objects(parts: Parts, name: str, data: bytes) -> None:
    """Add each item of an array of objects by what it describes. `data`: the pickle in the .npy file."""
    walk, stream = PickleWalk(parts, no_storage), io.BytesIO(data)
    content = read(stream)
    if stream.read(1):
        raise ValueError("more than one array is in it")
    state = content.state if isinstance(content, Made) else None
    if isinstance(state, tuple) and len(state) == 5 and isinstance(state[4], list):
        parts.add_plain(joined(name, "(shape)"), list(state[1]))
        for index, item in enumerate(state[4]):
            walk.add(joined(name, index), item)
    else:
        walk.add(name, content)


def _uncompressed(file: IO[bytes], parts: Parts) -> IO[bytes]:
    start = file.read(6)
    file.seek(0)
    for beginning, opened in _OPENERS.items():
        if start.startswith(beginning):
            return io.BytesIO(LimitedStream(opened(file), parts).read())
    if start[:1] == b"\x78" and start[:2] != b"\x78\x80":
        unpacked = zlib.decompressobj().decompress(file.read(), parts.most)
        parts.spend(len(unpacked))
        return io.BytesIO(unpacked)
    return file


def _take_array(made: Made, stream: IO[bytes]) -> None:
    """Take an array's bytes from the stream. joblib writes them after the object that describes the array."""
    if not isinstance(made.function, Global) or made.function.name != _WRAPPER:
        return
    state = made.state
    dtype = dtype_of(state["dtype"])
    if dtype is None or dtype.hasobject:
        made.state = ("array of objects", read(stream, built=lambda inner: _take_array(inner, stream)))
        return
    if state.get("numpy_array_alignment_bytes") is not None:
        stream.read(stream.read(1)[0])
    shape = tuple(state["shape"])
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    data = stream.read(size) if 0 <= size <= MOST_BYTES else b""
    if len(data) != size:
        raise ValueError("the file ends before its arrays do")
    array = np.frombuffer(data, dtype)
    made.state = array.reshape(shape, order="F" if state.get("order") == "F" else "C")


def dtype_of(made: Any) -> np.dtype[Any] | None:
    """Return the type that a pickle of NumPy describes, with its fields; None if it does not describe one."""
    if not isinstance(made, Made) or not isinstance(made.function, Global) or made.function.name != "numpy.dtype":
        return None
    arguments, state = made.arguments, made.state
    if not isinstance(arguments, tuple) or not isinstance(arguments[0], str):
        return None
    if not isinstance(state, tuple) or len(state) < 6:
        return np.dtype(arguments[0])
    if isinstance(state[3], tuple) and isinstance(state[4], dict):
        return _with_fields(state[3], state[4], int(arguments[0][1:]))
    return np.dtype((state[1] if state[1] in ("<", ">") else "") + arguments[0] + _unit_of_time(state))


def _unit_of_time(state: tuple[Any, ...]) -> str:
    """Return the unit of a type of times: "[10us]" for (None, (b"us", 10, 1, 1)), and nothing for any other type."""
    about = state[8] if len(state) > 8 else None
    unit = about[1] if isinstance(about, tuple) and len(about) == 2 else None
    name = bytes_of(unit[0]) if isinstance(unit, tuple) and len(unit) == 4 else None
    return f"[{int(unit[1])}{name.decode()}]" if unit and name else ""


def _with_fields(names: tuple[Any, ...], fields: dict[Any, Any], size: int) -> np.dtype[Any] | None:
    kinds = [dtype_of(fields[name][0]) for name in names]
    if any(kind is None for kind in kinds):  # not `in`, because a dtype of NumPy can equal None
        return None
    offsets = [fields[name][1] for name in names]
    return np.dtype({"names": list(names), "formats": kinds, "offsets": offsets, "itemsize": size})


class PickleWalk(Walk):
    """Walks through what a pickle describes. Arrays of NumPy become separate parts."""

    def _add_made(self, path: str, made: Made) -> None:
        name = made.function.name if isinstance(made.function, Global) else ""
        arguments = made.arguments if isinstance(made.arguments, tuple) else (made.arguments,)
        array = _array(name, arguments, made.state)
        if array is not None:
            self._add_array(path, array)
            return
        if name == "_io.BytesIO" and self._add_archive(path, made.state):
            return
        kind = arguments[0].name if name in _MAKERS and arguments and isinstance(arguments[0], Global) else name
        if kind.startswith(_MODEL_CLASSES) and not kind.startswith(_NO_MODELS):
            self._parts.models.append(path)
        super()._add_made(path, made)

    def _add_archive(self, path: str, state: Any) -> bool:
        """Add what a buffer in memory holds, if that is an archive with times in it. A pickled model of Keras has one.

        https://github.com/keras-team/keras/blob/master/keras/src/saving/keras_saveable.py
        """
        from samebits.store.array_files import add_keras  # that module imports this one

        data = bytes_of(state[0]) if isinstance(state, tuple) and state else None
        if data is None or not zipfile.is_zipfile(io.BytesIO(data)):
            return False
        add_keras(self._parts, path, io.BytesIO(data))
        return True

    def _add_array(self, path: str, array: np.ndarray[Any, Any]) -> None:
        if array.shape == () and array.dtype.kind in "fiub":
            self._parts.add_plain(path, array.item())
        else:
            self._parts.add_array(path, array)


_MAKERS = ("copyreg._reconstructor", "copyreg.__newobj__", "copy_reg._reconstructor")


def _array(name: str, arguments: tuple[Any, ...], state: Any) -> np.ndarray[Any, Any] | None:
    """Return the array that a call in a pickle makes, or None."""
    if name == _WRAPPER:
        return state if isinstance(state, np.ndarray) else None
    last = name.rpartition(".")[2]
    if not name.startswith("numpy."):
        return None
    if last == "_reconstruct" and isinstance(state, tuple) and len(state) == 5:
        _, shape, kind, fortran, data = state
        return _from_bytes(data, dtype_of(kind), shape, "F" if fortran else "C")
    if last == "_frombuffer" and len(arguments) == 4:
        return _from_bytes(arguments[0], dtype_of(arguments[1]), arguments[2], arguments[3])
    if last == "scalar" and len(arguments) == 2:
        return _from_bytes(arguments[1], dtype_of(arguments[0]), (), "C")
    return None


def _from_bytes(data: Any, dtype: np.dtype[Any] | None, shape: Any, order: Any) -> np.ndarray[Any, Any] | None:
    content = bytes_of(data)
    if dtype is None or dtype.hasobject or content is None or not isinstance(shape, tuple):
        return None
    return np.frombuffer(content, dtype).reshape(shape, order="F" if order == "F" else "C")
