"""Two trainings made by hand: their weights are paired, distances judged, and each difference explained by its default."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits_parity import activations, train
from samebits_parity.defaults.hypotheses import Clip, Decay
from samebits_parity.train import explanation, layers
from samebits_parity.train.explanation import losses
from samebits_parity.train.explanation.optimizers import UpdateRule, read
from samebits_parity.train.pairs import Pairer
from samebits_parity.train.runs import TrainingFailure, TrainRequest, refuse_unusable
from samebits_parity.train.values import TrainingValues, allowed, relative, unit
from samebits_parity.train.verdict import begin_alike, judge, layer_of
from samebits_probe import wire
from samebits_probe.probe.tensor_log import row

SHAPES = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)


def written(folder, tensors, optimizer=None, layers=()):
    """A training with these values: {(step, kind): {name: array}}, as the probe writes them."""
    folder.mkdir(parents=True)
    rows, data, events = bytearray(), bytearray(), []
    for (step, kind), named in tensors.items():
        for name, value in named.items():
            array = np.asarray(value)
            array = array.astype("float32") if array.dtype.kind == "f" else array
            rows += row((step, kind, name), array.dtype, array.shape, len(data), array.nbytes)
            data += array.tobytes()
    if optimizer:
        events.append({"what": "optimizer", "name": "", "facts": optimizer})
    events += [{"what": "layer", "name": name, "facts": facts} for name, facts in layers]
    lines = [json.dumps({"event": "settings", "step": 0, **event}) + "\n" for event in events]
    (folder / wire.TENSORS).write_bytes(data)
    (folder / wire.TENSOR_ROWS).write_bytes(rows)
    (folder / wire.EVENTS).write_text("".join(lines))
    return TrainingValues(folder)


def with_weights(folder, weights, more=None):
    """A training of one step with these weights, whose gradients are ones."""
    gradients = {name: np.ones_like(value) for name, value in weights.items()}
    tensors = {(-1, "start"): weights, (0, "gradient"): gradients, (0, "update"): weights}
    return written(folder, {**tensors, **(more or {})})


def random(shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape).astype("float32")


def test_an_exception_of_the_program_that_arrived_while_the_probe_worked_is_no_fault_of_samebits(tmp_path):
    training = with_weights(tmp_path / "a", {"w": random((2, 3))})
    event = {"event": "probe-failed", "where": "after a step", "error": "Limit: ", "foreign": True}
    (training.folder / wire.EVENTS).write_text(json.dumps(event) + "\n")
    with pytest.raises(TrainingFailure) as refused:
        refuse_unusable(training, "A")
    assert refused.value.message.startswith(
        "A: an exception from a different thread of the program interrupted the probe"
    )
    assert "time limit" in refused.value.advice


# -- distances ----------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(1e-3, 1e3))
def test_a_distance_is_none_of_itself_the_same_both_ways_and_of_any_scale(values, factor):
    a = np.array(values)
    b = a + np.linspace(0, 1, len(a))
    assert relative(a, a) == 0
    assert relative(a, b) == relative(b, a)
    assert relative(a * factor, b * factor) == pytest.approx(relative(a, b), rel=1e-9)


def test_what_is_no_number_on_one_side_is_infinitely_far():
    assert relative(np.array([1.0, np.nan]), np.array([1.0, np.nan])) == 0
    assert relative(np.array([1.0, np.nan]), np.array([1.0, 2.0])) == np.inf
    assert relative(np.ones(2), np.ones(3)) == np.inf


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_rounding_may_make_more_of_longer_sums_and_of_coarser_types(few, many):
    assert (allowed(1e-8, few) <= allowed(1e-8, many)) == (few <= many)
    assert unit({"float32"}) == 2.0**-24
    assert unit({"float64", "bfloat16"}) == 2.0**-8


@given(st.integers(0, 2**31))
def test_float32_sums_of_another_order_agree_to_rounding(seed):
    values = np.random.RandomState(seed).normal(size=(500, 8)).astype("float32")
    one, other = values.sum(0), values[::-1].cumsum(0)[-1]
    scale = float(np.abs(values).max()) * np.sqrt(500)
    assert relative(one.astype(float), other.astype(float), scale) <= allowed(2.0**-24, 500)


# -- pairs --------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(SHAPES, st.integers(0, 100))
def test_kernels_are_paired_by_their_values_in_either_order_of_axes(tmp_path_factory, shape, seed):
    kernel, other = random(shape, seed), random(shape, seed + 1)
    moved = [one.transpose(len(shape) - 1, len(shape) - 2, *range(len(shape) - 2)) for one in (kernel, other)]
    folder = tmp_path_factory.mktemp("pair")
    keras = with_weights(folder / "a", {"x/kernel": kernel, "y/kernel": other})
    torch = with_weights(folder / "b", {"1.weight": moved[1], "0.weight": moved[0]})
    for a, b in ((keras, torch), (torch, keras)):
        pairs, left = Pairer(a, b).pairs()
        assert not left
        if kernel.size > 1:
            assert {(pair.a, pair.b) for pair in pairs} in (
                {("x/kernel", "0.weight"), ("y/kernel", "1.weight")},
                {("0.weight", "x/kernel"), ("1.weight", "y/kernel")},
            )
        for pair in pairs:
            value = b.weight(-1, pair.b)
            assert np.array_equal(pair.way.to_b(pair.way.to_a(value)), value)


def test_a_dense_layer_behind_a_flattening_is_found(tmp_path):
    kernel = random((12, 5))
    flattened = kernel.reshape(2, 2, 3, 5).transpose(3, 2, 0, 1).reshape(5, 12)
    layer = {(0, "forward"): {"layer:pool": random((4, 2, 2, 3))}}
    a = with_weights(tmp_path / "a", {"d/kernel": kernel}, layer)
    pairs, left = Pairer(a, with_weights(tmp_path / "b", {"d.weight": flattened})).pairs()
    assert not left
    assert pairs[0].equal
    assert pairs[0].way.name == "dense after flattening (2, 2, 3)"


def test_biases_that_are_zero_are_paired_by_order(tmp_path):
    a = with_weights(tmp_path / "a", {"x/bias": np.zeros(3), "y/bias": np.zeros(3), "z/bias": np.zeros(2)})
    b = with_weights(tmp_path / "b", {"z.bias": np.zeros(2), "p.bias": np.zeros(3), "q.bias": np.zeros(3)})
    pairs, left = Pairer(a, b).pairs()
    assert not left
    assert [(pair.a, pair.b) for pair in pairs] == [("x/bias", "p.bias"), ("y/bias", "q.bias"), ("z/bias", "z.bias")]


def test_a_weight_without_a_counterpart_is_named_with_what_would_match(tmp_path):
    a = with_weights(tmp_path / "a", {"x/kernel": random((3, 4))})
    b = with_weights(tmp_path / "b", {"x.weight": random((5, 3))})
    asked = TrainRequest(a=["a"], b=["b"], folder=tmp_path)
    document = train.report.unpaired(asked, Pairer(a, b).pairs()[1]).document
    assert document.verdict == "unknown"
    assert "x/kernel of A, (3, 4), has no counterpart; (4, 3) in B would match" in document.sentence


# -- losses ---------------------------------------------------------------------------------------------------------


@given(st.sampled_from([0.0, 0.1]), st.sampled_from(["mean", "sum"]), st.integers(0, 50))
def test_a_cross_entropy_is_found_among_the_formulas(smoothing, reduction, seed):
    logits, labels = random((5, 4), seed).astype(float), np.random.RandomState(seed).randint(0, 4, 5)
    log = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    hot = np.eye(4)[labels] * (1 - smoothing) + smoothing / 4
    each = -(hot * log).sum(1)
    wanted = each.mean() if reduction == "mean" else each.sum()
    found = [formula for formula, value in losses.values(logits, labels.astype(float)) if np.isclose(value, wanted)]
    assert ("cross entropy", smoothing, reduction) in [(one.base, one.smoothing, one.reduction) for one in found]


# -- layers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_an_activation_takes_large_numbers_of_either_sign(name):
    values = activations.applied(name, np.array([[-1e4, -1.0, 0.0, 1.0, 1e4]] * 2))
    assert values.shape == (2, 5)
    assert not np.isnan(values).any()


def test_outputs_of_layers_are_paired_across_orders_of_axes(tmp_path):
    image = random((2, 4, 4, 3))
    weights = {"c/kernel": random((3, 3, 3, 3))}
    fact = {"type": "Conv2D", "weights": ["c/kernel"], "settings": {}}
    torch = {"type": "Conv2d", "weights": ["c.weight"], "settings": {}}
    forward = {"layer:c": np.maximum(image, 0)}, {"layer:c": image.transpose(0, 3, 1, 2)}
    moved = {"c.weight": weights["c/kernel"].transpose(3, 2, 0, 1)}
    sides = []
    for side, named, given_, facts in (("a", weights, forward[0], fact), ("b", moved, forward[1], torch)):
        tensors = {(-1, "start"): named, (0, "forward"): given_, (0, "gradient"): named, (0, "update"): named}
        sides.append(written(tmp_path / side, tensors, layers=[("c", facts)]))
    (pair,) = layers.paired(*sides, Pairer(*sides).pairs()[0])
    assert (pair.form, pair.activation, pair.owns) == ("channels last", "relu", True)


def of_one_layer(folder, kinds, settings, lengths=(8, 8)):
    """A training on each side with one layer whose output differs: {side: its kind}, its settings, its length."""
    weights = {"l.weight": random((4, 3)), "l.bias": random(4, 1)}
    sides = []
    for place, side in enumerate("ab"):
        output = random((2, 3, lengths[place], lengths[place]), place)
        tensors = {(-1, "start"): weights, (0, "forward"): {"layer:l": output}, (0, "gradient"): weights,
                   (0, "update"): weights}  # fmt: skip
        fact = {"type": kinds[place], "weights": list(weights), "settings": settings[place]}
        sides.append(written(folder / side, tensors, layers=[("l", fact)]))
    return sides


@pytest.mark.parametrize(
    ("kinds", "settings", "said"),
    [
        (("LayerNormalization", "LayerNorm"), ({"epsilon": 1e-3}, {"eps": 1e-5}), ["epsilon: 0.001 in A, 1e-05 in B"]),
        (("Conv2D", "Conv2d"), ({"kernel_size": [3, 3], "strides": [1, 1], "padding": "same"},
                                {"kernel_size": [3, 3], "stride": [1, 1], "padding": [1, 1]}), []),
        (("Conv2D", "Conv2d"), ({"kernel_size": [3, 3], "strides": [2, 2], "padding": "same"},
                                {"kernel_size": [3, 3], "stride": [2, 2], "padding": [1, 1]}),
         ["padding: same in A, 1 x 1 in B"]),
        (("MaxPooling2D", "AvgPool2d"), ({"pool_size": [2, 2]}, {"kernel_size": 2}),
         ["pooling: the largest in A, the mean in B"]),
        (("LeakyReLU", "LeakyReLU"), ({"negative_slope": 0.3}, {"negative_slope": 0.01}), ["slope: 0.3 in A, 0.01 in B"]),
        (("Conv2D", "LeakyReLU"), ({"activation": "relu"}, {}), ["activation: relu in A, leakyrelu in B"]),
        (("Dropout", "Dropout"), ({"rate": 0.5}, {"p": 0.5}), ["dropout draws at random: l (A), l (B)"]),
    ],
)  # fmt: skip
def test_the_settings_in_which_two_layers_differ_are_named_and_not_called_proven(tmp_path, kinds, settings, said):
    first, accounts = why(*of_one_layer(tmp_path, kinds, settings))
    assert (first.kind, first.name) == ("forward", "l")
    assert [one.words for one in accounts] == said
    assert not any(one.proven for one in accounts)


def test_trainings_diverge_at_a_layer_whose_outputs_have_different_shapes(tmp_path):
    sides = of_one_layer(tmp_path, ("Conv2d", "Conv2d"), ({"padding": [1, 1]}, {"padding": [0, 0]}), (8, 6))
    first, _ = why(*sides)
    assert (first.kind, first.name) == ("forward", "l")
    document = train.told(TrainRequest(a=["a"], b=["b"], folder=tmp_path), judge_of(*sides)).document
    assert document.first.relative is None
    assert "the shape of the output: 2 x 3 x 8 x 8 in A, 2 x 3 x 6 x 6 in B" in document.sentence
    assert document.sentence.endswith("; padding: 1 x 1 in A, 0 x 0 in B.")
    assert [one.proven for one in document.explained] == [False, False]


@pytest.mark.parametrize("next_agrees", [True, False])
def test_a_layer_of_a_different_shape_agrees_only_if_the_next_one_does(tmp_path, next_agrees):
    weights = {"up.weight": random((4, 3)), "last.weight": random((2, 4), 1)}
    sides = []
    for side, length in (("a", 8), ("b", 9)):
        forward = {"layer:up": random((2, 3, length, length)), "layer:last": random((2, 2), 3),
                   "loss": np.float32([0.5])}  # fmt: skip
        if side == "b" and not next_agrees:
            forward["layer:last"] = random((2, 2), 4)
        tensors = {(-1, "start"): weights, (0, "forward"): forward, (0, "gradient"): weights, (0, "update"): weights}
        facts = [(name, {"type": "Linear", "weights": [f"{name}.weight"], "settings": {}}) for name in ("up", "last")]
        sides.append(written(tmp_path / side, tensors, layers=facts))
    judged = judge_of(*sides)
    assert (judged.first is None, judged.cut == {"up"}) == (next_agrees, next_agrees)
    if not next_agrees:
        assert judged.first.name == "up"


def test_the_layer_of_a_weight_is_what_stands_before_its_own_name():
    assert [layer_of(name) for name in ("a/b/kernel", "0.weight", "up.1.bias", "w")] == ["a/b", "0", "up.1", "w"]


# -- optimizers ---------------------------------------------------------------------------------------------------


def group(**settings):
    return {"groups": [{**settings, "weights": ["l.weight", "l.bias"]}], "library": "pytorch"}


ADAM = {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0, "amsgrad": False}
SGD = {"lr": 0.1, "momentum": 0.9, "dampening": 0, "nesterov": False, "weight_decay": 0}
RMSPROP = {"lr": 1e-2, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0, "momentum": 0, "centered": False}
CHANGED = [
    ("Adam", ADAM, {"eps": 1e-3}, "epsilon"), ("Adam", ADAM, {"betas": [0.5, 0.999]}, "betas"),
    ("Adam", ADAM, {"lr": 1e-2}, "learning rate"), ("Adam", ADAM, {"weight_decay": 0.1}, "weight decay"),
    ("SGD", SGD, {"nesterov": True}, "nesterov"), ("SGD", SGD, {"momentum": 0.5}, "momentum"),
    ("SGD", SGD, {"weight_decay": 0.01}, "weight decay"), ("SGD", SGD, {"lr": 0.05}, "learning rate"),
    ("RMSprop", RMSPROP, {"alpha": 0.99}, "rho"), ("RMSprop", RMSPROP, {"eps": 1e-3}, "epsilon"),
    ("RMSprop", RMSPROP, {"centered": True}, "centered"),
]  # fmt: skip


def trained(folder, kind, settings, hidden=None, steps=4):
    """A training whose weights go where the formula takes them. `hidden`: what really holds, other than it says."""
    facts = {"type": kind, **group(**settings)}
    rule = read(facts, "l.weight").but(hidden or {})
    weights = {"l.weight": random((4, 3)), "l.bias": random(4, 1)}
    tensors, past = {(-1, "start"): weights}, []
    now = {name: value.astype(float) for name, value in weights.items()}
    for step in range(steps):
        past.append({name: random(value.shape, 7 + step) / 4**step for name, value in weights.items()})
        now = {name: now[name] + rule.step(weights[name].astype(float), past, name) for name in now}
        tensors[step, "gradient"], tensors[step, "update"] = past[-1], now
    return written(folder, tensors, facts)


def judge_of(a, b):
    return judge(a, b, Pairer(a, b).pairs()[0], single=False, carried=False)


def why(a, b):
    judged = judge_of(a, b)
    assert judged.first is not None
    return judged.first, explanation.reasons(judged, judged.first)


@pytest.mark.parametrize(("kind", "settings", "change", "id"), CHANGED)
def test_a_setting_of_an_optimizer_that_differs_is_named(tmp_path, kind, settings, change, id):
    a, b = trained(tmp_path / "a", kind, settings), trained(tmp_path / "b", kind, {**settings, **change})
    first, reasons = why(a, b)
    assert first.kind == "update"
    assert [reason.id for reason in reasons] == [id]


@pytest.mark.parametrize(
    ("hidden", "id"),
    [({"place": "before"}, "epsilon's place"), ({"rate": 0.0025}, "learning rate"),
     ({"decay": Decay(0.01, "weights")}, "weight decay"), ({"clip": Clip("tensor", 0.1)}, "clipping")],
)  # fmt: skip
def test_what_an_optimizer_does_other_than_it_says_is_found(tmp_path, hidden, id):
    settings = {**ADAM, "eps": 1e-3}
    a, b = trained(tmp_path / "a", "Adam", settings), trained(tmp_path / "b", "Adam", settings, hidden)
    assert [reason.id for reason in why(a, b)[1]] == [id]


def test_decay_of_weights_and_decay_in_the_gradient_are_told_apart(tmp_path):
    settings = {**ADAM, "weight_decay": 0.01}
    a, b = trained(tmp_path / "a", "AdamW", settings), trained(tmp_path / "b", "Adam", settings)
    words = why(a, b)[1][0].words
    assert words == "weight decay: 0.01 decoupled (AdamW) in A, 0.01 in the gradient (L2) in B"


def test_the_same_optimizer_agrees(tmp_path):
    a, b = trained(tmp_path / "a", "Adam", ADAM), trained(tmp_path / "b", "Adam", ADAM)
    judged = judge(a, b, Pairer(a, b).pairs()[0], single=False, carried=False)
    assert judged.first is None


def test_an_optimizer_of_the_program_s_own_has_no_rule():
    assert read({"type": "Mine", **group(lr=0.1)}, "l.weight") is None
    assert read({"type": "Adam", **group(lr=0.1)}, "l.weight") is None
    assert read({"type": "Adam", **group(**{**ADAM, "amsgrad": True})}, "l.weight") is None
    assert read({"type": "SGD", **group(**{**SGD, "dampening": 0.9})}, "l.weight") is None
    assert read(None, "l.weight") is None
    assert isinstance(read({"type": "Adam", **group(**ADAM)}, "l.weight"), UpdateRule)


# -- gradients ----------------------------------------------------------------------------------------------------


def with_gradients(folder, change):
    weights = {"l.weight": random((4, 3)), "l.bias": random(4, 1)}
    gradients = change({name: random(value.shape, 5) for name, value in weights.items()}, weights)
    fed = {"0": random((8, 3), 2)}
    return written(folder, {(-1, "start"): weights, (0, "batch"): fed, (0, "gradient"): gradients,
                            (0, "update"): weights})  # fmt: skip


def test_nothing_is_explained_that_is_not_reproduced(tmp_path):
    def other(gradients, weights):
        return {name: value + random(value.shape, 77) for name, value in gradients.items()}

    first, reasons = why(with_gradients(tmp_path / "a", lambda g, w: g), with_gradients(tmp_path / "b", other))
    assert (first.kind, reasons) == ("gradient", [])


# -- what must not be taken for agreement, or for a difference ------------------------------------------------------


def test_a_weight_that_becomes_no_number_on_one_side_is_no_agreement(tmp_path):
    for bad in (np.nan, np.inf):
        kernel, after = random((3, 2)), random((3, 2))
        after[0, 0] = bad
        a = with_weights(tmp_path / f"a{bad}", {"0.weight": kernel})
        b = with_weights(tmp_path / f"b{bad}", {"0.weight": kernel}, {(0, "update"): {"0.weight": after}})
        assert judge_of(a, b).first.kind == "update"


def test_weights_that_begin_a_rounding_apart_begin_alike(tmp_path):
    kernel = random((3, 2))
    a = with_weights(tmp_path / "a", {"0.weight": kernel})
    near = with_weights(tmp_path / "near", {"0.weight": np.nextafter(kernel, np.float32(9))})
    far = with_weights(tmp_path / "far", {"0.weight": kernel * 1.001})
    assert begin_alike(a, near, Pairer(a, near).pairs()[0])
    assert not begin_alike(a, far, Pairer(a, far).pairs()[0])


def test_a_step_of_one_optimizer_leaves_the_weights_of_another(tmp_path):
    weights = {"0.weight": random((3, 2)), "1.weight": random((2, 1), 1)}
    moved = {name: value + 1 for name, value in weights.items()}
    steps = {(0, "update"): {"0.weight": moved["0.weight"]}, (1, "update"): {"1.weight": moved["1.weight"]}}
    training = written(tmp_path / "a", {(-1, "start"): weights, (0, "gradient"): weights, **steps})
    assert np.array_equal(training.weight(0, "1.weight"), weights["1.weight"])
    assert np.array_equal(training.weight(1, "0.weight"), moved["0.weight"])


def test_a_weight_of_a_second_optimizer_is_no_moving_average(tmp_path):
    weights = {"0.weight": random((3, 2)), "1.weight": random((2, 4), 1)}
    gradients = {(0, "gradient"): {"0.weight": weights["0.weight"]}, (1, "gradient"): {"1.weight": weights["1.weight"]}}

    def side(name, rate):
        moved = {"1.weight": weights["1.weight"] * (1 + rate)}
        updates = {(0, "update"): weights, (1, "update"): moved}
        return written(tmp_path / name, {(-1, "start"): weights, **gradients, **updates})

    a, b = side("a", 0.1), side("b", 0.2)
    assert judge_of(a, b).first.name == "1.weight"
    assert why(a, b)[1] == []


def test_a_flattening_that_no_layer_shows_is_found_by_the_channels_of_convolutions(tmp_path):
    convolution, dense = random((3, 3, 2, 6)), random((24, 4), 1)
    keras = with_weights(tmp_path / "k", {"c/kernel": convolution, "d/kernel": dense})
    turned = dense.reshape(2, 2, 6, 4).transpose(3, 2, 0, 1).reshape(4, 24)
    torch = with_weights(tmp_path / "t", {"c.weight": convolution.transpose(3, 2, 0, 1), "d.weight": turned})
    assert all(pair.equal for pair in Pairer(keras, torch).pairs()[0])
    other = with_weights(tmp_path / "o", {"c.weight": convolution.transpose(3, 2, 0, 1), "d.weight": dense.T + 1})
    assert Pairer(keras, other).pairs()[0][1].way.name == "dense"


def test_a_training_whose_values_were_cut_off_has_the_steps_before(tmp_path):
    made = written(tmp_path / "a", {(step, "update"): {"w": np.ones(3)} for step in range(3)})
    assert made.steps == 3
    with (tmp_path / "a" / wire.EVENTS).open("a") as file:
        file.write(json.dumps({"event": "tensors-full", "step": 2}) + "\n")
    assert TrainingValues(tmp_path / "a").steps == 2


def branching(folder, order, values, outputs):
    """A training with batch norms that run in this order: {layer: gamma}, {layer: its output}."""
    weights = {f"{name}.weight": value for name, value in values.items()}
    layers = [(name, {"type": "BatchNorm2d", "weights": [f"{name}.weight"], "settings": {}}) for name in values]
    forward = {wire.LAYER + name: outputs[name] for name in order}
    tensors = {(-1, "start"): weights, (0, "forward"): forward, (0, "gradient"): weights, (0, "update"): weights}
    return written(folder, tensors, layers=layers)


@pytest.mark.parametrize("order", [["short", "second"], ["second", "short"]])
def test_the_batch_norm_of_a_shortcut_is_paired_by_what_it_gives_in_whatever_order_it_runs(tmp_path, order):
    ones = np.ones(3, np.float32)
    given = {"second": random((4, 3, 2, 2), 1), "short": random((4, 3, 2, 2), 2)}
    a = branching(tmp_path / "a", ["second", "short"], {"second": ones, "short": ones}, given)
    b = branching(tmp_path / "b", order, dict.fromkeys(order, ones), given)
    pairs, left = Pairer(a, b).pairs()
    assert not left
    assert {pair.a: pair.b for pair in pairs} == {"second.weight": "second.weight", "short.weight": "short.weight"}


def test_layers_that_give_other_values_are_paired_in_the_order_in_which_they_run(tmp_path):
    ones = np.ones(3, np.float32)
    order = ["second", "short"]
    a = branching(
        tmp_path / "a", order, dict.fromkeys(order, ones), {n: random((4, 3, 2, 2), k) for k, n in enumerate(order)}
    )
    b = branching(tmp_path / "b", order, dict.fromkeys(order[::-1], ones), {n: random((4, 3, 2, 2), 9 + k) for k, n in enumerate(order)})  # fmt: skip
    pairs, _ = Pairer(a, b).pairs()
    assert {pair.a: pair.b for pair in pairs} == {"second.weight": "second.weight", "short.weight": "short.weight"}


def of_a_norm(folder, name, momentum, moved):
    """A training with a batch norm whose moving average moves by this much in a step."""
    start, gamma = {"n.running_mean": np.zeros(3), "n.weight": np.ones(3)}, {"n.weight": np.ones(3)}
    facts = {"type": "BatchNorm2d", "weights": list(start), "settings": {"momentum": momentum}}
    updates = {"n.running_mean": random(3) * moved, "n.weight": np.ones(3)}
    tensors = {(-1, "start"): start, (0, "gradient"): gamma, (0, "update"): updates}
    return written(folder / name, tensors, layers=[("n", facts)])


def test_the_momentum_of_two_batch_norms_is_named_and_not_called_proven(tmp_path):
    first, (account,) = why(of_a_norm(tmp_path, "a", 0.1, 0.1), of_a_norm(tmp_path, "b", 0.01, 0.01))
    assert (first.kind, first.name, account.proven) == ("update", "n.running_mean", False)
    assert account.words == "what a moving average keeps in a step: 0.9 in A, 0.99 in B"


def test_a_sequence_is_flattened_in_one_order_by_both_libraries(tmp_path):
    start = random((30, 3))
    sides = [with_weights(tmp_path / name, weights, {(0, "forward"): {"layer:see": random((2, 5, 6))}})
             for name, weights in (("a", {"m/d/kernel": start}), ("b", {"d.weight": random((3, 30), 1)}))]  # fmt: skip
    (pair,), _ = Pairer(*sides).pairs()
    assert pair.way.name == "dense"
