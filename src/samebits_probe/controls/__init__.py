"""Controls: each pins a source of variation, and has one file and one line in this table.

The table is in the order of specificity: a control that changes little in the program comes first. If several sets of
the same size remove a variation, the set whose members come first is the cause.
"""

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Optional, Sequence, Tuple, Type

    from ..probe import Probe
    from .control import Control

__all__ = ["FACTOR", "TABLE", "find", "hold"]

FACTOR = "factor"

# id -> (file, class). FACTOR marks a factor of the machine: each trial imports its file, to read its value
TABLE: "Dict[str, Tuple[str, ...]]" = {
    # the seed of one generator
    "python-seed": ("python_seed", "PythonSeed"),
    "numpy-seed": ("numpy_seeds", "NumpySeed"),
    "numpy-generator": ("numpy_seeds", "NumpyGenerator"),
    "torch-seed": ("torch_seeds", "TorchSeed"),
    "cuda-seed": ("torch_seeds", "CudaSeed"),
    "tf-seed": ("tensorflow_seed", "TfSeed"),
    "dataloader-seed": ("dataloader", "DataloaderSeed"),
    "hash-seed": ("hash_seed", "HashSeed", FACTOR),
    # an order, or the content of new memory: a program must not rely on either
    "listing-order": ("folder_order", "ListingOrder", FACTOR),
    "tf-data-order": ("tensorflow_data", "TfDataOrder"),
    "fill-uninitialized": ("memory", "FillUninitialized"),
    # flags of one library, which choose different algorithms
    "cudnn-benchmark-off": ("cudnn", "CudnnBenchmarkOff"),
    "cudnn-deterministic": ("cudnn", "CudnnDeterministic"),
    "torch-deterministic": ("torch_deterministic", "TorchDeterministic"),
    "tf-determinism": ("tensorflow_determinism", "TfDeterminism"),
    "jax-determinism": ("jax_determinism", "JaxDeterminism"),
    "tf32-off": ("tf32", "Tf32Off"),
    "mkl-cbwr": ("mkl_cbwr", "MklCbwr", FACTOR),
    # values that the program gets from its surroundings
    "clock-rate": ("clock_rate", "ClockRate"),
    "clock": ("clock", "Clock"),
    "entropy": ("entropy", "Entropy"),
    "aslr": ("memory", "Aslr", FACTOR),
    "visible-gpu": ("session", "VisibleGpu", FACTOR),
    "channels-first": ("session", "ChannelsFirst"),
    # how much runs at a time
    "dataloader-workers": ("dataloader", "DataloaderWorkers", FACTOR),
    "serial-threads": ("serial_threads", "SerialThreads"),
    "session-threads": ("session", "SessionThreads"),
    "threads": ("threads", "Threads", FACTOR),
}


def find(identity: str) -> "Type[Control]":
    """Return the class of a control, with its value if the id has one ("threads=2").

    Raises KeyError for an id that is not in the table, and ValueError for a value that the control does not take.
    """
    name, equals, value = identity.partition("=")
    file, found, *_ = TABLE[name]
    control: "Type[Control]" = getattr(importlib.import_module("samebits_probe.controls." + file), found)
    return control.at(value) if equals else control


def hold(ids: "Sequence[str]", seed: "Optional[int]", probe: "Probe") -> None:
    """Hold the controls in this process from now on, and write their effects."""
    if ids:
        importlib.import_module("samebits_probe.controls.holder").hold(ids, seed or 0, probe)
