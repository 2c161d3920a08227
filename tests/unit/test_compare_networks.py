"""Independent networks that are trained in a different order in each trial, and what counts of what they leave."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samebits.comparison.verdict.network_orders import may_differ
from samebits.model import FilesFile, SavedFile
from samebits.store import open_record

SETTINGS = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NETWORKS = ("generator", "critic", "value")


def label_of(place):
    return ("", "Net.", "Net#2.")[place]


def trained(writing, order, *, rounds=2, changes=(), paths=None):
    """A trial in which networks are called, and stepped, in an order; `changes`: {(network, kind, round)}."""

    def write(folder, number):
        process, steps = writing.process(folder), itertools.count()
        process.recorder.event("observed-by", how="optimizer")
        for place in range(len(order)):
            process.recorder.event("model", label=label_of(place))

        def value(kind, name, when):
            return (kind, name, when, (name, kind, when) in changes)

        for turn in range(rounds):
            for place, name in enumerate(order):
                label, step = label_of(place), next(steps)
                optimizer = "" if place == 0 else f"SGD#{place + 1}/"
                if turn == 0:
                    process.add(-1 if step == 0 else step, "start", label + "weight", value("start", name, 0))
                process.add(step, "batch", label + "0", ("batch", turn))
                process.add(step, "forward", label + "output", value("forward", name, turn))
                process.add(step, "forward", "loss", value("loss", name, turn))
                process.add(step, "gradient", label + "weight", value("gradient", name, turn))
                process.add(step, "update", f"{optimizer}param_groups.0/lr", 0.1)
                process.add(step, "update", label + "weight", value("update", name, turn))
                for other in range(len(order) if turn else place + 1):  # the buffers of all models, after each step
                    seen = turn if other <= place else turn - 1
                    process.add(step, "update", label_of(other) + "mean", value("mean", order[other], seen))
        count = next(steps)
        process.add(count, "end", "globals x", "the last batch")
        for place, name in enumerate(order):
            process.add(count, "end", label_of(place) + "weight", value("end", name, rounds))
            if paths:
                process.recorder.event("model", label=label_of(place), paths=[paths[name]])
        process.end(count)

    return write


@SETTINGS
@given(st.permutations(NETWORKS))
def test_the_order_of_independent_networks_is_no_answer(writing, tmp_path_factory, order):
    trials = [trained(writing, NETWORKS), trained(writing, order)]
    result = writing.judged(tmp_path_factory.mktemp("record"), trials)
    is_one_order = tuple(order) == NETWORKS
    assert result.verdict == ("repeated" if is_one_order else "inconclusive"), result.sentence
    assert is_one_order or "in different orders" in result.reason
    assert is_one_order or "sorted(...)" in result.advice
    assert len({trial.final for trial in result.trials}) == 1


@SETTINGS
@given(
    st.permutations(NETWORKS),
    st.sampled_from(NETWORKS),
    st.sampled_from([("gradient", 1), ("update", 0), ("mean", 1), ("end", 2), ("start", 0)]),
)
def test_any_value_that_differs_is_found_in_any_order(writing, tmp_path_factory, order, name, change):
    changed = trained(writing, order, changes=[(name, *change)])
    result = writing.judged(tmp_path_factory.mktemp("record"), [trained(writing, NETWORKS), changed])
    assert result.verdict == "diverged"
    assert result.groups == [[1], [2]]


@pytest.mark.parametrize(("digits", "verdict", "name"), [("01", "diverged", "policy.bin"), ("00", "repeated", None)])
def test_a_named_file_decides_if_all_else_differs_only_in_order(writing, tmp_path, digits, verdict, name):
    def with_file(write, digit):
        def written(folder, number):
            write(folder, number)
            file = SavedFile(path="policy.bin", named=True, format="bytes", tensors={"": digit * 32})
            return {"files": FilesFile(files=[file])}

        return written

    orders = (NETWORKS, NETWORKS[::-1])
    trials = [with_file(trained(writing, order), digit) for order, digit in zip(orders, digits, strict=True)]
    result = writing.judged(tmp_path, trials)
    assert (result.verdict, result.divergence and result.divergence.name) == (verdict, name)


def test_networks_in_a_different_order_repeat_if_each_variable_ends_with_the_same_one(writing, tmp_path):
    held = {name: f"nets['{name}']" for name in NETWORKS}
    swapped = {"generator": "nets['critic']", "critic": "nets['generator']", "value": "nets['value']"}
    first = trained(writing, NETWORKS, paths=held)
    result = writing.judged(tmp_path / "one", [first, trained(writing, NETWORKS[::-1], paths=held)])
    assert (result.verdict, "different order" in " ".join(result.warnings)) == ("repeated", True), result.sentence
    other = trained(writing, NETWORKS[::-1], paths=swapped)
    assert writing.judged(tmp_path / "two", [first, other]).verdict == "inconclusive"
    changed = trained(writing, NETWORKS[::-1], paths=held, changes=[("critic", "gradient", 1)])
    assert writing.judged(tmp_path / "three", [first, changed]).verdict == "diverged"


def test_a_network_that_takes_more_steps_diverges(writing, tmp_path):
    result = writing.judged(tmp_path, [trained(writing, NETWORKS), trained(writing, NETWORKS[::-1], rounds=3)])
    assert result.verdict == "diverged"


def test_variables_that_hold_different_networks_are_of_kind_end(writing, tmp_path):
    """As where weights are drawn, and networks called, in the order of a set: then the traces agree."""
    held = [{name: f"nets['{key}']" for name, key in zip(NETWORKS, keys, strict=True)} for keys in ("abc", "acb")]
    where = writing.judged(tmp_path, [trained(writing, NETWORKS, paths=paths) for paths in held]).divergence
    assert (where.kind, where.name) == ("end", "Net.weight")


EVALUATIONS = [((1, "forward"), "evaluation/0"), ((3, "end"), "evaluation/output")]


@pytest.mark.parametrize(("at", "name"), EVALUATIONS)
def test_an_evaluation_that_alone_differs_is_a_note(writing, tmp_path, at, name):
    def trial(value, *more):
        def write(folder, number):
            process = writing.process(folder)
            writing.train(process, {})
            for row in ((*at, name), *more):
                process.add(*row, value)
            process.end(3)

        return write

    result = writing.judged(tmp_path / "one", [trial("a"), trial("b")])
    assert result.verdict == "repeated"
    assert result.warnings == [
        f"{name} differs from step {at[0]} on: this forward pass trains nothing, and all that follows from it agrees"
    ]
    fed = writing.judged(tmp_path / "two", [trial(value, (2, "update", "running_mean")) for value in "ab"])
    assert fed.verdict == "diverged"


def begun(writing, *names, state=None, is_whole=False, is_late=False):
    """A trial that has begun to train these networks, and waits. `state`: of PyTorch's generator.

    `is_whole`: the program has ended. `is_late`: that generator got its seed late.
    """

    def write(folder, number):
        process = writing.process(folder)
        if state is not None:
            process.add(0, "rng", "torch", state)
        if is_late:
            process.recorder.event("unseeded", generator="torch")
        for step, (label, name) in enumerate(zip(("", "Net."), names, strict=False)):
            process.recorder.event("model", label=label)
            process.add(-1 if step == 0 else step, "start", label + "weight", name)
            process.add(step, "gradient", label + "weight", name)
        if is_whole:
            process.end(len(names))
        else:
            process.stopped(len(names))
        return {"status": "complete" if is_whole else "stopped"}

    return write


@pytest.mark.parametrize(
    ("trials", "answer"),
    [
        ([["a"], ["b"]], "no"),  # as weights that differ by chance
        ([["a"], ["a"], ["b"]], "perhaps"),
        ([["a"], ["a"]], "no"),
        ([["a", "b"], ["b"]], "surely"),
        ([["a", "b"], ["c", "b"]], "no"),
        ([["a", "b"], ["a", "c"]], "no"),
    ],
)
def test_only_some_differences_may_be_a_different_order(writing, tmp_path, trials, answer):
    record = open_record(writing.record(tmp_path / "record", [begun(writing, *names) for names in trials]))
    assert may_differ(record.trials) == answer


@pytest.mark.parametrize(
    ("trials", "answer"),
    [([("a", 1), ("b", 1)], "perhaps"), ([("a", 1), ("b", 2)], "no"), ([("a", 1), ("b", None)], "no"), ([("a", 1), ("a", 1)], "no"),
     ([("a", 1), ("b", 1), ("c", 1)], "perhaps"), ([("a", 1), ("b", 1), ("c", 2)], "no")],
)  # fmt: skip
def test_first_networks_that_all_differ_may_come_in_a_different_order_if_the_generator_is_seeded(
    writing, tmp_path, trials, answer
):
    record = open_record(
        writing.record(tmp_path / "record", [begun(writing, name, state=state) for name, state in trials])
    )
    assert may_differ(record.trials) == answer


def test_weights_that_were_drawn_before_the_seed_have_no_order(writing, tmp_path):
    trials = [begun(writing, name, state=1, is_late=True) for name in "ab"]
    assert may_differ(open_record(writing.record(tmp_path / "record", trials)).trials) == "no"
    result = writing.judged(tmp_path / "judged", trials)
    assert result.verdict == "diverged"
    assert result.unseeded == {"torch": "torch's CPU RNG got its seed after the program had drawn from it"}
    assert list(result.unseeded.values()) == result.warnings


@pytest.mark.parametrize(("names", "answer"), [(["a"], "no"), (["a", "c"], "perhaps")])
def test_a_program_that_trains_one_network_has_no_order_though_its_generator_is_seeded(
    writing, tmp_path, names, answer
):
    trials = [begun(writing, *names, state=1, is_whole=True), *(begun(writing, name, state=1) for name in ("b", "d"))]
    assert may_differ(open_record(writing.record(tmp_path / "record", trials)).trials) == answer


def test_values_that_the_program_names_are_no_networks(writing, tmp_path):
    trials = [writing.training({(-1, "start", "weight"): value}, stop=2) for value in (1, 1, 2)]
    assert may_differ(open_record(writing.record(tmp_path / "record", trials)).trials) == "no"
