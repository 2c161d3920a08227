"""The warnings beside the verdict. Each says what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from samebits import words
from samebits.comparison.traces.beside import EVALUATION, names_in
from samebits.comparison.verdict import sentences
from samebits.comparison.verdict.endings import asking_processes, ended_well, hidden_processes
from samebits.comparison.verdict.groups import Comparison
from samebits.comparison.verdict.leaks import leak_sentence, trials_with_leaks
from samebits.comparison.verdict.reasons import Reason
from samebits.comparison.verdict.sentences import different_files
from samebits.comparison.verdict.setup import changed_code, different_packages, uncommitted_code
from samebits.comparison.verdict.timed_trials import changed_training, faster_clocks
from samebits.comparison.verdict.used_generators import drawn_unseeded, states
from samebits.comparison.verdict.values import curve, weight_names
from samebits.model import Divergence, HeldControl, RecordFile, Setup
from samebits.store.trace import ProcessTrace, TrialTrace


@dataclass(frozen=True)
class WarningInputs:
    """The inputs of all warnings. `trials`: those that count. `comparison`: of the trials that took part."""

    record: RecordFile
    trials: Sequence[TrialTrace]
    comparison: Comparison
    divergence: Divergence | None
    setup: Setup
    reason: Reason | None = None
    every: Sequence[TrialTrace] = ()  # also the trials with a faster clock that do not count
    left_out: Mapping[int, str] = field(default_factory=dict)  # why they do not count, by number

    @property
    def all_agrees(self) -> bool:
        """Whether nothing differs that counts or is unknown."""
        left = (difference for pair in self.comparison.pairs() for difference in pair.left)
        return self.divergence is None and all(difference.effect == "understood" for difference in left)


class Note(NamedTuple):
    """One warning.

    `is_caveat`: it limits what equal bits show, so `--strict` makes it a reason. Other notes name a difference that is
    understood, or say where the code comes from. `is_leak`: it is about a file that an earlier trial left.
    `is_uncounted`: it only names what does not count.
    """

    text: str
    is_caveat: bool = True
    is_leak: bool = False
    is_uncounted: bool = False


def warnings(inputs: WarningInputs) -> list[Note]:
    """Return all warnings, each once, in a fixed order."""
    notes = [
        Note(text, look not in _NO_CAVEATS, look is _leaks, look in _UNCOUNTED)
        for look in _LOOKS
        for text in look(inputs)
    ]
    return list({note.text: note for note in reversed(notes)}.values())[::-1]


def _random_states(inputs: WarningInputs) -> Iterator[str]:
    """Yield the random states that differ, and the meaning of this."""
    yield from unseeded(inputs).values()
    for name, (step, agreed) in sorted(_rng(inputs.comparison).items()):
        if inputs.all_agrees and agreed:
            yield f"{words.rng(name)} differs from step {step:,} on, but nothing else differs"


def unseeded(inputs: WarningInputs) -> dict[str, str]:
    """Return a warning for each used generator whose states differ from the start, or whose seed came too late."""
    alone = ": its state differs, but nothing else differs"
    rest = alone if inputs.all_agrees else ": its state already differs at the start"
    names = sorted(name for name, (_, agreed) in _rng(inputs.comparison).items() if not agreed)
    texts = {name: f"{words.rng(name)} is unseeded{rest}" for name in names if not _is_unused(name, inputs)}
    if inputs.divergence is not None and "torch" in drawn_unseeded(_traces(inputs)):
        texts.setdefault("torch", f"{words.rng('torch')} got its seed after the program had drawn from it")
    return texts


def used_generators_differ(inputs: WarningInputs) -> bool:
    """Return whether the state of a generator differs between trials that used it."""
    return any(not _is_unused(name, inputs) for name in _rng(inputs.comparison))


def _is_unused(name: str, inputs: WarningInputs) -> bool:
    """Return whether no process of any trial drew from this generator, or seeded it."""
    with_it = [trace for trace in _traces(inputs) if states(name, trace)]
    return all(
        len(states(name, trace)) == 1 and name in names_in(trace, "untouched", "generators") for trace in with_it
    )


def _traces(inputs: WarningInputs) -> list[ProcessTrace]:
    return [member.trace for trial in inputs.comparison.aligned for member in trial.members]


def _rng(comparison: Comparison) -> dict[str, tuple[int, bool]]:
    """Return random state -> (first step at which it differs, whether it agreed before), over all pairs."""
    steps: dict[str, tuple[int, bool]] = {}
    for pair in comparison.pairs():
        for part in pair.members:
            for name, (step, agreed) in part.difference.rng.items():
                before = steps.get(name, (step, True))
                steps[name] = (min(step, before[0]), agreed and before[1])
    return steps


def _losses(inputs: WarningInputs) -> Iterator[str]:
    traces = _traces(inputs)
    firsts = [step for trace in traces if (step := _first_nan(trace)) is not None]
    if traces and len(firsts) == len(traces):
        yield f"the loss is NaN in all trials, from step {min(firsts):,} on: equal bits of such a model say little"


def _first_nan(trace: ProcessTrace) -> int | None:
    """Return the first step of a loss that ends as NaN."""
    for number in trace.point_numbers("forward"):
        steps, values = curve(trace, number)
        if "loss" in trace.points[number].name and len(values) and np.isnan(values[-1]):
            return int(steps[np.isnan(values).argmax()])
    return None


def _weights(inputs: WarningInputs) -> Iterator[str]:
    trained = [m.trace for t in inputs.comparison.aligned for m in t.members if t.whole and m.trace.steps > 0]
    if trained and all(_never_change(trace) for trace in trained):
        yield "the weights never change: at the end they have the bits that they had at the start"


def _never_change(trace: ProcessTrace) -> bool:
    """Return whether weights were seen at the start and at the end, and are all equal."""
    starts, ends = _by_name(trace, "start"), _by_name(trace, "end")
    shared = (weight_names(trace) & set(starts)) & set(ends)
    return bool(shared) and all(starts[name] == ends[name] for name in shared)


def _by_name(trace: ProcessTrace, kind: str) -> dict[str, bytes]:
    return {trace.points[int(row["point"])].name: row["fingerprint"].tobytes() for row in trace.rows_of(kind)}


def _controls(inputs: WarningInputs) -> Iterator[str]:
    """Yield a warning for each control that did not hold.

    One more line names those that could not be read back (not all controls of a preset apply).
    """
    for control in inputs.setup.controls:
        if control.effect == "undone":
            yield f"the control {control.id} did not hold" + (f": {control.why}" if control.why else "")
    yield from unread([control for control in inputs.setup.controls if control.effect == "unreadable"])


def unread(controls: Sequence[HeldControl]) -> list[str]:
    """Return the warning about controls that nobody could read back."""
    names = words.listed(control.id + (f" ({control.why})" if control.why else "") for control in controls)
    subject, it = ("this control was", "it does") if len(controls) == 1 else ("these controls were", "they do")
    return [f"{subject} not read back, so {it} not count as held: {names}"] if controls else []


def _leaks(inputs: WarningInputs) -> Iterator[str]:
    leaking = trials_with_leaks(inputs.trials) or [trial for trial in inputs.trials if trial.file.leaks]
    if leaking and not (inputs.divergence and inputs.reason):  # else it is the reason itself
        equal = "all trials have the same bits, but samebits did not run the trials without that file"
        meaning = "this alone did not cause the divergence" if inputs.divergence else equal
        yield f"{leak_sentence(leaking, inputs.record)}; {meaning}"


def _events(inputs: WarningInputs) -> Iterator[str]:
    yield from inputs.record.notes
    for trial in inputs.trials:
        yield from trial.file.notes
        yield from trial.warnings
        for process in trial.processes:
            yield from (str(event.get("text", "")) for event in process.events_named("warning"))


def _children(inputs: WarningInputs) -> Iterator[str]:
    left = {trial.id: trial.file.children_left for trial in inputs.trials if trial.file.children_left}
    if left:
        name = next(iter(left.values()))[0]
        yield f"{words.trials(sorted(left))} left processes behind; samebits ended them ({name})"


def _unwatched(inputs: WarningInputs) -> Iterator[str]:
    hidden = hidden_processes([trial.trial.file for trial in inputs.comparison.aligned])
    if hidden and not (inputs.reason and inputs.reason.names_hidden):  # else it is the reason itself
        yield f"Python ran unwatched: {hidden}; only its files and printed lines were compared"


def _programs(inputs: WarningInputs) -> Iterator[str]:
    """Yield a warning about programs that no probe can watch."""
    programs = [program for trial in inputs.comparison.aligned for program in trial.trial.file.programs]
    if programs and inputs.divergence is None:
        names = words.listed(list(dict.fromkeys(programs))[:3])
        what = "programs ran that samebits cannot watch"
        yield f"{what} ({names}); only their files and printed lines were compared"


def _cells(inputs: WarningInputs) -> Iterator[str]:
    """Yield a warning about notebooks of which only the training was compared: no trial saved what they printed."""
    ran = any(trace.events_named("cell-runs") for trace in _traces(inputs))
    files = [file for trial in inputs.comparison.aligned for file in trial.trial.files.files]
    if ran and inputs.divergence is None and not any(file.path.endswith(".ipynb") for file in files):
        how = "Give the runner an output in {out}, such as jupyter execute --output={out}/cells"
        yield f"what the cells of the notebook printed was not compared, because no trial saved it. {how}"


def _questions(inputs: WarningInputs) -> Iterator[str]:
    """Yield the processes in which runners asked the interpreter about itself. The training does not depend on them."""
    asking = asking_processes([trial.trial.file for trial in inputs.comparison.aligned])
    if asking:
        many = words.count(len(asking), "Python process")
        verb, who = ("is", "it") if len(asking) == 1 else ("are", "they")
        sentence = f"{many} ran unwatched and {verb} left out"
        yield f"{sentence}: {who} only asked the interpreter about itself before the first step ({asking[0]})"


def _siblings(inputs: WarningInputs) -> Iterator[str]:
    """Yield a warning if the divergence may come from siblings paired wrongly."""
    pairs = inputs.comparison.against_reference().values() if inputs.divergence else []
    commands = {words.command(key.argv) for pair in pairs for key in pair.indistinct}
    for command in sorted(commands):
        yield (
            "processes with the same arguments could not be told apart: they were paired in the order in which "
            f"they started ({command})"
        )


def _metrics(inputs: WarningInputs) -> Iterator[str]:
    whole = [trial.trial for trial in inputs.comparison.aligned if trial.whole]
    for name in inputs.record.options.metrics:
        without = [t.id for t in whole if name not in t.file.metrics_printed and name not in t.file.metrics]
        if without:
            yield f"the metric {name}: its pattern matched nothing that {words.trials(without)} printed"
        printed = [t.file.metrics_printed for t in whole if name not in t.file.metrics]
        strange = [texts[name] for texts in printed if name in texts]
        if strange:
            how = f"Put the number into parentheses: --metric '{name}={name}: ([0-9.]+)'"
            yield f"the metric {name}: its pattern found {strange[0]!r}, which is not a number. {how}"


def _asides(inputs: WarningInputs) -> Iterator[str]:
    """Yield differences that train nothing: evaluations, inputs that no step used, times in attributes of a model."""
    asides: dict[str, tuple[int, str]] = {}
    for pair in inputs.comparison.pairs() if inputs.divergence is None else []:
        for aside in (aside for part in pair.members for aside in part.difference.beside):
            if aside.meaning.effect != "understood" or aside.meaning.by_name:
                continue
            key, first = aside.place, (aside.step, aside.meaning.reason)
            asides[key] = min(first, asides.get(key, first))
    evaluations = sorted((step, name.partition(" ")[2]) for name, (step, what) in asides.items() if what == EVALUATION)
    if evaluations:
        step, name = evaluations[0]
        fed = ", and all that follows from it agrees" if inputs.all_agrees else ""
        yield f"{name} differs from step {step:,} on: this forward pass trains nothing{fed}"
    others = sorted(f"{name} ({what})" for name, (_, what) in asides.items() if what != EVALUATION)
    if others:
        rest = [words.count(len(others) - 3, "more value")] if len(others) > 3 else []
        verb = words.agree(len(others), "differs", "differ")
        yield f"{words.listed([*others[:3], *rest])} {verb}, but trained nothing; this does not count"


def _reordered(inputs: WarningInputs) -> Iterator[str]:
    if any(part.difference.reordered for pair in inputs.comparison.pairs() for part in pair.members):
        yield (
            "independent networks are trained in a different order in each trial (for example the order of a set): all "
            "values agree, and each variable ends with the same network"
        )


def _uncompared(inputs: WarningInputs) -> Iterator[str]:
    steps = max((part.difference.uncompared for pair in inputs.comparison.pairs() for part in pair.members), default=0)
    if steps:
        how = "one trial kept a fingerprint of each value, the other only one of all values together"
        yield f"{words.count(steps, 'step')} could not be compared: {how}"


def _failed(inputs: WarningInputs) -> Iterator[str]:
    bad = [t for t in inputs.trials if not ended_well(t.file, inputs.record.options.ok_exit)]
    if inputs.divergence is not None and bad:
        ids = [trial.id for trial in bad]
        yield f"{words.trials(ids)} did not end well and {words.were(ids)} not compared"


def _different_files(inputs: WarningInputs) -> Iterator[str]:
    """Yield a warning that diverged trials may leave a second model, which no step shows."""
    if inputs.divergence is not None and inputs.divergence.kind != "end":
        yield from filter(None, [different_files(inputs.comparison, inputs.divergence)])


def _understood(inputs: WarningInputs) -> Iterator[str]:
    return sentences.file_understood(inputs.comparison)


_LOOKS: tuple[Callable[[WarningInputs], Iterator[str]], ...] = (
    _random_states,
    _losses,
    _weights,
    _controls,
    _leaks,
    _failed,
    changed_training,
    _unwatched,
    _programs,
    _cells,
    _questions,
    _siblings,
    _children,
    changed_code,
    uncommitted_code,
    different_packages,
    _metrics,
    lambda inputs: sentences.file_caveats(inputs.comparison),
    _different_files,
    _understood,
    faster_clocks,
    _asides,
    _reordered,
    _uncompared,
    _events,
)

_UNCOUNTED = frozenset((_questions, _understood, _asides, _reordered))
_NO_CAVEATS = _UNCOUNTED | {_different_files, _random_states, uncommitted_code, faster_clocks}
