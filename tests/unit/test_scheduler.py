"""What runs side by side: the real commands on a host whose trials are drawn, with a clock that is simulated."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from samebits.causes.decision_rule import LEAST
from samebits.clock import SimulatedClock, replaced
from samebits.store import open_record
from samebits_probe import wire

sys.path.insert(0, str(Path(__file__).parents[1]))
from simulated_host import SleepingTrial, Training, explained, measured, simulated, varied
from simulation import Source

BATCH, UPDATE = wire.CODE["batch"], wire.CODE["update"]
MANY = (0.001,) * 1000
SEED = Source(MANY, frozenset({"numpy-seed"}), (0, -1, wire.CODE["rng"]))
THREADS = Source(MANY, frozenset({"threads"}), (0, 1, UPDATE))
TWO_OUTCOMES = Source((0.5, 0.5), frozenset({"hash-seed"}), (0, 0, 2))
OUTSIDE = Source(MANY, frozenset(), (0, 0, BATCH))


@pytest.fixture
def run(tmp_path):
    """Function(command, slots, draw, **training) -> (its answer, the seconds it took on the simulated clock, the training)."""

    def ran(command, slots, draw=1, **training):
        made = Training(np.random.default_rng(draw), **{"start": (0.5, 0.5), "lost": 0.0, **training})
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        clock = SimulatedClock()
        with replaced(clock), simulated(made) as host:
            return command(folder, host, slots), clock.now(), made

    return ran


@pytest.mark.parametrize(
    ("sources", "draws", "share"),
    # a missing seed takes so few trials on one slot that four slots save less of them
    # with two outcomes, luck decides how many trials a search needs: eight searches
    [([SEED], [1], 0.45), ([SEED, THREADS], [1], 0.4),
     pytest.param([TWO_OUTCOMES], range(1, 9), 0.4, marks=pytest.mark.slow(seconds=40))],
)  # fmt: skip
def test_on_four_slots_a_cause_takes_at_most_this_share_of_the_time_on_one(run, sources, draws, share):
    ones = [run(explained, 1, draw, sources=sources) for draw in draws]
    fours = [run(explained, 4, draw, sources=sources) for draw in draws]
    cause = sorted(set().union(*(source.pinned_by for source in sources)))
    assert [found.cause for found, _, _ in (*ones, *fours)] == [cause] * 2 * len(draws)
    assert sum(beside for _, beside, _ in fours) <= share * sum(alone for _, alone, _ in ones)
    assert {made.most for _, _, made in fours} == {4}


def test_no_time_passes_between_two_trials_that_run_one_by_one(run):
    _, seconds, made = run(explained, 1, sources=[SEED])
    assert seconds == pytest.approx(made.trials * (0.5 + made.seconds), abs=0.01 * made.trials)


def test_on_many_slots_what_is_confirmed_has_as_many_trials_and_the_answer_is_the_same(run):
    found, seconds, made = run(explained, 100, sources=[SEED])
    agreed = next(row for row in found.evidence if row.controls == ["numpy-seed"])
    assert (found.cause, agreed.state) == (["numpy-seed"], "agreed")
    assert agreed.trials >= found.needed >= LEAST
    assert found.chance < 0.01
    assert seconds < 60
    assert made.most <= 100


def test_the_values_of_factors_run_side_by_side_with_the_same_answer(run):
    one, alone, _ = run(varied, 1, depends_on=["locale"])
    eight, beside, made = run(varied, 8, depends_on=["locale"])
    answers = [{factor.id: factor.answer for factor in found.factors} for found in (one, eight)]
    assert answers[0] == answers[1]
    assert [name for name, answer in answers[0].items() if answer == "depends"] == ["locale"]
    assert [factor.id for factor in one.factors] == [factor.id for factor in eight.factors]
    assert made.most == 8
    assert beside <= 0.4 * alone


def test_the_trainings_of_all_seeds_run_side_by_side(run):
    found, seconds, made = run(measured, 100, sources=[OUTSIDE])
    assert (len(found.trainings), found.seeds, made.most) == (200, list(range(10)), 100)
    assert seconds == pytest.approx(2 * 10.5, abs=1)
    assert Counter(one.seed for one in found.trainings) == dict.fromkeys(range(10), 20)


def test_a_trial_whose_node_was_lost_starts_again_and_that_is_said(run, tmp_path):
    found, _, made = run(measured, 20, sources=[OUTSIDE], lost=0.05)
    assert made.trials > len(found.trainings) == 200
    notes = [note for seed in found.records.values() for note in open_record(tmp_path / "0/record" / seed).file.notes]
    assert len(notes) == made.trials - 200
    assert notes[0].endswith(" started again: its node was lost")


def test_a_search_survives_lost_nodes(run):
    for slots in (1, 10):
        found, _, _ = run(explained, slots, sources=[SEED], lost=0.1)
        assert (found.cause, found.not_applicable) == (["numpy-seed"], {})


def test_trials_that_are_processes_run_side_by_side_too(tmp_path):
    made = Training(np.random.default_rng(1), [SEED], start=(0.0, 0.0), seconds=0.05, lost=0.0)
    with simulated(made, SleepingTrial) as host:
        found = explained(tmp_path, host, 4)
    assert (found.cause, made.most) == (["numpy-seed"], 4)


def test_an_interruption_ends_the_trials_of_all_records(tmp_path):
    made = Training(np.random.default_rng(1), [OUTSIDE], start=(0.0, 0.0), seconds=60.0, lost=0.0)

    class Interrupted(SleepingTrial):
        def poll(self):
            if made.trials == 30:
                raise KeyboardInterrupt
            return super().poll()

    with simulated(made, Interrupted) as host, pytest.raises(KeyboardInterrupt):
        measured(tmp_path, host, 30)
    assert (made.trials, made.running) == (30, set())
    records = [open_record(folder) for folder in sorted((tmp_path / "record").glob("seed-*"))]
    whys = Counter(trial.file.why for record in records for trial in record.trials)
    assert whys == {"samebits was interrupted": 30}
