"""Walks through the values that a pickle describes: plain values, arrays of NumPy, tensors of PyTorch.

Each becomes a part, named by the keys that lead to it. Addresses and the order of keys do not matter. An estimator of
a known library is a model, with everything that it holds.
"""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

from samebits.store.content import Parts, is_plain, joined, shape_text
from samebits.store.formats import catboost
from samebits.store.formats.members import add_member
from samebits.store.formats.pickled_arrays import array_of, objects_of
from samebits.store.formats.torch_storages import SIZE_OF, elements, packed_storage, storage_of
from samebits.store.formats.unpickler import Global, Made, Persistent, bytes_of, nested, text_of

Storages = Callable[[str, int], Any]  # (key, size in bytes) -> buffer
# the range of numbers that id() returns under Linux; figures of Matplotlib and PyTorch before 1.5 use such keys
_ADDRESSES = ((0x550000000000, 0x570000000000), (0x7E0000000000, 0x800000000000))
# objects can share one another: after so many values, a value that was added before is not added again
_MOST_REPEATED = 20_000
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
_SETS = ("builtins.set", "builtins.frozenset", "__builtin__.set")


def no_storage(key: str, size: int) -> Any:
    """Take the place of the storages of a pickle that has none. Raises ValueError."""
    raise ValueError("the file has a tensor and no storages")


class PickleWalk:
    """Walks through the values that the pickles of a file describe."""

    def __init__(self, parts: Parts, storages: Storages = no_storage) -> None:
        self._parts, self._storages = parts, storages
        self._inside: set[int] = set()
        # with the objects themselves, because the number of an object that is gone can become that of a different one
        self._known: dict[int, tuple[int, Any]] = {}
        self._addresses: dict[int, int] = {}
        self._visited = 0

    def add(self, path: str, value: Any) -> None:
        """Add a value under a path. "(itself)" stands for a value inside itself."""
        self._visited += 1
        value = nested(value)
        if isinstance(value, bytes) and value.startswith(catboost.BEGINNING):
            self._parts.add_plain(path, catboost.without_training(value))
        elif is_plain(value):
            self._parts.add_plain(path, self._members(value) if path.endswith("params") else value)
        elif id(value) in self._inside:
            self._parts.add_plain(path, "(itself)")
        elif id(value) in self._known and self._visited > _MOST_REPEATED:
            self._parts.add_plain(path, ("as before", self._known[id(value)][0]))
        else:
            self._known.setdefault(id(value), (self._visited, value))
            self._inside.add(id(value))
            self._add_nested(path, value)
            self._inside.discard(id(value))

    def _members(self, params: Any) -> Any:
        """Return the parameters of a group of an optimizer. PyTorch before 1.5 names them by their addresses."""
        return [self._without_address(item) for item in params] if isinstance(params, list) else params

    def _without_address(self, key: Any) -> Any:
        """Return a number for an address in the file; any other key unchanged."""
        if type(key) is not int or not any(begin <= key < end for begin, end in _ADDRESSES):
            return key
        return f"address {self._addresses.setdefault(key, len(self._addresses) + 1)}"

    def _add_nested(self, path: str, value: Any) -> None:
        if isinstance(value, (list, tuple)):
            self._add_items(path, value)
        elif isinstance(value, dict):
            for key, item in value.items():
                self.add(joined(path, self._key_name(key)), item)
            if not value:
                self._parts.add_plain(path, "(empty)")
        elif isinstance(value, Made):
            self._add_made(path, value)
        elif isinstance(value, Persistent):
            self._add_persistent(path, value)
        else:
            self._parts.add_plain(path, value.name if isinstance(value, Global) else value)

    def _key_name(self, key: Any) -> str:
        """Return a key of a dict as part of a name."""
        key = self._without_address(key)
        return str(key) if is_plain(key) else text_of(key)

    def _add_items(self, path: str, items: Any) -> None:
        self._parts.add_plain(joined(path, "length"), len(items))
        for index, item in enumerate(items):
            self.add(joined(path, index), item)

    def _add_made(self, path: str, made: Made) -> None:
        """Add the object that a call made; for an unknown object, its class, its arguments and its content."""
        array, objects = array_of(made), objects_of(made)
        if made.name == "uuid.UUID" and isinstance(made.state, dict) and isinstance(made.state.get("int"), int):
            self._parts.add_plain(path, str(uuid.UUID(int=made.state["int"])))
        elif array is not None and array.shape == () and array.dtype.kind in "fiub":
            self._parts.add_plain(path, array.item())
        elif array is not None:
            self._parts.add_array(path, array)
        elif objects is not None:
            self._parts.add_plain(joined(path, "(shape)"), list(objects[0]))
            for index, item in enumerate(objects[1]):
                self.add(joined(path, index), item)
        elif not self._add_of_torch(path, made) and not self._add_archive(path, made):
            self._note_model(path, made)
            self._add_object(path, made)

    def _add_of_torch(self, path: str, made: Made) -> bool:
        """Add a tensor, a parameter or a storage of PyTorch. Return whether the call made one."""
        arguments = made.arguments if isinstance(made.arguments, tuple) else ()
        packed = packed_storage(made)
        if packed is not None:
            self._parts.add(path, f"storage {packed[0]}", packed[1])
            return True
        if not arguments or not made.name.startswith("torch._utils._rebuild"):
            return False
        if made.name.startswith("torch._utils._rebuild_parameter"):
            self.add(path, arguments[0])
            return True
        storage = self._storage(arguments[0])
        if storage is not None and made.name.startswith("torch._utils._rebuild_tensor"):
            self._add_tensor(path, *storage, arguments)
            return True
        self._parts.models.append(path)  # a quantised or sparse tensor, or the like
        return False

    def _add_archive(self, path: str, made: Made) -> bool:
        """Add the content of a buffer in memory, if it is an archive. A pickled model of Keras has such a buffer.

        https://github.com/keras-team/keras/blob/master/keras/src/saving/keras_saveable.py
        """
        state = made.state if made.name == "_io.BytesIO" else None
        data = bytes_of(state[0]) if isinstance(state, tuple) and state else None
        if data is None or not zipfile.is_zipfile(io.BytesIO(data)):
            return False
        add_member(self._parts, path, io.BytesIO(data))
        return True

    def _note_model(self, path: str, made: Made) -> None:
        """Note that everything below a path belongs to a model, if the class of the object is a model."""
        if made.name.startswith(_MODEL_CLASSES) and not made.name.startswith(_NO_MODELS):
            self._parts.models.append(path)

    def _add_object(self, path: str, made: Made) -> None:
        self._parts.add_plain(joined(path, "(class)"), made.name or text_of(made.function))
        if made.name in _SETS:
            self._add_set(path, made)
            return
        if made.arguments:
            self.add(joined(path, "(arguments)"), made.arguments)
        if made.items:
            self._add_items(path, made.items)
        for key, value in made.pairs:
            self.add(joined(path, self._key_name(key)), value)
        if made.state is not None:
            self.add(path, made.state)

    def _add_set(self, path: str, made: Made) -> None:
        """Add the items of a set, which protocols before 4 give as an argument, in the order of their texts."""
        arguments = made.arguments if isinstance(made.arguments, tuple) else ()
        items = [*made.items, *(item for items in arguments if isinstance(items, list) for item in items)]
        self.add(path, sorted(items, key=repr))

    def _add_persistent(self, path: str, value: Persistent) -> None:
        storage = self._storage(value)
        if storage is not None:
            self._parts.add(path, f"storage {storage[0]}", storage[1])
        elif isinstance(value.key, tuple) and value.key[:1] == ("module",):
            self.add(path, (value.key[1], *value.key[3:]))  # the class and its source, without the source's path
        else:
            self.add(path, value.key)

    def _storage(self, value: Any) -> tuple[str, Any] | None:
        """Return (type, content) of a storage; None for anything else."""
        storage = storage_of(value.key) if isinstance(value, Persistent) else None
        if storage is None:
            return packed_storage(value)
        kind, key, count = storage
        return kind, self._storages(key, count * SIZE_OF.get(kind, 1))

    def _add_tensor(self, path: str, kind: str, data: Any, arguments: tuple[Any, ...]) -> None:
        """Add a tensor over a storage: its dtype, its shape, and its elements in logical order."""
        if kind == "Untyped" and len(arguments) > 6 and isinstance(arguments[6], Global):
            kind = arguments[6].name.rpartition(".")[2]
        size, shape = SIZE_OF.get(kind, 1), tuple(arguments[2])
        self._parts.add(path, shape_text(kind, shape), elements(data, size, arguments[1:4]))
