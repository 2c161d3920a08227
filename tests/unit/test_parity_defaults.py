"""What numbers mean: every formula is recognised as what it is, and as nothing else."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits_parity.defaults import BEHAVIOURS
from samebits_parity.defaults import hypotheses as known
from samebits_parity.defaults.behaviour import NOT_KNOWN, TOLERANCE, apart
from samebits_parity.defaults.hypotheses import Decay, Gradients

CHOICES = [behaviour for behaviour in BEHAVIOURS if behaviour.meanings]
VALUES = [behaviour for behaviour in BEHAVIOURS if behaviour.estimate]
AS_MEASURED = [behaviour for behaviour in CHOICES if behaviour.prepare is np.ravel]
numbers = st.floats(-3, 3, allow_nan=False).map(lambda x: round(x, 3))


def courses(steps=4, count=3):
    row = st.lists(numbers, min_size=count, max_size=count)
    return st.builds(Gradients, row, st.lists(row, min_size=steps, max_size=steps), st.floats(1e-3, 1.0))


def test_a_behaviour_is_told_by_one_id_and_has_meanings_or_an_estimate():
    assert len({behaviour.id for behaviour in BEHAVIOURS}) == len(BEHAVIOURS) > 40
    assert len(CHOICES) + len(VALUES) == len(BEHAVIOURS)


def test_what_is_asked_can_be_written_as_json():
    for behaviour in BEHAVIOURS:
        assert json.loads(json.dumps(behaviour.ask)) == behaviour.ask


@pytest.mark.parametrize("behaviour", CHOICES, ids=lambda behaviour: behaviour.id)
def test_two_meanings_of_a_behaviour_lie_five_times_as_far_apart_as_is_tolerated(behaviour):
    for one, other in itertools.combinations(behaviour.meanings, 2):
        for first, second in itertools.product(one.numbers(), other.numbers()):
            assert apart(first, second) > 5 * TOLERANCE, (one.id, other.id)


@given(st.data())
def test_a_formula_in_float32_is_recognised_as_its_meaning(data):
    behaviour = data.draw(st.sampled_from(AS_MEASURED))
    meaning = data.draw(st.sampled_from(behaviour.meanings))
    exact = data.draw(st.sampled_from(meaning.numbers()))
    noise = data.draw(st.lists(st.floats(-1e-6, 1e-6), min_size=len(exact), max_size=len(exact)))
    found = behaviour.classify((exact * (1 + np.array(noise))).astype(np.float32).tolist())
    assert (found.meaning, found.words) == (meaning.id, meaning.words)


@given(st.data())
def test_numbers_of_no_formula_are_not_known(data):
    behaviour = data.draw(st.sampled_from(AS_MEASURED))
    exact = behaviour.meanings[0].numbers()[0]
    found = behaviour.classify((exact * 1.7 + 0.137).tolist())
    assert found.words == NOT_KNOWN
    assert found.meaning.startswith("unknown: ")


@pytest.mark.parametrize("behaviour", CHOICES, ids=lambda behaviour: behaviour.id)
def test_numbers_of_another_length_are_not_known(behaviour):
    if behaviour.prepare is np.ravel:
        assert behaviour.classify([1.0] * 99).words == NOT_KNOWN


def test_not_a_number_is_nothing_that_is_known():
    for behaviour in AS_MEASURED:
        assert behaviour.classify([float("nan")] * len(behaviour.meanings[0].numbers()[0])).words == NOT_KNOWN


@given(courses(), st.sampled_from(["after", "before", "inside"]), st.sampled_from([0, 1]))
def test_adam_without_epsilon_has_one_form_only(course, place, ahead):
    course = course._replace(gradients=np.asarray(course.gradients) + 4.0, first=1 + ahead)  # none of them zero
    usual = known.adam(course, epsilon=0.0)
    assert np.allclose(known.adam(course, epsilon=0.0, place=place), usual, rtol=1e-12)


@given(courses())
def test_forms_of_momentum_agree_while_the_rate_does(course):
    usual = known.sgd(course, momentum=0.9)
    assert np.allclose(known.sgd(course, momentum=0.9, form="step"), usual)
    nesterov = [known.sgd(course, momentum=0.9, form=form, nesterov=True) for form in ("gradient", "step")]
    assert np.allclose(*nesterov)


@given(courses(), st.floats(0.01, 0.5))
def test_decay_of_weights_and_of_gradients_is_one_without_momentum(course, factor):
    once = [known.sgd(course, decay=Decay(factor, kind)) for kind in ("gradient", "weights")]
    assert np.allclose(*once)


@given(st.lists(numbers, min_size=1, max_size=5), st.floats(1e-4, 1.0))
def test_an_l2_penalty_has_twice_the_gradient_of_a_weight_decay(weights, factor):
    twice, once = (known.penalty_gradient(weights, factor, halved=halved) for halved in (False, True))
    assert np.array_equal(twice, 2 * once)


@given(st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=3), st.floats(0.01, 5.0))
def test_clipped_gradients_are_as_long_as_was_asked_at_the_most(gradients, most):
    each = known.clip_norm(gradients, most, over="tensor")
    whole = known.clip_norm(gradients, most, over="all")
    assert all(np.linalg.norm(gradient) <= most * (1 + 1e-9) for gradient in each)
    assert np.linalg.norm(np.concatenate(whole)) <= most * (1 + 1e-9)
    assert all(np.abs(gradient).max() <= most for gradient in known.clip_value(gradients, most))


def test_a_gradient_that_is_short_enough_is_not_clipped():
    assert np.array_equal(known.clip_norm([[0.3, 0.4]], 1.0, over="all")[0], [0.3, 0.4])
    assert np.array_equal(known.clip_norm([[0.0, 0.0]], 1.0, over="tensor")[0], [0.0, 0.0])


def test_reductions_are_the_mean_of_all_of_samples_and_the_sum():
    each = [[1.0, 2.0], [3.0, 6.0]]
    assert [float(known.reduced(each, how)) for how in ("elements", "samples", "sum")] == [3.0, 6.0, 12.0]
    assert known.weighted([1.0, 3.0], [3.0, 1.0], "samples") == 3.0
    assert known.weighted([1.0, 3.0], [3.0, 1.0], "weights") == 1.5


def test_a_default_that_no_value_explains_is_not_known():
    huber = next(behaviour for behaviour in VALUES if behaviour.id == "huber.delta")
    assert huber.classify([8.0]).meaning == "2"
    assert huber.classify([50.0]).words == NOT_KNOWN
