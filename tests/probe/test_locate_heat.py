"""`samebits locate --heat`: trials that run once more and keep every value."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import os
import numpy as np
import samebits_probe
a, b = np.ones(4, np.float32), np.ones(3, np.float32)
for step in range(8):
    samebits_probe.observe("x", np.full(2, step, np.float32), kind="batch", step=step)
    if step > 2:
        b = b + 1 + (np.frombuffer(os.urandom(12), "u4") / 2**33).astype(np.float32)
    if step > 4:
        a = a + b.sum()
    samebits_probe.observe("a", a, kind="update", step=step)
    samebits_probe.observe("b", b, kind="update", step=step)
    samebits_probe.observe("drawn", os.urandom(8) if step > 3 else b"", kind="update", step=step)
"""


@pytest.fixture
def run(tmp_path):
    def samebits(*words):
        return subprocess.run([sys.executable, "-m", "samebits", *words], cwd=tmp_path, capture_output=True, text=True,
                              env={**os.environ, "NO_COLOR": "1"}, check=False)  # fmt: skip

    return samebits


def test_every_tensor_has_its_distance_at_every_step_and_the_page_shows_them(run, tmp_path):
    (tmp_path / "train.py").write_text(PROGRAM)
    assert run("check", "--full", "-n", "3", "--out", "r", "--", "python", "train.py").returncode == 1
    done = run("locate", "--heat", "--json", "found.json", "--html", "page.html", "r")
    assert done.returncode == 1, done.stderr
    found = {(one["kind"], one["name"]): dict(zip(one["steps"], one["relative"], strict=True))
             for one in json.loads((tmp_path / "found.json").read_text())["location"]["distances"]}  # fmt: skip
    steps = range(1, 8)  # two before the divergence and all after it
    assert found["batch", "x"] == dict.fromkeys(steps, 0.0)
    assert [step for step in steps if found["update", "b"][step] == 0] == [1, 2]
    assert [step for step in steps if found["update", "a"][step] == 0] == [1, 2, 3, 4]
    assert found["update", "drawn"] == {1: 0.0, 2: 0.0, 3: 0.0} | dict.fromkeys(range(4, 8))
    page = (tmp_path / "page.html").read_text()
    assert "How far two trials are apart, layer by layer and step by step" in page
    assert "different bits without a distance" in page
    assert "The number of values at each distance, in units in the last place (ULP)." in page
    assert not (tmp_path / "r" / "locate" / "trials").exists()


def test_without_the_option_nothing_is_kept(run, tmp_path):
    (tmp_path / "train.py").write_text(PROGRAM)
    assert run("check", "--full", "-n", "2", "--out", "r", "--", "python", "train.py").returncode == 1
    path = tmp_path / "r" / "result.json"
    result = json.loads(path.read_text())
    assert result["divergence"]["size"]["shown"]["ulps"]
    result["divergence"]["size"] = None  # as in the record of a training that takes long
    path.write_text(json.dumps(result))
    run("locate", "--json", "found.json", "--md", "found.md", "--html", "page.html", "r")
    location = json.loads((tmp_path / "found.json").read_text())["location"]
    assert location["distances"] == []
    assert sum(one["values"] for one in location["size"]["shown"]["ulps"]) == location["size"]["different"]
    assert "The values that differ" in (tmp_path / "found.md").read_text()
    assert "The record holds fingerprints" not in (tmp_path / "page.html").read_text()
