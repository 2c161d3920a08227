"""A trial on a node: what it finds of earlier trials there."""

import sys
import time
from dataclasses import replace
from types import SimpleNamespace

from samebits.experiment import Experiment, Limits, Request
from samebits.launch import node, remote, working_folder
from samebits.launch.environment import Slot
from samebits.launch.hosts import TrialOrder
from samebits.launch.leaks import Leaks
from samebits.model import Options

READS = "print(open('state').read())\n"


def not_cancelled(readable, writable, special, seconds):
    time.sleep(seconds)
    return [], [], []


def test_what_an_earlier_trial_left_in_a_folder_that_has_travelled_is_a_leak(tmp_path, monkeypatch):
    """Trials that overlap on a node share the folder, so one that ended there leaves its files to the next."""
    monkeypatch.setattr(node, "select", SimpleNamespace(select=not_cancelled))
    own = tmp_path / "own"
    own.mkdir()
    (own / "reads.py").write_text(READS)
    asked = Request(command=[sys.executable, "reads.py"], directory=own, out=tmp_path / "record", options=Options())
    plan = Experiment.begin(asked).plan
    leaks = Leaks(own, plan.record)
    leaks.wrote(1, [own / "state"])
    order = remote._node_order(TrialOrder(plan, 3, Limits(), Slot(0, 2), leaks))
    order = replace(order, record=tmp_path / "place", packed=True)
    with node._place(order.record):
        there = node._plan(order, working_folder.archive(own))
        (there.directory / "state").write_text("of trial 1")
        found = node._run(there, order).fetch()
    assert there.directory != own
    assert [(leak.path, leak.written_by) for leak in found.leaks] == [("state", 1)]
