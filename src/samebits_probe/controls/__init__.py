"""Controls: what pins a source of variation. One file, and one line in this table, each.

The table is in the order of specificity: what changes least of the program comes first. Of several sets of controls
that remove a variation and are equally small, the one whose members come first is the cause.
"""
import importlib

# id -> (file, class)
TABLE = {
    # a seed of one generator
    "python-seed": ("python_seed", "PythonSeed"),
    "numpy-seed": ("numpy_seeds", "NumpySeed"),
    "numpy-generator": ("numpy_seeds", "NumpyGenerator"),
    "torch-seed": ("torch_seeds", "TorchSeed"),
    "cuda-seed": ("torch_seeds", "CudaSeed"),
    "hash-seed": ("hash_seed", "HashSeed"),
    # flags of one library
    "cudnn-benchmark-off": ("cudnn", "CudnnBenchmarkOff"),
    "cudnn-deterministic": ("cudnn", "CudnnDeterministic"),
    "torch-deterministic": ("torch_deterministic", "TorchDeterministic"),
    # many libraries at once
    "threads": ("threads", "Threads"),
}


def find(identity):
    """The class of a control. Raises KeyError for an id that is not in the table."""
    file, name = TABLE[identity]
    return getattr(importlib.import_module("samebits_probe.controls." + file), name)


def hold(ids, seed, probe):
    """Hold the controls in this process, from now to its end, and write whether each took effect."""
    if ids:
        importlib.import_module("samebits_probe.controls.holding").hold(ids, seed or 0, probe)
