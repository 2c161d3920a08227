"""The page on active learning: its numbers follow from what each trial chose, which lies beside it."""

import json
import statistics
from itertools import combinations
from pathlib import Path

import pytest
from builders import module_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROUNDS = DOCS / "study" / "active-learning" / "rounds.json"


@pytest.fixture(scope="module")
def script():
    """The script that makes the table and the figures, as a module."""
    return module_of(DOCS / "active_learning.py")


@pytest.fixture(scope="module")
def setups():
    return json.loads(ROUNDS.read_text())


def test_the_page_shows_the_table_that_its_command_prints(script, setups):
    assert script.table(setups) in (DOCS / "study" / "active-learning.md").read_text()


def test_every_number_of_the_table_follows_from_what_was_chosen(script, setups):
    for name, setup in setups.items():
        cells = script.row(name, setup)
        assert cells[1] == str(len(setup["trials"]))
        for number in range(1, 6):
            sets = [{image for one in trial[: number + 1] for image in one["chosen"]} for trial in setup["trials"]]
            assert all(len(one) == each(setup) * (number + 1) for one in sets)
            apart = [len(a ^ b) / 2 for a, b in combinations(sets, 2)]
            assert cells[3 + number] == f"{sum(apart) / len(apart):.1f} ({max(apart):.0f})"
        assert cells[-3] == f"{each(setup) * 6:,}"
        left = (4000 if "--pool" in setup["command"] else 2000) - each(setup)
        assert cells[-4] == f"{each(setup) * 5 * (left - each(setup) * 5) / left:.1f}"
        last = [100 * trial[5]["accuracy"] for trial in setup["trials"]]
        assert cells[-2] == f"{statistics.fmean(last):.2f} ± {statistics.stdev(last):.2f}"
        assert cells[-1] == f"{min(last):.2f} to {max(last):.2f}"


def each(setup):
    """How many images a trial chooses in a round: the program's default, if its command does not say it."""
    command = setup["command"]
    return int(command[command.index("--each") + 1]) if "--each" in command else 50


def test_the_page_says_which_networks_have_learned_nothing_at_their_first_choice(setups):
    page = " ".join((DOCS / "study" / "active-learning.md").read_text().split())
    first = {name: [100 * trial[0]["accuracy"] for trial in one["trials"]] for name, one in setups.items()}
    assert {round(one, 1) for name in ("pytorch", "pytorch-strict") for one in first[name]} == {11.6}
    assert {round(one, 1) for name in ("pytorch-cells", "pytorch-cells-strict") for one in first[name]} == {21.0}
    assert "11.6 % on ten digits and 21.0 % on five numbers of cells, in every trial" in page
    ends = [f"{min(first[name]):.1f} to {max(first[name]):.1f} %" for name in ("keras-tf2.1", "keras-tf2.1-cells")]
    assert " and ".join(ends) in page


def test_all_setups_have_the_same_number_of_trials(setups):
    assert {len(setup["trials"]) for setup in setups.values()} == {5}


def test_the_first_round_that_samebits_names_is_the_first_that_differs(setups):
    for setup in setups.values():
        chosen = [[one["chosen"] for one in trial] for trial in setup["trials"]]
        differ = [number for number in range(6) if any(trial[number] != chosen[0][number] for trial in chosen)]
        assert setup["first"] == (f"round {differ[0]}" if differ else None)


def test_the_figures_are_those_that_the_command_draws(script, setups, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(script, "HERE", tmp_path)
    script.draw(setups)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["figure-accuracy-cells.svg", "figure-accuracy-mnist.svg", "figure-chosen.svg"]
    assert all((ROUNDS.parent / name).is_file() for name in made)
