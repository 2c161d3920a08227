"""Trials on clusters that two raylets of one machine cannot stand for: nodes that share no disk, or one that is dead.

Ray is pretended (tests/plugs/pretended_ray); the trials and all of samebits are real. tests/frameworks/test_ray.py has
the real one.
"""

import json
import os
import sys
from pathlib import Path

import pytest

PRETENDED = Path(__file__).resolve().parents[1] / "plugs" / "pretended_ray"
PROGRAM = """import os
import samebits_probe
samebits_probe.observe("weights/w", 1.0, step=0)
print(os.getcwd(), sorted(os.listdir()))
"""


def node(number, **more):
    return {"NodeID": str(number) * 40, "Alive": True, "NodeManagerHostname": f"host{number}",
            "NodeManagerAddress": f"10.0.0.{number}", "Resources": {"CPU": 2.0}, "Labels": {}, **more}  # fmt: skip


@pytest.fixture
def cluster(tmp_path):
    """Function(*nodes) writes down which nodes there are."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "train.py").write_text(PROGRAM)
    return lambda *nodes: (tmp_path / "nodes.json").write_text(json.dumps(nodes))


@pytest.fixture
def check(tmp_path, begun):
    """Function(*options) -> a check of the program that has begun."""
    path = os.pathsep.join(filter(None, [str(PRETENDED), os.environ.get("PYTHONPATH")]))
    environment = {
        **os.environ, "PYTHONPATH": path, "PRETENDED_NODES": str(tmp_path / "nodes.json"),
        "PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"],
    }  # fmt: skip

    def begin(*options, command="check"):
        words = [sys.executable, "-m", "samebits", command, "--on", "ray", *options, "train.py"]
        return begun(words, tmp_path / "work", environment)

    return begin


def trials(tmp_path, name="record"):
    files = sorted((tmp_path / "work" / name).glob("trials/*/trial.json"))
    return [json.loads(path.read_text()) for path in files]


def test_a_folder_that_is_sent_is_removed_with_its_trial(cluster, check, tmp_path):
    (tmp_path / "work/data.txt").write_text("x" * 2000)
    cluster(node(1), node(2))
    said = check("-n", "2", "--jobs", "2", "--each", "folder=packed", "--out", "record").ended(0)
    assert "the working folder (2 files, 2.1 kB) is sent to the nodes, because --each asks for it" in said
    place, files = (tmp_path / "work/record/trials/001/stdout.txt").read_text().split(maxsplit=1)
    assert files == "['data.txt', 'train.py']\n"
    assert place.startswith("/tmp/samebits-")
    assert not Path(place).exists()


@pytest.mark.slow
def test_a_folder_stays_where_it_is_if_nobody_asks_to_send_it(cluster, check, tmp_path):
    cluster(node(1), node(2))
    said = check("-n", "2", "--out", "record").ended(0)
    assert "is sent" not in said
    assert (tmp_path / "work/record/trials/001/stdout.txt").read_text().startswith(f"{tmp_path / 'work'} ")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--spread", "nodes"), "--spread nodes: only one node of the Ray cluster has what a trial needs."),
        (("--each", "node=host7"), "the Ray cluster has no living node host7."),
        (("--spread", "far"), "'far' is not one of same, nodes, any."),
        (("--each", "folder=shared"), "folder=shared is not possible; write folder=packed."),
    ],
)
def test_what_the_cluster_cannot_do_is_refused(cluster, check, tmp_path, options, what):
    cluster(node(1), node(2, Alive=False))
    assert what in check(*options, "--out", "record").ended(2)
    assert not (tmp_path / "work/record").exists()
