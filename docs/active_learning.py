"""What active learning chose in each trial: makes the records, and from them the table and the figures of the page.

    python docs/active_learning.py --run FOLDER --data data/mnist    # trains; writes active-learning/rounds.json
    python docs/active_learning.py                                   # makes the figures, prints the table

--run works in one folder for each setup, FOLDER/NAME, with copies of the programs: so no other work writes there, and
a setup that has its record is not trained again. --only NAME ...: the other setups stay in rounds.json as they are.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from itertools import combinations
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
POOL = 2000  # images to choose from, if the command does not say it
FREE = ["--no-shuffle-seed"]
CELLS = ["--pool", "4000", "--each", "200", "--epochs", "12"]  # with 50 images and 6 epochs LeNet-5 learns no counting
SETUPS = {  # name -> (the data, options of samebits check, options of examples/active_learning.py)
    "keras-tf2.1": ("mnist", ["--env", "keras-tf2.1"], ["--library", "keras2"]),
    "keras-tf2.1-mended": ("mnist", ["--env", "keras-tf2.1"], ["--library", "keras2", "--order", "read-first"]),
    "pytorch": ("mnist", [], ["--library", "pytorch", *FREE]),
    "pytorch-strict": ("mnist", ["--preset", "strict"], ["--library", "pytorch", *FREE]),
    "keras3": ("mnist", [], ["--library", "keras3", *FREE]),
    "keras3-strict": ("mnist", ["--preset", "strict"], ["--library", "keras3", *FREE]),
    "keras-tf2.1-cells": ("cells", ["--env", "keras-tf2.1"], ["--library", "keras2", *CELLS]),
    "pytorch-cells": ("cells", [], ["--library", "pytorch", *CELLS, *FREE]),
    "pytorch-cells-strict": ("cells", ["--preset", "strict"], ["--library", "pytorch", *CELLS, *FREE]),
    "keras3-cells": ("cells", [], ["--library", "keras3", *CELLS, *FREE]),
    "keras3-cells-strict": ("cells", ["--preset", "strict"], ["--library", "keras3", *CELLS, *FREE]),
}
TITLES = {"mnist": "digits", "cells": "cells"}
SURROUNDINGS = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "KERAS_BACKEND": "tensorflow"}
HERE = Path(__file__).resolve().parent / "study" / "active-learning"
ROUNDS = HERE / "rounds.json"


def words(name, data):
    """The command of a setup."""
    kind, options, program = SETUPS[name]
    learner = ["active_learning.py", *program, "--data", str(data[kind]), "--out", "{out}"]
    return ["check", "--full", "-n", "5", *options, "--out", "record", "--", "python", *learner]


def run(folder, mnist, names):
    """The record of each of these setups: made, unless it is there."""
    data = {"mnist": mnist.resolve(), "cells": folder.resolve() / "cells"}
    if not data["cells"].is_dir():
        subprocess.run([sys.executable, EXAMPLES / "cell_patches.py", "--out", data["cells"]], check=True)
    for name in names:
        place = folder / name
        if (place / "record" / "result.json").is_file():
            continue
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(EXAMPLES, place, ignore=lambda folder, names: [one for one in names if not one.endswith(".py")])
        command = [sys.executable, "-m", "samebits", *words(name, data)]
        print("$", "samebits", *command[3:], flush=True)
        subprocess.run(command, cwd=place, env={**os.environ, **SURROUNDINGS}, check=False)  # diverged: 1
    return {name: folder / name / "record" for name in names}


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
    """All images that a trial had chosen after a round."""
    return {image for one in trial[: number + 1] for image in one["chosen"]}


def apart(trials, number):
    """For each two trials, how many images one had chosen after a round and the other had not."""
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
    images = f"{len(labelled(setup['trials'][0], len(numbers))):,}"
    facts = [name, str(len(values)), str(setup["models"]), setup["first"] or "never"]
    return [*facts, *cells, f"{by_chance(setup):.1f}", images, spread, ends]


def by_chance(setup):
    """How many images would differ after the last round if two trials drew all but the first ones by lot."""
    command, first = setup["command"], len(setup["trials"][0][0]["chosen"])
    pool = int(command[command.index("--pool") + 1]) if "--pool" in command else POOL
    drawn = len(labelled(setup["trials"][0], rounds_of(setup)[-1])) - first
    return drawn * (1 - drawn / (pool - first))


def table(setups):
    """The Markdown table of all setups."""
    heads = ["Setup", "Trials", "Models", "First differs"]
    heads += [f"Round {number}" for number in rounds_of(next(iter(setups.values())))]
    heads += ["By chance", "Images", "Accuracy (%)", "From, to (%)"]
    rows = [heads, ["---"] * len(heads), *(row(name, setup) for name, setup in setups.items())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def figures(setups):
    """How many images differ, and the accuracy of each trial, round by round."""
    from samebits_study.reports.figures import Curves, Figure

    kinds = {
        kind: {name: one for name, one in setups.items() if SETUPS[name][0] == kind} for kind in ("mnist", "cells")
    }
    chosen = tuple((TITLES[kind], differing(some)) for kind, some in kinds.items() if some)
    yield Figure(
        "chosen",
        "How many of the chosen images differ between two trials.",
        shows=Curves("round", "images that differ", chosen),
    )
    for kind, some in kinds.items():
        panels = tuple((name, accuracies(setup)) for name, setup in some.items())
        if panels:
            title = f"The accuracy of each trial: {TITLES[kind]}."
            yield Figure(f"accuracy-{kind}", title, shows=Curves("round", "accuracy (%)", panels))


def differing(setups):
    """A curve for each setup: how many images differ, in the mean over two trials."""
    from samebits_study.reports.figures import FigureCurve

    curves = []
    for place, (name, setup) in enumerate(setups.items()):
        means = [statistics.mean(apart(setup["trials"], number)) for number in rounds_of(setup)]
        curves.append(FigureCurve(name, tuple(rounds_of(setup)), tuple(means), place))
    return tuple(curves)


def accuracies(setup):
    """A curve for each trial."""
    return tuple(curve_of(trial, place) for place, trial in enumerate(setup["trials"]))


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
    parser.add_argument("--run", type=Path, metavar="FOLDER")
    parser.add_argument("--only", nargs="+", choices=SETUPS, default=list(SETUPS), metavar="NAME")
    parser.add_argument("--data", type=Path, default=Path("data/mnist"))
    options = parser.parse_args()
    if options.run:
        known = json.loads(ROUNDS.read_text()) if ROUNDS.is_file() else {}
        known |= {name: taken(record) for name, record in run(options.run, options.data, options.only).items()}
        made = {name: known[name] for name in SETUPS if name in known}
        HERE.mkdir(parents=True, exist_ok=True)
        ROUNDS.write_text(json.dumps(made, separators=(",", ":")) + "\n")
    setups = json.loads(ROUNDS.read_text())
    draw(setups)
    print(table(setups))


if __name__ == "__main__":
    main()
