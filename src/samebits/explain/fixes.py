"""How a program holds each control by itself: lines to paste, for the libraries that it has loaded."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence

from samebits.explanation import Fix

TOP = "at the top of the script"
SHELL = "in the shell, before Python starts"
CODE = "in the code"

# control -> (library that must be loaded, "" for none; where; lines). {seed} is the seed that the trials used,
# {command} what they ran.
FIXES: dict[str, list[tuple[str, str, list[str]]]] = {
    "python-seed": [("", TOP, ["import random", "random.seed({seed})"])],
    "numpy-seed": [("", TOP, ["import numpy", "numpy.random.seed({seed})"])],
    "numpy-generator": [("", CODE, ["numpy.random.default_rng({seed})  # a seed for each generator that has none"])],
    "torch-seed": [("", TOP, ["import torch", "torch.manual_seed({seed})"])],
    "cuda-seed": [("", TOP, ["import torch", "torch.cuda.manual_seed_all({seed})"])],
    "tf-seed": [
        ("keras", TOP, ["import keras", "keras.utils.set_random_seed({seed})  # Keras 3"]),
        ("tensorflow", TOP, ["import tensorflow", "tensorflow.random.set_seed({seed})  # before 2: set_random_seed"]),
    ],
    "dataloader-seed": [
        ("", CODE, [
            "DataLoader(..., generator=torch.Generator().manual_seed({seed}), worker_init_fn=seed_worker)",
            "def seed_worker(worker): random.seed({seed} + worker); numpy.random.seed({seed} + worker)",
        ]),
    ],
    "hash-seed": [
        ("", SHELL, ["export PYTHONHASHSEED=0"]),
        ("", CODE, ["sorted(names)  # in the place of walking a set of strings"]),
    ],
    "listing-order": [("", CODE, ["sorted(os.listdir(folder))  # and sorted(...) around glob, iterdir and scandir"])],
    "tf-data-order": [
        ("", CODE, ["dataset.map(f, num_parallel_calls=n, deterministic=True)  # and no such option set to False"])
    ],
    "fill-uninitialized": [
        ("", CODE, ["torch.zeros(...)  # or numpy.zeros, where the memory of empty() is read before it is set"]),
        ("", SHELL, ["export MALLOC_PERTURB_=85 GLIBC_TUNABLES=glibc.malloc.tcache_count=0"]),
    ],
    "cudnn-benchmark-off": [("", TOP, ["import torch", "torch.backends.cudnn.benchmark = False"])],
    "cudnn-deterministic": [("", TOP, ["import torch", "torch.backends.cudnn.deterministic = True"])],
    "torch-deterministic": [
        ("", TOP, ["import torch", "torch.use_deterministic_algorithms(True)"]),
        ("", SHELL, ["export CUBLAS_WORKSPACE_CONFIG=:4096:8  # on a GPU"]),
    ],
    "tf-determinism": [
        ("", TOP, ["tensorflow.keras.utils.set_random_seed({seed})",
                   "tensorflow.config.experimental.enable_op_determinism()"]),
        ("", SHELL, ["export TF_DETERMINISTIC_OPS=1 TF_CUDNN_DETERMINISTIC=1  # before TensorFlow 2.9"]),
    ],
    "jax-determinism": [("", SHELL, ["export XLA_FLAGS=--xla_gpu_deterministic_ops=true"])],
    "tf32-off": [("", SHELL, ["export NVIDIA_TF32_OVERRIDE=0"])],
    "clock": [("", CODE, ["# take what depends on time.time() or datetime.now() from an argument of the program"])],
    "entropy": [("", CODE, ["# os.urandom, uuid4 and secrets have no seed: random.Random({seed}) in their place"])],
    "aslr": [
        ("", CODE, ["# id() and hash() of objects are addresses, a set of objects follows them: take a field of theirs",
                    "# instead, to order them by as well as to compute with"]),
        ("", SHELL, ["export PYTHONHASHSEED=0; setarch -R {command}"]),
    ],
    "visible-gpu": [("", SHELL, ["export CUDA_VISIBLE_DEVICES=0"])],
    "channels-first": [("", TOP, ["keras.backend.set_image_data_format('channels_first')"])],
    "dataloader-workers": [
        ("", CODE, ["DataLoader(..., num_workers=0)  # or in_order=True, and worker_init_fn that seeds what it uses"])
    ],
    "serial-threads": [
        ("", CODE, ["# take what threads make in the order in which the work was given out, not as they end:",
                    "# with futures [future.result() for future in futures], with threads a place in a list for each"])
    ],
    "session-threads": [
        ("", TOP, ["config = tensorflow.compat.v1.ConfigProto("
                   "intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)",
                   "keras.backend.set_session(tensorflow.compat.v1.Session(config=config))"]),
    ],
    "threads": [
        ("torch", TOP, ["import torch", "torch.set_num_threads(1)"]),
        ("tensorflow", TOP, ["tensorflow.config.threading.set_intra_op_parallelism_threads(1)",
                             "tensorflow.config.threading.set_inter_op_parallelism_threads(1)"]),
        ("jax", SHELL, ["export PJRT_NPROC=1 NPROC=1"]),
        ("", SHELL, ["export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1"]),
    ],
}  # fmt: skip


def fixes(names: Sequence[str], loaded: Collection[str], seed: int, command: Sequence[str]) -> list[Fix]:
    """The lines for these controls. `loaded`: the libraries of the program; `command`: that of the trials."""
    said = {"{seed}": str(seed), "{command}": shlex.join(command)}
    return [
        Fix(control=name, library=library, where=where, lines=[_filled(line, said) for line in lines])
        for name in names
        for library, where, lines in FIXES.get(name, [])
        if not library or library in loaded
    ]


def _filled(line: str, said: Mapping[str, str]) -> str:
    for sign, word in said.items():
        line = line.replace(sign, word)
    return line
