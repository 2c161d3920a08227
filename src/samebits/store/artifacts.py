"""Reads saved files by content. Equal tensors have equal fingerprints, whatever the file's name, order or time."""

from __future__ import annotations

import os
import re
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from samebits.model import Part, SavedFile
from samebits.store import array_files, arrow_files, packed_values, protobuf_files
from samebits.store.array_files import read_hdf5, read_keras, read_mat, read_npy, read_npz, read_safetensors
from samebits.store.container_files import (
    SQLITE,
    is_sqlite_log,
    read_bzip2,
    read_events,
    read_gzip,
    read_sqlite,
    read_sqlite_log,
    read_tar,
    read_xz,
    read_zip,
)
from samebits.store.content import CATBOOST, Excessive, Parts, add_json, fingerprint, parse_json, text_or_bytes
from samebits.store.figure_files import read_pdf, read_png
from samebits.store.pickle_files import read_pickle
from samebits.store.protobuf_files import read_onnx
from samebits.store.reader_process import ReaderProcess, Unreadable
from samebits.store.record_files import digest_of
from samebits.store.text_files import NotText, read_json_lines, read_lines, read_notebook, read_table
from samebits.store.torch_files import read_torch
from samebits.words import one_line

COMPARED_FIRST = (".pkl", ".joblib", ".json", ".onnx", ".csv")  # like files of tensors, if there are too many files
ATTRIBUTE = "xattr@"  # begins the names of parts that are extended attributes of a file
Reader = Callable[[Path, Parts], str]  # adds the parts of a file, and returns the name of its format
_MOST_JSON = 64 << 20
MOST_PARTS = 20_000  # of one file; if there are more, those whose names begin alike are joined
_PROCESS = ReaderProcess()


def fingerprint_file(path: Path, named: bool, begin: int = 0) -> SavedFile:  # noqa: FBT001
    """Fingerprint a file by its content, or by its bytes if its format is unknown or if it is damaged.

    Nothing in the file raises an error: `error` says why its content could not be read. If the file cannot be read at
    all, or changes while it is read, it has no parts, and `changing` says why. Nothing in the file is run. A process
    with limits reads the content. `named`, `begin`: the fields of SavedFile.
    """
    try:
        before = path.stat()
        file = _read_apart(path, begin)
        after = path.stat()
    except FileNotFoundError:
        return _unread(path, "cannot be read (it no longer exists)", named=named)
    except OSError as error:
        return _unread(path, f"cannot be read ({error.strerror or error})", named=named)
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        return _unread(path, f"it {_how(before.st_size, after.st_size)} while it was read", named=named)
    own = {"named": named, "begin": begin, "mode": _mode(before.st_mode)}
    return _with_attributes(file, path).model_copy(update=own)


def _mode(mode: int) -> str | None:
    """Return the permissions of a file as octal digits: "" if a new file has them, None if the umask is not known.

    So records that were made with different umasks can be compared.
    """
    umask = _umask()
    return None if umask is None else "" if mode & 0o7777 == 0o666 & ~umask else f"{mode & 0o7777:o}"


@cache
def _umask() -> int | None:
    """Return the umask of this process, and so of its trials. `os.umask` would change it meanwhile."""
    with suppress(OSError):
        found = re.search(r"^Umask:\s*([0-7]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
        return int(found[1], 8) if found else None
    return None


def _with_attributes(file: SavedFile, path: Path) -> SavedFile:
    """Return the file with a part for each extended attribute that programs set for their own use (`user.digest`)."""
    parts = Parts()
    with suppress(OSError):  # the file system has none
        for name in sorted(os.listxattr(path)):
            if name.startswith("user."):
                parts.add_plain(f"{ATTRIBUTE}{name}", text_or_bytes(os.getxattr(path, name)))
    if not parts.tensors:
        return file
    found = _saved(path, file.format, parts)
    return file.model_copy(update={"parts": {**file.parts, **found.parts}})


def _how(before: int, after: int) -> str:
    return "grew" if after > before else "changed"


def _unread(path: Path, why: str, *, named: bool) -> SavedFile:
    return SavedFile(path=str(path), named=named, format="bytes", error=why, changing=why)


def _read_apart(path: Path, begin: int) -> SavedFile:
    try:
        return SavedFile.model_validate({**_PROCESS.read(path, begin), "path": str(path)})
    except Unreadable as error:
        return _by_bytes(path, error=str(error), begin=begin)


def contents(path: Path, begin: int = 0) -> SavedFile:
    """Read the content in this process, without limits on time and memory."""
    try:
        return _fingerprinted(path, begin)
    except OSError as error:
        return _unread(path, f"cannot be read ({error.strerror or error})", named=False)


def _fingerprinted(path: Path, begin: int) -> SavedFile:
    if begin:
        return _by_lines(path, begin)
    reader = READERS.get(format_of(path) or _suffix(path)) or _by_beginning(path)
    if reader is None:
        return _by_lines(path, begin)
    return _by_content(path, reader)


def link_to_folder(path: str, target: str) -> SavedFile:
    """Return a symbolic link to a folder as a file. Its content is the path to which the link leads."""
    parts = Parts()
    parts.add_plain("", target)
    return _saved(Path(path), "link", parts)


def _suffix(path: Path) -> str:
    if protobuf_files.is_data(path) or protobuf_files.is_index(path):
        return ".checkpoint-index" if path.suffix == ".index" else ".checkpoint-data"
    if array_files.is_ocdbt_data(path):
        return ".ocdbt-data"
    if is_sqlite_log(path):
        return ".sqlite-log"
    return ".events" if ".tfevents" in path.name else path.suffix.lower()


def _by_beginning(path: Path) -> Reader | None:
    found = _format_by_beginning(path)  # `torch.save(model, "best")`
    if found:
        return READERS[found]
    with path.open("rb") as file:
        start = file.read(16)
    return next((reader for beginning, reader in _BEGINNINGS.items() if start.startswith(beginning)), None)


def _by_lines(path: Path, begin: int) -> SavedFile:
    """Fingerprint a text by its lines, and any other file by its bytes."""
    parts = Parts(path.stat().st_size)
    try:
        lines = read_lines(path, parts, begin)
    except NotText:
        return _by_bytes(path, begin=begin)
    return _saved(path, "text", parts).model_copy(update={"lines": lines})


def _by_content(path: Path, reader: Reader) -> SavedFile:
    parts = Parts(path.stat().st_size)
    try:
        kind = reader(path, parts)
    except Exception as error:  # a damaged file fails differently in each reader; all errors are reported
        fault = "" if isinstance(error, Excessive) else type(error).__name__
        reason = ": ".join(filter(None, (fault, str(error).partition("\n")[0])))
        return _by_bytes(path, error=one_line(reason)[:200])
    file = _saved(path, kind, parts)
    if kind not in ("csv", "jsonl"):
        return file
    return file.model_copy(update={"lines": read_lines(path, Parts(path.stat().st_size))})


def _saved(path: Path, kind: str, parts: Parts) -> SavedFile:
    _join(parts)
    above = tuple(f"{name}." if name else "" for name in parts.models)
    return SavedFile(
        path=str(path),
        named=False,
        format=kind,
        parts={
            _printable(name): Part(
                digest=digest,
                kind="value" if name in parts.values else "array",
                shown=parts.shown.get(name, ""),
                model=bool(above) and f"{name}.".startswith(above),
            )
            for name, digest in parts.tensors.items()
        },
    )


def _join(parts: Parts) -> None:
    """Join parts whose names begin alike, until there are few enough for a record."""
    depth = 8
    while len(parts.tensors) > MOST_PARTS and depth >= 0:
        joined: dict[str, list[str]] = {}
        for name, digits in parts.tensors.items():
            joined.setdefault(".".join(name.split(".")[:depth]), []).append(f"{name}={digits}")
        are_tensors = {".".join(name.split(".")[:depth]) for name in set(parts.tensors) - parts.values}
        parts.tensors = {
            name: fingerprint("joined", *(one.encode("utf-8", "surrogatepass") for one in sorted(inner)))
            for name, inner in joined.items()
        }
        parts.values = set(parts.tensors) - are_tensors
        depth -= 1


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _by_bytes(path: Path, *, error: str | None = None, begin: int = 0) -> SavedFile:
    with path.open("rb") as file:
        file.seek(begin)
        digest = digest_of(file)
    return SavedFile(
        path=str(path), named=False, format="bytes", parts={"": Part(digest=digest, kind="array")}, error=error
    )


def _read_json(path: Path, parts: Parts) -> str:
    if path.stat().st_size > _MOST_JSON:
        raise ValueError(f"it has more than {_MOST_JSON:,} bytes")
    try:
        value = parse_json(path.read_bytes())
    except ValueError:  # Ray and pandas write a value in each line of such a file
        return read_json_lines(path, parts)
    if isinstance(value, dict) and not _MODEL_KEYS.isdisjoint(value):
        parts.models += packed_values.names_of_model(value)
        if isinstance(about := value.get("model_info"), dict):  # of a CatBoost model: see CATBOOST
            value["model_info"] = {name: about[name] for name in about if name not in _OF_ONE_TRAINING}
    add_json(parts, "", value)
    return "json"


def _read_catboost(path: Path, parts: Parts) -> str:
    parts.models.append("")
    parts.add_plain("", path.read_bytes())
    return "catboost"


_OF_ONE_TRAINING = ("model_guid", "train_finish_time")
# keys at the top of a model as JSON: of XGBoost, CatBoost, and what LightGBM's dump_model returns
_MODEL_KEYS = frozenset(("learner", "oblivious_trees", "tree_info"))
_BEGINNINGS: dict[bytes, Reader] = {
    SQLITE: read_sqlite,
    b"\x1f\x8b": read_gzip,
    b"BZh": read_bzip2,
    b"\xfd7zXZ\0": read_xz,
    CATBOOST: _read_catboost,
    b"PK\x03\x04": read_zip,
    b"\x89PNG\r\n\x1a\n": read_png,
    b"%PDF-": read_pdf,
    b"\x80\x02": read_pickle,
    b"\x80\x03": read_pickle,
    b"\x80\x04": read_pickle,
    b"\x80\x05": read_pickle,
}
_PICKLES = (".pkl", ".pickle", ".joblib", ".p", ".dill", ".sav", ".cloudpickle")
READERS: dict[str, Reader] = {
    ".pt": read_torch,
    ".pth": read_torch,
    ".npy": read_npy,
    ".npz": read_npz,
    ".safetensors": read_safetensors,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".keras": read_keras,
    ".json": _read_json,
    ".ipynb": read_notebook,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".csv": read_table,
    ".tsv": read_table,
    **dict.fromkeys(_PICKLES, read_pickle),
    ".events": read_events,
    ".checkpoint-data": protobuf_files.read_data,
    ".checkpoint-index": protobuf_files.read_index,
    ".tar": read_tar,
    ".onnx": read_onnx,
    **dict.fromkeys((".parquet", ".feather", ".arrow"), arrow_files.read_columns),
    ".mat": read_mat,
    ".msgpack": packed_values.read_msgpack,
    ".ubj": packed_values.read_ubjson,
    ".ocdbt": array_files.read_ocdbt,
    ".ocdbt-data": array_files.read_ocdbt_data,
    ".sqlite-log": read_sqlite_log,
}


# -- which files hold tensors: by their ending, or by their first bytes if the ending is used for many formats --------


# endings of models whose format samebits may not read: if their bytes differ, the model differs
MODEL_ENDINGS = frozenset(
    (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".h5", ".hdf5", ".keras", ".onnx", ".bin", ".ckpt", ".model", ".ubj",
     ".cbm", ".weights", ".params", ".npz", ".npy", ".safetensors", ".tflite", ".mlmodel", ".gguf", ".msgpack", ".sav",
     ".dill", ".pdparams", ".caffemodel")
)  # fmt: skip
TENSOR_FORMATS = frozenset(
    ("torch", "torch-legacy", "safetensors", "hdf5", "keras", "npz", "npy", "tensorflow", "ocdbt", "msgpack", "ubjson")
)
ENDINGS = (".pt", ".pth", ".npz", ".npy", ".safetensors", ".h5", ".hdf5", ".keras", ".ocdbt")
# Trainers give these endings to checkpoints of any format (`torch.save(states, "random_states_0.pkl")`). The content
# tells which it is.
_CHECKPOINTS = (".ckpt", ".bin", ".tar", ".model", ".weights", *_PICKLES)
_LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch.serialization's magic number, pickled
_FORMATS = {_LEGACY_TORCH: ".pt", b"\x93NUMPY": ".npy", b"\x89HDF\r\n\x1a\n": ".h5"}


def format_of(path: Path) -> str | None:
    """Return the ending (``.pt``) that names the format of a tensor file; None if a file is not known to hold tensors.

    Raises OSError if the file cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in ENDINGS:
        return suffix
    return _format_by_beginning(path) if suffix in _CHECKPOINTS else None


def holds_tensors(path: Path) -> bool:
    """Return whether a file is known to hold tensors. A file that cannot be read is not."""
    try:
        return format_of(path) is not None or protobuf_files.is_data(path) or protobuf_files.is_index(path)
    except OSError:
        return False


def _format_by_beginning(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(32)
    for beginning, ending in _FORMATS.items():
        if start.startswith(beginning):
            return ending
    return _in_zip(path) if start.startswith(b"PK\x03\x04") else None


def _in_zip(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, struct.error):  # it is damaged
        return None
    if any(name.endswith("data.pkl") for name in names):
        return ".pt"
    return ".npz" if names and all(name.endswith(".npy") for name in names) else None
