"""Documents of studies made by hand: no number in them is twice the same by chance, so that each can be told apart."""

from samebits.model import Divergence, HeldControl, ProcessKey
from samebits_study.results import Cells, Digits, Plain, Retest, SetupResult, StudyResult, TrainedModel, WeightDistance

MACHINE = "a processor, 2 cores (70bd)"


def digits(wrong, of=10_000):
    """`wrong` sevens taken for ones, all else right."""
    each = of // 10
    confusion = [[each if row == column else 0 for column in range(10)] for row in range(10)]
    confusion[7][1], confusion[7][7] = wrong, each - wrong
    return Digits(accuracy=1 - wrong / of, wrong=wrong, confusion=confusion)


def model(trial, bits, worth, **changes):
    """A model whose weights and predictions are those of its letter."""
    given = {
        "trial": trial,
        "weights": bits * 32,
        "predictions": bits * 32,
        "train_seconds": 100.0 + 1.37 * trial,
        "test_seconds": 3.0 + 0.173 * trial,
        "machine": MACHINE,
        "loss": [2.0, 1.0 + 0.01 * trial],
        "validation_loss": [2.1, 1.2 + 0.01 * trial],
        "digits": worth if isinstance(worth, Digits) else None,
        "cells": worth if isinstance(worth, Cells) else None,
    }
    return TrainedModel(**{**given, **changes})


def setup(identity, models, **changes):
    """A setup with these models; groups by their weights."""
    groups = {}
    for one in models:
        groups.setdefault(one.weights, []).append(one.trial)
    given = {
        "id": identity,
        "about": f"about {identity}",
        "status": "done",
        "library": "a library 1.0",
        "command": ["python", "/home/somebody/train.py", "--data", "/home/somebody/study/data.npz"],
        "verdict": "repeated" if len(groups) == 1 else "diverged",
        "sentence": "as the groups say",
        "groups": list(groups.values()),
        "models": models,
    }
    return SetupResult(**{**given, **changes})


def divergence(trials):
    return Divergence(
        step=41, kind="update", name="conv2d_1/kernel", trials=trials, detail="float32 5 x 5",
        process=ProcessKey(order=0, argv=["train.py"]), details=[{"kind": "update", "name": "conv2d_1/bias"}],
    )  # fmt: skip


def study(name, setups, **changes):
    given = {
        "samebits": "0.1.0", "study": name, "scale": "small", "created": "2026-01-02T03:04:05+00:00",
        "data": {"study": "digits" if name == "lenet5" else "cells", "source": "/home/somebody/mnist", "seed": 2019},
        "trials": 3, "epochs": 2, "arguments": [], "setups": setups,
    }  # fmt: skip
    return StudyResult(**{**given, **changes})


def lenet5():
    """Three setups that gave models (one of two different ones) and one that was skipped."""
    parted = setup(
        "keras-tf1.14",
        [model(1, "a", digits(113)), model(2, "a", digits(113)), model(3, "b", digits(127))],
        divergence=divergence([3]),
        judged={"start": "=", "gradient": "=", "update": "!", "end": "."},
        distances=[WeightDistance(trial=3, epochs=[0, 1, 2], relative=[0.0, 1.25e-7, 0.0325])],
        retests=[
            Retest(factor="fresh process", trial=1, same=True, same_decisions=True, largest=0.0),
            Retest(factor="2 threads", trial=1, same=False, same_decisions=True, largest=2.5e-7),
            Retest(factor="instructions of SSE4", trial=1, same=None, detail="it could not be started"),
        ],
        controls=[
            HeldControl(id="tf-seed", took_effect=True),
            HeldControl(id="session-threads", took_effect=False, detail="Keras ran nothing in it"),
            HeldControl(id="visible-gpu", took_effect=None, detail="there is no GPU here"),
        ],
        plain=Plain(train_seconds=91.7, test_seconds=2.9, same=True, machine=MACHINE),
    )
    threads = setup("keras-tf1.14-threads", [model(t, "c", digits(131), train_seconds=47.0 + t) for t in (1, 2, 3)])
    pytorch = setup("pytorch-1.3", [model(t, "d", digits(139), train_seconds=210.0 + 2.0 * t) for t in (1, 2, 3)])
    advice = "There is no environment keras-tf2.1. samebits env create keras-tf2.1"
    skipped = SetupResult(id="keras-tf2.1", about="Code 2", status="skipped", reason=advice)
    return study("lenet5", [parted, threads, pytorch, skipped])


def cells(rate, **changes):
    given = {
        "error_rate": rate, "dice": 0.81, "precision": 0.72, "recall": 0.93, "f1": 0.815, "counted": 50,
        "true_count": 56,
    }  # fmt: skip
    return Cells(**{**given, **changes})


def unet():
    """Trials of which one found no cell, so that its precision is undefined."""
    nothing = cells(100.0, precision=None, recall=0.0, f1=0.0, dice=0.0, counted=0,
                    undefined={"precision": "no cell in the prediction"})  # fmt: skip
    return study("unet", [
        setup("keras-tf1.14", [model(1, "a", cells(5.25)), model(2, "b", cells(7.75)), model(3, "c", nothing)]),
        setup("pytorch-1.3-glorot", [model(t, "d", cells(9.5)) for t in (1, 2, 3)]),
    ])  # fmt: skip
