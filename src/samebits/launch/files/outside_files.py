"""Tells which files outside of a trial's folders are results of its program, and which belong to tools."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path

from samebits import store
from samebits.launch.files import folders

# a folder that one of these variables names is a cache
CACHE_VARIABLES = (
    "KERAS_HOME", "HF_HOME", "HF_DATASETS_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE",
    "TORCH_HOME", "TORCHINDUCTOR_CACHE_DIR", "TORCH_EXTENSIONS_DIR", "TRITON_CACHE_DIR", "NUMBA_CACHE_DIR",
    "TFDS_DATA_DIR", "TFHUB_CACHE_DIR", "SCIKIT_LEARN_DATA", "NLTK_DATA", "MPLCONFIGDIR", "CUDA_CACHE_PATH",
    "JAX_COMPILATION_CACHE_DIR", "UV_CACHE_DIR", "PIP_CACHE_DIR",
)  # fmt: skip
# Caches that libraries fill once, with what they download or compile: in a folder of caches, and in HOME. Anything else
# there belongs to the program that keeps it.
_CACHES = """
huggingface datasets transformers torch torch_extensions torchinductor triton vllm flashinfer jax jax_cache tensorrt
nvidia numba cutlass kagglehub kaggle clip whisper fsspec gdown pooch nltk spacy flair stanza matplotlib fontconfig
wandb pip uv samebits pyopencl whisperx
"""
_OF_HOME = """
.keras .torch .triton .nv .matplotlib .ray .ipython .jupyter .kaggle .config nltk_data tensorflow_datasets
scikit_learn_data
"""
_COMPILED = ("torchinductor_", "samebits-")  # beginnings of names in the temporary folder
# Folders of data sets that torchvision downloads. The name MNIST alone is not enough: programs keep their checkpoints
# in folders of that name.
_DOWNLOADED = {"cifar-10-batches-py", "cifar-100-python"}
_DATA_SETS, _DATA_PARTS = {"MNIST", "FashionMNIST", "KMNIST", "EMNIST"}, {"raw", "processed"}

# beside the formats that samebits reads
_TEXTS = frozenset((".txt", ".yaml", ".yml", ".md", ".html", ".xml", ".xlsx", ".db", ".sqlite", ".sqlite3"))
# names that Python (`NamedTemporaryFile(suffix=".json")` too), joblib and Ray give to temporary files and folders
_TEMPORARY = re.compile(r"tmp[a-z0-9_]{8}(?:\.\w+)*|pymp-.*|joblib_memmapping_folder_.*|ray")
# the folder in HOME in which Ray Tune keeps its runs under random ids:
# https://docs.ray.io/en/latest/tune/tutorials/tune-storage.html
_FOLDERS_OF_TOOLS = ("ray_results",)


class Caches:
    """Answers whether a file belongs to a tool or a library, and so carries no state from one trial to the next."""

    def __init__(self) -> None:
        self.home = Path(os.environ.get("HOME") or "~").expanduser()
        cache = os.environ.get("XDG_CACHE_HOME")
        self.roots = [self.home / ".cache", *([Path(cache)] if cache else [])]
        by_variable = [Path(os.environ[name]) for name in CACHE_VARIABLES if os.environ.get(name)]
        usual = [
            *(root / name for root in self.roots for name in _CACHES.split()),
            *(self.home / name for name in _OF_HOME.split()),
        ]
        self._folders = frozenset(map(os.path.normpath, (*by_variable, *usual)))
        self.temporary = {"/tmp", os.path.normpath(os.environ.get("TMPDIR") or "/tmp")}  # noqa: S108

    def holds(self, path: Path) -> bool:
        """Return whether the file at a path never counts."""
        above = path.parts[:-1]
        in_data_set = any(name in _DATA_SETS and part in _DATA_PARTS for name, part in pairwise(above))
        if in_data_set or not _DOWNLOADED.isdisjoint(above) or not folders.LEFT_OUT.isdisjoint(path.parts):
            return True
        return path.suffix in (".pyc", ".pyo") or any(map(self.is_cache, map(str, (path, *path.parents))))

    def is_cache(self, folder: str) -> bool:
        """Return whether a folder is the top of a cache."""
        parent, _, name = folder.rpartition("/")
        return folder in self._folders or (parent in self.temporary and name.startswith(_COMPILED))


class OutsideFiles:
    """Answers whether a file that a trial wrote outside of its folders is compared.

    It is compared if it holds tensors, or if it is a result: a model or JSON. Logs and tables are left out: programs
    add lines to them in each run, and samebits does not know which lines such a file had before the trial. What lies in
    a cache of a tool was downloaded. A result lies neither among the settings of tools, nor in a temporary folder with
    a random name.
    """

    def __init__(self) -> None:
        self._caches = Caches()

    def is_compared(self, path: Path) -> bool:
        """Return whether the file at this path is compared."""
        if self._caches.holds(path):
            return False
        content = store.held_by(path)
        is_result = content == "model" or path.suffix.lower() == ".json"
        return content == "tensors" or (is_result and not self._is_of_a_tool(path))

    def may_be_text(self, path: Path) -> bool:
        """Return whether the file at this path may be a text or a table of the program, and not of a tool."""
        is_text = path.suffix.lower() in _TEXTS or store.by_name(path.name) is not None
        return is_text and not self._is_of_a_tool(path)

    def _is_of_a_tool(self, path: Path) -> bool:
        if self._caches.holds(path):
            return True
        for folder in ("/dev/shm", *self._caches.temporary):  # noqa: S108
            if path.is_relative_to(folder) and _TEMPORARY.fullmatch(path.relative_to(folder).parts[0]):
                return True
        home = self._caches.home
        return path.is_relative_to(home) and self._is_entry_of_a_tool(path.relative_to(home).parts[0])

    def _is_entry_of_a_tool(self, name: str) -> bool:
        """Return whether an entry of HOME belongs to a tool. A cache does not, because it may hold results."""
        return name in _FOLDERS_OF_TOOLS or (
            name.startswith(".") and self._caches.home / name not in self._caches.roots
        )
