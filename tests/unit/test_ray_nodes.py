"""Which nodes of a Ray cluster have what a trial needs, and on which of them it runs."""

import pytest

from samebits.launch.remote.ray_nodes import NotAdmitted, Placement, fitting, name_of, slots


def node(number, *, cpus=2.0, host=None, alive=True, **more):
    resources = {"CPU": cpus, "memory": 1.0, f"node:10.0.0.{number}": 1.0, **more.pop("resources", {})}
    return {
        "NodeID": f"{number}" * 40, "Alive": alive, "NodeManagerHostname": host or f"host{number}",
        "NodeManagerAddress": f"10.0.0.{number}", "Resources": resources, "Labels": more.pop("labels", {}),
    }  # fmt: skip


A, B = node(1), node(2, cpus=8.0, resources={"GPU": 4.0, "big": 1.0}, labels={"gpu": "A100", "ray.io/node-id": "2"})
DEAD = node(3, cpus=64.0, alive=False)


@pytest.mark.parametrize(
    ("needs", "found"),
    [({}, [A, B]), ({"num_cpus": "4"}, [B]), ({"num_gpus": "4"}, [B]), ({"label": "A100"}, [B]), ({"label": "big"}, [B]),
     ({"node": "host1"}, [A])],
)  # fmt: skip
def test_nodes_that_have_what_a_trial_needs(needs, found):
    assert fitting([B, DEAD, A], needs) == found


@pytest.mark.parametrize(
    ("needs", "what", "advice"),
    [
        ({"num_gpus": "5"}, "--each num_gpus=5: no node of the Ray cluster has more than 4.", "add a node"),
        ({"num_cpus": "9"}, "--each num_cpus=9: no node of the Ray cluster has more than 8.", "add a node"),
        ({"label": "h100"}, "--each label=h100: no node of the Ray cluster has it.", "choose from: big, A100."),
        ({"node": "host3"}, "the Ray cluster has no living node host3.", "choose from: host1, host2."),
        ({"label": "A100", "node": "host1"}, "--each num_cpus=1: no node of the Ray cluster has any.", "add"),
    ],
)
def test_what_no_node_has_is_refused(needs, what, advice):
    with pytest.raises(NotAdmitted) as refused:
        fitting([A, B, DEAD], needs)
    assert refused.value.args[0] == what
    assert refused.value.args[1].startswith(advice)


def test_a_label_is_explained_if_no_node_has_any():
    with pytest.raises(NotAdmitted) as refused:
        fitting([A], {"label": "a100"})
    assert "ray start --resources" in refused.value.args[1]


def test_nodes_of_one_host_have_names_of_their_own():
    both = [node(1, host="h"), node(2, host="h")]
    assert [name_of(one, both) for one in both] == ["h-11111111", "h-22222222"]
    assert name_of(A, [A, B]) == "host1"


@pytest.mark.parametrize(
    ("needs", "free", "number"),
    [
        ({}, {}, 10),
        ({"num_cpus": "3"}, {}, 2),
        ({"num_gpus": "1"}, {}, 4),
        ({}, {A["NodeID"]: {"CPU": 0.5}, B["NodeID"]: {"CPU": 1.0}}, 1),
        ({}, {A["NodeID"]: {}, B["NodeID"]: {}}, 1),  # it waits
        ({"num_cpus": "0"}, {}, 10),
    ],
)
def test_as_many_trials_run_as_there_is_room_for(needs, free, number):
    assert slots([A, B], free, needs) == number


def test_trials_are_spread_by_their_numbers():
    placement = Placement({"spread": "nodes"})
    assert placement.admit([A, B], {}) == 10
    assert [placement.of_trial(number, [B, A])["NodeID"][0] for number in (1, 2, 3)] == ["1", "2", "1"]
    with pytest.raises(NotAdmitted, match="only one node"):
        placement.admit([A, DEAD], {})


def test_all_trials_on_one_node_run_on_that_with_most_room():
    placement = Placement({"spread": "same"})
    assert placement.admit([A, B], {}) == 8
    assert [placement.of_trial(number, [A, B]) for number in (1, 2)] == [B, B]
    with pytest.raises(NotAdmitted, match="the node on which all trials ran is lost"):
        placement.of_trial(3, [A])


def test_ray_chooses_the_node_unless_it_is_said():
    assert Placement({}).of_trial(1, [A, B]) is None
    assert Placement({"node": "host2"}).of_trial(1, [A, B]) == B


@pytest.mark.parametrize(
    ("needs", "more"),
    [
        ({}, {}),
        ({"label": "big"}, {"resources": {"big": 0.001}}),
        ({"label": "A100"}, {"label_selector": {"gpu": "A100"}}),
    ],
)
def test_a_task_reserves_what_its_trial_needs(needs, more):
    amounts, placement = {"num_cpus": 2.0, "num_gpus": 0.0}, Placement({**needs, "num_cpus": "2"})
    assert placement.options([A, B]) == {**amounts, **more}
    assert placement.options([A, B], B) == {**amounts, **{name: more[name] for name in more if name == "resources"}}
