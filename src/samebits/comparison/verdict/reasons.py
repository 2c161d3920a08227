"""Why there is no answer. Each reason is a sentence, with advice on what to do.

Each function below looks for one reason, and returns None if it does not apply. `why_not_repeated` asks first for the
reasons that help most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from samebits import words
from samebits.comparison.files.file_names import pattern_of
from samebits.comparison.traces.coverage import has_named_file, uncovered, unended
from samebits.comparison.traces.processes import AlignedTrial, missing_ranks
from samebits.comparison.verdict.endings import bad_endings, is_usable, likely_results, nothing_observed, ran_unwatched
from samebits.comparison.verdict.groups import Comparison
from samebits.comparison.verdict.threads import trained_in_threads
from samebits.comparison.verdict.unknown_places import reason_and_advice
from samebits.model import RecordFile

__all__ = ["AFTER_AN_INTERRUPTION", "INTERRUPTED", "Reason", "ReasonInputs", "why_not_repeated"]


class Reason(NamedTuple):
    """A sentence, and what to do. `names_hidden`: it names the processes that ran unwatched. `code`: for programs."""

    reason: str
    advice: str
    names_hidden: bool = False
    code: str = ""


@dataclass(frozen=True)
class ReasonInputs:
    """The inputs of the functions. `usable`: the trials that take part in the comparison.

    `left_out`: why trials with a faster clock do not count, by number.
    """

    record: RecordFile
    trials: list[AlignedTrial]
    comparison: Comparison | None = None
    left_out: Mapping[int, str] = field(default_factory=dict)

    @property
    def usable(self) -> list[AlignedTrial]:
        """Trials that ended well or were stopped on purpose, and whose probe worked."""
        return [trial for trial in self.trials if is_usable(trial.trial, self.record.options.ok_exit)]

    @property
    def stops(self) -> bool:
        """Whether the trials were asked to stop before the end."""
        return self.record.options.steps is not None or self.record.options.budget is not None


def why_not_repeated(inputs: ReasonInputs, comparison: Comparison) -> Reason | None:
    """Return why equal bits do not count as an answer; None if they do."""
    inputs = replace(inputs, comparison=comparison)
    for code, look in _LOOKS.items():
        reason = look(inputs)
        if reason is not None:
            return reason._replace(code=code)
    return None


def _nothing_ran(inputs: ReasonInputs) -> Reason | None:
    if inputs.trials:
        return None
    return Reason("no trial was run.", "Run samebits check with at least two trials.")


INTERRUPTED = "an exception from a different thread of the program interrupted the probe"
AFTER_AN_INTERRUPTION = (
    "The exception reached the program. It usually comes from a time limit: "
    "run again without the limit, or with a longer one."
)


def _probe_failed(inputs: ReasonInputs) -> Reason | None:
    failed = {trial.id: trial.trial.failures()[0] for trial in inputs.trials if trial.trial.failures()}
    if not failed:
        return None
    where = next(iter(failed.values()))
    if all(set(trial.trial.failures()) == set(trial.trial.interruptions()) for trial in inputs.trials):
        return Reason(
            f"{INTERRUPTED}, in {words.trials(sorted(failed))} ({where}), so some values may not have been observed.",
            AFTER_AN_INTERRUPTION,
        )
    return Reason(
        f"the probe itself failed in {words.trials(sorted(failed))} ({where}), so some values may not have been "
        "observed.",
        "The program was not affected. Please report this failure with the record folder.",
    )


def _endings(inputs: ReasonInputs) -> Reason | None:
    texts = bad_endings([trial.trial for trial in inputs.trials], inputs.record)
    return Reason(*texts) if texts else None


def _patterns(inputs: ReasonInputs) -> Reason | None:
    """Return a pattern that matched nothing. If programs failed, that reason says more."""
    statuses = {trial.trial.file.status for trial in inputs.trials}
    without: dict[str, list[int]] = {}
    for trial in inputs.trials if statuses <= {"complete", "stopped", "unwatched"} else []:
        for pattern in trial.trial.files.patterns_without_match if trial.trial.file.status != "stopped" else []:
            without.setdefault(pattern, []).append(trial.id)
    if not without:
        return None
    pattern, ids = next(iter(without.items()))
    return Reason(f"the artifact pattern {pattern} matched nothing in {words.trials(ids)}.", _wrote(inputs, ids))


def _wrote(inputs: ReasonInputs, ids: Sequence[int]) -> str:
    """Return what to do about a pattern that matched nothing: it names the files that the program wrote."""
    results = likely_results([trial.trial for trial in inputs.trials if trial.id in ids])
    if not results:
        return "The program wrote no file that can be compared. Give it '{out}' as its output folder."
    wrote, *others = results
    more = f" and {words.count(len(wrote) - 3, 'more file')}" if len(wrote) > 3 else ""
    them = words.agree(len(wrote), "it", "them")
    sentence = f"The program wrote {words.listed(wrote[:3])}{more}."
    return f"{sentence} Name {them}, in quotes: --artifact '{pattern_of(wrote, others)}'."


def _unknown(inputs: ReasonInputs) -> Reason | None:
    """Return the reason for differences in the results of trials that samebits does not understand."""
    if inputs.comparison is None:
        return None
    texts = reason_and_advice(inputs.comparison, inputs.trials, inputs.left_out)
    return Reason(*texts) if texts else None


def _unobserved(inputs: ReasonInputs) -> Reason | None:
    empty = [t for t in inputs.usable if t.steps == 0 and not has_named_file(t.trial)]
    return Reason(*nothing_observed(empty, inputs.record)) if empty else None


def _threads(inputs: ReasonInputs) -> Reason | None:
    texts = trained_in_threads([trial.trial for trial in inputs.usable])
    return Reason(*texts) if texts else None


def _hidden(inputs: ReasonInputs) -> Reason | None:
    texts = ran_unwatched(inputs.usable)
    return Reason(*texts, names_hidden=True) if texts else None


def _ranks(inputs: ReasonInputs) -> Reason | None:
    for trial in inputs.usable:
        missing = missing_ranks(trial.trial)
        if missing:
            ranks, size = [rank for rank, _ in missing], missing[0][1]
            which = ("rank " if len(ranks) == 1 else "ranks ") + words.listed(ranks)
            return Reason(
                f"{which} of {size} left no trace in {words.trials([trial.id])}.",
                "Start every rank below the command, and pass on the environment (PYTHONPATH and SAMEBITS_PROBE).",
            )
    return None


def _not_to_the_end(inputs: ReasonInputs) -> Reason | None:
    for trial in inputs.usable:
        name = unended(trial.trial) if trial.whole else None
        if name is not None:
            return Reason(
                f"trial {trial.id}: the end of {name} was not seen; it left without Python's normal exit.",
                "End the program normally or with sys.exit, not with os._exit or a signal. "
                "Or compare only the first steps: --steps K.",
            )
    return None


def _coverage(inputs: ReasonInputs) -> Reason | None:
    for trial in inputs.usable:
        lacking = uncovered(trial.trial, whole=trial.whole)
        if lacking:
            return Reason(
                f"too little was observed in {words.trials([trial.id])}: {words.listed(lacking)} could not be seen.",
                "Name what is missing with samebits_probe.observe(name, value), or compare files with --artifact.",
            )
    return None


def _too_few(inputs: ReasonInputs) -> Reason | None:
    if len(inputs.usable) >= 2:
        return None
    return Reason("only one trial was run: at least two are needed.", "Use -n 2 or more (the default is 5).")


def _fewer_than_asked(inputs: ReasonInputs) -> Reason | None:
    asked, done = inputs.record.options.trials, len(inputs.usable)
    if done >= asked:
        return None
    return Reason(
        f"{done} of {words.count(asked, 'trial')} {words.agree(done, 'was', 'were')} completed.",
        f"samebits check --add {asked - done} runs the others.",
    )


def _doubt(inputs: ReasonInputs) -> Reason | None:
    if not inputs.record.doubt:
        return None
    return Reason(
        f"the trials have the same bits, but {inputs.record.doubt} when they had waited between two rounds. "
        "A program that looks at the clock can cause that, and so can a rare race.",
        "Run again with --full, and with more trials (-n 10): no trial waits then.",
    )


def _prefix(inputs: ReasonInputs) -> Reason | None:
    stopped = [trial for trial in inputs.usable if not trial.whole]
    if not stopped or inputs.stops:
        return None
    steps = min(trial.steps for trial in inputs.usable)
    verb = words.agree(steps, "was compared; it has", "were compared; they have")
    return Reason(
        f"only {words.beginning(steps, 'step')} {verb} the same bits.",
        "Let the trials run to their end, or give --steps to compare only the first steps.",
    )


# the code of a reason -> the function that looks for it, in the order in which they are called
_LOOKS: dict[str, Callable[[ReasonInputs], Reason | None]] = {
    "nothing-ran": _nothing_ran,
    "probe-failed": _probe_failed,
    "pattern": _patterns,
    "ending": _endings,
    "unknown-place": _unknown,
    "no-step": _unobserved,
    "threads": _threads,
    "unwatched": _hidden,
    "missing-rank": _ranks,
    "end-not-seen": _not_to_the_end,
    "coverage": _coverage,
    "too-few": _too_few,
    "fewer-than-asked": _fewer_than_asked,
    "after-waits": _doubt,
    "prefix": _prefix,
}
