"""Runs the trials of settings. Each setting has a record below the record that is explained.

All trials of a setting hold the same controls. Its record grows, one batch of trials after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from samebits import clock, controls, words
from samebits.causes.candidates import held_words
from samebits.causes.decision_rule import GLIMPSE, NOWHERE, Observation, Where, Wish
from samebits.causes.estimate import Corrections
from samebits.causes.kept_settings import KeptSettings
from samebits.causes.lookahead import shares
from samebits.comparison.verdict.sought import Sought, evidence_of
from samebits.documents import UnknownPlace
from samebits.experiment import NO_VERDICT, Experiment, Limits, Plan, Progress, Request, recorded_trials
from samebits.experiment.recorded_trials import kill
from samebits.experiment.turns import WorkProgress, side_by_side
from samebits.launch.files import custody
from samebits.launch.plan import AGAIN
from samebits.model import Divergence, Result, TrialFile
from samebits.options import MOST_TRIALS
from samebits.store.outputs import last_words
from samebits_probe import wire

FOLDER = "explain"
FIRST = 2  # trials that run before the first comparison


@dataclass(eq=False)
class Setting:
    """A setting and its record. `steps`: how many a trial makes; None for whole trials. `result`: None without trials.

    `files`: the documents of its trials. `unknown`: where they differ, if samebits does not know whether that counts;
    the trials are judged without it, unless it is the evidence. `excused`: see Observation. `sought`: the evidence that
    showed the divergence. If each trial has it and all agree, the setting has an answer. `is_limited`: samebits, not
    the user, limits the time of its trials. `early_end`: after so many steps, a new trial ends if it has diverged from
    the first one.
    """

    experiment: Experiment
    steps: int | None
    result: Result | None = None
    files: Sequence[TrialFile] = ()
    unknown: Sequence[UnknownPlace] = ()
    seconds: float = 0.0
    excused: frozenset[str] = frozenset()
    sought: Sought | None = None
    is_limited: bool = False
    early_end: int | None = None

    @property
    def plan(self) -> Plan:
        """The plan of its trials."""
        return self.experiment.plan

    @property
    def number(self) -> int:
        """The number of its trials."""
        return len(self.result.trials) if self.result else 0

    @property
    def unseen(self) -> str:
        """Why its trials give no answer of their own, although they agree in the evidence; "" if they give one."""
        return self.result.reason or "" if self.result is not None and self.result.divergence is None else ""

    def time_left(self, trials: int) -> float | None:
        """Return the estimated seconds until it has so many trials; None before its first trial."""
        seconds = [file.seconds for file in self.files]
        rounds = -(-(trials - self.number) // self.experiment.capacity.at_a_time)
        return rounds * sum(seconds) / len(seconds) if seconds else None

    def run(self, more: int) -> None:
        """Run more trials, and judge all. If this is interrupted, the record stays as it was.

        Trials without an answer run once more: the machine may have been very busy, or a different program may have
        written a file here. If all of several trials fail, the program does not run with this setting.
        """
        ids, limits = self.experiment.next_numbers(more), self._limits()
        self.experiment.change(trials=self.number + more, steps=self.steps)
        try:
            finished = self.experiment.run(limits, ids)
            if finished.is_cut_short and self.experiment.judge().verdict != "diverged":
                # a trial of several processes makes no step after `early_end`, even if it has not diverged
                self.seconds += finished.seconds
                finished = self.experiment.run(Limits(steps=self.steps, together=True), ids)
            self.seconds += finished.seconds
            self.judge()
            if again := self._without_answer(finished.files):
                self.seconds += self.experiment.run(limits, again).seconds
                self.judge()
        except BaseException:  # with a trial that was cut short, the others would have no verdict
            self.experiment.forget(ids)
            raise

    def _without_answer(self, files: Sequence[TrialFile]) -> list[int]:
        """Return the trials of a round that run once more."""
        failed = [file.id for file in files if file.status in NO_VERDICT]
        if 1 < len(failed) == len(files):
            return [file.id for file in files if kill(file) or (self.is_limited and file.status == "timeout")]
        return failed or ([file.id for file in files] if self.seen().unclear else [])

    def _limits(self) -> Limits:
        has_first = self.number > 0 or self.experiment.capacity.at_a_time == 1  # the first trial runs before the others
        if self.steps is None or self.early_end is None or self.early_end >= self.steps or not has_first:
            return Limits(steps=self.steps, together=True)
        return Limits(steps=self.early_end, most=self.steps, reference=1, together=True)

    def judge(self) -> None:
        """Judge its trials, and read their documents."""
        self.result = self.experiment.judge()
        self.unknown = self.result.unknown if self.result.verdict == "inconclusive" else ()
        is_evidence = self.sought is not None and any(place.place == self.sought.name for place in self.unknown)
        if self.unknown and not is_evidence:
            patterns = [place.pattern for place in self.unknown]
            self.result = self.experiment.judge(ignores=[*self.plan.options.ignores, *patterns])
        self.files = [trial.file for trial in self.experiment.record.trials]

    def seen(self) -> Observation:
        """Return what its trials show."""
        held = frozenset(self.plan.controls)
        if self.result is None:
            return Observation(held, excused=self.excused)
        bad = [file for file in self.files if file.status in NO_VERDICT]
        killed = next(filter(None, map(kill, bad)), "")
        broke = next((bad_ending(file, self.plan) for file in bad if not kill(file)), "")
        judged = self.result.verdict != "inconclusive" or self.number < 2 or self._agrees_in_what_is_sought()
        return Observation(
            held,
            groups=tuple(sorted(map(len, self.result.groups), reverse=True)),
            where=place(self.result.divergence) if self.result.verdict == "diverged" else None,
            broke=broke,
            unclear="" if broke else killed or ("" if judged else self.result.reason or ""),
            controls={control.id: control for control in self.result.setup.controls},
            excused=self.excused,
        )

    def _agrees_in_what_is_sought(self) -> bool:
        trials = self.experiment.record.trials
        is_one = self.result is not None and [len(group) for group in self.result.groups] == [len(trials)]
        return is_one and self.sought is not None and self.sought.is_in_all(trials, self.plan.request.command)


def place(divergence: Divergence | None) -> Where | None:
    """Return where trials diverge, as a tuple that sorts in the order of judging."""
    if divergence is None:
        return None
    return divergence.process.order, divergence.step, wire.CODE[divergence.kind]


def bad_ending(file: TrialFile, plan: Plan) -> str:
    """Return how a trial ended badly, with the last line that it wrote to standard error."""
    last_line = last_words(plan.trial_folder(file.id))
    return file.why + (f": {last_line}" if last_line and file.status == "failed" else "")


def adopt(experiment: Experiment, result: Result) -> Setting:
    """Return the setting with nothing held, from a record of check. Its trials have the steps of the last round."""
    trials = experiment.record.trials
    experiment.recall(trials)
    files = [trial.file for trial in trials]
    return Setting(experiment, recorded_trials.last_steps(experiment.record), result, files)


class SettingRecords:
    """The `SettingTrials` of real trials. `first`: the setting that holds only what the check held.

    `keep`: writes what is known so far; it is called each time a setting has new trials. `goes_on`: the settings of a
    search that was stopped keep their whole trials.
    """

    def __init__(
        self,
        first: Setting,
        progress: Progress,
        keep: Callable[[SettingRecords], None] | None = None,
        *,
        goes_on: bool = False,
    ) -> None:
        self._first, self.progress, self._keep = first, progress, keep
        self.base = frozenset(first.plan.controls)
        outcome = first.seen()
        self._sought = evidence_of(first.result, first.experiment.record.trials)
        self._excused = frozenset(name for name in self.base if outcome.is_undone(name))
        self._folder = first.plan.record / FOLDER
        self._settings: dict[frozenset[str], Setting] = {self.base: first}
        self.all: list[Setting] = [first]
        self.steps = first.steps
        self._begun: list[Setting] = [first]
        self.everything = [name for name in controls.of_sources() if name not in self.base]
        if not goes_on:
            custody.remove(self._folder)
        self._kept = KeptSettings(self._folder)
        self.corrections: Corrections | None = None
        self._known = first.number  # trials from before this search

    def look(self, names: Sequence[str], trials: int, before: Where = NOWHERE, *, through: bool = False) -> Observation:
        """See SettingTrials."""
        setting = self.setting(names)
        seen, had = setting.seen(), setting.number
        while seen.trials < trials and (through or not seen.diverges(before)) and not (seen.broke or seen.unclear):
            self.progress.part_started(self._part(setting, trials))
            setting.run(self._batch(setting, trials))
            seen = setting.seen()
        self._learn(seen)
        if setting.number > had:
            self._show(setting)
        return seen

    @property
    def room(self) -> int:
        """See SettingTrials."""
        capacity = self._first.experiment.capacity
        return max(capacity.at_a_time, capacity.starting(MOST_TRIALS))

    def prepare(self, wishes: Sequence[Wish]) -> None:
        """See SettingTrials."""
        capacity = self._first.experiment.capacity
        if capacity.at_a_time <= GLIMPSE or not wishes or not capacity.is_known(self.steps):
            return
        wanted: dict[frozenset[str], tuple[int, int]] = {}
        for wish in wishes:
            wanted.setdefault(self._all_controls(wish.names), (self._has(wish), wish.trials))
        more = shares(list(wanted.values()), capacity.fitting(capacity.at_a_time))
        if more[0] and sum(map(bool, more)) > 1:
            self._run_beside({self.setting(held): number for held, number in zip(wanted, more, strict=True) if number})

    def _has(self, wish: Wish) -> int:
        """Return how many trials a setting has; if more would show nothing new, the number that is wished for."""
        setting = self._settings.get(self._all_controls(wish.names))
        if setting is None:
            return 0
        outcome = setting.seen()
        is_done = outcome.broke or outcome.unclear or (outcome.diverges() and not wish.through)
        return wish.trials if is_done else setting.number

    def _run_beside(self, more: Mapping[Setting, int]) -> None:
        """Run more trials of several settings side by side."""
        self.progress.part_started(f"{words.count(sum(more.values()), 'trial')} of {len(more)} settings side by side")
        for setting in more:
            setting.experiment.progress = WorkProgress(self.progress)
        side_by_side([partial(setting.run, number) for setting, number in more.items()], most=len(more))
        for setting in more:
            setting.experiment.progress = self.progress
            self._learn(setting.seen())
            self._show(setting)

    def _learn(self, outcome: Observation) -> None:
        """If everything was held, reduce *everything* to the controls that took effect."""
        if set(self.everything) <= outcome.held:
            self.everything = [name for name in self.everything if outcome.is_in_force(name)]

    def _show(self, setting: Setting) -> None:
        """Keep what a setting has shown, and show it as a note."""
        if self._keep is not None:
            self._keep(self)
        self.progress.note(f"{held_words(self.added(setting), self.everything)}: {setting.seen().words}")
        for text in self.corrections.after(self.trials - self._known, clock.now()) if self.corrections else ():
            self.progress.note(text)

    def _part(self, setting: Setting, trials: int) -> str:
        """Describe what runs next: the setting, how many of its trials have run, and the time left if all agree."""
        label, left = held_words(self.added(setting), self.everything), setting.time_left(trials)
        text = f"{label}: {setting.number} of {words.count(trials, 'trial')}"
        return text if left is None else f"{text}, {words.clock(left)} left"

    def _batch(self, setting: Setting, trials: int) -> int:
        wanted = self.room if setting.number >= FIRST else max(FIRST, self.room)
        return max(1, min(wanted, trials - setting.number))

    def added(self, setting: Setting) -> list[str]:
        """Return the controls that a setting holds in addition to those of the check."""
        return [name for name in setting.plan.controls if name not in self.base]

    def setting(self, names: Iterable[str]) -> Setting:
        """Return the setting of these controls, and begin it if it is new."""
        held = self._all_controls(names)
        if held not in self._settings:
            self._settings[held] = self.begin(held, self.steps)
        return self._settings[held]

    def _all_controls(self, names: Iterable[str]) -> frozenset[str]:
        """Return all controls that a setting holds: these, and those of the check."""
        return frozenset(controls.resolve([*self.base, *names]))

    def begin(self, held: Iterable[str], steps: int | None, *, timed: bool = False) -> Setting:
        """Begin a setting without trials. `timed`: it is only timed, and is not evidence."""
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
            again=AGAIN,
            out=self._folder / f"{1 + max((int(path.name) for path in self._folder.glob('[0-9]*')), default=0):03d}",
        )
        capacity = self._first.experiment.capacity
        resumed = None if timed else self._kept.resumed(request.controls, steps, self.progress, capacity)
        experiment = resumed or Experiment.begin(request, self.progress, capacity=None if timed else capacity)
        setting = Setting(experiment, options.steps, excused=self._excused, sought=self._sought)
        setting.early_end = self._first.early_end
        setting.is_limited = self.longest != plan.options.timeout
        if resumed and experiment.record.trials:
            setting.judge()
            self._known += setting.number
        self._begun.append(setting)
        if not timed:
            self.all.append(setting)
        return setting

    def steps_tried_next(self, names: Iterable[str]) -> int | None:
        """Return the larger number of steps with which a stopped search tried a set next; None if it did not."""
        return self._kept.steps_after(self._all_controls(names), self.setting(names).steps)

    @property
    def longest(self) -> float:
        """The seconds after which a trial is cut."""
        return recorded_trials.seconds_allowed(self._first.files, self._first.plan.options.timeout)

    @property
    def trials(self) -> int:
        """The number of trials that ran in all, timed ones included."""
        return sum(setting.number for setting in self._begun)

    @property
    def at_a_time(self) -> int:
        """The most trials that ran side by side."""
        rounds = (turn for setting in self._begun for turn in setting.experiment.file.rounds)
        return max((turn.at_a_time for turn in rounds), default=1)

    def lengthen(self, steps: int | None) -> None:
        """Make `steps` steps in each trial from now on.

        Settings that diverged still diverge. Settings that agreed must be tried again.
        """
        if steps == self.steps:
            return
        self.steps = steps
        agreed = [held for held, setting in self._settings.items() if setting.seen().where is None]
        for held in agreed:
            del self._settings[held]
