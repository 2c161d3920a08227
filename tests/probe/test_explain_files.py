"""explain on programs that take no step: only the files that they write tell."""

import sys
from dataclasses import replace

from samebits import causes

TRIALS = 3
IN_ITS_OWN_FOLDER = """import json, os, random, uuid
folder = f"runs/{uuid.uuid4()}"
os.makedirs(folder)
with open(folder + "/model.json", "w") as file:
    json.dump({"weights": [random.random(), 0.5]}, file)
"""


def test_a_model_in_a_folder_with_an_id_is_recognised_in_each_trial(ask, tmp_path):
    """The program takes no step, so only the model tells; each trial gives its folder a new name."""
    (tmp_path / "work" / "train.py").write_text(IN_ITS_OWN_FOLDER)
    asked = replace(ask("varies_by.py", artifacts=["runs/*/model.json"]), command=[sys.executable, "train.py"])
    result = causes.run(asked).result
    assert (result.divergence.kind, result.explanation.cause) == ("end", ["python-seed"])
