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


def test_what_nobody_would_keep_in_the_place_of_a_seed_is_tried_on_request_only():
    sources = [source("numpy-seed", "entropy")]
    found, made = explained(sources)
    assert (found.minimal, found.is_partial) == ([["numpy-seed"]], True)
    every, asked = explained(sources, options=ALL)
    assert (every.minimal, every.is_partial) == ([["numpy-seed"], ["entropy"]], False)
    assert made.trials + LEAST <= asked.trials


EARLY, LATE = (0, -1, 0), (0, 3, 4)
FLAG = source("torch-deterministic", "clock", "threads")
BEFORE_AND_AT_START = [source("torch-seed", where=EARLY), source("numpy-seed", where=(0, 0, 2))]
UNSEEDED = ["numpy-seed", "python-seed", "torch-seed"]
SEEN_MISSING = Clues("batch", unseeded=["numpy-seed"], seeded=["python-seed"])
CASES = {  # the sources, what is given to the search, what it finds, the most trials
    "a control that implies another": ([source("aslr")], {}, {"cause": ["aslr"]}, 100),
    "the other one does": ([source("hash-seed")], {}, {"minimal": [["hash-seed"]]}, 100),
    "two controls suffice": ([source("torch-deterministic", "threads")], {"kind": "gradient"},
                             {"minimal": [["torch-deterministic"], ["threads"]], "cause": ["torch-deterministic"]}, 100),
    "a seed before an experiment": ([source("numpy-generator", "entropy")], {"kind": "start", "options": ALL},
                                    {"cause": ["numpy-generator"], "minimal": [["numpy-generator"], ["entropy"]]}, 200),
    "no experiment for a flag": ([FLAG], {"kind": "gradient"}, {"minimal": [["torch-deterministic"], ["threads"]]}, 100),
    "a seed that was seen missing": ([source("numpy-seed")], {"clues": SEEN_MISSING}, {"cause": ["numpy-seed"]}, 5 + LEAST),
    "two seeds that were seen missing": (BEFORE_AND_AT_START, {"clues": Clues("start", unseeded=UNSEEDED)},
                                         {"cause": ["numpy-seed", "torch-seed"]}, 29),
    "entropy, and no seed": ([source("entropy"), source("clock")], {"kind": "update", "clues": Clues("update", ["numpy-seed"])},
                             {"cause": ["clock", "entropy"]}, 150),
    "entropy beside a seed": ([source("numpy-seed", "entropy"), source("entropy"), source("clock")], {"kind": "update"},
                              {"cause": ["clock", "entropy"]}, 150),
    "causes at one point": ([source("python-seed"), source("clock")], {}, {"cause": ["python-seed", "clock"]}, 150),
    "an alternative of one of two": ([source("numpy-seed", "entropy"), source("hash-seed")], {"options": ALL},
                                     {"minimal": [["numpy-seed", "hash-seed"], ["hash-seed", "entropy"]],
                                      "cause": ["numpy-seed", "hash-seed"]}, 200),
    "outside": ([source()], {}, {"outside": True, "cause": []}, 9),
    "a known one before": ([source("numpy-seed", where=EARLY), source(where=LATE)], {"kind": "start"},
                           {"outside": True, "cause": ["numpy-seed"]}, 150),
    "controls that break the program": ([source("hash-seed")], {"breaks": frozenset({"clock", "threads"})},
                                        {"cause": ["hash-seed"], "refused": {"clock", "threads"}}, 150),
    "the cause breaks the program": ([source("clock")], {"breaks": frozenset({"clock"})},
                                     {"outside": True, "refused": {"clock"}}, 150),
    "without effect": ([source("serial-threads")], {"idle": frozenset({"serial-threads"})},
                       {"cause": [], "outside": True, "idle": {"serial-threads"}}, 150),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_search_finds_the_causes_that_there_are(case):
    sources, given, wanted, most = CASES[case]
    found, made = explained(sources, **given)
    sets = {name: set(getattr(found, name)) for name in ("refused", "idle")}
    assert {name: sets.get(name, getattr(found, name)) for name in wanted} == wanted
    assert made.trials <= most


def test_in_the_place_of_a_flag_an_experiment_is_tried_if_it_is_asked_for():
    assert ["clock"] in explained([FLAG], kind="gradient", options=ALL)[0].minimal


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
    assert "one place in a list for each thread" in fixes(["serial-threads"], set(), 7, [])[0].lines[-1]


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
