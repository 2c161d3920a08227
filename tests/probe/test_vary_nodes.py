"""Vary compares the nodes of a host: real trials in keepers of this machine, each on a node that is only a name."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from builders import silent

from samebits import launch
from samebits.errors import UsageError
from samebits.experiment import Request
from samebits.launch.hosts import TaskState
from samebits.launch.node.keeper import Keeper
from samebits.launch.remote.remote_host import RemoteHost
from samebits.model import Options
from samebits.reports.presenters import terminal
from samebits.vary import vary
from samebits.vary.report import report

PROGRAM = """import os, sys
import samebits_probe
node = os.environ["NODE"]
noise = float.fromhex(os.urandom(4).hex()) if node in sys.argv[2:] else 0.0
for step in range(5):
    samebits_probe.observe("weights/w", 1.0 + noise + (node in sys.argv[1].split(",") and step > 2), step=step)
"""


class Nodes(RemoteHost):
    """A host of four nodes. A trial finds the name of its node in its environment."""

    no_waiting = "trials on nodes do not wait between rounds"

    def __init__(self, kind, address, each):
        self._node = each.get("node", "a")

    def nodes(self):
        return ["a", "b", "c", "d"]

    def begin(self, trial, files):
        return Task(files, self._node)


class Task:
    def __init__(self, files, node):
        post = files.whole_post()
        self._files = files
        self._keeper = Keeper(replace(post, environment={**post.environment, "NODE": node}), node)
        self._is_over = False

    def look(self):
        if not self._is_over and (outcome := self._keeper.poll(0)) is not None:
            self._files.deliver(outcome)
            self.kill()
        return TaskState(is_over=self._is_over)

    def kill(self):
        self._keeper.close()
        self._is_over = True


@pytest.fixture
def varied(tmp_path, monkeypatch):
    """Function(other, *noisy, nodes) -> (VaryResult, what the terminal shows). `other`: nodes with other bits."""
    monkeypatch.setitem(sys.modules, "samebits.launch.pretend", SimpleNamespace(Nodes=Nodes))
    monkeypatch.setitem(launch.HOSTS, "pretend", ("pretend", "Nodes"))
    (tmp_path / "train.py").write_text(PROGRAM)

    def run(other, *noisy, nodes=(), host="pretend"):
        asked = Request(
            command=[sys.executable, "train.py", other or "none", *noisy], directory=tmp_path, out=tmp_path / "record",
            host=host, options=Options(trials=2),
        )  # fmt: skip
        result = vary(asked, [("node", list(nodes))], silent)
        return result, terminal.render(report(result))

    return run


@pytest.mark.slow(seconds=20)
def test_a_node_with_other_bits_is_the_odd_one_out(varied):
    result, shown = varied("c")
    (factor,) = result.factors
    assert (result.verdict, factor.groups) == ("diverged", [["a", "b", "d"], ["c"]])
    assert [value.status for value in factor.values] == ["base", "same", "differs", "same"]
    assert [value.in_force for value in factor.values] == ["a", "b", "c", "d"]
    assert "2 groups by their bits: a, b, d | c" in shown
    assert "different from the others: c" in shown


@pytest.mark.slow(seconds=20)
def test_the_first_node_can_be_the_odd_one_out(varied):
    result, shown = varied("a", nodes="abd")
    assert result.factors[0].groups == [["a"], ["b", "d"]]
    assert "different from the others: a" in shown


@pytest.mark.slow(seconds=20)
def test_a_node_that_does_not_repeat_is_named_and_of_two_groups_of_one_size_none_is_odd(varied):
    result, shown = varied("b", "d", nodes="abd")
    assert result.factors[0].groups == [["a"], ["b"]]
    assert "d: its own trials do not repeat (2 trials, 2 models)" in shown
    assert "odd" not in shown


def test_equal_nodes_are_said_to_be_equal(varied):
    result, shown = varied("", nodes="ab")
    assert (result.verdict, result.factors[0].groups) == ("repeated", [["a", "b"]])
    assert "the same bits on a and b" in shown


@pytest.mark.parametrize(
    ("nodes", "host", "what"),
    [
        ("ax", "pretend", "--factor node=x is not possible here: the nodes are a, b, c, d."),
        ("", "local", "node cannot be varied: trials run on one machine."),
        ("ab", "local", "--factor node=a is not possible here: trials run on this machine."),
    ],
)
def test_nodes_that_are_not_there_are_refused(varied, tmp_path, nodes, host, what):
    with pytest.raises(UsageError) as refused:
        varied("", nodes=nodes, host=host)
    assert refused.value.message == what
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]
