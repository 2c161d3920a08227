"""The search for a cause, on programs whose trials are drawn."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samebits import controls
from samebits.causes.candidates import Clues, SearchOptions, compatible, hinted, most_specific
from samebits.causes.decision_rule import LEAST, Observation
from samebits.causes.document import fixes
from samebits.causes.search import search
from samebits.model import HeldControl
from samebits_probe import wire

_SIMULATED = runpy.run_path(str(Path(__file__).parents[1] / "simulation.py"))
Program, Source = _SIMULATED["Program"], _SIMULATED["Source"]
MANY = (0.01,) * 100
TORCH = [
    name for name in controls.of_sources()
    if not name.startswith(("tf", "jax", "session", "channels", "visible", "cuda", "cudnn"))
]  # fmt: skip


def source(*names, shares=MANY, where=(0, 0, 0)):
    return Source(shares, frozenset(names), where)


def explained(sources, seed=1, kind="batch", *, clues=None, options=None, **program):
    """What a search among TORCH finds after five trials with nothing held, None if these agree; and the program."""
    made = Program(sources, np.random.default_rng(seed), **program)
    first = made.look([], 5, through=True)
    return (search(made, TORCH, first, clues or Clues(kind), options) if first.diverges() else None), made


ALL = SearchOptions(alternatives=True)


class Longer:
    """Options that note which sets were to be tried over more steps, and after how many of their trials."""

    def __init__(self):
        self.asked = []
        self.options = SearchOptions(extend=lambda names, trials: self.asked.append((list(names), trials)))


def test_only_a_set_that_seems_to_suffice_is_tried_over_more_steps():
    longer = Longer()
    found, _ = explained([source("numpy-seed"), source("hash-seed", where=(0, 1, 2))], options=longer.options)
    assert found.cause == ["numpy-seed", "hash-seed"]
    assert [names for names, _ in longer.asked] == [found.cause]


@pytest.mark.parametrize("seed", range(20))
def test_a_set_that_may_agree_by_luck_is_not_tried_over_more_steps(seed):
    longer = Longer()
    explained([source("numpy-seed", shares=(0.6, 0.4))], seed, options=longer.options)
    assert longer.asked == []


def test_no_set_is_tried_over_more_steps_if_no_control_pins_the_cause():
    longer = Longer()
    sources = [source("numpy-seed"), source(where=(0, 1, 2))]
    found, _ = explained(sources, options=longer.options)
    assert (found.cause, found.outside) == (["numpy-seed"], True)
    assert longer.asked == []


@pytest.mark.parametrize("name", [name for name in TORCH if name not in ("aslr",)])
def test_every_control_is_found_where_it_alone_pins_the_source(name):
    for kind in wire.KINDS:
        found, made = explained([source(name)], kind=kind)
        assert (found.cause, found.outside) == ([name], False)
        assert made.trials < 100


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("torch-seed", ["gradient", "structure", "end"]),  # noise on gradients, an early stop by a random draw
        ("numpy-generator", ["gradient", "update", "structure"]),
        ("hash-seed", ["rng", "forward", "gradient"]),  # a seed from hash(name), labels or weights by a set's order
        ("clock", ["forward", "gradient"]),  # a loss that is weighted by the time
        ("entropy", ["rng", "batch", "forward", "structure"]),  # a seed or a split by os.urandom or uuid4
        ("dataloader-workers", ["batch"]),
        ("serial-threads", ["forward", "update", "end"]),  # labels, updates or results in the order of threads
        ("listing-order", ["start", "forward", "end"]),
    ],
)
def test_a_cause_that_shows_at_an_everyday_place_takes_few_trials(name, kinds):
    for kind in kinds:
        clues = Clues(kind, ["python-seed", "numpy-seed"], ["torch-seed"], lambda: False)
        if name == "torch-seed":
            clues = Clues(kind, ["torch-seed", "python-seed", "numpy-seed"], [], lambda: False)
        found, made = explained([source(name)], kind=kind, clues=clues)
        assert found.cause == [name]
        assert made.trials <= 40


class BreaksLater(Program):
    """Does not run with two controls once their setting has ten trials."""

    def look(self, names, trials, *words, **more):
        seen = super().look(names, trials, *words, **more)
        is_broken = seen.held == {"hash-seed", "clock"} and seen.trials > 9
        return replace(seen, broke="it was ended after 30 s") if is_broken else seen


def test_a_set_that_stops_running_is_no_measure_for_larger_sets():
    made = BreaksLater([source("hash-seed"), source("clock", where=(0, 1, 0))], np.random.default_rng(1))
    first = made.look([], 5, through=True)
    search(made, TORCH, first, Clues("batch"))
    assert max(map(len, made._outcomes.values())) <= 2 * LEAST


def test_a_control_that_implies_another_is_named_only_where_the_other_does_not_do():
    assert explained([source("aslr")])[0].cause == ["aslr"]
    assert explained([source("hash-seed")])[0].minimal == [["hash-seed"]]


def test_of_two_controls_that_suffice_both_are_found_and_the_more_specific_is_the_cause():
    found, _ = explained([source("torch-deterministic", "threads")], kind="gradient")
    assert found.minimal == [["torch-deterministic"], ["threads"]]
    assert found.cause == ["torch-deterministic"]
    found, _ = explained([source("numpy-generator", "entropy")], kind="start", options=ALL)
    assert found.cause == ["numpy-generator"]
    assert ["entropy"] in found.minimal


def test_what_nobody_would_keep_in_the_place_of_a_seed_is_tried_on_request_only():
    sources = [source("numpy-seed", "entropy")]
    found, made = explained(sources)
    assert (found.minimal, found.is_partial) == ([["numpy-seed"]], True)
    every, asked = explained(sources, options=ALL)
    assert (every.minimal, every.is_partial) == ([["numpy-seed"], ["entropy"]], False)
    assert made.trials + LEAST <= asked.trials


def test_in_the_place_of_a_flag_no_experiment_is_tried_unasked():
    sources = [source("torch-deterministic", "clock", "threads")]
    assert explained(sources, kind="gradient")[0].minimal == [["torch-deterministic"], ["threads"]]
    assert ["clock"] in explained(sources, kind="gradient", options=ALL)[0].minimal


def test_the_seed_that_was_seen_missing_is_tried_before_anything_else():
    clues = Clues("batch", unseeded=["numpy-seed"], seeded=["python-seed"])
    found, made = explained([source("numpy-seed")], clues=clues)
    assert (found.cause, made.trials) == (["numpy-seed"], 5 + LEAST)


def test_two_seeds_that_were_seen_missing_are_both_found():
    sources = [source("torch-seed", where=(0, -1, 0)), source("numpy-seed", where=(0, 0, 2))]
    clues = Clues("start", unseeded=["numpy-seed", "python-seed", "torch-seed"])
    found, made = explained(sources, clues=clues)
    assert found.cause == ["numpy-seed", "torch-seed"]
    assert made.trials < 30


@pytest.mark.parametrize("right", ["hash-seed", "threads"])
def test_a_missing_seed_that_changes_nothing_does_not_keep_the_cause_from_being_found(right):
    found, _ = explained([source(right)], clues=Clues("batch", unseeded=["python-seed", "numpy-seed"]))
    assert found.cause == [right]


def test_a_generator_with_one_state_in_all_trials_is_suspected_last():
    order = Clues("batch", seeded=["torch-seed", "numpy-seed"]).ordered("batch", TORCH)
    assert set(order[-2:]) == {"torch-seed", "numpy-seed"}


def test_a_generator_may_have_got_its_seed_after_it_drew_the_initial_weights():
    clues = Clues("start", seeded=["python-seed", "numpy-seed", "torch-seed"])
    found, made = explained([source("torch-seed", where=(0, -1, 0))], kind="start", clues=clues)
    assert (found.cause, made.trials) == (["torch-seed"], 5 + LEAST)
    assert clues.ordered("start", TORCH)[:2] == ["torch-seed", "numpy-generator"]


def test_a_missing_seed_is_suspected_before_one_that_came_late():
    assert Clues("start", ["numpy-seed"], ["torch-seed"]).suspected("start", TORCH) == ["numpy-seed"]


@pytest.mark.parametrize(
    ("differs", "first"), [(True, "torch-deterministic"), (None, "torch-deterministic"), (False, "torch-seed")]
)
def test_what_changes_operators_is_tried_first_unless_no_operator_differs(differs, first):
    assert Clues("forward", has_operator=lambda: differs).ordered("forward", TORCH)[0] == first


def test_an_operator_is_asked_for_only_where_one_can_be_the_cause():
    def asked():
        raise AssertionError

    assert Clues("batch", has_operator=asked).ordered("batch", TORCH)
    found, _ = explained([source("torch-seed")], clues=Clues("forward", unseeded=["torch-seed"], has_operator=asked))
    assert found.cause == ["torch-seed"]


def test_what_is_likely_is_told_before_it_is_confirmed():
    told = []
    explained([source("numpy-seed")], options=SearchOptions(told=told.append))
    assert told == ["likely: numpy-seed (2 of 2 trials agree); samebits runs more to confirm it"]


@pytest.mark.parametrize("shares", [MANY, (0.5, 0.5)])
def test_two_and_three_causes_are_all_found(shares):
    parts = [("numpy-seed", (0, -1, 0)), ("hash-seed", (0, 1, 2)), ("threads", (0, 2, 4))]
    sources = [source(name, shares=shares, where=where) for name, where in parts]
    for seed in range(5):
        assert explained(sources[:2], seed)[0].cause == ["numpy-seed", "hash-seed"]
        assert explained(sources, seed)[0].cause == ["numpy-seed", "hash-seed", "threads"]


@pytest.mark.parametrize("other", ["clock", "aslr", "threads", "hash-seed"])
@pytest.mark.parametrize("seed", ["numpy-seed", "numpy-generator"])
def test_a_seed_beside_a_different_cause_at_one_point_is_not_reported_as_entropy(seed, other):
    clues = Clues("update", ["numpy-seed", "python-seed"])
    found, made = explained([source(seed, "entropy"), source(other)], kind="update", clues=clues)
    assert sorted(found.cause) == sorted([seed, other])
    assert made.trials < 150


def test_entropy_stays_the_cause_if_no_seed_has_the_same_effect():
    found, _ = explained([source("entropy"), source("clock")], kind="update", clues=Clues("update", ["numpy-seed"]))
    assert found.cause == ["clock", "entropy"]
    found, _ = explained([source("numpy-seed", "entropy"), source("entropy"), source("clock")], kind="update")
    assert found.cause == ["clock", "entropy"]


def test_causes_at_one_point_are_all_found():
    found, _ = explained([source("python-seed"), source("clock")])
    assert found.cause == ["python-seed", "clock"]


def test_alternatives_of_one_of_two_causes_are_found():
    found, _ = explained([source("numpy-seed", "entropy"), source("hash-seed")], options=ALL)
    assert found.minimal == [["numpy-seed", "hash-seed"], ["hash-seed", "entropy"]]
    assert found.cause == ["numpy-seed", "hash-seed"]


def test_what_parts_with_everything_held_is_outside():
    found, made = explained([source()])
    assert (found.outside, found.cause) == (True, [])
    assert made.trials < 10


def test_a_known_cause_before_one_outside_is_named_too():
    found, _ = explained([source("numpy-seed", where=(0, -1, 0)), source(where=(0, 3, 4))], kind="start")
    assert (found.outside, found.cause) == (True, ["numpy-seed"])


def test_a_control_that_breaks_the_program_is_left_out_and_the_search_goes_on():
    found, _ = explained([source("hash-seed")], breaks=frozenset({"clock", "threads"}))
    assert found.cause == ["hash-seed"]
    assert set(found.refused) == {"clock", "threads"}


def test_where_the_cause_is_a_control_that_breaks_the_program_it_is_outside_and_refused():
    found, _ = explained([source("clock")], breaks=frozenset({"clock"}))
    assert found.outside
    assert set(found.refused) == {"clock"}


def test_a_control_without_effect_is_never_the_cause():
    found, _ = explained([source("serial-threads")], idle=frozenset({"serial-threads"}))
    assert found.cause == []
    assert found.outside
    assert "serial-threads" in found.idle


class Unused(Program):
    """Nothing in the program draws from numpy's generator, so that trials with a seed for it agree by luck."""

    def look(self, names, trials, *words, **more):
        seen = super().look(names, trials, *words, **more)
        idle = {name: HeldControl(id=name, effect="idle") for name in seen.held & {"numpy-seed"}}
        return replace(seen, controls={**seen.controls, **idle})


@pytest.mark.parametrize("unseeded", [[], ["numpy-seed"]])
def test_a_control_that_nothing_in_the_program_used_is_never_part_of_a_cause(unseeded):
    made = Unused([source("numpy-seed", "threads", shares=(0.5, 0.5))], np.random.default_rng(1))
    found = search(made, TORCH, made.look([], 5, through=True), Clues("end", unseeded))
    assert found.minimal == [["threads"]]


def test_controls_that_break_a_program_only_together_are_told_apart():
    together = {"numpy-seed", "threads"}
    kept, refused = compatible(TORCH, lambda names: "broken" if together <= set(names) else "")
    assert len(refused) == 1
    assert set(refused) < together
    assert set(kept) | set(refused) == set(TORCH)


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize(
    "shares",
    [(0.5, 0.5), (0.7, 0.3), (0.9, 0.1), (0.5, *(0.005,) * 100), (0.7, *(0.003,) * 100)],
    ids=["50:50", "70:30", "90:10", "half alike", "7 of 10 alike"],
)
def test_useless_controls_are_accepted_in_fewer_than_1_of_100_searches(shares, seen):
    """All controls are useless: any that is accepted is accepted by luck. benchmarks/explain_search.py draws more."""
    clues = Clues("batch", unseeded=["python-seed"] if seen else [])
    searches = [explained([source(shares=shares)], seed, clues=clues)[0] for seed in range(300)]
    parted = [found for found in searches if found is not None]
    assert len(parted) > 100
    assert sum(found.cause != [] for found in parted) <= len(parted) / 100
    assert all(found.outside for found in parted if not found.cause)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_the_right_control_is_found_however_rare_the_difference(share):
    searches = [explained([source("numpy-seed", shares=(share, 1 - share))], seed)[0] for seed in range(40)]
    assert all(found.cause == ["numpy-seed"] for found in searches if found is not None)


def test_a_seed_that_a_worker_takes_from_its_surroundings_is_tried_before_a_loader_without_workers():
    """Without workers nothing calls `worker_init_fn`, so that trials agree although its seed differs."""
    order = hinted("batch", controls.known())
    assert (
        max(order.index("clock"), order.index("entropy"))
        < order.index("dataloader-workers")
        < order.index("listing-order")
    )


def test_every_kind_of_divergence_has_hints():
    assert all(hinted(kind, controls.known()) for kind in wire.KINDS)
    assert all(set(control.hints) <= set(wire.KINDS) for control in controls.table())


def test_the_likeliest_control_is_tried_first_and_one_that_the_program_overrules_last():
    assert hinted("start", controls.known())[:3] == ["torch-seed", "tf-seed", "numpy-seed"]
    assert hinted("batch", ["python-seed", "serial-threads"]) == ["serial-threads", "python-seed"]
    overruled = {"python-seed": HeldControl(id="python-seed", effect="overruled")}
    seen = Observation(frozenset(overruled), controls=overruled)
    assert sorted(["python-seed", "hash-seed"], key=seen.is_overruled) == ["hash-seed", "python-seed"]
    assert seen.is_in_force("python-seed")


def test_every_control_has_lines_to_paste_and_they_are_for_the_libraries_that_are_loaded():
    assert all(control.edits for control in controls.table() if control.pins)
    assert [fix.library for fix in fixes(["threads"], {"torch"}, 7, [])] == ["torch", ""]
    assert "torch.manual_seed(7)" in fixes(["torch-seed"], {"torch"}, 7, [])[0].lines


def test_lines_to_paste_have_the_users_own_command():
    lines = [line for fix in fixes(["aslr"], set(), 7, ["sh", "run all.sh"]) for line in fix.lines]
    assert "export PYTHONHASHSEED=0; setarch -R sh 'run all.sh'" in lines
    assert any("compute with" in line and "order" in line for line in lines), "id() is not only an order"


def test_the_advice_for_threads_is_for_plain_ones_too():
    assert any(
        "one place in a list for each thread" in line for line in fixes(["serial-threads"], set(), 7, [])[0].lines
    )


def test_the_most_specific_of_equal_sets_comes_first_in_the_written_order():
    assert most_specific([["hash-seed", "entropy"], ["numpy-seed", "hash-seed"]]) == ["numpy-seed", "hash-seed"]
    assert most_specific([]) == []


def test_what_had_no_effect_in_the_check_need_have_none_in_a_setting_but_what_is_tried_must():
    effects = {"threads": "held", "channels-first": "undone", "hash-seed": "unreadable", "tf32-off": "idle"}
    did = {name: HeldControl(id=name, effect=effect) for name, effect in effects.items()}
    seen = Observation(frozenset(did), groups=(12,), controls=did)
    assert not seen.agrees(12)
    excused = replace(seen, excused=frozenset({"channels-first"}))
    assert excused.agrees(12)
    undone = HeldControl(id="threads", effect="undone")
    assert not replace(excused, controls={**did, "threads": undone}).agrees(12)
    assert [name for name in did if seen.is_in_force(name)] == ["threads"]
