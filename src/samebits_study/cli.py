"""`samebits study`: the paper's study, run again."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import Reads, plain
from samebits.errors import UsageError
from samebits.options import EACH, ON, REPORTS, SBATCH, SPREAD, Option, read_names, read_seeds, read_text, read_trials

if TYPE_CHECKING:
    from samebits_study.conductor import StudyRequest
    from samebits_study.results import StudyResult

# The options of `samebits study`, declared once, as `samebits.options` does for the other commands.


def setup_names() -> list[str]:
    """Return the setups of all studies."""
    from samebits_study.catalog import SETUPS

    return list(SETUPS)


def study_names() -> list[str]:
    """Return the studies of the table."""
    from samebits_study.catalog import STUDIES

    return list(STUDIES)


SETUPS = Option(
    "setups", ("--setups",),
    "Only these setups (default: all): keras-tf1.14, keras-tf1.14-threads, keras-tf2.1, keras-tf2.1-one-thread, "
    "pytorch-1.3, pytorch-1.3-glorot, pytorch-1.3-equation-2, pytorch-1.3-inverted, keras-tf1.14-one-process, "
    "keras-tf2.1-one-process, pytorch-1.3-one-process, keras3-tensorflow, keras3-torch, keras3-jax, pytorch.",
    "ID,ID,...", read_names, names=setup_names,
)  # fmt: skip
SCALE = Option(
    "scale", ("--scale",), "How much to train: smoke, small, counting or nuclei (the U-Net only), or paper.", "NAME",
    read_text, "smoke", names=lambda: ("smoke", "small", "counting", "nuclei", "paper"),
)  # fmt: skip
STUDY_TRIALS = Option(
    "trials", ("-n", "--trials"), "How many trials each setup gets (default: set by the scale).", "N", read_trials
)
SEEDS = Option(
    "seeds", ("--seeds",), "Run the study once for each of these seeds, and say what seeds and what trials add.",
    "S,S,...", read_seeds,
)  # fmt: skip
STUDY_OUT = Option(
    "out",
    ("--out",),
    "Folder of the study (default: studies/<name>-<scale>; with --seeds: studies/<name>-<scale>-seeds).",
    "DIR",
    read_text,
)
STUDY_DATA = Option("data", ("--data",), "Folder of the images (default: fetched, or generated).", "DIR", read_text)
WATERSHED = Option(
    "watershed", ("--watershed",), "Split touching cells before counting them, as the authors' code does.",
    default=False,
)  # fmt: skip

OPTIONS: dict[str, tuple[Option, ...]] = {
    "study": (SCALE, SETUPS, STUDY_TRIALS, SEEDS, STUDY_DATA, WATERSHED, ON, EACH, SBATCH, SPREAD, STUDY_OUT, *REPORTS)
}


TEXT = """Repeat the paper's study.

Train each setup several times, then write tables, figures and a page. NAME is lenet5 (LeNet-5 classifies MNIST
digits), unet (a U-Net segments cells, which are counted), detection (digits in scenes), regression (the progression of
diabetes), or a study that you added. If you stop a study, give the command again: it goes on where it stopped.
samebits skips a setup if its interpreter is missing, or if the study has no script for its library. The report names
such setups.

Exit status: 0 if all setups are done (those of --setups, or all that the study has a script for), 3 if some are not,
2 wrong use or an error."""

# name -> (what it is, its model), for `samebits schema`
DOCUMENTS = {
    "study": ("study.json", "samebits_study.results:StudyResult"),
    "seeds": ("seeds.json of a study of several seeds", "samebits_study.seeds:SeedsStudy"),
    "outcome": (
        "outcome.json of each training, which the script of a study writes",
        "samebits_study.trainings:TrainingOutcome",
    ),
}

NEEDED = ("matplotlib", "scipy", "skimage")


def run(name: str, **given: Any) -> int:
    """Run what is missing, write the reports, and show the result."""
    requests.refuse_platform()
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    from samebits_study import catalog

    study = catalog.study_named(name)
    _refuse_missing()
    from samebits_study import conductor, output

    seeds = "-seeds" if given["seeds"] else ""
    folder = Path(given["out"] or f"studies/{name}-{given['scale']}{seeds}")
    asked = conductor.StudyRequest(
        study=name,
        scale=given["scale"],
        folder=folder,
        setups=list(given["setups"] or ()),
        trials=given["trials"],
        source=Path(given["data"]) if given["data"] else None,
        watershed=given["watershed"],
        host=given["on"],
        each=requests.needs(given),
    )
    if given["seeds"]:
        return _run_seeds(asked, given["seeds"], targets)
    _refuse_seeds(folder)
    with answers.shown_progress() as progress:
        result = conductor.conduct(asked, progress)
    output.write(result, folder)
    wanted = asked.setups or catalog.runnable_setups(study)
    answers.present(output.summary(result, folder, wanted, targets), targets)
    return _status(result, wanted)


def _refuse_seeds(folder: Path) -> None:
    from samebits_study.seeds import SEEDS as NAME

    if (folder / NAME).is_file():
        raise UsageError(f"{folder} holds a study of several seeds.", "Name a different folder with --out DIR.")


def _run_seeds(asked: StudyRequest, seeds: list[int], targets: answers.Targets) -> int:
    from samebits_study import seeds as several
    from samebits_study.seeds_output import write

    with answers.shown_progress() as progress:
        several.conduct(asked, seeds, progress)
    write(*several.kept(asked.folder), asked.folder)
    return show_seeds(asked.folder, targets)


def show_seeds(folder: Path, targets: answers.Targets) -> int:
    """Show a study of several seeds that was run before, and write the reports that options name."""
    from samebits.model import EXIT_CODES
    from samebits_study import seeds as several
    from samebits_study.seeds_output import report

    study, results = several.kept(folder)
    answers.present(report(study, results, folder), targets)
    is_done = all(setup.status == "done" for result in results for setup in result.setups)
    return EXIT_CODES["repeated" if is_done else "inconclusive"]


def show(folder: Path, targets: answers.Targets) -> int:
    """Show a study that was run before, and write the reports that options name."""
    from samebits_study import catalog, output

    result = output.kept(folder)
    wanted = catalog.wanted_setups(result.study, [setup.id for setup in result.setups])
    answers.present(output.summary(result, folder, wanted, targets), targets)
    return _status(result, wanted)


# document in a folder -> the function with which `samebits report` shows it
FOLDER_REPORTS = {"study.json": show, "seeds.json": show_seeds}


def _status(result: StudyResult, wanted: Collection[str]) -> int:
    from samebits.model import EXIT_CODES

    is_done = all(setup.status == "done" for setup in result.setups if setup.id in wanted)
    return EXIT_CODES["repeated" if is_done else "inconclusive"]


def _refuse_missing() -> None:
    """Raise UsageError if a package of the extra is not installed. This is asked before hours of training."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"samebits study needs {', '.join(missing)}.", "pip install matplotlib scipy scikit-image")


NAME = click.Argument(["name"], type=Reads(read_text, "study", study_names), metavar="NAME")
COMMAND = plain("study", run, TEXT, OPTIONS["study"], [NAME])
