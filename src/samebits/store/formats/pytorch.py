"""Reads files of `torch.save` without unpickling, in the zip form (PyTorch 1.6 and later) and in the older form.

A tensor is compared by dtype, shape and bytes in logical order. The archive's name, alignment and devices do not
matter. Everything else in the file (numbers, names of classes, code of scripted modules) is compared too.
"""

from __future__ import annotations

import io
import mmap
import re
import zipfile
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from samebits.store.content import Parts
from samebits.store.formats.pickled_values import PickleWalk
from samebits.store.formats.torch_storages import MAGIC, after_magic
from samebits.store.formats.unpickler import read as unpickled
from samebits.store.formats.zip_ import names_in
from samebits.store.text_files import sorted_lines

# constants of a scripted module, which torch takes from a set:
# https://github.com/pytorch/pytorch/blob/main/torch/jit/_recursive.py
_CONSTANTS = re.compile(rb"(?:^ +\w+ : Final\[.*\n)+", re.MULTILINE)
_IGNORED = ("version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id")


def owns(path: Path) -> bool:
    """Return whether a file is one of PyTorch. Every zip archive has the same first bytes."""
    names = names_in(path)
    return names is None or {"data.pkl", "version"} <= {name.partition("/")[2] for name in names}


def read(path: Path, parts: Parts) -> None:
    """Add the parts of a .pt or .pth file."""
    if zipfile.is_zipfile(path):
        _read_zip(path, parts)
        return
    with path.open("rb") as file:
        first = unpickled(file)
        if first != MAGIC:  # a plain pickle
            PickleWalk(parts).add("", first)
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            content, storages = after_magic(file, data)
            PickleWalk(parts, lambda key, size: storages[key]).add("", content)


def _read_zip(path: Path, parts: Parts) -> None:
    with zipfile.ZipFile(path) as archive:
        names = {name.partition("/")[2]: name for name in archive.namelist()}

        def content(name: str) -> bytes:
            return archive.read(names[name])

        if "data.pkl" not in names:
            raise ValueError("the archive holds no data.pkl")
        pickles = {name for name in names if name.endswith(".pkl") and "/" not in name and not _is_ignored(name)}
        last = lru_cache(maxsize=1)(content)  # many tensors may share a storage
        for name in sorted(names):
            if name in pickles:
                walk = PickleWalk(parts, partial(_stored, last, name.removesuffix(".pkl")))
                walk.add("" if name == "data.pkl" else name, unpickled(io.BytesIO(content(name))))
            # storages are read with their tensors
            elif f"{name.partition('/')[0]}.pkl" not in pickles and not _is_ignored(name):
                data = content(name)
                parts.add(name, "bytes", _CONSTANTS.sub(sorted_lines, data) if name.startswith("code/") else data)


def _stored(content: Callable[[str], bytes], folder: str, key: str, size: int) -> bytes:
    """Return a storage: the file with this key in the folder that belongs to a pickle."""
    return content(f"{folder}/{key}")


def _is_ignored(name: str) -> bool:
    """Return whether a file of the archive is left out: it holds paths, or only describes the archive.

    `traced_inputs` holds the shapes of the inputs with which a module was traced, and none of their values.
    """
    return not name or name in _IGNORED or name.endswith(".debug_pkl") or name.startswith("traced_inputs")
