"""Gives each trial of `--isolate` a HOME, caches and a temporary folder of its own, beside its working folder.

No trial sees what another one writes there. Each can read what was there before: configuration is copied, and tools,
data sets and downloaded models are linked. These folders hold copies of configuration, and people hand records on. So
the folders are not part of the record, and are removed with the trial. `/dev/shm` stays shared: samebits reports what
travels through it as a leak.

This module also knows the files that never carry state from one trial to the next: caches that tools fill once,
bytecode, locks.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from samebits.launch import folders

_ENDINGS = (".pyc", ".pyo")
# Below a folder of caches only these are known to be filled once, by a library or a tool, with what it downloads or
# compiles. Anything else there belongs to the program that keeps it.
_KNOWN = """
huggingface datasets transformers kagglehub kaggle clip whisper whisperx fsspec gdown pooch nltk spacy flair stanza
torch_extensions torchinductor triton vllm flashinfer jax jax_cache tensorrt cutlass numba pyopencl nvidia
pip pipx uv pypoetry pdm hatch virtualenv pre-commit conda mamba nix matplotlib fontconfig mesa_shader_cache
mypy ruff black jedi parso ipython jupyter yarn npm node-gyp go-build ccache sccache wandb samebits
"""
_KNOWN_CACHES = frozenset(_KNOWN.split())
_TORCH = frozenset(("hub", "kernels", "checkpoints", "inductor", "mm_fused_attention", "sentence_transformers"))
_CONFIGURED = ("matplotlib", "pip", "uv", "pypoetry", "pdm", "hatch", "git", "wandb", "jupyter", "fontconfig")
_HOME_FOLDERS = {
    ".keras": frozenset(("datasets", "models", "keras.json")),
    ".torch": frozenset(("models", "datasets")),
    ".config": frozenset(_CONFIGURED),
    ".local": frozenset(("bin", "lib", "include", "pipx", "virtualenvs")),
}
_WHOLE = """
.matplotlib .triton .nv .ray .ipython .jupyter .nvidia .kaggle .conda .pyenv .cargo .rustup .npm .nvm .ssh .docker
.gnupg .mozilla .gradle .m2 .vscode .vscode-server .cursor .oh-my-zsh .git nltk_data tensorflow_datasets
.aws .azure .kube .netrc .git-credentials .npmrc .pypirc
scikit_learn_data miniconda3 anaconda3 mambaforge miniforge3 .bash_history .python_history .zsh_history .viminfo
"""
# a folder that one of these variables names is a cache as a whole
_VARIABLES: tuple[str, ...] = (
    "KERAS_HOME", "HF_HOME", "HF_DATASETS_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE",
    "TFDS_DATA_DIR", "TFHUB_CACHE_DIR", "SCIKIT_LEARN_DATA", "NLTK_DATA", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR",
    "TORCH_EXTENSIONS_DIR", "NUMBA_CACHE_DIR", "MPLCONFIGDIR", "CUDA_CACHE_PATH", "JAX_COMPILATION_CACHE_DIR",
    "UV_CACHE_DIR", "PIP_CACHE_DIR", "POETRY_CACHE_DIR", "SAMEBITS_HOME",
)  # fmt: skip
CACHE_VARIABLES = (*(name for name in _VARIABLES if name != "SAMEBITS_HOME"), "TORCH_HOME")
_TEMPORARY = (
    "torchinductor_",
    "pip-",
    "uv-",
    "samebits-",
    "systemd-private-",
    "tmux-",
    ".X11-unix",
    "pyright-",
    "ssh-",
)
# Folders of bytecode, and of data sets that torchvision downloads beside the program. The name MNIST alone is not
# enough: programs keep their checkpoints in folders of that name.
_CACHE_FOLDERS = {"__pycache__", "cifar-10-batches-py", "cifar-100-python"}
_DATA_SETS, _DATA_PARTS = {"MNIST", "FashionMNIST", "KMNIST", "EMNIST"}, {"raw", "processed"}
_OF_TOOLS = frozenset((".pdm-python", ".python-version", "pyvenv.cfg", ".coverage", "nohup.out"))


class Caches:
    """Answers whether a file or folder is a cache of a tool, in this user's environment."""

    def __init__(self) -> None:
        home = Path(os.environ.get("HOME") or "~").expanduser()
        self._home = home
        # plain text, because a look around asks about thousands of folders
        self._whole = {os.path.normpath(os.environ[name]) for name in _VARIABLES if os.environ.get(name)}
        self._whole |= {str(home / name) for name in _WHOLE.split()}
        given = os.environ.get("XDG_CACHE_HOME")
        self.roots = [home / ".cache", *([Path(given)] if given else [])]
        torch = os.environ.get("TORCH_HOME")
        named = {
            **dict.fromkeys(self.roots, _KNOWN_CACHES),
            **{home / name: some for name, some in _HOME_FOLDERS.items()},
        }
        named |= {root / "torch": _TORCH for root in self.roots} | ({Path(torch): _TORCH} if torch else {})
        self._named = {str(folder): some for folder, some in named.items()}
        self._temporary = {"/tmp", os.path.normpath(os.environ.get("TMPDIR") or "/tmp")}  # noqa: S108

    def holds(self, path: Path) -> bool:
        """Return whether the file or folder at a path never counts."""
        if path.name.endswith(_ENDINGS) or path.name in _OF_TOOLS or _in_cache_folder(path.parts):
            return True
        if str(path) in self._named:  # a folder of caches, which a fresh machine does not have; its content may count
            return True
        return any(self.is_cache(str(one)) for one in (path, *path.parents))

    def is_cache(self, folder: str) -> bool:
        """Return whether a folder, or file, itself is such a cache."""
        parent, _, name = folder.rpartition("/")
        if parent in self._temporary and name.startswith(_TEMPORARY):
            return True
        return folder in self._whole or name in self._named.get(parent, ())


def _in_cache_folder(parts: Sequence[str]) -> bool:
    """Return whether a path leads through a folder that is filled only once, or that a tool keeps."""
    above = parts[:-1]
    in_data_set = any(one in _DATA_SETS and part in _DATA_PARTS for one, part in pairwise(above))
    return in_data_set or not _CACHE_FOLDERS.isdisjoint(above) or not folders.LEFT_OUT.isdisjoint(parts)


MOST_COPIED = 1 << 20  # bytes of a file of HOME that is copied; a larger one is linked
MOST_ENTRIES = 5_000


class Isolation(NamedTuple):
    """The folders of one trial, below `root`."""

    root: Path

    @property
    def home(self) -> Path:
        """HOME, with the caches that lie there by default."""
        return self.root / "home"

    @property
    def caches(self) -> Path:
        """Caches for which the user's environment names folders."""
        return self.root / "cache"

    @property
    def temporary(self) -> Path:
        """The temporary folder. Its path is short, because a socket's name has at most 108 bytes."""
        return self.root / "tmp"

    @property
    def names(self) -> dict[Path, str]:
        """Names of these folders that are the same in every trial."""
        return {self.home: "~", self.caches: "{cache}", self.temporary: "{tmp}"}

    def variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the variables by which programs find them. Values have the same length in every trial."""
        own = {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / ".cache")}
        own |= dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(self.temporary))
        named = [name for name in CACHE_VARIABLES if environment.get(name)]
        return own | {name: str(self.caches / name) for name in named}

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.root, ignore_errors=True)


def make(record: Path, environment: Mapping[str, str]) -> Isolation:
    """Make the folders of a trial, in which it can read everything that was there before."""
    found = Isolation(Path(tempfile.mkdtemp(prefix="samebits-")))
    found.temporary.mkdir()
    found.caches.mkdir()
    mirror = _Mirror(record)
    mirror.home(Path(environment.get("HOME") or Path.home()), found.home)
    for name in CACHE_VARIABLES:
        if environment.get(name):
            mirror.tree(Path(environment[name]), found.caches / name, copies=False)
    return found


class _Mirror:
    """Makes folders with links to the files of other folders, or copies of them.

    With more than MOST_ENTRIES entries, a folder becomes a link.
    """

    def __init__(self, record: Path) -> None:
        self._record, self._left, self._caches = record, MOST_ENTRIES, Caches()

    def home(self, source: Path, target: Path) -> None:
        """HOME: tools and deep parts of projects are links; configuration and files that programs keep are copies."""
        target.mkdir()
        for entry in _entries(source):
            path, place = Path(entry.path), target / entry.name
            if self._record.is_relative_to(path) and path.name == ".samebits":
                continue
            if not entry.is_dir(follow_symlinks=False):
                _put(path, place, copies=True)
            elif path in self._caches.roots:
                self._cache(path, place)
            elif self._caches.is_cache(str(path)) or not entry.name.startswith("."):
                _shallow(path, place) if not self._caches.is_cache(str(path)) else place.symlink_to(path)
            else:
                self.tree(path, place, copies=True)

    def _cache(self, source: Path, target: Path) -> None:
        target.mkdir()
        for entry in _entries(source):
            path, place = Path(entry.path), target / entry.name
            if entry.is_dir(follow_symlinks=False):
                self.tree(path, place, copies=not self._caches.is_cache(str(path)))
            else:
                _put(path, place, copies=True)

    def tree(self, source: Path, target: Path, *, copies: bool) -> None:
        """A new folder, with all that is in it."""
        if not folders.is_folder(source):
            return
        waiting = [(source, target)]
        while waiting:
            folder, place = waiting.pop()
            entries = _entries(folder)
            self._left -= len(entries)
            if self._left < 0:
                place.symlink_to(folder)
                continue
            place.mkdir()
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((Path(entry.path), place / entry.name))
                else:
                    _put(Path(entry.path), place / entry.name, copies=copies)


def _shallow(source: Path, target: Path) -> None:
    """A folder of a project: a new folder, in which everything deeper is linked."""
    target.mkdir()
    for entry in _entries(source):
        (target / entry.name).symlink_to(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []


def _put(source: Path, place: Path, *, copies: bool) -> None:
    try:
        if copies and not source.is_symlink() and source.is_file() and source.stat().st_size <= MOST_COPIED:
            shutil.copy2(source, place)
            return
    except OSError:  # it may not be read: the trial will find that out by itself
        place.unlink(missing_ok=True)
    place.symlink_to(source)
