"""The formats of files whose content samebits reads: each is one line in this table, and one file beside it.

The name or the first bytes of a file show its format. The module of a format is imported when the first file of the
format is read. Whatever depends on the kind of a file is asked here. CONTRIBUTING says how to add a format.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from samebits.store.content import Parts

__all__ = [
    "MODEL",
    "PIECES",
    "TABLE",
    "TENSORS",
    "TENSOR_FORMATS",
    "VALUES",
    "FileFormat",
    "MissingLibrary",
    "by_name",
    "format_of",
    "held_by",
    "is_result",
]

# what a file holds. TENSORS: everything except plain values belongs to a model. MODEL: its bytes are a model
TENSORS, MODEL, VALUES = "tensors", "model", "values"
ZIP, _START = b"PK\x03\x04", 32


class MissingLibrary(ValueError):
    """The error if the library that reads a format is not installed."""


class FileFormat(NamedTuple):
    """A format of files.

    `name`: its name in records. `module`: the file beside this one that reads it; "" if none does. `holds`: TENSORS,
    MODEL or VALUES. `endings`: of the names of its files, in lower case. `beginnings`: the first bytes of its files.
    `pattern`: matches the whole name of a file, if no ending is enough. `library`: the package that reads it, if that
    is not always installed. `is_asked`: a beginning or the pattern is not enough, so the module's `owns(path)` decides.
    """

    name: str
    module: str
    holds: str = VALUES
    endings: tuple[str, ...] = ()
    beginnings: tuple[bytes, ...] = ()
    pattern: str = ""
    library: str = ""
    is_asked: bool = False

    def read(self, path: Path, parts: Parts) -> str:
        """Add the parts of a file, and return the name of its format.

        Raises MissingLibrary. For a damaged file, it raises many kinds of errors.
        """
        self.prepare()
        name: str = self.loaded().read(path, parts) or self.name
        return name

    def prepare(self) -> None:
        """Import what reads the format. Raises MissingLibrary."""
        try:
            importlib.import_module(self.library or __name__)
        except ImportError:
            raise MissingLibrary(f"{self.library} is not installed (pip install {self.library})") from None
        self.loaded()

    def loaded(self) -> Any:
        """Return the module that reads the format."""
        return importlib.import_module(f"{__name__}.{self.module}")

    def is_named(self, name: str) -> bool:
        """Return whether files of the format have such a name."""
        return name.lower().endswith(self.endings) or bool(self.pattern and re.fullmatch(self.pattern, name))

    def owns(self, path: Path) -> bool:
        """Return whether a file with such a beginning, or with a name that matches the pattern, has the format."""
        return not self.is_asked or self.loaded().owns(path)


_TORCH_BEFORE_1_6 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_PICKLES = (".pkl", ".pickle", ".joblib", ".p", ".dill", ".sav", ".cloudpickle")
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
_CHECKPOINT = r".+\.(index|data-\d{5}-of-\d{5})"
_UNREAD = (
    ".bin", ".ckpt", ".model", ".ubj", ".weights", ".params", ".pt2", ".tflite", ".mlmodel", ".gguf", ".pdparams",
    ".caffemodel",
)  # fmt: skip
# the order decides if more than one line fits
TABLE = (
    FileFormat("torch", "pytorch", TENSORS, (".pt", ".pth"), (_TORCH_BEFORE_1_6, ZIP), is_asked=True),
    FileFormat("npy", "npy", TENSORS, (".npy",), (b"\x93NUMPY",)),
    FileFormat("npz", "npz", TENSORS, (".npz",), (ZIP,), is_asked=True),
    FileFormat("safetensors", "safetensors", TENSORS, (".safetensors",)),
    FileFormat("hdf5", "hdf5", TENSORS, (".h5", ".hdf5"), (b"\x89HDF\r\n\x1a\n",), library="h5py"),
    FileFormat("keras", "keras", TENSORS, (".keras",), (ZIP,), is_asked=True),
    FileFormat("tensorflow", "tensorflow_", TENSORS, pattern=_CHECKPOINT, library="tensorflow", is_asked=True),
    FileFormat("ocdbt", "ocdbt", TENSORS, pattern=r"manifest\.ocdbt|\w{32}", library="tensorstore", is_asked=True),
    FileFormat("msgpack", "msgpack_", TENSORS, (".msgpack",), library="msgpack"),
    FileFormat("onnx", "onnx_", MODEL, (".onnx",), library="onnx"),
    FileFormat("pickle", "pickles", MODEL, _PICKLES, (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")),
    FileFormat("catboost", "catboost", MODEL, (".cbm",), (b"CBM1",)),
    FileFormat("booster-text", "booster_text", MODEL, beginnings=(b"tree\nversion=", b"booster[0]:")),
    FileFormat("model", "", MODEL, _UNREAD),
    FileFormat("json", "json_", endings=(".json",), beginnings=(b"{",), is_asked=True),
    FileFormat("jsonl", "json_lines", endings=(".jsonl", ".ndjson")),
    FileFormat("notebook", "notebook", endings=(".ipynb",)),
    FileFormat("model-card", "model_card", pattern=r"README\.md", is_asked=True),
    FileFormat("csv", "csv_", endings=(".csv", ".tsv")),
    FileFormat("arrow", "arrow", VALUES, (".parquet", ".feather", ".arrow"), (b"PAR1", b"ARROW1"), library="pyarrow"),
    FileFormat("sqlite", "sqlite", beginnings=(b"SQLite format 3\0",)),
    FileFormat("events", "events", pattern=r".*\.tfevents.*"),
    FileFormat("svg", "svg", endings=(".svg",)),
    FileFormat("pdf", "pdf", beginnings=(b"%PDF-",)),
    FileFormat("tar", "tar", endings=(".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")),
    FileFormat("zip", "zip_", beginnings=(ZIP,)),
    FileFormat("compressed", "compression", beginnings=_PACKED),
)
# in records, also in those of earlier versions
TENSOR_FORMATS = frozenset(kind.name for kind in TABLE if kind.holds == TENSORS) | {"torch-legacy", "ubjson"}
PIECES = frozenset(("piece", "ocdbt-data", "sqlite-log"))  # files whose content is read with a different file


def by_name(name: str) -> FileFormat | None:
    """Return the format of the files with such a name or path; None if the name does not show it."""
    own = PurePath(name).name
    return next((kind for kind in TABLE if kind.is_named(own)), None)


def is_result(name: str) -> bool:
    """Return whether the ending of a name or of a path shows that a file holds a model."""
    kind = by_name(name)
    return kind is not None and kind.holds != VALUES and not kind.pattern


def format_of(path: Path) -> FileFormat | None:
    """Return the format of a file; None if it is not in the table. Raises OSError if the file cannot be read.

    The ending decides, except for files that hold tensors: trainers give their checkpoints any ending
    (`torch.save(states, "random_states_0.pkl")`).
    """
    named = by_name(path.name)
    if named is not None and named.pattern and not named.owns(path):
        named = None
    if named is not None and named.holds == TENSORS:
        return named  # also if it is damaged
    begun = by_beginning(path)
    is_better = named is None or not named.module or (begun is not None and begun.holds == TENSORS)
    return begun if is_better else named


def by_beginning(path: Path) -> FileFormat | None:
    """Return the format that the first bytes of a file show; None if they show none. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(_START)
    return next((kind for kind in TABLE if start.startswith(kind.beginnings) and kind.owns(path)), None)


def held_by(path: Path) -> str:
    """Return what a file holds, by its name and its first bytes: TENSORS, MODEL, or VALUES for anything else.

    TENSORS stands only for a file whose name says so, too. Tensors in a file with an unknown ending are a MODEL.
    """
    try:
        kind = format_of(path)
    except OSError:
        kind = None
    if kind is not None and kind.holds == TENSORS and by_name(path.name) is not None:
        return TENSORS
    return MODEL if is_result(path.name) or (kind is not None and kind.holds != VALUES) else VALUES
