"""The words that every report shares: numbers, times, places in a training, and what a verdict does and does not say.

Pure functions of a result. Every report takes its words from here, so that all reports say the same of one record.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from samebits import words
from samebits.model import Divergence, KeyedPoint, Result, Size, Trial

__all__ = [
    "JUDGED_KINDS",
    "KIND_WORDS",
    "MARKS",
    "MARK_WORDS",
    "NOT_MEASURED",
    "detection",
    "effect",
    "fewer_notes",
    "folder_name",
    "heading",
    "headline",
    "later_leavers",
    "letter",
    "letters",
    "metric_range",
    "model_name",
    "models",
    "part",
    "path",
    "record_name",
    "reference_group",
    "size",
    "size_words",
    "status_words",
    "trials",
    "unseen",
]

JUDGED_KINDS = ("start", "rng", "batch", "forward", "gradient", "update", "end")
MARKS = {"=": "=", "!": "!=", ".": ".", "-": "-"}
MARK_WORDS = {
    "=": "the same bits in all trials",
    "!": "differs",
    ".": "not reached or not compared",
    "-": "not observed",
}
NOT_MEASURED = "not measured (--metric NAME=REGEX compares what the program prints)"
KIND_WORDS = {
    "start": "initial weights and buffers",
    "rng": "states of the random generators",
    "batch": "tensors fed to the model",
    "forward": "outputs of modules, and the loss",
    "gradient": "gradients as the optimizer finds them",
    "update": "weights, buffers and optimizer state after a step",
    "structure": "what the trials did: points and numbers of steps",
    "end": "final weights and buffers, metrics, files written",
}
OPERATOR_KINDS = ("forward", "gradient", "update")  # divergences that an operator can cause
OPERATOR_LIBRARIES = frozenset(("torch", "tensorflow"))  # `samebits locate` sees their operators
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def model_name(final: str | None) -> str:
    """Return a fingerprint in eight digits that people can compare by eye: 9f3c-21ab."""
    return f"{final[:4]}-{final[4:8]}" if final else "not seen"


def at_a_time(result: Result) -> str:
    """Return how many trials ran side by side, and why; empty if they ran one by one, as the user wanted."""
    why = f": {result.at_a_time_why}" if result.at_a_time_why else ""
    if result.at_a_time > 1:
        return f"At most {result.at_a_time:,} trials ran side by side{why}."
    return f"The trials ran one by one{why}." if why else ""


def trial_model(trial: Trial) -> str:
    """Return the name of the model that a trial ended with; "not reached" if samebits stopped the trial."""
    return "not reached" if trial.final is None and trial.status == "stopped" else model_name(trial.final)


def letter(number: int) -> str:
    """Return the name of a group: A, B, ... Z, A1, ..."""
    rounds, place = divmod(number, len(LETTERS))
    return LETTERS[place] + (str(rounds) if rounds else "")


def letters(result: Result) -> dict[int, str]:
    """Return trial -> the letter of its group. A trial that was not compared has none."""
    return {trial: letter(place) for place, group in enumerate(result.groups) for trial in group}


def trials(result: Result) -> str:
    """Return the number of trials that count: ``5 trials``."""
    return words.count(sum(not trial.left_out for trial in result.trials), "trial")


def models(result: Result) -> str:
    """Return a text such as: one model, 3 models. If no watcher saw the program, it counts outcomes."""
    what = "model" if result.scope.steps_compared or any(t.steps for t in result.trials) else "outcome"
    number = len(result.groups)
    return f"one {what}" if number == 1 else f"{number} {what}s"


def compared(result: Result) -> str:
    """Return a text such as: all 1,200 steps compared."""
    steps = result.scope.steps_compared
    if result.scope.kind == "prefix":
        of = f" of {result.scope.steps_total:,}" if result.scope.steps_total else ""
        return f"Only {words.beginning(steps, 'step')}{of} compared."
    if steps == 0:
        return "The files they wrote compared." if result.scope.files_compared else "The lines they printed compared."
    return "The one step compared." if steps == 1 else f"All {steps:,} steps compared."


def part(divergence: Divergence) -> str:
    """When the trials diverge, as the end of a sentence."""
    if divergence.kind == "end":
        return "after the last step"
    if not divergence.process.trains:
        return "in a process that makes no step"
    of = f" of {divergence.process.name}" if divergence.process.name else ""
    return f"{words.at_step(divergence.step)}{of}"


def path(divergence: Divergence) -> list[str]:
    """Return the path from the process to the tensor, without parts that say nothing."""
    steps = [] if divergence.kind in ("start", "end") else _step(divergence)
    return [*process_words(divergence), *steps, divergence.kind, *_name(divergence)]


def _name(divergence: Divergence) -> list[str]:
    """Return the name of the point. A program's own names may begin with the kind, or consist of it."""
    kind, name = divergence.kind, divergence.name or "(unnamed)"
    if name == kind:
        return []
    return [name[len(kind) + 1 :] if name.startswith((f"{kind}/", f"{kind}.")) else name]


def _step(divergence: Divergence) -> list[str]:
    step, place = divergence.step, divergence.within
    in_epoch = f" ({words.step_place(place)})" if words.step_place(place) else ""
    cell = [cell_words(place["cell"], place.get("line", 0))] if "cell" in place else []
    return [*cell, "before step 0" if step < 0 else f"step {step:,}{in_epoch}"]


def cell_words(number: int, line: int) -> str:
    """Return the cell of a notebook as the notebook shows it, and the line in it if that is not 0."""
    return f"In [{number}]" + (f", line {line:,}" if line else "")


def process_words(divergence: Divergence) -> list[str]:
    """Return the process and the rank, if there is more than one."""
    process = divergence.process
    parts = [f"process {process.order + 1} ({shlex.join(process.argv)})"] if process.order else []
    if process.name:
        parts = [f"process {process.name}"]
    return parts + ([f"rank {process.rank}"] if process.rank else [])


def size(divergence: Divergence) -> str:
    """812 of 65,536 values, at most 3 ULP; empty if it was not measured. Unrelated values have no distance."""
    return size_words(divergence.size)


def size_words(extent: Size | None) -> str:
    """Describe a size."""
    if extent is None or not extent.elements:
        return ""
    far = [f"at most {extent.max_ulp:,} ULP"] if extent.max_ulp is not None else []
    far += [f"at most {extent.max_relative:.2g} of the value"] if extent.max_relative is not None and not far else []
    distance = [] if extent.unrelated else far
    return ", ".join([f"{extent.different:,} of {words.count(extent.elements, 'value')}", *distance])


def effect(result: Result) -> str:
    """Return the effect of the difference on the outcome: the range of each metric, if trials went to their end."""
    whole = [trial for trial in result.trials if trial.status == "complete"]
    if len(whole) < 2:
        return "not known: the trials were stopped early (--full trains to the end)"
    ranges = [metric_range(name, whole) for name in sorted({name for trial in whole for name in trial.metrics})]
    return "; ".join(ranges) if ranges else NOT_MEASURED


def metric_range(name: str, trials: Sequence[Trial]) -> str:
    """Return a text such as: accuracy 0.97 to 0.98; accuracy 0.97 in all."""
    values = [trial.metrics[name] for trial in trials if name in trial.metrics]
    low, high = min(values), max(values)
    if low == high:
        return f"{name} {low:.6g} in all"
    bounds = (f"{low:.6g}", f"{high:.6g}")
    return f"{name} {' to '.join(bounds if bounds[0] != bounds[1] else (repr(low), repr(high)))}"


def detection(result: Result) -> str:
    """Return what this many trials can notice, as sentences."""
    chance = result.detection
    number = sum(len(group) for group in result.groups)
    half, tenth = (words.probability(share) for share in (chance.seen_if_in_half_of_runs, chance.seen_if_in_one_of_ten))
    notices = f"{words.count(number, 'trial')} {words.agree(number, 'notices', 'notice')}"
    return (
        f"If half of all runs differ, {notices} it with {half} probability; if 1 run in 10 differs, with {tenth}. "
        "This machine and setup only."
    )


def headline(result: Result) -> str:
    """Return the verdict in one sentence with its scope, as the first line of every report has it."""
    if result.verdict == "inconclusive":
        return result.reason or result.sentence
    if result.golden is not None and result.golden.state == "differs":
        return result.golden.sentence
    counts = f"{trials(result)}, {models(result)}."
    if result.verdict == "repeated" or result.divergence is None:
        across = f" Equal across machines that differ in {words.listed(result.across)}." if result.across else ""
        return f"{counts} {compared(result)}{_equal_to_golden(result)}{across}" + (
            f" But {result.leak}." if result.leak else ""
        )
    why = result.explanation.cause if result.explanation is not None else []
    cause = f" The {words.agree(len(why), 'cause', 'causes')}: {words.listed(why)}." if why else ""
    return f"{counts} They diverge {part(result.divergence)}.{cause}"


def _equal_to_golden(result: Result) -> str:
    golden = result.golden
    if golden is None or golden.state != "equal":
        return ""
    first = f", in {words.beginning(golden.steps, 'step')}" if golden.scope == "prefix" else ""
    return f" The same bits as {golden.file}{first}."


def record_name(result: Result) -> str:
    """Return the record folder as people type it here."""
    return folder_name(result.record or "")


def folder_name(path: Path | str) -> str:
    """Return a folder as people type it here: relative if it lies below the working folder."""
    folder = Path(path)
    try:
        return shlex.quote(str(folder.relative_to(Path.cwd())))
    except (ValueError, OSError):
        return shlex.quote(str(folder))


def next_steps(result: Result) -> list[tuple[str, str]]:
    """Return what to run after trials that diverge: (what it finds, the command).

    Empty without a record, and if the code was changed between the trials: then that may be why.
    """
    if result.divergence is None or result.record is None or result.setup.code_changed:
        return []
    steps = [("why, and the cheapest fix", "explain")] if result.explanation is None else []
    has_operators = result.divergence.kind in OPERATOR_KINDS and bool(OPERATOR_LIBRARIES & set(result.setup.packages))
    if has_operators and result.location is None and result.explanation is None:
        steps.insert(0, ("the layer and the operator", "locate"))
    return [(about, f"samebits {command} {record_name(result)}") for about, command in steps]


def heading(result: Result) -> str:
    """Return the headline with a capital letter, as it stands above a document or after a different sentence."""
    text = headline(result)
    return text[:1].upper() + text[1:]


def reference_group(result: Result) -> list[int]:
    """Return the largest group; of equally large ones the earlier. Empty if there is none."""
    return max(result.groups, key=lambda group: (len(group), -group[0]), default=[])


def later_leavers(result: Result) -> dict[int, int]:
    """Return trial -> the step at which it diverges from the reference, if that is after the first divergence."""
    if result.divergence is None or not result.splits:
        return {}
    home = result.groups.index(reference_group(result))
    step = {(split.first, split.second): split.step for split in result.splits}
    return {
        trial: step[min(home, place), max(home, place)]
        for place, group in enumerate(result.groups)
        if place != home and not set(group) & set(result.divergence.trials)
        for trial in group
    }


def fewer_notes(result: Result) -> list[str]:
    """Return the notes. If several only name what does not count, one line gives their number and a command."""
    counted = [text for text in result.warnings if text not in result.uncounted]
    left_out = len(result.warnings) - len(counted)
    if left_out < 2 or not result.record:
        return result.warnings
    command = f"samebits report --notes {record_name(result)}"
    return [*counted, f"{left_out} notes about what does not count are left out. To see them: {command}"]


def unseen(result: Result) -> str:
    """Return what was not observed, or ran without the probe; empty if all was."""
    return "; ".join(dict.fromkeys([*result.scope.not_observed, *result.scope.unwatched]))


def keyed(result: Result) -> list[str]:
    """Return a sentence for each name that is observed under keys."""
    return [_keyed(point) for point in result.keyed] if len(result.trials) > 1 else []


def _keyed(point: KeyedPoint) -> str:
    if point.key is None:
        return f"{point.name} is the same at all {words.count(point.keys, 'key')}"
    return f"{point.name} differs first at {point.key}, in {words.trials(point.trials)}"


def status_words(trial: Trial) -> str:
    """Return how a trial ended (complete, ran to step 20, failed, exit status 3 ...), and how fast its clock was."""
    clock = f" (clock {trial.clock_rate:,g} times as fast)" if trial.clock_rate != 1 else ""
    if trial.status == "failed" and trial.exit_code is not None:
        return f"failed, exit status {trial.exit_code}{clock}"
    return (f"ran to step {trial.steps:,}" if trial.status == "stopped" else trial.status) + clock
