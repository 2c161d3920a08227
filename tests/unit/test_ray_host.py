"""Trials on a Ray cluster, on the side of samebits: what goes to the bridge, and when. Nothing of Ray is needed here."""

from types import SimpleNamespace

import pytest

from samebits.launch.keeper import Delivery, Post, Treatment
from samebits.launch.ray_host import Bridge, RayHost


@pytest.mark.parametrize("late", [("ready", ["n1"]), ("refused", "no node has it.", "add one.")])
def test_an_answer_of_ray_that_comes_too_late_is_no_outcome_of_a_trial(late):
    bridge = Bridge.__new__(Bridge)
    answers = [late, ("over", 7, Delivery(lost=True))]
    bridge._outcomes, bridge._next = {}, lambda _: answers.pop(0)
    assert bridge.outcome(7) == Delivery(lost=True)
    assert list(bridge._outcomes) == [7]


@pytest.fixture
def cluster(monkeypatch):
    """A bridge without a cluster, which keeps what it was asked; its answers about folders can be replaced."""
    bridge = Bridge.__new__(Bridge)
    bridge.asked, bridge.answers = [], {"admit": 2, "lacking": []}
    bridge._kept, bridge.lacking = set(), {}

    def ask(_, verb, *about):
        bridge.asked.append((verb, *about))
        return bridge.answers.get(verb)

    monkeypatch.setattr(Bridge, "ask", ask)
    monkeypatch.setattr(Bridge, "start", lambda _, order: bridge.asked.append(("start", order)))
    monkeypatch.setattr("samebits.launch.ray_host.bridge_to", lambda address: bridge)
    return bridge


def ordered(number, record):
    """An order for a trial, as far as a host without a cluster reads it."""
    return SimpleNamespace(id=number, plan=SimpleNamespace(record=record))


def test_whether_the_working_folder_travels_is_decided_once_for_a_search(cluster, tmp_path):
    """A trial may write into the copy of its node, and then the copies differ."""
    assert RayHost("ray", "", {}).reach(tmp_path) == ""
    cluster.answers["lacking"] = ["host2"]
    assert RayHost("ray", "", {"node": "host2", "spread": "same"}).reach(tmp_path) == ""
    assert "because host2 lacks it" in RayHost("ray", "", {"num_gpus": "1"}).reach(tmp_path)
    assert [asked[1] for asked in cluster.asked if asked[0] == "lacking"] == [{}, {"num_gpus": "1"}]


@pytest.mark.parametrize("program", ["train.py", "train"])
def test_a_patch_reaches_nodes_that_have_the_folder_without_it(cluster, monkeypatch, tmp_path, program):
    """`fix --apply` checks one patch after the other, and the first bridge may still be there."""
    monkeypatch.setattr("samebits.launch.ray_host.RemoteTrial", lambda order, task: task)
    monkeypatch.setattr("samebits.launch.ray_host.post", lambda *_, **__: Post(b"", {}, Treatment(0, 0, 1024)))
    for number, lacking in ((1, []), (2, ["host2"]), (3, ["host2"])):
        (tmp_path / program).write_text(f"patch = {number}\n")
        (tmp_path / "model.bin").write_text("x" * number)
        cluster.answers["lacking"] = lacking
        for trial in (1, 2):
            host = RayHost("ray", "", {})  # a record each
            assert bool(host.reach(tmp_path)) is bool(lacking)
            (tmp_path / "model.bin").write_text("y" * number * trial)  # a training that writes is no patch
            host.start(ordered(trial, tmp_path))
    kept = {name: packed for verb, name, packed in (a for a in cluster.asked if a[0] == "keep") if packed}
    orders = [asked[1].folder for asked in cluster.asked if asked[0] == "start"]
    assert orders[:2] == ["", ""]
    assert orders[2] == orders[3] != orders[4] == orders[5]
    assert [f"patch = {number}\n".encode() in kept[name] for number, name in ((2, orders[2]), (3, orders[4]))] == [
        True
    ] * 2
    assert [asked[0] for asked in cluster.asked].count("lacking") == 3


def test_the_probe_is_packed_and_travels_once_and_not_with_each_trial(cluster, monkeypatch, tmp_path):
    monkeypatch.setattr("samebits.launch.ray_host.RemoteTrial", lambda order, task: task)
    monkeypatch.setattr("samebits.launch.ray_host.post", lambda *_, **__: Post(b"", {}, Treatment(0, 0, 1024)))
    packed = []
    monkeypatch.setattr("samebits.launch.ray_host.packed_code", lambda record: packed.append(record) or b"probe")
    (tmp_path / "probe").mkdir()
    (tmp_path / "probe" / "one.py").write_text("")
    host = RayHost("ray", "", {})
    for number in (1, 2, 3):
        host.start(ordered(number, tmp_path))
    (kept,) = [asked for asked in cluster.asked if asked[0] == "keep"]
    orders = [asked[1] for asked in cluster.asked if asked[0] == "start"]
    assert (kept[2], packed) == (b"probe", [tmp_path])
    assert [(order.trial, order.code, order.post.code) for order in orders] == [(n, kept[1], b"") for n in (1, 2, 3)]
