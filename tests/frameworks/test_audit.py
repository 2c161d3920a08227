"""`samebits audit` on a training with PyTorch that forgets one thing (benchmarks/programs/resume_faults.py)."""

import json
import sys
from pathlib import Path

import pytest

from samebits import cli

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "programs" / "resume_faults.py"
pytest.importorskip("torch")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("forget", "at", "forgotten", "named"),
    [
        ("", "16", [], ""),
        ("gradients-kept", "6", [], ""),
        ("restored-too-early", "12", ["generator torch"], "is 2 draws of 32 bits ahead of"),
        ("moments-dtype", "12", ["moments"], "The moments have a different dtype: bfloat16, not float32."),
        (
            "sampler-epoch",
            "12",
            ["sampler's epoch and position"],
            "that of step 4, not 12: the order of epoch 0, not 1.",
        ),
        ("workers", "12", ["workers' generators"], "the same samples with different augmentation"),
        ("average-is-raw", "12", ["average of weights, other models"], "equals the raw weights"),
    ],
)
def test_what_a_training_forgot_is_named(tmp_path, monkeypatch, forget, at, forgotten, named):
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, str(PROGRAM), "--out", "{out}", "--forget", forget]
    status = cli.main(["audit", "--at", at, "--json", "r.json", "--", *command])
    moment = json.loads((tmp_path / "r.json").read_text())["moments"][0]
    assert (status, moment["forgotten"]) == (int(bool(forgotten)), forgotten)
    assert named in " ".join(moment["named"])
    assert moment["cold"] == ("differs" if moment["offset"] == moment["expected"] else "")
    confirmed = [] if forget == "workers" else forgotten
    assert (moment["graft"] or {"parts": []})["parts"] == confirmed
    assert set(forgotten) - set(confirmed) <= set((moment["graft"] or {"unable": []})["unable"])
