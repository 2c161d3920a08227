"""The studies and their setups: an entry in a table each. A setup names its library, environment and controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from samebits.errors import UsageError
from samebits_study import weights
from samebits_study.weights import Kernel

SCRIPTS = Path(__file__).resolve().parent / "scripts"
SEED = 2019  # the paper's, section VII

Library = Literal["keras2", "pytorch", "keras3"]


@dataclass(frozen=True, kw_only=True)
class StudySetup:
    """One setup of a study.

    `environment`: the environment that holds its packages, by the name of `samebits env`. `modules`: what an
    interpreter must have to stand in for it (none: no other can). `arguments`: words for the script.
    `variables`: of the environment. `preset`, `controls`: held, so that each is read back. `initial`: the setup whose
    initial weights it starts from. `one_process`: all its models are trained in one process, one after another.
    """

    id: str
    about: str
    library: Library
    environment: str
    modules: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    preset: str | None = None
    controls: tuple[str, ...] = ()
    initial: str | None = None
    one_process: bool = False


# code1 without what it says of threads
_NO_THREADS = ("hash-seed", "numpy-seed", "python-seed", "visible-gpu", "channels-first", "tf-seed")

SETUPS: dict[str, StudySetup] = {
    setup.id: setup
    for setup in (
        StudySetup(id="keras-tf1.14", about="Keras 2.3.1 on TensorFlow 1.14, the paper's Code 1", library="keras2",
              environment="keras-tf1.14", preset="code1"),
        StudySetup(id="keras-tf1.14-threads", about="the same without the thread limits", library="keras2",
              environment="keras-tf1.14", controls=_NO_THREADS, arguments=("--threads", "default")),
        StudySetup(id="keras-tf2.1", about="Keras 2.3.1 on TensorFlow 2.1, the paper's Code 2", library="keras2",
              environment="keras-tf2.1", preset="code2"),
        StudySetup(id="pytorch-1.3", about="PyTorch 1.3, the paper's Code 3, from the Keras model's initial weights",
              library="pytorch", environment="pytorch-1.3", preset="code3", initial="keras-tf1.14"),
        StudySetup(id="pytorch-1.3-glorot", about="the same from xavier_uniform_ (Equation 1)", library="pytorch",
              environment="pytorch-1.3", preset="code3"),
        StudySetup(id="pytorch-1.3-inverted", about="PyTorch 1.3, deterministic flag off, benchmark flag on",
              library="pytorch", environment="pytorch-1.3", arguments=("--inverted",), initial="keras-tf1.14"),
        StudySetup(id="keras-tf1.14-one-process", about="Code 1, all models in one process", library="keras2",
              environment="keras-tf1.14", preset="code1", one_process=True),
        StudySetup(id="keras-tf2.1-one-process", about="Code 2, all models in one process", library="keras2",
              environment="keras-tf2.1", preset="code2", one_process=True),
        StudySetup(id="pytorch-1.3-one-process", about="Code 3, all models in one process", library="pytorch",
              environment="pytorch-1.3", preset="code3", initial="keras-tf1.14", one_process=True),
        StudySetup(id="keras3-tensorflow", about="Keras 3 on TensorFlow, strict", library="keras3", preset="strict",
              environment="keras3-tensorflow", modules=("keras", "tensorflow"),
              variables={"KERAS_BACKEND": "tensorflow"}),
        StudySetup(id="keras3-torch", about="Keras 3 on PyTorch, strict", library="keras3", preset="strict",
              environment="keras3-torch", modules=("keras", "torch"), variables={"KERAS_BACKEND": "torch"}),
        StudySetup(id="keras3-jax", about="Keras 3 on JAX, strict", library="keras3", preset="strict",
              environment="keras3-jax", modules=("keras", "jax"), variables={"KERAS_BACKEND": "jax"}),
        StudySetup(id="pytorch", about="PyTorch of today, strict", library="pytorch", preset="strict",
              environment="pytorch", modules=("torch",)),
    )
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StudyScale:
    """How much is trained. `data`: keywords of what makes the study's data; `arguments`: words for its scripts."""

    trials: int
    epochs: int
    data: dict[str, int]
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Study:
    """An architecture on a data set. `scripts`: library -> file in `scripts/`.

    `data`: digits, cells, or the file in `scripts/` that makes the data. `layers`: those of the model, where PyTorch
    starts from the initial weights of Keras.
    """

    name: str
    about: str
    data: str
    scripts: dict[Library, str]
    scales: dict[str, StudyScale]
    layers: Sequence[Kernel] = ()


STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        Study(
            name="lenet5",
            about="LeNet-5 classifies MNIST digits",
            data="digits",
            scripts={"keras2": "lenet5_keras2.py", "pytorch": "lenet5_pytorch.py", "keras3": "lenet5_keras3.py"},
            layers=weights.LENET5,
            scales={
                "smoke": StudyScale(trials=2, epochs=1, data={"train": 1000, "validation": 200, "test": 500}),
                "small": StudyScale(trials=7, epochs=2, data={"train": 5000, "validation": 1000, "test": 10000}),
                "paper": StudyScale(trials=7, epochs=20, data={"train": 50000, "validation": 10000, "test": 10000}),
            },
        ),
        Study(
            name="unet",
            about="U-Net segments cells, which are then counted",
            data="cells",
            scripts={"keras2": "unet_keras2.py", "pytorch": "unet_pytorch.py", "keras3": "unet_keras3.py"},
            layers=weights.UNET,
            scales={
                "smoke": StudyScale(trials=2, epochs=1, arguments=("--features", "4"),
                               data={"size": 64, "fields_per_animal": 2, "augmented": 1}),
                "small": StudyScale(trials=7, epochs=20, arguments=("--features", "8"),
                               data={"size": 64, "fields_per_animal": 25, "augmented": 1}),
                "paper": StudyScale(trials=7, epochs=20, arguments=("--features", "32"),
                               data={"size": 400, "fields_per_animal": 106, "augmented": 1, "whole_folder": 1}),
            },
        ),
    )
}  # fmt: skip


def study_named(name: str) -> Study:
    """A study of the table. Raises UsageError."""
    if name not in STUDIES:
        raise UsageError(f"There is no study {name!r}.", f"These there are: {', '.join(STUDIES)}.")
    return STUDIES[name]


def scale_named(study: Study, name: str) -> StudyScale:
    """A scale of a study. Raises UsageError."""
    if name not in study.scales:
        raise UsageError(f"There is no scale {name!r}.", f"These there are: {', '.join(study.scales)}.")
    return study.scales[name]


def setups_named(names: list[str]) -> list[StudySetup]:
    """Setups of the table, in its order; all of them where none is named. Raises UsageError."""
    unknown = [name for name in names if name not in SETUPS]
    if unknown:
        raise UsageError(f"There is no setup {unknown[0]!r}.", f"These there are: {', '.join(SETUPS)}.")
    return [setup for setup in SETUPS.values() if not names or setup.id in names]
