"""The studies and their setups, each an entry in a table; which setups a study can run; and the layers of its models.

A setup names its library, environment and controls. A model's layers say how PyTorch starts from Keras' weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from samebits.errors import DataError, UsageError
from samebits_parity.weights.rules import (
    CONVOLUTION,
    DENSE,
    TRANSPOSED,
    Array,
    ArrayRule,
    dense_after_flatten,
    with_kernel,
)
from samebits_study.results import ScoredMeasure


class Kernel(NamedTuple):
    """A layer with a kernel and a bias: its name in PyTorch, and the rule for its kernel."""

    name: str
    rule: ArrayRule


Layers = Sequence[Kernel]  # of a model, in the order of Keras' weights


def _unet(levels: int = 4) -> Layers:
    pairs = [Kernel(f"down.{level}.{place}", CONVOLUTION) for level in range(levels + 1) for place in (0, 2)]
    for level in range(levels):
        pairs += [
            Kernel(f"up.{level}", TRANSPOSED),
            *(Kernel(f"joined.{level}.{place}", CONVOLUTION) for place in (0, 2)),
        ]
    return [*pairs, Kernel("last", CONVOLUTION)]


LENET5: Layers = (
    Kernel("0", CONVOLUTION), Kernel("3", CONVOLUTION), Kernel("7", dense_after_flatten(5, 5, 16)), Kernel("9", DENSE),
    Kernel("11", DENSE),
)  # fmt: skip
UNET: Layers = _unet()
_LAYERS = "Correct `layers` in the entry of the study."


def to_pytorch(arrays: list[Array], layers: Layers) -> dict[str, Array]:
    """Return the state of the PyTorch model from Keras' weights (kernel, bias, kernel, ...). Raises DataError."""
    if len(arrays) != 2 * len(layers):
        what = f"The study names layers with {2 * len(layers)} weights, and the Keras model has {len(arrays)}."
        raise DataError(what, _LAYERS)
    state: dict[str, Array] = {}
    for layer, kernel, bias in zip(layers, arrays[::2], arrays[1::2], strict=True):
        carried = with_kernel(layer.rule).to_pytorch({"kernel": kernel, "bias": bias})
        state |= {f"{layer.name}.{role}": np.ascontiguousarray(array) for role, array in carried.items()}
    return state


def carry_weights(source: Path, target: Path, layers: Layers) -> None:
    """Write the weights that a Keras script saved as the npz file that the PyTorch script starts from."""
    with np.load(source) as saved:
        state = to_pytorch([saved[name] for name in saved.files], layers)
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez(target, **state)  # type: ignore[arg-type]


SCRIPTS = Path(__file__).resolve().parent / "scripts"
SEED = 2019  # the paper's, section VII

Library = Literal["keras2", "pytorch", "keras3"]


@dataclass(frozen=True, kw_only=True)
class StudySetup:
    """One setup of a study.

    `environment`: the environment that holds its packages, by the name of `samebits env`. `modules`: what a different
    interpreter must have to replace that environment (none: no other can). `arguments`: for the script. `variables`:
    environment variables. `preset`, `controls`: are held, so that each is read back. `initial`: the setup whose initial
    weights it starts from. `one_process`: all its models are trained in one process, one after another.
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


# code1 without its setting of threads
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
        StudySetup(id="keras-tf2.1-one-thread", about="the same with one thread, which Code 2 does not set",
              library="keras2", environment="keras-tf2.1", preset="code2", arguments=("--one-thread",)),
        StudySetup(id="pytorch-1.3", about="PyTorch 1.3, the paper's Code 3, from the Keras model's initial weights",
              library="pytorch", environment="pytorch-1.3", preset="code3", initial="keras-tf1.14"),
        StudySetup(id="pytorch-1.3-glorot", about="the same from xavier_uniform_ (Equation 1)", library="pytorch",
              environment="pytorch-1.3", preset="code3"),
        StudySetup(id="pytorch-1.3-equation-2", about="the same from Equation 2: weights larger by sqrt(2)",
              library="pytorch", environment="pytorch-1.3", preset="code3", arguments=("--equation", "2")),
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
    """How much is trained. `data`: keywords for making the study's data; `arguments`: for its scripts.

    `watershed`: whether cells that touch are always split before they are counted.
    """

    trials: int
    epochs: int
    data: dict[str, int]
    arguments: tuple[str, ...] = ()
    watershed: bool = False


@dataclass(frozen=True, kw_only=True)
class Study:
    """An architecture on a data set. `scripts`: library -> file in `scripts/`.

    `data`: digits, cells, or the file in `scripts/` that makes the data. `layers`: of the model, if PyTorch starts from
    the initial weights of Keras. `measures`: what the file that makes the data computes from predictions, the main
    measure first; if there are none, predictions are classes or cells. `folded_figures`: the
    paper's figures that a page folds, because they do not show a result, or the figure of all setups shows it too.
    """

    name: str
    about: str
    data: str
    scripts: dict[Library, str]
    scales: dict[str, StudyScale]
    layers: Sequence[Kernel] = ()
    measures: tuple[ScoredMeasure, ...] = ()
    folded_figures: tuple[str, ...] = ()


STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        Study(
            name="lenet5",
            about="LeNet-5 classifies MNIST digits",
            data="digits",
            scripts={"keras2": "lenet5_keras.py", "pytorch": "lenet5_pytorch.py", "keras3": "lenet5_keras.py"},
            layers=LENET5,
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
            scripts={"keras2": "unet_keras.py", "pytorch": "unet_pytorch.py", "keras3": "unet_keras.py"},
            layers=UNET,
            folded_figures=("1", "2", "5"),
            scales={
                "smoke": StudyScale(trials=2, epochs=1, arguments=("--features", "4"),
                               data={"size": 64, "fields_per_animal": 2, "augmented": 1}),
                "small": StudyScale(trials=7, epochs=20, arguments=("--features", "8"),
                               data={"size": 64, "fields_per_animal": 25, "augmented": 1}),
                # the candidate 96-8-1e-3 of benchmarks/counting_scale.py
                "counting": StudyScale(trials=7, epochs=6, watershed=True,
                                  arguments=("--features", "8", "--batch", "4", "--rate", "0.001"),
                                  data={"size": 96, "fields_per_animal": 48, "test_fields": 400, "augmented": 1,
                                        "hard": 1, "whole_cells": 1}),
                "nuclei": StudyScale(trials=7, epochs=6,
                               arguments=("--features", "8", "--batch", "4", "--rate", "0.001"),
                               data={"size": 128, "augmented": 0, "whole_cells": 1, "nuclei": 30}),
                "paper": StudyScale(trials=7, epochs=20, arguments=("--features", "32"),
                               data={"size": 400, "fields_per_animal": 106, "augmented": 1, "whole_folder": 1}),
            },
        ),
        Study(
            name="detection",
            about="An anchor-free detector finds digits in scenes",
            data="scenes.py",
            scripts={"keras2": "detection_keras.py", "pytorch": "detection_pytorch.py", "keras3": "detection_keras.py"},
            measures=(
                ScoredMeasure(name="average_precision", head="Average precision (%)", digits=(2, 3)),
                ScoredMeasure(name="precision", head="Precision (%)", digits=(2, 3)),
                ScoredMeasure(name="recall", head="Recall (%)", digits=(2, 3)),
            ),
            scales={
                "smoke": StudyScale(trials=2, epochs=1, data={"train": 32, "test": 8}),
                "small": StudyScale(trials=7, epochs=24, arguments=("--rate", "0.004"),
                               data={"train": 400, "test": 200}),
            },
        ),
        Study(
            name="regression",
            about="A network predicts the progression of diabetes",
            data="diabetes.py",
            scripts={"keras2": "regression_keras.py", "pytorch": "regression_pytorch.py",
                     "keras3": "regression_keras.py"},
            measures=(
                ScoredMeasure(name="rmse", head="Root mean square error", digits=(2, 3), lower=True),
                ScoredMeasure(name="mae", head="Mean absolute error", digits=(2, 3), lower=True),
                ScoredMeasure(name="explained", head="Coefficient of determination (R2)", digits=(4, 5)),
            ),
            scales={
                "smoke": StudyScale(trials=2, epochs=2, data={"test": 111}),
                "small": StudyScale(trials=7, epochs=20, data={"test": 111}),
            },
        ),
    )
}  # fmt: skip


def study_named(name: str) -> Study:
    """Return a study of the table. Raises UsageError."""
    if name not in STUDIES:
        raise UsageError(f"There is no study {name!r}.", f"Choose from: {', '.join(STUDIES)}.")
    return STUDIES[name]


def scale_named(study: Study, name: str) -> StudyScale:
    """Return a scale of a study. Raises UsageError."""
    if name not in study.scales:
        raise UsageError(f"There is no scale {name!r}.", f"Choose from: {', '.join(study.scales)}.")
    return study.scales[name]


def setups_named(names: list[str]) -> list[StudySetup]:
    """Return the setups of the table, in its order; all of them if none is named. Raises UsageError."""
    unknown = [name for name in names if name not in SETUPS]
    if unknown:
        raise UsageError(f"There is no setup {unknown[0]!r}.", f"Choose from: {', '.join(SETUPS)}.")
    return [setup for setup in SETUPS.values() if not names or setup.id in names]


NAMES: dict[Library, str] = {"keras2": "Keras 2.3.1", "pytorch": "PyTorch", "keras3": "Keras 3"}


def runnable_setups(study: Study) -> list[str]:
    """Return the setups that a study can run."""
    return [setup.id for setup in SETUPS.values() if not why_not(study, setup)]


def wanted_setups(name: str, found: list[str]) -> list[str]:
    """Return the setups that count, among those found: all that the study of this name can run.

    All of them count if the study is unknown, or if it can run none, so that no study passes because a script is
    missing.
    """
    study = STUDIES.get(name)
    possible = [one for one in found if study is None or one not in SETUPS or not why_not(study, SETUPS[one])]
    return possible or found


def why_not(study: Study, setup: StudySetup) -> str:
    """Return why a study cannot run a setup, as a sentence; empty if it can."""
    script = study.scripts.get(setup.library)
    if script is None:
        return f"The study {study.name} has no script for {NAMES[setup.library]}."
    unknown = [word for word in script_options(setup) if not script_takes(script, word)]
    if unknown:
        return f"{script} takes no {' and no '.join(unknown)}."
    if setup.initial and SETUPS[setup.initial].library not in study.scripts:
        source = NAMES[SETUPS[setup.initial].library]
        return f"The study {study.name} has no script for {source}, from whose initial weights {setup.id} starts."
    if setup.initial and not study.layers:
        return f"The entry of {study.name} names no layers, by which Keras' initial weights are carried to PyTorch."
    return ""


def script_options(setup: StudySetup) -> list[str]:
    """Return the options that a setup gives to a script in addition to those of every script."""
    own = [word for word in setup.arguments if word.startswith("--")]
    return [*(["--initial"] if setup.initial else []), *own, *(["--repeat"] if setup.one_process else [])]


def script_takes(script: str, word: str) -> bool:
    """Return whether a script names an option in quotes, as its argument parser must."""
    return bool(re.search(rf"""["']{re.escape(word)}["']""", (SCRIPTS / script).read_text(encoding="utf-8")))
