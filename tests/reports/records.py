"""Records made by hand, written with numpy: a training of any length in a moment."""

import hashlib
import json

import numpy as np

from samebits.model import FilesFile, Options, RecordFile, SavedFile, TrialFile
from samebits.store import seal, seal_record
from samebits_probe import wire

POINTS = [
    ("start", "conv1.weight", [6, 1, 5, 5]),
    ("batch", "0", [128, 1, 28, 28]),
    ("forward", "loss", []),
    ("gradient", "conv1.weight", [6, 1, 5, 5]),
    ("update", "conv1.weight", [6, 1, 5, 5]),
    ("update", "norm:weights", []),
    ("end", "conv1.weight", [6, 1, 5, 5]),
]
START, BATCH, LOSS, GRADIENT, UPDATE, NORM, END = range(len(POINTS))
STEP_POINTS = (BATCH, LOSS, GRADIENT, UPDATE)


def write_record(folder, groups, steps, parted=None, **trial_fields):
    """A record folder. `groups`: the letter of each trial; `parted`: letter -> the step at which its update leaves."""
    folder.mkdir(parents=True)
    file = RecordFile(
        samebits="0.1.0",
        created="2026-01-01T00:00:00+00:00",
        command=["python", "train.py", "--lr", "0.1"],
        directory="/home/me/project",
        python="/usr/bin/python3",
        hash="blake2b",
        options=Options(trials=len(groups), full=True),
    )
    (folder / "record.json").write_text(file.model_dump_json())
    for number, letter in enumerate(groups, 1):
        _trial(folder / "trials" / f"{number:03d}", number, letter, steps, (parted or {}).get(letter), trial_fields)
    seal_record(folder)
    return folder


def _trial(folder, number, letter, steps, parted, fields):
    process = folder / wire.PROCESSES / f"{1:020d}-100"
    process.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"folder": str(folder), "hash": "blake2b"}))
    _write_process(process, letter, steps, parted)
    tensors = {"conv1.weight": fingerprint(letter if parted is not None else "").hex()}
    files = FilesFile(files=[SavedFile(path="{out}/model.pt", named=False, format="torch", tensors=tensors)])
    (folder / "files.json").write_text(files.model_dump_json())
    document = {"id": number, "status": "complete", "exit_code": 0, "started": "2026-01-01", "seconds": 31.5}
    document.update(
        machine={"cpu": "Example 9000", "cores": 8, "system": "Linux 6.1"},
        packages={"numpy": "2.1.0", "torch": "2.13.0"},
        code={"commit": "abc1234", "dirty": False},
        metrics={"accuracy": 0.97 + ord(letter) % 7 / 1000},
        metrics_printed={"accuracy": f"{0.97 + ord(letter) % 7 / 1000:.4f}"},
    )
    (folder / "trial.json").write_text(TrialFile(**{**document, **fields}).model_dump_json())
    seal(folder)


def _write_process(folder, letter, steps, parted):
    facts = {"pid": 100, "parent": 1, "argv": ["train.py", "--lr", "0.1"], "rank": None, "world_size": None}
    (folder / wire.PROCESS).write_text(json.dumps(facts))
    rows = [
        {"id": i, "kind": kind, "name": name, "dtype": "float32", "shape": shape}
        for i, (kind, name, shape) in enumerate(POINTS)
    ]
    (folder / wire.POINTS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    _records(letter, steps, parted).tofile(folder / wire.TRACE)
    _scalars(letter, steps, parted).tofile(folder / wire.SCALARS)
    events = [{"event": "observed-by", "how": "optimizer"}, {"event": "watcher", "name": "pytorch", "version": "2.13"}]
    (folder / wire.EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events))
    (folder / wire.END).write_text(json.dumps({"steps": steps, "seconds": 31.0, "reason": "exit"}))


def fingerprint(value):
    """16 bytes that stand for a value."""
    return hashlib.blake2b(str(value).encode(), digest_size=16).digest()


def _records(letter, steps, parted):
    kinds = np.array([wire.CODE[kind] for kind, _, _ in POINTS], "u1")
    table = np.zeros(steps * len(STEP_POINTS) + 2, np.dtype(wire.ROW_FIELDS))
    table["point"] = [START, *STEP_POINTS * steps, END]
    table["kind"] = kinds[table["point"]]
    table["step"] = np.concatenate([[-1], np.repeat(np.arange(steps), len(STEP_POINTS)), [steps]])
    leaves = steps if parted is None else parted
    same, other = np.void(fingerprint("same")), np.void(fingerprint(letter))
    apart = (table["step"] > leaves) | ((table["step"] == leaves) & (table["point"] >= UPDATE))
    table["fingerprint"] = same
    if parted is not None:
        table["fingerprint"][apart & (table["point"] != BATCH)] = other
    return table


def _scalars(letter, steps, parted):
    at = np.arange(steps)
    noise = np.random.default_rng(7).normal(size=steps) * 0.04
    loss = 2.3 * np.exp(-at / (steps / 4)) + 0.08 + noise * np.exp(-at / steps)
    norm = 9 + 3 * np.sqrt(at / steps)
    if parted is not None:
        after = np.maximum(0, at - parted)
        wobble = np.random.default_rng(ord(letter)).normal(size=steps) * 0.05
        growth = np.minimum(1, 1e-6 * np.exp(np.minimum(60, after * 40 / steps))) * (after > 0)
        loss, norm = loss + wobble * growth, norm + (ord(letter) - 66.5) * 0.2 * growth
    table = np.zeros(2 * steps, np.dtype(wire.SCALAR_FIELDS))
    table["step"] = np.repeat(at, 2)
    table["point"] = np.tile([LOSS, NORM], steps)
    table["value"] = np.stack([loss, norm], 1).reshape(-1)
    return table
