"""Renamed and inserted layers: samebits aligns them by order and shape, and lists the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from samebits.comparison.traces.layers import aligned_layers
from samebits.kept_record import judged_pair
from samebits.store.trace import Point
from samebits_probe import wire


def start(layer, *sizes):
    """The points of a layer: a weight of this shape, and a bias."""
    return [Point("start", f"{layer}.weight", "float32", sizes), Point("start", f"{layer}.bias", "float32", sizes[:1])]


def model(**layers):
    return [point for layer, sizes in layers.items() for point in start(layer, *sizes)]


OLD = model(a=(2, 3), b=(4, 2), c=(4, 4))
RENAMED = "layers with new names are aligned by order and shape: "
ONLY = "only the %s record has these layers: %s"


@pytest.mark.parametrize(
    ("second", "old_names", "notes"),
    [
        (OLD, "a b c", []),
        (model(a=(2, 3), x=(4, 2), c=(4, 4)), "a b c", [f"{RENAMED}b = x"]),
        (model(x=(2, 3), y=(4, 2), z=(4, 4)), "a b c", [f"{RENAMED}a = x, b = y, c = z"]),
        (model(a=(2, 3), new=(9, 9), b=(4, 2), c=(4, 4)), "a new b c", [ONLY % ("second", "new")]),
        (model(x=(2, 3), c=(4, 4)), "a c", [f"{RENAMED}a = x", ONLY % ("first", "b")]),
        (model(a=(2, 3), b=(4, 7), c=(4, 4)), "a b c", []),  # b differs: it has a new shape
        (model(a=(2, 3), b=(9, 9), x=(4, 2), c=(4, 4)), "a b_(new) b c", [f"{RENAMED}b = x", ONLY % ("second", "b")]),
        ([one._replace(name=one.name.replace("weight", "w")) for one in OLD], "", [f"{RENAMED}a = a, b = b, c = c"]),
        ([], "", []),
    ],
)
def test_layers_are_aligned_by_name_then_by_order_and_shape(second, old_names, notes):
    found = aligned_layers(OLD, second)
    weights = [found.names.get(name, name) for _, name, *_ in second if name.endswith("weight")]
    layers = [name.replace(".weight", "").replace(" ", "_") for name in weights]
    assert (" ".join(layers), list(found.notes)) == (old_names, notes)


SHAPES = some.lists(some.tuples(some.sampled_from("abcdefg"), some.sampled_from([(1, 2), (2, 2), (3, 1)])), max_size=7)


@given(SHAPES, SHAPES)
def test_each_weight_has_one_counterpart_of_its_shape_or_none(first, second):
    one, other = model(**dict(first)), model(**dict(second))
    names, lone, _ = aligned_layers(one, other)
    shapes = {point.name: point.shape for point in one}
    new = [names.get(point.name, point.name) for point in other]
    assert len(set(new)) == len(new)
    for point, name in zip(other, new, strict=True):
        if point.name in names and name not in lone:
            assert shapes[name] == point.shape
        elif one:
            assert name not in shapes or shapes[name] != point.shape
    if one and other:
        assert set(shapes) - set(new) <= lone


LAYERS = ("conv1", "fc")


@pytest.fixture
def pair(writing, tmp_path):
    """Function(second, changes={}, events=()) -> the result of comparing a model with LAYERS with a second one.

    `second`: the names of its layers, "new" for one that is inserted. `changes`: {(step, kind, name): value} of it.
    """

    def training(names, changes, events):
        weights = [f"{name}.weight" for name in names]
        places = {f"{name}.weight": place for place, name in enumerate(one for one in names if one != "new")}
        places["new.weight"] = "new"  # each other layer has the values of its place in the model
        rows = [(-1, "start", weight, ("start", places[weight])) for weight in weights]
        for step in range(3):
            rows += [(step, "batch", "0", step), (step, "forward", "loss", step)]
            for kind, part in (("gradient", ""), ("update", ""), ("update", "/exp_avg")):
                rows += [(step, kind, weight + part, (kind, part, places[weight], step)) for weight in weights]
        rows += [(3, "end", weight, ("end", places[weight])) for weight in weights]
        rows = [(*row[:3], changes.get(row[:3], row[3])) for row in rows]
        return writing.observing(rows, 3, how="optimizer", events=events)

    def compare(second, changes=None, events=((), ())):
        first = writing.record(tmp_path / "first", [training(LAYERS, {}, ())] * 2)
        of_trials = [training(second, changes or {}, of_trial) for of_trial in events]
        return judged_pair(first, writing.record(tmp_path / "second", of_trials))[1]

    return compare


def test_renamed_layers_with_the_same_bits_are_equal_and_named(pair):
    result = pair(("stem.conv1", "head"))
    assert result.verdict == "repeated"
    assert f"{RENAMED}conv1 = stem.conv1, fc = head" in result.warnings


@pytest.mark.parametrize(
    "place", [(-1, "start", "head.weight"), (1, "gradient", "head.weight"), (1, "update", "head.weight/exp_avg")]
)
def test_a_real_difference_is_found_below_new_names(pair, place):
    where = pair(("stem.conv1", "head"), {place: "other"}).divergence
    assert (where.step, where.kind, where.name) == (*place[:2], place[2].replace("head", "fc"))


def test_a_new_layer_is_a_difference_and_the_others_are_compared_without_it(pair):
    result = pair(("conv1", "new", "fc"), {(1, "gradient", "fc.weight"): "other"})
    assert (result.verdict, result.divergence.kind, result.divergence.name) == ("diverged", "structure", "new.weight")
    assert ONLY % ("second", "new") in result.warnings
    assert "diverge at step 1 (gradient of fc.weight)" in result.warnings[-1]
    assert "without the layers that only one record has: " in result.warnings[-1]


def test_a_layer_that_is_gone_is_a_difference(pair):
    result = pair(("fc",), {(-1, "start", "fc.weight"): ("start", 1)})
    assert result.verdict == "diverged"
    assert ONLY % ("first", "conv1") in result.warnings


FED = [{"event": "fed", "name": name} for name in ("stem.conv1.weight", "fc.weight")]
OWN = {(-1, "start", name): "own" for name in ("stem.conv1.weight", "fc.weight")}


def test_first_weights_that_samebits_set_do_not_count(pair):
    assert pair(("stem.conv1", "fc"), OWN, (FED, FED)).verdict == "repeated"


@pytest.mark.parametrize("events", [(FED, ()), (FED, FED[:1])])
def test_first_weights_count_unless_they_were_set_in_each_trial(pair, events):
    result = pair(("stem.conv1", "fc"), OWN, events)
    assert (result.verdict, result.divergence.kind) == ("diverged", "start")


def test_what_differs_after_the_first_weights_counts(pair):
    where = pair(("stem.conv1", "fc"), OWN | {(0, "gradient", "fc.weight"): "other"}, (FED, FED)).divergence
    assert (where.step, where.kind, where.name) == (0, "gradient", "fc.weight")


def test_digests_over_names_are_not_compared_below_new_names_which_is_said(writing, tmp_path):
    def training(name):
        rows = [(-1, "start", name, 1), (0, "gradient", name, 2), (0, "update", name, 3)]
        rows += [(1, "gradient", "", f"over {name}", None, wire.DIGEST), (1, "update", "", name, None, wire.DIGEST)]
        return writing.observing([*rows, (1, "batch", "0", 1), (2, "end", name, 5)], 2, how="optimizer")

    folders = [writing.record(tmp_path / name, [training(f"{name}.weight")] * 2) for name in ("a", "b")]
    result = judged_pair(*folders)[1]
    assert result.verdict == "repeated"
    assert any("not compared at steps of which a record keeps only a digest" in text for text in result.warnings)


def test_settings_and_values_of_the_optimizers_of_keras_follow_their_layers(writing, tmp_path):
    def training(*layers):
        rows = [(-1, "start", f"net/{layer}/kernel", layer == "new") for layer in layers]
        rows += [(0, "update", f"sgd/net_{layer}_kernel_momentum", layer == "new") for layer in layers]
        rows += [(1, "end", f"net/{layer}.settings", layer == "new") for layer in layers]
        return writing.observing([*rows, (0, "batch", "0", 1), (1, "end", "loss", 5)], 1, how="optimizer")

    folders = [writing.record(tmp_path / names[0], [training(*names)] * 2) for names in (["a"], ["b"], ["c", "new"])]
    assert judged_pair(*folders[:2])[1].verdict == "repeated"
    assert "one model: its one step has the same bits" in judged_pair(*folders[::2])[1].warnings[-1]
