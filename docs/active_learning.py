"""What active learning chose in each trial: takes it from records, and makes the table and the figures of the page.

    python docs/active_learning.py --take NAME=RECORD ...    # writes docs/study/active-learning/rounds.json
    python docs/active_learning.py                           # makes the figures, prints the table

A record is one of `samebits check -- python examples/active_learning.py ... --out '{out}'`.
"""

import argparse
import json
import statistics
from itertools import combinations
from pathlib import Path

HERE = Path(__file__).resolve().parent / "study" / "active-learning"
ROUNDS = HERE / "rounds.json"


def taken(record):
    """The rounds of each trial of a record, its command, and its verdict."""
    trials = [json.loads(path.read_text())["rounds"] for path in sorted(record.glob("trials/*/out/chosen.json"))]
    found = json.loads((record / "result.json").read_text())
    keyed = {point["name"]: point["key"] for point in found["keyed"]}
    held = [control["id"] for control in found["setup"]["controls"] if control["took_effect"]]
    return {
        "command": [Path(word).name if word.startswith("/") else word for word in found["setup"]["command"]],
        "environment": found["setup"]["environment"] or "",
        "preset": found["setup"]["preset"] or "",
        "held": held,
        "verdict": found["verdict"],
        "models": len(found["groups"]),
        "first": keyed.get("batch/chosen"),
        "trials": trials,
    }


def labelled(trial, number):
    """All digits that a trial had chosen after a round."""
    return {digit for one in trial[: number + 1] for digit in one["chosen"]}


def apart(trials, number):
    """For each two trials, how many digits one had chosen after a round and the other had not."""
    sets = [labelled(trial, number) for trial in trials]
    return [len(a - b) for a, b in combinations(sets, 2)]


def rounds_of(setup):
    """The numbers of the rounds in which a model chose: from 1."""
    return range(1, len(setup["trials"][0]))


def row(name, setup):
    """One setup as a row of the table."""
    numbers = [apart(setup["trials"], number) for number in rounds_of(setup)]
    cells = [f"{statistics.mean(found):.1f} ({max(found)})" for found in numbers]
    values = [100 * trial[-1]["accuracy"] for trial in setup["trials"]]
    spread = f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"
    ends = f"{min(values):.2f} to {max(values):.2f}"
    return [name, str(len(values)), str(setup["models"]), setup["first"] or "never", *cells, spread, ends]


def table(setups):
    """The Markdown table of all setups."""
    heads = ["Setup", "Trials", "Models", "First differs"]
    heads += [f"Round {number}" for number in rounds_of(next(iter(setups.values())))]
    heads += ["Accuracy (%)", "From, to (%)"]
    rows = [heads, ["---"] * len(heads), *(row(name, setup) for name, setup in setups.items())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def figures(setups):
    """How many digits differ, and the accuracy of each trial, round by round."""
    from samebits_study.reports.figures import Curves, Figure, FigureCurve

    lines, panels = [], []
    for place, (name, setup) in enumerate(setups.items()):
        means = [statistics.mean(apart(setup["trials"], number)) for number in rounds_of(setup)]
        lines.append(FigureCurve(name, tuple(rounds_of(setup)), tuple(means), place))
        panels.append((name, tuple(curve_of(trial, at) for at, trial in enumerate(setup["trials"]))))
    chosen = Curves("round", "digits that differ", (("", tuple(lines)),))
    return [
        Figure("chosen", "How many of the chosen digits differ between two trials.", shows=chosen),
        Figure("accuracy", "The accuracy of each trial.", shows=Curves("round", "accuracy (%)", tuple(panels))),
    ]


def curve_of(trial, place):
    from samebits_study.reports.figures import FigureCurve

    return FigureCurve("", tuple(range(len(trial))), tuple(100 * one["accuracy"] for one in trial), place)


def draw(setups):
    """Write the figures as SVG."""
    from samebits_study.reports import plots

    for figure in figures(setups):
        for path in plots.draw(figure, HERE):
            if path.suffix != ".svg":
                path.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--take", nargs="+", metavar="NAME=RECORD", default=[])
    options = parser.parse_args()
    if options.take:
        named = dict(word.split("=", 1) for word in options.take)
        made = {name: taken(Path(record)) for name, record in named.items()}
        HERE.mkdir(parents=True, exist_ok=True)
        ROUNDS.write_text(json.dumps(made, separators=(",", ":")) + "\n")
    setups = json.loads(ROUNDS.read_text())
    draw(setups)
    print(table(setups))


if __name__ == "__main__":
    main()
