"""Commands that train with a framework, each on a real Slurm of one node. tests/probe/test_slurm.py has all others."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="torch is not installed: these commands train with it")
slurm_site = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "slurm_site.py")))
TRAINS = """import torch
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for step in range(2):
    optimizer.zero_grad()
    model(torch.rand(2, 4)).pow(2).mean().backward()
    optimizer.step()
"""


@pytest.fixture(scope="module")
def site():
    """The environment of who uses the site."""
    with slurm_site.site_or_skip(pytest.skip) as environment:
        path = str(Path(sys.executable).parent) + os.pathsep + environment["PATH"]
        yield {**environment, "PATH": path}


def called(folder, site, *words):
    command, pipes = [sys.executable, "-m", "samebits", *map(str, words)], {"stdin": subprocess.DEVNULL}
    done = subprocess.run(command, cwd=folder, env=site, capture_output=True, text=True, timeout=800, **pipes)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_operators_are_replayed_in_a_job(site, tmp_path):
    (tmp_path / "train.py").write_text(TRAINS)
    done = called(tmp_path, site, "ops", "--on", "slurm", "--out", "record", "train.py")
    assert "operators in step 0, each run again 4 times: the same bits" in done.stdout
    files = (tmp_path / "record").glob("trials/*/trial.json")
    assert [json.loads(file.read_text())["machine"]["node"] for file in files] == ["localhost"]
