"""Makes the arrays of NumPy that a pickle describes."""

from __future__ import annotations

from typing import Any

import numpy as np

from samebits.store.formats.unpickler import Made, bytes_of

JOBLIB = "joblib.numpy_pickle.NumpyArrayWrapper"  # describes an array whose numbers follow in the file
Array = np.ndarray[Any, Any]


def dtype_of(made: Any) -> np.dtype[Any] | None:
    """Return the type that a pickle of NumPy describes, with its fields; None if it does not describe one."""
    if not isinstance(made, Made) or made.name != "numpy.dtype":
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


def array_of(made: Made) -> Array | None:
    """Return the array that a call in a pickle makes; None if it makes none, or one of objects."""
    arguments, state = made.arguments, made.state
    if made.name == JOBLIB:
        return state if isinstance(state, np.ndarray) else None
    if not made.name.startswith("numpy.") or not isinstance(arguments, tuple):
        return None
    last = made.name.rpartition(".")[2]
    if last == "_reconstruct" and isinstance(state, tuple) and len(state) == 5:
        return _from_bytes(state[4], dtype_of(state[2]), state[1], "F" if state[3] else "C")
    if last == "_frombuffer" and len(arguments) == 4:
        return _from_bytes(arguments[0], dtype_of(arguments[1]), arguments[2], arguments[3])
    if last == "scalar" and len(arguments) == 2:
        return _from_bytes(arguments[1], dtype_of(arguments[0]), (), "C")
    return None


def objects_of(made: Made) -> tuple[tuple[int, ...], list[Any]] | None:
    """Return the shape and the items of an array of objects; None if a call makes none."""
    if not made.name.startswith("numpy.") or not isinstance(made.state, tuple) or len(made.state) != 5:
        return None
    _, shape, _, _, items = made.state
    return (shape, items) if isinstance(items, list) and isinstance(shape, tuple) else None


def _from_bytes(data: Any, dtype: np.dtype[Any] | None, shape: Any, order: Any) -> Array | None:
    content = bytes_of(data)
    if dtype is None or dtype.hasobject or content is None or not isinstance(shape, tuple):
        return None
    return np.frombuffer(content, dtype).reshape(shape, order="F" if order == "F" else "C")
