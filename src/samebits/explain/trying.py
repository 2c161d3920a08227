"""Trials of settings, run for real: each setting is a record below the record that is explained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from samebits import controls, store
from samebits.explain import telling
from samebits.explain.searching import is_in_force
from samebits.explain.seen import NOWHERE, Seen, Where
from samebits.explain.setting import Setting, make
from samebits.launch import custody
from samebits.launch.plan import Request
from samebits.launch.progress import Progress
from samebits.model import TrialFile

FOLDER = "explain"
SLOWER = 10.0  # a trial that takes so many times as long as with nothing held is cut ...
LEAST_SECONDS = 30.0  # ... after this time at the earliest
FIRST = 2  # trials that are run before the first comparison


class Trying:
    """See `samebits.explain.seen.Tries`. `first`: the setting with nothing held that was not held before.

    `keep`: writes down what is known so far; called each time a setting has shown something.
    """

    def __init__(self, first: Setting, progress: Progress, keep: Callable[[Trying], None] | None = None) -> None:
        self._first, self.progress, self._keep = first, progress, keep
        self.base = frozenset(first.plan.controls)
        effect = first.seen().effect
        self._excused = frozenset(name for name in self.base if effect.get(name, (None, ""))[0] is False)
        self._folder = first.plan.record / FOLDER
        self._settings: dict[frozenset[str], Setting] = {self.base: first}
        self.all: list[Setting] = [first]
        self.steps = first.steps
        self._made = 1
        self.everything = [name for name in controls.known() if name not in self.base]
        custody.remove(self._folder)

    def look(self, names: Sequence[str], trials: int, before: Where = NOWHERE, *, through: bool = False) -> Seen:
        """See Tries."""
        setting = self.setting(names)
        seen, had = setting.seen(), setting.number
        if seen.trials < trials:
            self.progress.part_started(telling.held_words(self.added(setting), self.everything))
        while seen.trials < trials and (through or not seen.parts(before)) and not (seen.broke or seen.unclear):
            setting.run(self._batch(setting, trials))
            seen = setting.seen()
        if set(self.everything) <= seen.held:  # those that took effect are everything from now on
            self.everything = [name for name in self.everything if is_in_force(seen.effect.get(name, (None, "")))]
        if setting.number > had:
            if self._keep is not None:
                self._keep(self)
            said = telling.held_words(self.added(setting), self.everything)
            self.progress.note(f"{said}: {telling.seen_words(seen)}")
        return seen

    def _batch(self, setting: Setting, trials: int) -> int:
        at_a_time = setting.plan.options.jobs if setting.number >= FIRST else max(FIRST, setting.plan.options.jobs)
        return max(1, min(at_a_time, trials - setting.number))

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
        own = {"steps": steps, "budget": None, "full": False, "timeout": self._longest()}
        options = plan.options.model_copy(update=own)
        request: Request = replace(
            plan.request,
            controls=controls.resolve(held),
            preset=None,
            options=options,
            out=self._folder / f"{self._made:03d}",
        )
        self._made += 1
        setting = make(request, self.progress)
        setting.excused = self._excused
        if not timed:
            self.all.append(setting)
        return setting

    def _longest(self) -> float:
        """Seconds after which a trial is cut."""
        longest = max((file.seconds for file in self.files(self._first)), default=0.0)
        own = self._first.plan.options.timeout
        limit = max(LEAST_SECONDS, SLOWER * longest)
        return limit if own is None else min(own, limit)

    @staticmethod
    def files(setting: Setting) -> list[TrialFile]:
        """The documents of a setting's trials."""
        return [trial.file for trial in store.open_record(Path(setting.plan.record)).trials]

    def lengthen(self, steps: int | None) -> None:
        """From now on trials make more steps. Trials that parted part still; what agreed is to be looked at again."""
        self.steps = steps
        agreed = [held for held, setting in self._settings.items() if setting.seen().where is None]
        for held in agreed:
            del self._settings[held]
