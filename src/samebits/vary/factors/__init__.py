"""Factors of the machine: what trained bits may depend on. One file, and one line in this table, each."""

from __future__ import annotations

import importlib

from samebits.vary.factor import Factor

# id -> (file, class), in the order in which they are varied and reported
TABLE = {
    "threads": ("threads", "Threads"),
    "isa-torch": ("instruction_sets", "Torch"),
    "isa-onednn": ("instruction_sets", "OneDnn"),
    "isa-mkl": ("instruction_sets", "Mkl"),
    "isa-numpy": ("instruction_sets", "Numpy"),
    "isa-openblas": ("instruction_sets", "OpenBlas"),
    "hash-seed": ("python", "HashSeed"),
    "address-layout": ("python", "AddressLayout"),
    "file-order": ("files", "FileOrder"),
    "working-folder": ("files", "WorkingFolder"),
    "home": ("surroundings", "Home"),
    "locale": ("surroundings", "Locale"),
    "time-zone": ("surroundings", "TimeZone"),
    "cpu-load": ("load", "CpuLoad"),
    "dataloader-workers": ("loaders", "DataloaderWorkers"),
    "device": ("device", "Device"),
    "library-version": ("stacks", "LibraryVersion"),
    "interpreter": ("stacks", "InterpreterFactor"),
}

# a name that stands for several
TOGETHER = {"isa": [identity for identity in TABLE if identity.startswith("isa-")]}


def find(identity: str) -> Factor:
    """The entry of a factor. Raises KeyError for an id that is not in the table."""
    file, name = TABLE[identity]
    found: Factor = getattr(importlib.import_module(f"{__name__}.{file}"), name)()
    return found
