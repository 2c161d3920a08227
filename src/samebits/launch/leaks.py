"""Files that one trial reads and an earlier one had written: then the later one did not start from the same place.

What a trial wrote is known from its folders before and after, and from the probe. What it reads of that is known from
the kernel (`inotify`), in the order in which it happened, whatever the language; where that is not to be had, from
the probe. A file that a trial first writes and then reads is its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

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
# Folders of bytecode, and of data sets that torchvision downloads beside the program. A folder named MNIST alone is
# none: programs keep their checkpoints in such.
_CACHE_FOLDERS = {"__pycache__", "cifar-10-batches-py", "cifar-100-python"}
_DATA_SETS, _DATA_PARTS = {"MNIST", "FashionMNIST", "KMNIST", "EMNIST"}, {"raw", "processed"}


def _in_cache_folder(parts: Sequence[str]) -> bool:
    """Whether a path leads through a folder that is filled once, whoever fills it."""
    above = parts[:-1]
    in_data_set = any(one in _DATA_SETS and part in _DATA_PARTS for one, part in pairwise(above))
    return in_data_set or not _CACHE_FOLDERS.isdisjoint(above)


class Leaks:
    """What the trials of a check have written so far, and which later ones read it."""

    def __init__(self, directory: Path, record: Path) -> None:
        self._directory, self._record = directory, record
        self._excluded = [record, *_cache_folders()]
        self._written: dict[Path, int] = {}
        self._running: set[int] = set()
        self._known: dict[Path, tuple[folders.State, str]] = {}

    def wrote(self, trial: int, paths: Iterable[Path]) -> None:
        """Trial `trial` has written these."""
        self._written.update(dict.fromkeys((path for path in paths if self.counts(path)), trial))

    def counts(self, path: Path) -> bool:
        """Whether a file could carry something from one trial to the next."""
        if path.name.endswith(_ENDINGS) or _in_cache_folder(path.parts):
            return False
        return not any(path.is_relative_to(folder) for folder in self._excluded)

    def begin(self, trial: int, *, alone: bool) -> Began:
        """A trial is about to start: note what earlier trials have left there, and watch who reads it.

        `alone`: no other trial runs meanwhile. The kernel does not say which process reads a file, so that of trials
        that run side by side only what the probe saw is known.
        """
        left = {path: Left(by, self._content(path)) for path, by in self._written.items() if path.is_file()}
        self._running.add(trial)
        return Began(trial, left, alone=alone)

    def end(self, began: Began, touched: Sequence[Touched], changed: Iterable[Path]) -> list[Leak]:
        """A trial is over. `touched`: what the probe saw of each of its processes. `changed`: files that are not what
        they were when it began, whoever wrote them."""
        self._running.discard(began.trial)
        return [
            Leak(path=shown(path, self._directory), written_by=found.by, content=found.content)
            for path, found in sorted({**began.end(touched), **self._from_beside(began, touched, set(changed))}.items())
        ]

    def _from_beside(self, began: Began, touched: Sequence[Touched], changed: set[Path]) -> dict[Path, Left]:
        """Files that a trial beside this one wrote while it ran. What they held when they were read, nobody knows."""
        if began.alone:
            return {}
        own = set().union(*(process.wrote for process in touched))
        by_others = {path: min(self._running, default=began.trial) for path in changed if path not in own}
        late = {path: by for path, by in self._written.items() if path in changed}
        return {
            path: Left({**by_others, **late}[path], None)
            for path in _read_first(touched)
            if self.counts(path) and path in by_others | late
        }

    def _content(self, path: Path) -> str:
        """Fingerprint of a file's content, kept for as long as the file is not touched."""
        state = folders.state(path)
        if state is None:
            return ""
        if path not in self._known or self._known[path][0] != state:
            self._known[path] = (state, content_of(path, state))
        return self._known[path][1]


class Left(NamedTuple):
    """A file that an earlier trial left: which one, and the fingerprint of its content (None: not known)."""

    by: int
    content: str | None


class Touched(NamedTuple):
    """What the probe of one process saw: files that it opened for reading and had not written, and files it wrote."""

    opened: frozenset[Path]
    wrote: frozenset[Path]


class Began:
    """One trial, from before its start until it is over."""

    def __init__(self, trial: int, left: Mapping[Path, Left], *, alone: bool) -> None:
        self.trial, self.alone = trial, alone
        self._left = left
        watched = list(left)[:MOST_WATCHED] if alone else []
        self._reads = Reads(watched)
        self._reads.unseen.update(left.keys() - set(watched))

    def look(self) -> None:
        """Take what the kernel has noted."""
        self._reads.collect()

    def close(self) -> None:
        """The trial's processes have ended: what is read from now on is not theirs."""
        self._reads.close()

    def end(self, touched: Sequence[Touched]) -> dict[Path, Left]:
        """Which of the files were read: by the kernel, or by the probe for those that the kernel could not watch."""
        by_probe = self._reads.unseen & _read_first(touched)
        return {path: self._left[path] for path in self._reads.read | by_probe}


def _read_first(touched: Sequence[Touched]) -> set[Path]:
    """Files that a process opened before it wrote them, and that no other process of the trial wrote."""
    return {
        path
        for reader in touched
        for path in reader.opened
        if not any(path in other.wrote for other in touched if other is not reader)
    }


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
