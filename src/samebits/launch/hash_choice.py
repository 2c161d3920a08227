"""Which fingerprint algorithm a comparison uses: chosen once, by trying it, and recorded."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path

import samebits_probe
from samebits.errors import SamebitsError
from samebits_probe import fingerprint

_TRY = """
import sys
sys.path.insert(0, sys.argv[1])
from samebits_probe.fingerprint import make_hasher
hasher = make_hasher("xxh3", sys.argv[2])
hasher.data(b"samebits", hasher.header("uint8", (8,)))
"""


def choose(python: str | None, *, wanted: str | None = None) -> tuple[str, str | None]:
    """("xxh3", path of the extension) where it loads here and in `python`, else ("blake2b", None).

    `wanted`: the algorithm of the record that is compared with. Raises SamebitsError where that one cannot be used.
    """
    if wanted == "blake2b":
        return "blake2b", None
    extension = extension_path()
    if extension is not None and _loads_here(extension) and (python is None or _loads_in(python, extension)):
        return "xxh3", extension
    if wanted == "xxh3":
        raise SamebitsError(
            "The record was fingerprinted with XXH3, which cannot be loaded on this machine.",
            "Record the run again here, then compare.",
        )
    return "blake2b", None


def extension_path() -> str | None:
    """The shared object of the xxhash package, which exports XXH128."""
    try:
        extension = importlib.import_module("xxhash._xxhash")
    except ImportError:
        return None
    return extension.__file__


def _loads_here(extension: str) -> bool:
    try:
        hasher = fingerprint.make_hasher("xxh3", extension)  # type: ignore[no-untyped-call]
        return len(hasher.data(b"samebits", hasher.header("uint8", (8,)))) == 16
    except OSError:
        return False


def _loads_in(python: str, extension: str) -> bool:
    """Whether another interpreter (of another C library or architecture, say) loads it. A crash counts as no."""
    folder = str(Path(samebits_probe.__file__).parent.parent)
    try:
        tried = subprocess.run([python, "-I", "-B", "-c", _TRY, folder, extension], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
