"""What a difference means that trains nothing: all gradients and weights agree."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samebits.comparison.traces.beside import role
from samebits.store.trace import Point
from samebits_probe import wire

SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LR, STARTED, NAME = "param_groups.0/lr", "param_groups.0/started", "param_groups.0/name"
TYPES = {
    LR: "float64",
    STARTED: "float",
    NAME: "str",
    "net.tally": "float",
    "net._extra_state": "float",
    "fc.weight/at": "float",
}
BESIDE = [
    (1, "batch", "id"), (1, "forward", "loss"), (1, "update", STARTED), (1, "update", NAME), (1, "update", "fc.weight/at"),
    (3, "end", "net.tally"), (1, "forward", "evaluation/0"), (1, "update", "net.scratch"), (3, "end", "net.scratch"),
]  # fmt: skip
TRAINED = [
    (-1, "start", "fc.weight"), (1, "gradient", "fc.weight"), (1, "update", "fc.weight"), (1, "update", "fc.mean"),
    (1, "update", "fc.weight/exp_avg"), (3, "end", "fc.weight"), (3, "end", "ema.weight"), (3, "end", "net._extra_state"),
]  # fmt: skip
UNDERSTOOD = [at for at in BESIDE if at[2] in ("id", NAME, "evaluation/0", "net.scratch")]
RATES = (1.0, 1.0, 1000.0, 30.0)


def training(changes=None, *, numbers=None, events=(), clocks=None, without=(), rate=1.0):
    """A trial of a small training. `changes`: {(step, kind, name): value}; `numbers`: the numbers of such points."""

    def of(writing):
        def write(folder, number):
            process, given = writing.process(folder), {**(changes or {}), **(numbers or {})}
            for event in [{"event": "observed-by", "how": "optimizer"}, {"event": "scratch", "names": ["net.scratch"]}]:
                process.recorder.event(**event)
            for event in events:
                process.recorder.event(**event)
            for step, kind, name in sorted([*BESIDE, *TRAINED], key=lambda at: (at[0], wire.CODE[at[1]])):
                if kind not in without:
                    at = (step, kind, name)
                    kept = (numbers or {}).get(at)
                    process.add(*at, given.get(at, at), kept, dtype=TYPES.get(name, "float32"))
            process.end(3, **({"clocks": clocks} if clocks else {}))
            return {"clock_rate": rate}

        return write

    return of


@pytest.fixture(scope="session")
def judged(writing):
    """Function(trials) -> the result; `trials` of `training`."""

    def judge(*trials):
        folder = Path(tempfile.mkdtemp())
        try:
            return writing.judged(folder / "record", [trial(writing) for trial in trials])
        finally:
            shutil.rmtree(folder)

    return judge


@pytest.mark.parametrize("at", UNDERSTOOD)
def test_what_no_step_used_is_a_note(judged, at):
    result = judged(training(), training({at: "other"}))
    assert result.verdict == "repeated", result.sentence
    assert any(at[2] in warning for warning in result.uncounted)


@pytest.mark.parametrize("at", [at for at in BESIDE if at not in UNDERSTOOD])
def test_a_number_that_may_be_a_result_is_unknown_and_can_be_ignored(judged, writing, tmp_path, at):
    trials = [training({at: "one"}), training({at: "other"})]
    result = judged(*trials)
    assert result.verdict == "inconclusive"
    assert f"{at[1]} {at[2]}" in result.reason
    options = {"ignores": [f"{at[1]} {at[2]}"]}
    ignored = writing.judged(tmp_path / "record", [trial(writing) for trial in trials], options=options)
    assert (ignored.verdict, ignored.warnings) == ("repeated", [])


@pytest.mark.parametrize("at", TRAINED)
def test_a_weight_a_gradient_and_what_a_model_saves_count(judged, at):
    where = judged(training(), training({at: "other"})).divergence
    assert (where.step, where.kind, where.name) == at


@pytest.mark.parametrize("at", [at for at in BESIDE if "evaluation" not in at[2]])
def test_a_value_beside_a_difference_that_counts_may_be_its_cause(judged, at):
    later = {(3, "end", "fc.weight"): "other"}
    assert judged(training(), training({at: "other", **later})).divergence.name in (at[2], "fc.weight")


@pytest.mark.parametrize("at", [at for at in BESIDE if at[1] != "update" and "evaluation" not in at[2]])
def test_if_nothing_was_seen_of_the_training_each_difference_counts(judged, at):
    seen = {"without": ("gradient", "update")}
    where = judged(training(**seen), training({at: "other"}, **seen)).divergence
    assert (where.kind, where.name) == at[1:]


def test_an_input_of_a_step_in_which_nothing_was_trained_counts(judged):
    def late(value):
        return lambda writing: writing.observing([(*TRAINED[1], 0), (2, "batch", "id", value)], 3, how=None)

    assert judged(late(1), late(2)).divergence.kind == "batch"


@pytest.mark.parametrize("at", [(1, "update", STARTED), (3, "end", "net.tally"), (1, "forward", "loss")])
def test_a_moment_of_the_process_is_understood_by_its_value(judged, at):
    one = training(numbers={at: 1_700_000_003.5}, clocks=[[1_700_000_000.0, 1_700_000_009.0]])
    two = training(numbers={at: 1_700_000_055.5}, clocks=[[1_700_000_050.0, 1_700_000_060.0]])
    assert judged(one, two).verdict == "repeated"
    late = training(numbers={at: 1_700_000_055.5}, clocks=[[1_700_000_060.0, 1_700_000_070.0]])
    assert judged(one, late).verdict == "inconclusive"


@pytest.mark.parametrize(("law", "verdict"), [(lambda rate: rate, "repeated"), (lambda rate: 1.0, "inconclusive")])
@pytest.mark.parametrize("at", [(1, "update", STARTED), (3, "end", "net.tally"), (1, "forward", "loss")])
def test_trials_with_a_faster_clock_decide_about_a_number(judged, at, law, verdict):
    values = [(0.25 + number / 100) * law(rate) for number, rate in enumerate(RATES)]
    result = judged(*(training(numbers={at: v}, rate=rate) for v, rate in zip(values, RATES, strict=True)))
    assert result.verdict == verdict, result.sentence


@pytest.mark.parametrize(("rates", "verdict"), [(RATES[:2], "inconclusive"), (RATES, "diverged")])
def test_a_single_number_of_a_model_counts_once_it_does_not_follow_the_clock(judged, rates, verdict):
    at = (3, "end", "net._extra_state")
    trials = [training(numbers={at: 0.25 + number / 10}, rate=rate) for number, rate in enumerate(rates)]
    assert judged(*trials).verdict == verdict
    assert judged(training(numbers={at: -0.25}), training(numbers={at: -0.5})).verdict == "diverged"


def test_a_single_number_of_a_model_that_varies_like_a_time_stays_unknown(judged):
    at = (3, "end", "net._extra_state")
    trials = [training(numbers={at: v}, rate=r) for v, r in zip((0.019, 0.005, 0.6, 0.03), RATES, strict=True)]
    assert judged(*trials).verdict == "inconclusive"


def test_each_number_of_a_list_must_be_understood(judged):
    def trial(began, last):
        values = {"event": "numbers", "name": "net.tally", "values": [began + 1.0, 0.5, last]}
        changes = {(3, "end", "net.tally"): (began, last)}
        return training(changes, events=[values], clocks=[[began, began + 9.0]])

    assert judged(trial(1_700_000_000.0, 7), trial(1_700_000_050.0, 7)).verdict == "repeated"
    assert judged(trial(1_700_000_000.0, 7), trial(1_700_000_050.0, 8)).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("name", "kind", "dtype", "expected"),
    [
        ("Adam#2/param_groups.1/at", "update", "float", "setting"),
        ("net.param_groups.weight", "update", "float32", "trained"),
        ("w/step", "update", "int", "setting"),
        (wire.SETTINGS, "update", "", "setting"),
        ("", "update", "", "trained"),
        ("log@time", "end", "numbers", "number"),
        ("net._extra_state.at", "end", "float", "trained"),
        ("prediction/0", "forward", "float32", "evaluation"),
    ],
)
def test_the_role_of_a_point(name, kind, dtype, expected):
    assert role(Point(kind, name, dtype)) == expected


# -- laws -------------------------------------------------------------------------------------------------------------

some = st.lists(st.sampled_from(BESIDE), min_size=1, unique=True)


def changed(places):
    return training(dict.fromkeys(places, "other"))


@SETTINGS
@given(some, st.sampled_from(TRAINED))
def test_whatever_else_differs_a_difference_in_what_trains_is_a_divergence(judged, places, at):
    assert judged(training(), changed([*places, at])).verdict == "diverged"


@SETTINGS
@given(some)
def test_beside_the_training_repeated_needs_a_reason_for_each_difference(judged, places):
    result = judged(training(), changed(places))
    assert result.verdict == ("repeated" if set(places) <= set(UNDERSTOOD) else "inconclusive")


@SETTINGS
@given(some, some)
def test_the_answer_is_the_same_from_both_sides(judged, places, others):
    one, two = judged(changed(places), changed(others)), judged(changed(others), changed(places))
    assert one.verdict == two.verdict


@SETTINGS
@given(some)
def test_what_the_program_names_itself_always_counts(judged, places):
    kinds = {at[1] for at in places}
    events = [{"event": "observed-by", "how": "observe", "kind": kind} for kind in kinds]
    one, two = training(events=events), training(dict.fromkeys(places, "other"), events=events)
    assert judged(one, two).verdict == "diverged"


@pytest.mark.parametrize("at", [*BESIDE, (1, "update", "fc.mean"), (3, "end", "net._extra_state")])
@pytest.mark.parametrize("is_keyed", [False, True])
def test_what_the_program_names_itself_counts_also_if_it_is_a_moment(judged, at, is_keyed):
    named = {"event": "keyed", "name": at[2], "key": "a", "point": at[2]}
    named = named if is_keyed else {"event": "observed-by", "how": "observe", "kind": at[1]}
    moments = (1_700_000_003.5, 1_700_000_055.5)
    trials = [training(numbers={at: m}, clocks=[[m - 1.0, m + 1.0]], events=[named]) for m in moments]
    assert judged(*trials).verdict == "diverged"


# -- a model that took no step ----------------------------------------------------------------------------------------


def described(value, *, gone=True, held=False, trained=False, end=None):
    """A training beside a model that was built first, and called once. `value`: of its weight."""

    told = {"gone": gone, "held": held}
    events = [{"event": "model", "label": label} for label in ("", "Net.")]
    events += [{"event": event, "names": ["0.weight"]} for event, is_told in told.items() if is_told]
    rows = [(-1, "start", "0.weight", value), *([(0, "gradient", "0.weight", value)] if trained else [])]
    rows += [(0, kind, "Net.weight", kind) for kind in ("start", "forward", "gradient", "update")]
    rows += [(1, "end", "0.weight", value if end is None else end), (1, "end", "Net.weight", 1)]
    return lambda writing: writing.observing(rows, 1, how=None, events=events)


def test_a_model_that_took_no_step_and_is_gone_does_not_decide(judged):
    result = judged(described("a"), described("b"))
    assert result.verdict == "repeated", result.sentence
    assert any("a model that took no step and is gone" in warning for warning in result.warnings)
    assert len({trial.final for trial in result.trials}) == 1


@pytest.mark.parametrize("how", [{"gone": False}, {"held": True}, {"trained": True}, {"trained": True, "end": "same"}])
def test_a_model_that_is_alive_or_held_or_was_trained_decides(judged, how):
    assert judged(described("a", **how), described("b", **how)).verdict == "diverged"


def test_a_model_that_was_changed_decides_unless_the_program_gave_it_the_same_values(judged):
    """Ultralytics sets the biases of the model that it only describes."""
    assert judged(described("a", end="c"), described("b", end="d")).verdict == "diverged"
    assert judged(described("a", end="c"), described("b", end="c")).verdict == "repeated"


def test_a_model_that_is_gone_decides_if_nothing_else_was_trained(judged):
    def alone(value):
        rows = [(step, kind, "0.weight", value) for step, kind in ((-1, "start"), (0, "end"))]
        gone = {"event": "gone", "names": ["0.weight"]}
        return lambda writing: writing.observing(rows, 0, how=None, events=[gone])

    assert judged(alone("a"), alone("b")).verdict == "diverged"
