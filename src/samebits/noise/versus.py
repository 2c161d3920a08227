"""Runs `versus`: reads or trains two sides, and decides whether B is better than A or the difference is noise."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from samebits import __version__, clock, words
from samebits.errors import UsageError
from samebits.noise import difference, sides, statistics
from samebits.noise.difference import MetricDifference, VersusResult
from samebits.noise.result import seed_groups
from samebits.noise.sides import MetricSide, NoNumbers
from samebits.noise.statistics import FEWEST

__all__ = ["Training", "VersusRequest", "better_words", "interval_words", "is_command", "sentence_of", "versus"]

Training = Callable[[], MetricSide]  # trains a side, and returns it


@dataclass(frozen=True)
class VersusRequest:
    """The request of `versus`.

    `a`, `b`: a record or a command. `only`: compare only these metrics. `lower`: the metrics for which lower is better.
    """

    a: str
    b: str
    only: Sequence[str] = ()
    lower: Sequence[str] = ()


def is_command(text: str) -> bool:
    """Return whether the text is a command: several words that do not name an existing file or folder.

    Raises UsageError for a quotation mark that is not closed.
    """
    if os.path.lexists(text) or sides.study_setup(text)[0] is not None:
        return False
    try:
        return len(shlex.split(text)) > 1
    except ValueError as why:
        raise UsageError(f"{text}: a command cannot be read: {why}.", "'python train.py --seed {seed}'") from None


def versus(asked: VersusRequest, prepare: Callable[[str, str], Training]) -> VersusResult:
    """Compare both sides. `prepare`: (command, "a" or "b") -> the training of that side.

    Raises UsageError or RecordError. `prepare` raises for an invalid command, so that the error comes before hours of
    training.
    """
    statistics.needs_scipy()
    texts = {"a": asked.a, "b": asked.b}
    trainings = {letter: prepare(text, letter) for letter, text in texts.items() if is_command(text)}
    found, whys = _sides(texts, trainings)
    if whys:
        a, b = (found.get(letter, MetricSide(name=text, trainings=[])) for letter, text in texts.items())
        return _result(a, b, [], whys[0])
    metrics = difference.compare(found["a"], found["b"], only=asked.only, lower=asked.lower)
    return _result(found["a"], found["b"], metrics, " ".join(_headline(metrics)))


def _headline(metrics: Sequence[MetricDifference]) -> Iterator[str]:
    """Yield which metrics contradict each other, then the answer: of each metric, or of the first one of many."""
    told = [one for one in metrics if one.answer == "different"]
    better, worse = ([one.name for one in told if _is_better(one) == wanted] for wanted in (True, False))
    if better and worse:
        said = f"B is better in {words.listed(better)}, but worse in {words.listed(worse)}"
        yield f"The metrics contradict each other: {said}."
    first = sorted(metrics, key=lambda one: (one.low is None, one.answer == "equal"))
    yield from map(sentence_of, metrics if len(metrics) < 3 else first[:1])


def _sides(texts: Mapping[str, str], trainings: Mapping[str, Training]) -> tuple[dict[str, MetricSide], list[str]]:
    """Return the sides by their letters, and the reasons why a side has no value: then nothing more is trained."""
    found, whys = dict[str, MetricSide](), list[str]()
    for letter in sorted(texts, key=lambda letter: letter in trainings):
        if letter in trainings and whys:
            continue
        try:
            found[letter] = trainings[letter]() if letter in trainings else sides.read_side(texts[letter])
        except NoNumbers as why:
            whys.append(why.message)
    return found, whys


def _result(a: MetricSide, b: MetricSide, metrics: list[MetricDifference], sentence: str) -> VersusResult:
    answered = any(one.low is not None for one in metrics) or {one.answer for one in metrics} == {"equal"}
    return VersusResult(
        samebits=__version__,
        created=clock.date(),
        verdict=None if answered else "inconclusive",
        sentence=sentence,
        reason=None if answered else sentence,
        a=a,
        b=b,
        metrics=metrics,
        needed=statistics.trainings_needed(statistics.MEANINGFUL, paired=any(one.pairs for one in metrics)) or 0,
        warnings=list(_warnings(a, b, metrics)),
    )


def _is_better(one: MetricDifference) -> bool:
    return (one.difference < 0) == one.lower_is_better


def better_words(one: MetricDifference) -> str:
    """Write `0.79 (0.41 to 0.95)`: P(B better) with its interval."""
    return f"{one.better:.2f} ({one.better_low:.2f} to {one.better_high:.2f})"


def interval_words(one: MetricDifference) -> str:
    """Write `-0.127 to 1.35`."""
    return f"{one.low:.3g} to {one.high:.3g}"


def sentence_of(one: MetricDifference) -> str:
    """Write the answer for one metric."""
    said = f"{one.name}: B minus A is {one.difference:.3g}"
    if one.answer in ("different", "not-told-apart"):
        said = f"{said} (95 %: {interval_words(one)})"
        if one.answer != "different":
            many = f"{min(one.numbers)} {one.unit}" + ("" if one.pairs else " a side")
            return f"{said}: not told apart. {many} find a true difference of {one.findable:.3g} in 80 % of cases."
        asked = f"P(B better) is {better_words(one)}; an improvement needs {statistics.MEANINGFUL}"
        return f"{said}: B is {'better' if _is_better(one) else 'worse'}. {asked}."
    if one.answer == "too-few":
        fewest = words.count(min(one.numbers), "training" if one.unit == "trainings" else "seed")
        return f"{said}; too few for an interval: a side has {fewest}, and {FEWEST} are needed."
    if one.answer == "equal":
        return f"{one.name}: A and B have the same numbers."
    what = "each seed gives this difference" if one.pairs else "the trainings of each side are equal: the floor is zero"
    return f"{said}: {what}. Only more seeds can show whether it is chance."


def _warnings(a: MetricSide, b: MetricSide, metrics: Sequence[MetricDifference]) -> Iterator[str]:
    yield from (f"{letter}: {text}" for letter, side in (("A", a), ("B", b)) for text in side.warnings)
    yield from sides.several_machines([*a.machines, *b.machines], "difference")
    for one in metrics:
        yield from _of_metric(a, b, one)
    if len(metrics) > 1:
        said = f"{len(metrics)} metrics were compared"
        yield f"{said}: of 20 metrics without a true difference, about one seems to differ by chance"


def _of_metric(a: MetricSide, b: MetricSide, one: MetricDifference) -> Iterator[str]:
    if one.name in a.tested and one.name in b.tested and a.tested[one.name] != b.tested[one.name]:
        yield f"{one.name}: A and B have different data, so their test cases are not compared one by one"
    for side, letter in ((a, "A"), (b, "B")):
        groups = seed_groups(side.trainings, one.name)
        values = next(iter(groups.values()))
        if len(groups) == 1 and len(values) > 1 and len(set(values)) == 1:
            said = f"{letter} has {len(values)} equal trainings with one seed, so they count as one that repeats"
            yield f"{one.name}: {said}: its floor is zero, and nothing is known about its other seeds"
        if one.method.startswith("t") and one.unit != "pairs of seeds" and len(set(values)) == 2 and len(groups) == 1:
            yield f"{one.name}: {letter} has only two different numbers: with so few trainings the interval is rough"
    if one.method.startswith("t of"):
        yield f"{one.name}: only one side varies: if its numbers are skewed, the interval is too short"
    if one.unit == "trainings" and one.low is not None and not (a.unseeded or b.unseeded):
        yield f"{one.name}: one seed only: the interval holds for this seed and says nothing about other seeds"
    if one.unit == "pairs of seeds":
        left = len({t.seed for t in (*a.trainings, *b.trainings) if one.name in t.metrics}) - one.numbers[0]
        if left:
            yield f"{one.name}: {words.count(left, 'seed')} on one side only: left out of the pairs"
    if one.floor and abs(one.difference) < one.floor and not math.isclose(one.difference, 0):
        yield f"{one.name}: the difference is smaller than the floor: two trainings differ that much without a change"
