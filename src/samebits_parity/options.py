"""The options of `samebits parity`, declared once, as `samebits.options` does for the other commands."""

from __future__ import annotations

from typing import Literal, get_args

from samebits.options import (
    DEFAULT_SEED,
    EACH,
    MOST_STEPS,
    ON,
    REPORTS,
    SBATCH,
    SPREAD,
    TIMEOUT,
    Option,
    read_names,
    read_seed,
    read_steps,
    read_text,
    read_whole,
)

Group = Literal["optimizers", "losses", "layers"]  # what is compared by default settings
GROUPS: tuple[Group, ...] = get_args(Group)


def read_sizes(text: str) -> list[int]:
    """Read whole numbers separated by commas: 28,28,1."""
    return [read_whole(word.strip(), 1, MOST_STEPS, "a size") for word in read_text(text).split(",")]


def read_backend(text: str) -> str:
    """Return a backend of Keras 3."""
    if text not in ("tensorflow", "torch", "jax"):
        raise ValueError(f"{text!r} is not a backend of Keras 3; write tensorflow, torch or jax.")
    return text


def read_groups(text: str) -> list[str]:
    """Read the groups of what libraries have in common."""
    names = read_names(text)
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        raise ValueError(f"there is no group {unknown[0]!r}; choose from: {', '.join(GROUPS)}.")
    return names


def library_names() -> list[str]:
    """Return the libraries that can be compared."""
    from samebits_parity.sides import SIDES

    return list(SIDES)


LIBRARIES = Option(
    "libraries", ("--libraries",),
    "Only these libraries (default: all that are installed): keras-tf1.14, keras-tf2.1, pytorch-1.3, pytorch, "
    "keras3-tensorflow, keras3-torch, keras3-jax, tf.keras, jax, flax.",
    "ID,ID,...", read_names, names=library_names,
)  # fmt: skip
ONLY = Option(
    "only",
    ("--only",),
    "Only these: optimizers, losses, layers (signatures only; default: all).",
    "NAME,...",
    read_groups,
    names=lambda: GROUPS,
)
PARITY_STEPS = Option("steps", ("--steps",), "Compare this many steps.", "N", read_steps, 50)
SINGLE_STEP = Option(
    "single", ("--single-step",), "Begin each step of B with A's weights, so that errors do not add up.", default=False
)
CARRY = Option("carry", ("--carry",), "Start B from A's initial weights.", default=False)
INTERPRETERS = tuple(
    option
    for side in "ab"
    for option in (
        Option(f"python_{side}", (f"--python-{side}",), f"Run {side.upper()} with this Python.", "PATH", read_text),
        Option(f"env_{side}", (f"--env-{side}",), f"Run {side.upper()} with the Python of this environment.", "NAME",
               read_text),
    )
)  # fmt: skip
PARITY_OUT = Option("out", ("--out",), "Keep the files of both trainings in this folder.", "DIR", read_text)
BACKEND = Option("backend", ("--backend",), "The backend of Keras 3: tensorflow, torch or jax.", "NAME", read_backend)
WEIGHTS = Option(
    "weights", ("--weights",),
    "Carry the weights in this file (.npz, .safetensors, .h5; default: those that A is built with).", "FILE",
    read_text,
)  # fmt: skip
INPUT = Option(
    "input", ("--input",), "The shape of an input, in Keras' order, without the batch (default: from the model).",
    "SIZE,SIZE,...", read_sizes, many=True,
)  # fmt: skip
BUILT_WITH = Option(
    "seed", ("--seed",), "The seed of the random inputs, and of each model that is built.", "S", read_seed, DEFAULT_SEED
)
WEIGHTS_OUT = Option(
    "out", ("--out",), "Write the weights here (.safetensors, .npz; default: weights-for-<B>.safetensors).", "FILE",
    read_text,
)  # fmt: skip

OPTIONS: dict[str, tuple[Option, ...]] = {
    "parity init": (LIBRARIES, *REPORTS),
    "parity defaults": (LIBRARIES, ONLY, *REPORTS),
    "parity train": (
        PARITY_STEPS, SINGLE_STEP, CARRY, *INTERPRETERS, ON, EACH, SBATCH, SPREAD, TIMEOUT, PARITY_OUT, *REPORTS,
    ),
    "parity weights": (WEIGHTS, WEIGHTS_OUT, INPUT, BUILT_WITH, *INTERPRETERS, BACKEND, *REPORTS),
}  # fmt: skip
