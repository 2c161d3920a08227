"""Trials of settings, run for real: each setting is a record below the record that is explained.

A setting is a record of its own, whose trials hold some controls, and to which trials are added one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from samebits import controls, words
from samebits.causes.decision_rule import NOWHERE, Observation, Where
from samebits.experiment import NO_VERDICT, Experiment, Limits, Plan, Progress, Request, recorded_trials
from samebits.launch import custody
from samebits.model import Divergence, Result, TrialFile
from samebits.store.outputs import last_words
from samebits_probe import wire

FOLDER = "explain"
SLOWER = 10.0  # a trial that takes so many times as long as with nothing held is cut ...
LEAST_SECONDS = 30.0  # ... after this time at the earliest
FIRST = 2  # trials that are run before the first comparison


@dataclass
class Setting:
    """A record that grows. `steps`: how many each trial makes, None for whole trials. `result`: None without trials.
    `files`: the documents of its trials. `excused`: see Observation."""

    experiment: Experiment
    steps: int | None
    result: Result | None = None
    files: Sequence[TrialFile] = ()
    seconds: float = 0.0
    excused: frozenset[str] = frozenset()

    @property
    def plan(self) -> Plan:
        """What is run."""
        return self.experiment.plan

    @property
    def number(self) -> int:
        """How many trials it has."""
        return len(self.result.trials) if self.result else 0

    def time_left(self, trials: int) -> float | None:
        """Seconds until it has so many trials; None before the first."""
        known = [file.seconds for file in self.files]
        rounds = -(-(trials - self.number) // self.experiment.capacity.at_a_time)
        return rounds * sum(known) / len(known) if known else None

    def run(self, more: int) -> None:
        """Run more trials, and judge all. If that is interrupted, the record is left as it was."""
        ids = self.experiment.next_numbers(more)
        self.experiment.change(trials=self.number + more, steps=self.steps)
        try:
            finished = self.experiment.run(Limits(steps=self.steps), ids)
        except BaseException:  # one that was cut short would take away the verdict of the others
            self.experiment.forget(ids)
            raise
        self.seconds += finished.seconds
        self.judge()

    def judge(self) -> None:
        """Look at what its trials left."""
        self.result = self.experiment.judge()
        self.files = [trial.file for trial in self.experiment.record.trials]

    def seen(self) -> Observation:
        """What its trials show."""
        held = frozenset(self.plan.controls)
        if self.result is None:
            return Observation(held, excused=self.excused)
        broke = next((bad_ending(file, self.plan) for file in self.files if file.status in NO_VERDICT), "")
        judged = self.result.verdict != "inconclusive" or self.number < 2
        return Observation(
            held,
            groups=tuple(sorted(map(len, self.result.groups), reverse=True)),
            where=place(self.result.divergence) if self.result.verdict == "diverged" else None,
            broke=broke,
            unclear="" if judged or broke else self.result.reason or "",
            controls={control.id: control for control in self.result.setup.controls},
            excused=self.excused,
        )


def place(divergence: Divergence | None) -> Where | None:
    """Where trials diverge, in the order of judging."""
    if divergence is None:
        return None
    return divergence.process.order, divergence.step, wire.CODE[divergence.kind]


def bad_ending(file: TrialFile, plan: Plan) -> str:
    """How a trial ended badly, with the last line that it wrote to standard error."""
    said = last_words(plan.trial_folder(file.id))
    return file.why + (f": {said}" if said and file.status == "failed" else "")


def adopt(experiment: Experiment, result: Result) -> Setting:
    """The setting of a record that check has made: as many steps as its last round made."""
    trials = experiment.record.trials
    experiment.recall(trials)
    files = [trial.file for trial in trials]
    return Setting(experiment, recorded_trials.last_steps(experiment.record), result, files)


class SettingRecords:
    """The `Settings` of real trials. `first`: the setting with nothing held that was not held before.

    `keep`: writes down what is known so far; called each time a setting has shown something.
    """

    def __init__(
        self, first: Setting, progress: Progress, keep: Callable[[SettingRecords], None] | None = None
    ) -> None:
        self._first, self.progress, self._keep = first, progress, keep
        self.base = frozenset(first.plan.controls)
        seen = first.seen()
        self._excused = frozenset(name for name in self.base if seen.is_undone(name))
        self._folder = first.plan.record / FOLDER
        self._settings: dict[frozenset[str], Setting] = {self.base: first}
        self.all: list[Setting] = [first]
        self.steps = first.steps
        self._begun: list[Setting] = [first]
        self.everything = [name for name in controls.known() if name not in self.base]
        custody.remove(self._folder)

    def look(self, names: Sequence[str], trials: int, before: Where = NOWHERE, *, through: bool = False) -> Observation:
        """See Settings."""
        setting = self.setting(names)
        seen, had = setting.seen(), setting.number
        while seen.trials < trials and (through or not seen.diverges(before)) and not (seen.broke or seen.unclear):
            self.progress.part_started(self._part(setting, trials))
            setting.run(self._batch(setting, trials))
            seen = setting.seen()
        if set(self.everything) <= seen.held:  # those that took effect are everything from now on
            self.everything = [name for name in self.everything if seen.is_in_force(name)]
        if setting.number > had:
            if self._keep is not None:
                self._keep(self)
            said = held_words(self.added(setting), self.everything)
            self.progress.note(f"{said}: {seen_words(seen)}")
        return seen

    def _part(self, setting: Setting, trials: int) -> str:
        """What runs next: the setting, how many of its trials have run, and the time left if all agree."""
        held, left = held_words(self.added(setting), self.everything), setting.time_left(trials)
        said = f"{held}: {setting.number} of {words.count(trials, 'trial')}"
        return said if left is None else f"{said}, {words.clock(left)} left"

    def _batch(self, setting: Setting, trials: int) -> int:
        at_a_time = setting.experiment.capacity.at_a_time
        wanted = at_a_time if setting.number >= FIRST else max(FIRST, at_a_time)
        return max(1, min(wanted, trials - setting.number))

    def added(self, setting: Setting) -> list[str]:
        """What a setting holds beside what the check held."""
        return [name for name in setting.plan.controls if name not in self.base]

    def setting(self, names: Sequence[str]) -> Setting:
        """The setting of these controls, made where it is new."""
        held = frozenset(controls.resolve([*self.base, *names]))
        if held not in self._settings:
            self._settings[held] = self.begin(held, self.steps)
        return self._settings[held]

    def begin(self, held: Iterable[str], steps: int | None, *, timed: bool = False) -> Setting:
        """A new setting without trials, beside those that are looked up. `timed`: it is no evidence."""
        plan = self._first.plan
        own = {"steps": steps, "budget": None, "full": False, "timeout": self.longest}
        if timed and plan.options.jobs == "auto":
            own["jobs"] = 1
        options = plan.options.model_copy(update=own)
        request: Request = replace(
            plan.request,
            controls=controls.resolve(held),
            preset=None,
            options=options,
            out=self._folder / f"{len(self._begun):03d}",
        )
        capacity = None if timed else self._first.experiment.capacity
        experiment = Experiment.begin(request, self.progress, capacity=capacity)
        setting = Setting(experiment, options.steps, excused=self._excused)
        self._begun.append(setting)
        if not timed:
            self.all.append(setting)
        return setting

    @property
    def longest(self) -> float:
        """Seconds after which a trial is cut."""
        longest = max((file.seconds for file in self._first.files), default=0.0)
        own = self._first.plan.options.timeout
        limit = max(LEAST_SECONDS, SLOWER * longest)
        return limit if own is None else min(own, limit)

    @property
    def trials(self) -> int:
        """How many trials were run in all, timed ones too."""
        return sum(setting.number for setting in self._begun)

    def lengthen(self, steps: int | None) -> None:
        """From now on trials make more steps. What diverged still diverges; what agreed is to be looked at again."""
        if steps == self.steps:
            return
        self.steps = steps
        agreed = [held for held, setting in self._settings.items() if setting.seen().where is None]
        for held in agreed:
            del self._settings[held]


class QuietProgress(Progress):
    """Passes on what trials do, without a line for each that ends: there are many."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def trial_started(self, trial: int, of: int, steps_total: int | None) -> None:
        """Passed on."""
        self._progress.trial_started(trial, of, steps_total)

    def trial_step(self, trial: int, step: int) -> None:
        """Passed on."""
        self._progress.trial_step(trial, step)

    def part_started(self, text: str) -> None:
        """Passed on."""
        self._progress.part_started(text)

    def note(self, text: str) -> None:
        """Passed on."""
        self._progress.note(text)


def held_words(held: Collection[str], everything: Sequence[str]) -> str:
    """Controls in a few words: by name, or by those that are left out of everything."""
    names = [name for name in everything if name in held] or sorted(held)
    return f"{words.some_of(names, [name for name in everything if name not in held]) or 'nothing'} held"


def seen_words(seen: Observation) -> str:
    """What the trials of a setting show."""
    if seen.broke:
        return f"the program does not run so: {seen.broke}"
    if seen.unclear:
        return f"no answer: {seen.unclear}"
    trials = words.count(seen.trials, "trial")
    return f"{trials}, {'the same bits' if len(seen.groups) == 1 else f'{len(seen.groups)} different outcomes'}"
