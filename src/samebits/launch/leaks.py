"""Files that one trial reads and an earlier one had written: then the later one did not start from the same place.

What a trial wrote is known from its folders before and after, and from the probe. What it reads of that is known from
the kernel (`inotify`), in the order in which it happened, whatever the language; where that is not to be had, from
the probe. A file that a trial first writes and then reads is its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import xxhash

from samebits.launch import folders
from samebits.launch.inotify import Reads
from samebits.model import Leak

MOST_BYTES = 1 << 30  # a larger file is known by its size and time: another state counts as another content
MOST_WATCHED = 10_000

# What never counts, wherever it is: bytecode, and caches of data sets and models that are filled once.
_ENDINGS = (".pyc", ".pyo", ".lock")
_CACHES = (
    "~/.cache", "~/.keras", "~/.torch", "~/.matplotlib", "~/.config", "~/.local", "~/.triton", "~/.nv", "~/nltk_data",
    "~/tensorflow_datasets", "~/scikit_learn_data",
)  # fmt: skip
_CACHE_VARIABLES = (
    "XDG_CACHE_HOME", "TORCH_HOME", "KERAS_HOME", "HF_HOME", "HF_DATASETS_CACHE", "HF_HUB_CACHE", "TRANSFORMERS_CACHE",
    "TFDS_DATA_DIR", "TFHUB_CACHE_DIR", "SCIKIT_LEARN_DATA", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR",
    "TORCH_EXTENSIONS_DIR", "NUMBA_CACHE_DIR", "MPLCONFIGDIR", "CUDA_CACHE_PATH", "JAX_COMPILATION_CACHE_DIR",
    "SAMEBITS_HOME",
)  # fmt: skip
# Folders of data sets that are downloaded beside the program: torchvision's layout, and the usual names.
_DATA_FOLDERS = {"__pycache__", "MNIST", "FashionMNIST", "KMNIST", "EMNIST", "cifar-10-batches-py", "cifar-100-python"}


class Leaks:
    """What the trials of a check have written so far, and which later ones read it."""

    def __init__(self, directory: Path, record: Path) -> None:
        self._directory, self._record = directory, record
        self._excluded = [record, *_cache_folders()]
        self._written: dict[Path, int] = {}
        self._known: dict[Path, tuple[folders.State, str]] = {}

    def wrote(self, trial: int, paths: Iterable[Path]) -> None:
        """Trial `trial` has written these."""
        self._written.update(dict.fromkeys((path for path in paths if self.counts(path)), trial))

    def counts(self, path: Path) -> bool:
        """Whether a file could carry something from one trial to the next."""
        if path.name.endswith(_ENDINGS) or not _DATA_FOLDERS.isdisjoint(path.parts):
            return False
        return not any(path.is_relative_to(folder) for folder in self._excluded)

    def begin(self) -> Began:
        """A trial is about to start: note what earlier trials have left there, and watch who reads it."""
        left = [path for path in self._written if path.is_file()]
        return Began({path: (self._written[path], self._content(path)) for path in left})

    def _content(self, path: Path) -> str:
        """Fingerprint of a file's content, kept for as long as the file is not touched."""
        state = folders.state(path)
        if state is None:
            return ""
        if path not in self._known or self._known[path][0] != state:
            self._known[path] = (state, content_of(path, state))
        return self._known[path][1]


class Began:
    """One trial, from before its start until it is over. `left`: path -> (trial that wrote it, its content)."""

    def __init__(self, left: Mapping[Path, tuple[int, str]]) -> None:
        self._left = left
        watched = list(left)[:MOST_WATCHED]
        self._reads = Reads(watched)
        self._reads.unseen.update(list(left)[MOST_WATCHED:])

    def look(self) -> None:
        """Take what the kernel has noted."""
        self._reads.collect()

    def end(self, opened: Iterable[Path], wrote: Iterable[Path], directory: Path) -> list[Leak]:
        """The trial is over. `opened`, `wrote`: what the probe saw, for files that the kernel could not watch."""
        self._reads.close()
        unseen = self._reads.unseen & (set(opened) - set(wrote))
        return [
            Leak(path=shown(path, directory), written_by=self._left[path][0], content=self._left[path][1])
            for path in sorted(self._reads.read | unseen)
        ]


def shown(path: Path, directory: Path) -> str:
    """The path as users know it: relative to the working folder where it lies below it."""
    return str(path.relative_to(directory) if path.is_relative_to(directory) else path)


def content_of(path: Path, state: folders.State) -> str:
    """32 hex digits over a file's bytes; over its size and time where it is very large or cannot be read."""
    digest = xxhash.xxh3_128()
    try:
        if state.size > MOST_BYTES:
            raise OSError
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError:
        return xxhash.xxh3_128(f"{state.size} {state.modified}".encode()).hexdigest()
    return digest.hexdigest()


def _cache_folders() -> list[Path]:
    named = [os.environ[name] for name in _CACHE_VARIABLES if os.environ.get(name)]
    return [Path(folder).expanduser() for folder in (*_CACHES, *named)]
