"""Which process is which: siblings that begin in any order, identities, arguments that were changed."""

import pytest

ONE, TWO, THREE = ({(0, "batch", "0"): number} for number in (1, 2, 3))
ENDED = ONE | {(3, "end", "fc.bias"): 1}
DOUBT = "processes with the same arguments could not be told apart: they were paired in the order in which they started (python train.py)"


def family(writing, *children, **facts):
    """A trial of forked children that begin in this order: (changes, identity) each."""

    def write(folder, number):
        for start, (changes, identity) in enumerate(children, 2):
            process = writing.process(folder, start, forked_from=101, identity=identity, **facts)
            writing.train(process, changes)

    return write


@pytest.mark.parametrize(
    ("first", "second", "verdict", "warnings"),
    [
        # without identities, children are paired by what they did; two that differ are doubtful
        ([(ENDED, None), (TWO, None)], [(TWO, None), (ENDED, None)], "repeated", []),
        ([(ONE, None), (TWO, None)], [(THREE, None), ({}, None)], "diverged", [DOUBT]),
        # an identity tells them apart, whichever begins first
        ([(ONE, [1]), (TWO, [2])], [(TWO, [2]), (ONE, [1])], "repeated", []),
        ([(ONE, [1]), (TWO, [2])], [({}, [2]), (THREE, [1])], "diverged", []),
        ([(ONE, [1]), (TWO, [2])], [(TWO, [1]), (ONE, [2])], "diverged", []),
        # but only if each child has one
        ([(ONE, [1]), (TWO, None)], [(TWO, [1]), (ONE, None)], "repeated", []),
    ],
)
def test_siblings_are_paired_by_their_identities_or_by_what_they_did(
    writing, tmp_path, first, second, verdict, warnings
):
    result = writing.judged(tmp_path, [family(writing, *first), family(writing, *second)])
    assert (result.verdict, result.warnings) == (verdict, warnings)
    if verdict == "repeated":
        assert result.trials[0].final == result.trials[1].final is not None


def test_one_sibling_that_differs_is_told_from_its_like(writing, tmp_path):
    trials = [family(writing, (ONE, None), (TWO, None)), family(writing, (THREE, None), (ONE, None))]
    result = writing.judged(tmp_path, trials)
    assert (result.divergence.step, result.divergence.kind, result.divergence.process.order) == (0, "batch", 1)
    assert result.warnings == []


def test_one_process_is_the_same_whatever_its_arguments(writing, tmp_path):
    def trial(*words, changes=None):
        return writing.training(changes, facts={"argv": ["python", "train.py", *words]})

    result = writing.judged(tmp_path / "a", [trial(), trial("--epochs", "2")])
    assert result.verdict == "repeated"
    where = writing.judged(tmp_path / "b", [trial(), trial("--epochs", "2", changes=ONE)]).divergence
    assert (where.step, where.kind, where.name) == (0, "batch", "0")


def test_stopped_siblings_are_compared_as_far_as_they_went(writing, tmp_path):
    def stopped(*changes):
        def write(folder, number):
            for start, change in enumerate(changes, 2):
                writing.train(writing.process(folder, start, forked_from=101), change, steps=start + number, stop=True)
            return {"status": "stopped"}

        return write

    result = writing.judged(tmp_path, [stopped(ONE, TWO), stopped(TWO, ONE)], options={"steps": 3})
    assert (result.verdict, result.warnings) == ("repeated", [])


def spawned(writing, *children):
    """A trial of spawned children (changes, identity) that begin in this order, each with handles of its own."""

    def write(folder, number):
        for start, (changes, identity) in enumerate(children, 2):
            handles = f"spawn_main(tracker_fd={7 + number}, pipe_handle={11 + 2 * start})"
            argv = ["python", "-c", handles, "--multiprocessing-fork"]
            process = writing.process(folder, start, identity=[identity], name=f"Process-{identity}", argv=argv)
            writing.train(process, changes)

    return write


FIRST, SECOND = ({(0, "batch", "0"): number} for number in (10, 20))


def test_a_command_with_the_number_of_the_trial_tells_spawned_children_apart(writing, tmp_path):
    """The number 1 is no part of the handle 13."""
    trials = [
        spawned(writing, (FIRST, 1), (SECOND, 2)),
        spawned(writing, (SECOND, 2), (FIRST, 1)),
        spawned(writing, (FIRST, 1), (SECOND, 2)),
    ]
    result = writing.judged(tmp_path, trials, command=["python", "train.py", "{trial}"])
    assert (result.verdict, result.warnings) == ("repeated", [])


def test_a_difference_in_a_child_names_it_and_says_since_when_and_what_trained_meanwhile(writing, tmp_path):
    late = SECOND | {(2, "batch", "0"): "different"}
    trials = [spawned(writing, (FIRST, 1), (SECOND, 2)), spawned(writing, (late, 2), (FIRST, 1))]
    result = writing.judged(tmp_path, trials)
    assert (result.divergence.process.name, result.divergence.step, result.divergence.kind) == ("Process-2", 2, "batch")
    assert result.divergence.detail.endswith(
        "between step 1 and the batch of step 2 of this process, while Process-1 trained"
    )
    assert "in the process Process-2" in result.sentence


def test_weights_that_a_sibling_had_trained_differ_in_the_process_that_read_them(writing, tmp_path):
    """As in a Hogwild of processes whose second one begins when the first one has trained already."""
    after = {(-1, "start", "fc.weight"): ("fc.weight", 1)}  # what the first child holds after its step 1
    trials = [spawned(writing, (FIRST, 1), (SECOND, 2)), spawned(writing, (FIRST, 1), (SECOND | after, 2))]
    where = writing.judged(tmp_path, trials).divergence
    assert (where.process.name, where.step, where.kind) == ("Process-2", -1, "start")


def test_a_parent_that_makes_no_step_differs_between_its_start_and_its_end(writing, tmp_path):
    def trial(value):
        def write(folder, number):
            parent = writing.process(folder, 1)
            parent.add(-1, "start", "fc.weight", 0)
            spawned(writing, (FIRST, 1), (SECOND, 2))(folder, number)
            parent.add(0, "forward", "out", value)
            parent.end(0)

        return write

    result = writing.judged(tmp_path, [trial(1), trial(2)])
    assert "they diverge in a process that makes no step (forward of out)" in result.sentence
    assert result.divergence.detail.endswith(
        "between the start and the end of this process, while Process-1 and Process-2 trained"
    )


@pytest.mark.parametrize("copied", [True, False])
def test_a_copy_of_the_working_folder_for_each_trial_does_not_make_another_process(writing, tmp_path, copied):
    """The program starts its second part by the path of its own file."""

    def write(folder, number):
        place = f"/tmp/samebits-1f-folder/{number:03d}"
        for start, script in enumerate(("a.py", "b.py"), 1):
            writing.train(writing.process(folder, start, argv=["/usr/bin/python", f"{place}/{script}"]), {})
        return {"working_copy": place if copied else ""}

    assert writing.judged(tmp_path, [write] * 2).verdict == ("repeated" if copied else "diverged")


RAY = ["python", "/lib/ray/_private/workers/default_worker.py"]


def ray_workers(writing, started):
    """A trial whose Ray workers begin in this order: "A0" is rank 0 of the start A."""

    def write(folder, number):
        for place, name in enumerate(started.split(), 1):
            ranked = {"rank": int(name[1]), "world_size": 2} if len(name) > 1 else {}
            process = writing.process(folder, place, argv=[*RAY, f"--worker-id={number}{place}"], **ranked)
            writing.train(process, {(0, "batch", "0"): name})

    return write


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A0 A1 B0 B1", "A0 B0 A1 B1"),
        ("A0 A1 B0 B1", "A0 B1 A1 B0"),
        ("A0 A1 B0 B1", "B0 B1 A0 A1"),
        ("A0 A1 B0 B1", "B1 A0 B0 A1"),
        ("A B", "B A"),
    ],
)
def test_workers_of_ray_that_begin_in_a_different_order_are_the_same(writing, tmp_path, one, other):
    result = writing.judged(tmp_path, [ray_workers(writing, started) for started in (one, other)])
    assert (result.verdict, {trial.steps for trial in result.trials}) == ("repeated", {6})


def test_a_worker_of_ray_that_trained_otherwise_differs(writing, tmp_path):
    result = writing.judged(tmp_path, [ray_workers(writing, started) for started in ("A0 A1 B0 B1", "A0 A1 B0 C1")])
    assert (result.verdict, result.divergence.kind, result.divergence.process.rank) == ("diverged", "batch", 1)
