"""Runs `samebits noise` and `samebits versus`: how far a metric moves between trainings, and whether B is better."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import launching, plain
from samebits.options import OPTIONS, REPORTS

if TYPE_CHECKING:
    from samebits.noise import NoiseRequest, Shown
    from samebits.noise.result import NoiseResult
    from samebits.noise.sides import MetricSide
    from samebits.noise.versus import Training

__all__ = ["NOISE", "VERSUS", "show_noise"]

NOISE_TEXT = """Train several times with each seed, and say how far a metric moves between trainings. The report
shows the noise floor (trainings with the same seed), what different seeds add, and what different test cases would add.

The seed replaces {seed} in the command. Seeding controls (--control torch-seed) use it too. Without --seeds,
{seed} is 2019, and a program without {seed} trains with its own seed.

Instead of a command, you can give a record of check --metric, FOLDER:SETUP of a study, or a CSV file with a line for
each training. Then nothing is trained.

Exit status: 0 done, 2 wrong use or an error, 3 no training gave a number."""


def run_noise(**given: Any) -> int:
    """Train, measure the noise, and answer."""
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    from samebits.noise import is_measurable, measured

    if len(given["command"]) == 1 and is_measurable(given["command"][0]):
        return _answer_noise(measured(given["command"][0]), targets)
    requests.refuse_record(given["command"], "is a record that noise cannot measure: give a command")
    requests.refuse_platform()
    cases = requests.patterns(given["cases"], "--cases")
    request = requests.request({**given, "seed": None}, "noise")
    from samebits.noise import NoiseRequest, noise

    shown = partial(answers.titled_progress, ask=given["ask"])
    return _answer_noise(noise(NoiseRequest(request, given["seeds"] or (), cases), shown), targets)


def show_noise(folder: Path, targets: answers.Targets) -> int:
    """Show the result of an earlier noise."""
    from samebits.noise import read

    return _answer_noise(read(folder), targets)


def _answer_noise(result: NoiseResult, targets: answers.Targets) -> int:
    from samebits.noise.report import report

    return answers.present(report(result), targets)


NOISE = launching("noise", run_noise, "How far does a metric move between trainings?\n\n" + NOISE_TEXT)


VERSUS_TEXT = """Compare two trainings: B minus A with a 95 % interval beside the noise floor, the probability that B is
better with its interval, and which difference this number of trainings would find.

A and B are each a folder of noise or of check --metric, FOLDER:SETUP of a study, or a CSV file with a line for each
training. They can also be commands in quotation marks: versus trains them as samebits noise does, with its options.

Exit status: 0 there is an answer (whether or not they differ), 2 wrong use or an error, 3 no answer: too few
trainings, a metric without a number, or both sides repeat."""


def run_versus(**given: Any) -> int:
    """Read or train both sides, compare, and answer."""
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    from samebits.noise import report
    from samebits.noise.versus import VersusRequest, versus

    request = VersusRequest(given["a"], given["b"], given["of"] or (), given["lower"] or ())
    return answers.present(report.versus_report(versus(request, partial(_prepared, given))), targets)


def _prepared(given: dict[str, Any], command: str, letter: str) -> Training:
    """Prepare the trainings of one side, as `samebits noise` does, in its own record: a or b below --out.

    If a training is impossible, raise its error before anything is trained.
    """
    requests.refuse_platform()
    out = str(Path(given["out"]) / letter) if given["out"] else None
    cases = requests.patterns(given["cases"], "--cases")
    request = requests.request({**given, "command": shlex.split(command), "out": out, "seed": None}, "versus")
    from samebits.noise import NoiseRequest, check

    prepared = NoiseRequest(request, given["seeds"] or (), cases)
    check(prepared)
    return partial(_trained, prepared, command, letter, partial(answers.titled_progress, ask=given["ask"]))


def _trained(request: NoiseRequest, command: str, letter: str, shown: Shown) -> MetricSide:
    from samebits.noise import noise, sides

    answers.say(f"samebits: {letter.upper()}: {command}\n", sys.stderr)
    return sides.of_noise(command, noise(request, shown))


SIDES = [click.Argument([name], metavar=name.upper()) for name in ("a", "b")]
VERSUS = plain("versus", run_versus, "Is B better than A?\n\n" + VERSUS_TEXT, OPTIONS["versus"], SIDES)
