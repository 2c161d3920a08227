"""Two records judged as if they were one: the trials of the second get the numbers after those of the first.

It also says at which levels the two are the same: bits, printed metrics, metrics within the spread of each. Pure.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from samebits import words
from samebits.comparison.traces.layers import aligned_trials
from samebits.comparison.traces.processes import normal_argv
from samebits.comparison.verdict.judgement import judge
from samebits.comparison.verdict.timed_trials import counted
from samebits.errors import UsageError
from samebits.model import Level, RecordFile, Result, TrialFile
from samebits.names import without_release
from samebits.options import MOST_TRIALS
from samebits.store.record import PROBE, SHIMS, Record
from samebits.store.trace import ProcessTrace, TrialTrace

# what two records should have in common, in people's words
SAME_ASKED = ("command", "directory", "python", "environment", "host", "preset", "controls", "seed")
SAME_FOUND = ("packages", "code", "machine", "environment")
MOST_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class RecordSide:
    """One of two records. `trials`: the numbers that its trials have beside those of the other."""

    folder: Path
    file: RecordFile
    trials: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class MergedRecord:
    """Two records as one, with everything that reports need of a record. `names`: the two commits, as given."""

    folder: Path
    file: RecordFile
    trials: list[TrialTrace]
    sides: tuple[RecordSide, RecordSide]
    names: tuple[str, str] = ("", "")

    @property
    def trials_of_sides(self) -> list[list[TrialTrace]]:
        """The trials of each record."""
        return [[trial for trial in self.trials if trial.id in side.trials] for side in self.sides]


def judged_together(
    first: Record, second: Record, *, nodes_asked: bool = False, aligns: bool = False
) -> tuple[Any, Result]:
    """Return (the two as one, the result). `nodes_asked`: see `judge`. UsageError if they cannot be compared.

    `aligns`: whether layers may have different names in the two.
    """
    if first.file.hash != second.file.hash:
        raise UsageError(
            f"the fingerprints of the records come from two hash functions: {first.file.hash} and {second.file.hash}.",
            f"samebits check --against {first.folder} runs the second training with the hash function of the first.",
        )
    joined = join(first, second)
    if aligns:
        return _judged_by_layers(joined)
    return joined, _with_seeds(joined, judge(joined.file, joined.trials, nodes_asked=nodes_asked))


def _with_seeds(joined: MergedRecord, result: Result) -> Result:
    """Return the result. A generator in which the trials of each record agree has a seed, but not the same in both."""
    if not result.unseeded:
        return result
    own = [judge(joined.file, trials).unseeded for trials in joined.trials_of_sides]
    seeded = {name: text for name, text in result.unseeded.items() if not any(name in side for side in own)}
    new_texts = {text: f"{words.rng(name)} starts differently in the two records" for name, text in seeded.items()}
    unseeded = {name: text for name, text in result.unseeded.items() if name not in seeded}
    notes = [new_texts.get(text, text) for text in result.warnings]
    return result.model_copy(update={"unseeded": unseeded, "warnings": notes})


def _judged_by_layers(joined: MergedRecord) -> tuple[MergedRecord, Result]:
    """Align the layers, and judge. If only one record has some of them, a warning says whether the others diverge."""
    trials, notes, shared = aligned_trials(*joined.trials_of_sides)
    file = joined.file.model_copy(update={"notes": [*joined.file.notes, *notes]})
    result = judge(file, trials)
    if shared and result.divergence is not None:
        rest = f"without the layers that only one record has: {judge(file, shared).sentence}"
        result = result.model_copy(update={"warnings": [*result.warnings, rest]})
    aligned = dataclasses.replace(joined, file=file, trials=trials)
    return aligned, _with_seeds(aligned, result)


def join(first: Record, second: Record) -> MergedRecord:
    """Return one record of both. The second's trials have the numbers after those of the first."""
    offset = max((trial.id for trial in first.trials), default=0)
    if offset + max((trial.id for trial in second.trials), default=0) > MOST_TRIALS:
        what = f"the two records have more than {MOST_TRIALS} trials together."
        raise UsageError(what, "compare records with fewer trials.")
    trials = [
        _moved(trial, moved, record.file.command)
        for record, moved in ((first, 0), (second, offset))
        for trial in record.trials
    ]
    counting = sum(len(counted(record.file, record.trials).trials) for record in (first, second))
    options = first.file.options.model_copy(update={"trials": counting})
    changes = {
        "options": options,
        "rounds": [*first.file.rounds, *second.file.rounds],
        "settled": list({value.place: value for value in [*second.file.settled, *first.file.settled]}.values()),
        "notes": [*first.file.notes, *second.file.notes, *setup_differences(first, second)],
    }
    sides = (_side(first, 0), _side(second, offset))
    return MergedRecord(first.folder, first.file.model_copy(update=changes), trials, sides)


def _side(record: Record, offset: int) -> RecordSide:
    return RecordSide(record.folder, record.file, tuple(trial.id + offset for trial in record.trials))


def _moved(trial: TrialTrace, offset: int, command: list[str]) -> TrialTrace:
    """Return the trial with a new number. Its arguments no longer name the old number."""
    leaks = [leak.model_copy(update={"written_by": leak.written_by + offset}) for leak in trial.file.leaks]
    file = trial.file.model_copy(update={"id": trial.id + offset, "leaks": leaks})
    processes = [_neutral(process, trial, command) for process in trial.processes]
    return dataclasses.replace(trial, file=file, processes=processes)


def _neutral(process: ProcessTrace, trial: TrialTrace, command: list[str]) -> ProcessTrace:
    argv = list(normal_argv(process.facts["argv"], trial, command))
    argv[:1] = map(without_release, argv[:1])
    return dataclasses.replace(process, facts={**process.facts, "argv": argv})


def setup_differences(first: Record, second: Record) -> list[str]:
    """Return one sentence for each thing that the two setups do not have in common."""
    return [*_asked_differently(first.file, second.file), *_found_differently(first, second)]


def _asked_differently(first: RecordFile, second: RecordFile) -> Iterator[str]:
    for name in SAME_ASKED:
        a, b = getattr(first, name), getattr(second, name)
        if a != b:
            yield f"the records differ in {name}: {_text(a)} and {_text(b)}"


def _found_differently(first: Record, second: Record) -> Iterator[str]:
    if not first.trials or not second.trials:
        return
    for name in SAME_FOUND:
        a, b = _facts_of(first.trials[0].file, name), _facts_of(second.trials[0].file, name)
        keys = sorted(key for key in {*a, *b} if a.get(key) != b.get(key))
        if keys and (name != "packages" or (a and b)):  # a process that observed nothing does not list its packages
            listed = "; ".join(f"{key} {_text(a.get(key))} and {_text(b.get(key))}" for key in keys[:MOST_SHOWN])
            more = f"; and {len(keys) - MOST_SHOWN} more" if len(keys) > MOST_SHOWN else ""
            yield f"the records differ in {name}: {listed}{more}"


def _facts_of(trial: TrialFile, name: str) -> dict[str, Any]:
    """Return the facts of a trial, without the search paths that samebits itself adds. Each record has its own."""
    facts: dict[str, Any] = getattr(trial, name)
    if name != "environment" or "PYTHONPATH" not in facts:
        return facts
    probe = Path(str(facts["PYTHONPATH"]).split(os.pathsep)[0])
    own = (str(probe), str(probe.parent / SHIMS)) if probe.name == PROBE else ()
    paths = {
        variable: str(facts[variable]).split(os.pathsep) for variable in ("PYTHONPATH", "PATH") if variable in facts
    }
    return {
        **facts,
        **{variable: os.pathsep.join(x for x in folders if x not in own) for variable, folders in paths.items()},
    }


def _text(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, dict):  # the files of the code, each with its fingerprint
        text = ", ".join(f"{name} {str(digest)[:8]}" for name, digest in value.items())
    else:
        text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def levels(record: MergedRecord, result: Result) -> list[Level]:
    """Return each level, the strictest first."""
    sides = record.trials_of_sides
    return [_bits(record, result), _printed(sides), _spread(sides)]


def _bits(record: MergedRecord, result: Result) -> Level:
    """Return whether all trials of both have the same bits; if not, through which step the trials of the two agree."""
    steps = words.count(result.scope.steps_compared, "step")
    if result.divergence is None:
        return Level(name="bits", holds=True if result.verdict == "repeated" else None, says=f"compared: {steps}")
    first, second = (
        {place for place, group in enumerate(result.groups) if not set(side.trials).isdisjoint(group)}
        for side in record.sides
    )
    if first == second:
        return Level(name="bits", holds=None, says="neither record repeats, and both have the same groups of trials")
    apart = {frozenset((group, other)) for group in first for other in second if group != other}
    split_steps = [split.step for split in result.splits if frozenset((split.first, split.second)) in apart]
    at = min(split_steps, default=result.divergence.step)
    return Level(name="bits", holds=False, says=_bits_text(at))


def _bits_text(at: int) -> str:
    if at < 0:
        return "they diverge before the first step"
    return f"the same through step {at - 1:,}; they diverge at step {at:,}" if at else "they diverge in the first step"


def _whole(trials: Sequence[TrialTrace]) -> list[TrialTrace]:
    return [trial for trial in trials if trial.file.status == "complete"]


def _printed(sides: Sequence[Sequence[TrialTrace]]) -> Level:
    """Return whether each metric is printed with the same digits by all trials of both."""
    texts = [trial.file.metrics_printed for side in sides for trial in _whole(side)]
    names = sorted(set.intersection(*map(set, texts))) if all(map(_whole, sides)) else []
    if not names:
        return Level(name="metrics", holds=None, says=_NONE)
    same = [name for name in names if len({printed[name] for printed in texts}) == 1]
    other = [name for name in names if name not in same]
    parts = [f"printed alike: {words.listed(same)}"] if same else []
    parts += [f"printed differently: {words.listed(other)}"] if other else []
    return Level(name="metrics", holds=not other, says="; ".join(parts))


_NONE = "no metric was found in complete trials of both records (--metric NAME=REGEX)"


def _spread(sides: Sequence[Sequence[TrialTrace]]) -> Level:
    """Return whether the ranges of each metric overlap. A range needs two trials of each record."""
    values = [[trial.file.metrics for trial in _whole(side)] for side in sides]
    names = sorted(set.intersection(*(set(metrics) for side in values for metrics in side))) if all(values) else []
    if not names:
        return Level(name="spread", holds=None, says=_NONE)
    if min(map(len, values)) < 2:
        return Level(name="spread", holds=None, says="a spread needs at least two trials in each record")
    columns = {name: [[metrics[name] for metrics in side] for side in values] for name in names}
    ranges = {name: [(min(column), max(column)) for column in sides] for name, sides in columns.items()}
    apart = [name for name, (first, second) in ranges.items() if not (first[0] <= second[1] and second[0] <= first[1])]
    texts = [f"{name} {_range(first)} and {_range(second)}" for name, (first, second) in ranges.items()]
    return Level(name="spread", holds=not apart, says=words.first_few(texts, 4))


def _range(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.6g}" if bounds[0] == bounds[1] else f"{bounds[0]:.6g} to {bounds[1]:.6g}"
