"""Runs the trials of each value in their own record, in the rounds of a check, and compares them with the base."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from samebits import checks, controls, store, words
from samebits.comparison.verdict.merged_records import judged_together
from samebits.errors import SamebitsError
from samebits.experiment import Progress, Request
from samebits.experiment.estimates import CostEstimate
from samebits.experiment.turns import Once, WorkProgress, side_by_side
from samebits.launch.capacity.capacity import Capacity
from samebits.launch.files.working_folder import SharedFolder
from samebits.launch.plan import choose_hash
from samebits.launch.trial import isolation
from samebits.model import Divergence, Result
from samebits.vary import choices, result
from samebits.vary.choices import Choice, Choices
from samebits.vary.distance import SecondLooks, compare_ends
from samebits.vary.factor import Change
from samebits.vary.result import End, FactorResult, Value
from samebits_probe import wire

BASE, ELSEWHERE = "base", "folders/elsewhere"
MOVED = "moved"  # the record of the base setup with its memory at different addresses
AGAIN = "b{:03d}"  # the base setup run again; as long as BASE, because names in the environment move memory too
FEW_STEPS = 200  # trainings of at most this many steps run whole: a round would cost each trial one more start
# it ends by itself if samebits is killed, because nobody else would end it
_BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: sum(range(100000))"
Shown = Callable[[str], AbstractContextManager[Progress]]  # a title -> the progress of the trials under it


@dataclass(frozen=True)
class SetupRun:
    """The trials of one setup, judged by themselves. `name`: the record's folder, below the folder of vary.json."""

    name: str
    record: store.Record
    result: Result


@dataclass(frozen=True)
class BaseRerun:
    """Further trials of the base setup, which belong to no factor.

    `where`: where they diverge from the first ones; None if they do not. `untried`: why that is unknown.
    """

    where: Divergence | None
    untried: str

    def is_there_by(self, where: Divergence) -> bool:
        """Return whether these trials have diverged from the base at this point or earlier."""
        return self.where is not None and _place(self.where) <= _place(where)


class Doubt(NamedTuple):
    """Why a difference may not come from the factor. The fields are those of `Value`."""

    why: str
    moves_memory: bool = False


class Runs:
    """Runs values of factors. `request`: that of the user. `folder`: holds the records."""

    def __init__(self, request: Request, chosen: Choices, folder: Path, shown: Shown) -> None:
        self.request, self.chosen, self.folder, self._shown = request, chosen, folder, shown
        self._looks, self._again = SecondLooks(), 0
        self._capacity = Capacity(request.options.jobs)
        self._moved = Once(self._run_with_memory_elsewhere)
        self._together: Progress | None = None
        self._records: dict[str, store.Record] = {}

    @cached_property
    def base(self) -> SetupRun:
        """The trials of the base setup. They run when this is first used."""
        self._say_cost("the base setup and the values need", 1 + self._values, None)
        return self._run(BASE, choices.base(self.chosen), "the base setup", full=self.request.options.full)

    def factors(self, keep: Callable[[list[FactorResult]], object]) -> list[FactorResult]:
        """Compare each value of each factor with the base, side by side if several trials run at a time.

        `keep` is called after each factor, with all factors that are done. At the end the extra working folder is
        removed.
        """
        values: dict[str, list[Value]] = {choice.factor.id: [self._of_base(choice)] for choice in self.chosen.choices}

        def done() -> list[FactorResult]:
            whole = (choice for choice in self.chosen.choices if len(values[choice.factor.id]) == len(choice.values))
            return [self._factor(choice, values[choice.factor.id]) for choice in whole]

        def compare(choice: Choice, value: str) -> None:
            values[choice.factor.id].append(self._value(choice, value))
            if len(values[choice.factor.id]) == len(choice.values):
                keep(done())

        works = [(choice, value) for choice in self.chosen.choices for value in choice.values[1:]]
        beside = [work for work in works if not choices.with_value(self.chosen, *work).busy]
        ran = self.base.result.trials
        self._say_cost("the values need", self._values, sum(trial.seconds for trial in ran) / len(ran))
        try:
            self._side_by_side([partial(compare, *work) for work in beside])
            for work in works:  # busy processes would disturb the other values
                if work not in beside:
                    compare(*work)
        finally:
            elsewhere = self.folder / ELSEWHERE
            SharedFolder.of(elsewhere).settle()  # else files would be put back there when this process ends
            shutil.rmtree(elsewhere.parent, ignore_errors=True)
        return done()

    @property
    def _values(self) -> int:
        return sum(len(choice.values) - 1 for choice in self.chosen.choices)

    def _say_cost(self, what: str, setups: int, seconds: float | None) -> None:
        """Say what the trials of so many setups cost. A value that differs needs further trials of the base setup."""
        fewest = setups * self.request.options.trials
        most = fewest + result.TRIALS_AFTER * (self._values + 1)
        with self._shown(f"{words.count(self._values, 'value')} beside the base setup") as progress:
            progress.estimate(CostEstimate(what, fewest, most, seconds, self._capacity.at_a_time))

    def _side_by_side(self, works: list[Callable[[], None]]) -> None:
        at_a_time = self._capacity.at_a_time
        if at_a_time == 1 or len(works) < 2:
            side_by_side(works, most=1)
            return
        with self._shown(f"{words.count(len(works), 'value')}, up to {at_a_time} at a time") as self._together:
            side_by_side(works, most=at_a_time)
        self._together = None

    def _factor(self, choice: Choice, values: list[Value]) -> FactorResult:
        """Return the answer for a factor, with its values in the order in which they were named."""
        ordered = sorted(values, key=lambda value: choice.values.index(value.value))
        groups = self._groups(ordered) if choice.factor.compares_machines else []
        return result.of_factor(choice.factor, ordered, named=choice.named, groups=groups)

    @cached_property
    def _whole_at_once(self) -> bool:
        return self.request.options.full or self.base.result.scope.steps_compared <= FEW_STEPS

    def _of_base(self, choice: Choice) -> Value:
        return Value(
            value=choice.base,
            status="base",
            in_force=self._in_force(choice, choice.base, self.base),
            record=self.base.name,
            trials=len(self.base.result.trials),
            model=_model(self.base.result),
        )

    def _groups(self, values: list[Value]) -> list[list[str]]:
        """Group the values by their bits, that of the base first. Values that gave no answer are left out."""
        groups = [[value for value in values if value.status in ("base", "same")]]
        for value in (value for value in values if value.status == "differs"):
            same = [group for group in groups[1:] if self._are_equal(group[0], value)]
            if same:
                same[0].append(value)
            else:
                groups.append([value])
        return [[value.value for value in group] for group in groups]

    def _are_equal(self, first: Value, second: Value) -> bool:
        records = (self._records[str(value.record)] for value in (first, second))
        return bool(judged_together(*records, nodes_asked=True)[1].verdict == "repeated")

    def _in_force(self, choice: Choice, value: str, ran: SetupRun) -> str | None:
        return choice.factor.in_force(value, ran.record.trials, self.chosen.machine)

    def _value(self, choice: Choice, value: str) -> Value:
        """Run one value and compare it. If the base trials do not say what is in force, the value is not run."""
        before = self._in_force(choice, choice.base, self.base)
        if before is None:
            return Value(value=value, status="no-effect", why=choice.factor.why_no_effect())
        name = f"{choice.factor.id}/{_file_name(value, choice.values)}"
        try:
            change = choices.with_value(self.chosen, choice, value)
            ran = self._run(name, change, f"{choice.factor.id}={value}", full=self._whole_at_once)
        except SamebitsError as why:
            return Value(value=value, status="unsettled", why=f"its trials could not be run: {why.message.rstrip('.')}")
        entry = Value(
            value=value,
            status="unsettled",
            in_force=self._in_force(choice, value, ran),
            record=name,
            trials=len(ran.result.trials),
            model=_model(ran.result),
        )
        alone = result.not_repeated(ran.result)
        if alone:
            return entry.model_copy(update={"why": alone})
        return self._against(choice, entry, before, ran)

    def _against(self, choice: Choice, entry: Value, before: str | None, ran: SetupRun) -> Value:
        """Compare the value's trials with those of the base. Both repeat within themselves."""
        across = choice.factor.compares_machines
        _, together = judged_together(self.base.record, ran.record, nodes_asked=across)
        if together.verdict == "inconclusive":
            return entry.model_copy(update={"why": (together.reason or together.sentence).rstrip(".")})
        if together.divergence is None:
            took_effect, why = result.same_or_no_effect(choice.factor, before, entry.in_force)
            return entry.model_copy(update={"status": "same" if took_effect else "no-effect", "why": why})
        where = together.divergence
        other = self._why_not_its_own(choice, where)
        if other is not None:
            update = {"divergence": where, "agrees": together.agrees}
            return entry.model_copy(update={**other._asdict(), **update})
        size = self._looks.where_they_diverge(self.base.record, ran.record, where)
        update = {
            "status": "differs",
            "divergence": where.model_copy(update={"size": size, "trials": [trial.id for trial in ran.result.trials]}),
            "agrees": together.agrees,
            "end": self._end(ran, where),
        }
        return entry.model_copy(update=update)

    def _why_not_its_own(self, choice: Choice, where: Divergence) -> Doubt | None:
        """Return why a difference may not come from the factor; None if it does.

        The base setup may diverge from its own first trials at this point or earlier. So may base trials that differ
        only in the place of their memory. If the value diverges earlier than both, the difference comes from the
        factor.
        """
        options = self.request.options.model_copy(update={"trials": result.TRIALS_AFTER})
        self._again += 1
        request = replace(self.request, options=options)
        again = self._beside(AGAIN.format(self._again), choices.base(self.chosen), request)
        if again.untried:
            return Doubt(f"{result.MAY_DRIFT}: {again.untried}")
        if again.is_there_by(where):
            return Doubt(result.DRIFTS)
        if not choice.factor.moves_memory:
            return None
        moved = self._moved.get()
        if moved.untried:
            return Doubt(f"{result.MAY_MOVE_MEMORY}: {moved.untried}")
        return Doubt(result.MOVES_MEMORY, moves_memory=True) if moved.is_there_by(where) else None

    def _run_with_memory_elsewhere(self) -> BaseRerun:
        """Run trials of the base setup with memory at different addresses."""
        kept = [control for control in self.request.controls if not controls.hold_addresses([control])]
        return self._beside(MOVED, choices.with_memory_elsewhere(self.chosen), replace(self.request, controls=kept))

    def _beside(self, name: str, change: Change, request: Request) -> BaseRerun:
        """Run trials of the base setup once more, with a change that no factor makes."""
        try:
            ran = self._run(name, change, f"the base setup again ({name})", full=self._whole_at_once, request=request)
        except SamebitsError as why:
            return BaseRerun(None, why.message.rstrip("."))
        _, together = judged_together(self.base.record, ran.record)
        if together.verdict == "inconclusive":
            return BaseRerun(None, (together.reason or together.sentence).rstrip("."))
        return BaseRerun(together.divergence, "")

    def _end(self, ran: SetupRun, where: Divergence) -> End | None:
        """Return how far apart the two are at their ends; None if samebits stopped one before its end."""
        a, b = self.base.record.trials[0], ran.record.trials[0]
        if "stopped" in (a.file.status, b.file.status):
            return None
        end = compare_ends(a, b, self.base.record.file.command)
        largest = self._looks.at_the_end(self.base.record, ran.record) if where.kind != "structure" else None
        if largest is None:
            return end
        name, size, relative = largest
        return end.model_copy(update={"largest_name": name, "largest": size, "relative": relative})

    def _run(self, name: str, change: Change, title: str, *, full: bool, request: Request | None = None) -> SetupRun:
        """Check one setup into its own record. `request`: replaces that of the user."""
        elsewhere = self.folder / ELSEWHERE
        if change.elsewhere and not elsewhere.exists():
            elsewhere.parent.mkdir(parents=True, exist_ok=True)
            isolation.make_working_folder(self.request.directory, elsewhere, without=self.folder)
        mine = request or self.request
        own: dict[str, Any] = {"full": full} if name == BASE else {"full": full, "settle": "never"}
        settled = [] if name == BASE else self.base.record.file.settled  # the findings of the base hold for all values
        options = mine.options.model_copy(update=own)
        request = replace(change.applied(mine, elsewhere), options=options, out=self.folder / name, settled=settled)
        with self._progress(title) as progress, busy(change.busy):
            checked = checks.run(request, progress, hash_wanted=self._hash, capacity=self._capacity)
        self._records[name] = checked.experiment.record
        return SetupRun(name, self._records[name], checked.result)

    def _progress(self, title: str) -> AbstractContextManager[Progress]:
        together = self._together
        return self._shown(title) if together is None else nullcontext(WorkProgress(together, title))

    @cached_property
    def _hash(self) -> str | None:
        """The hash for all records, which every interpreter can compute; None if each can compute any."""
        changes = [
            choices.with_value(self.chosen, choice, value) for choice in self.chosen.choices for value in choice.values
        ]
        pythons = {self.request.python, *(change.python for change in changes)}
        return "blake2b" if any(choose_hash(python)[0] == "blake2b" for python in pythons) else None


def _place(where: Divergence) -> tuple[int, int, int]:
    """Return the place of a divergence in the order of judging."""
    return where.process.order, where.step, wire.CODE[where.kind]


def _file_name(value: str, values: list[str]) -> str:
    """Return the folder name of a value, unique among the values."""
    names = [re.sub(r"[^A-Za-z0-9_.+-]+", "-", word).strip("-.")[-60:] or "value" for word in values]
    place = values.index(value)
    return names[place] + (f"-{place}" if names.count(names[place]) > 1 else "")


def _model(result: Result) -> str | None:
    return next((trial.final for trial in result.trials if trial.final), None)


@contextmanager
def busy(number: int) -> Iterator[None]:
    """Keep this many processes busy while the block runs."""
    command = [sys.executable, "-S", "-E", "-c", _BUSY]
    processes = []
    try:
        for _ in range(number):
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True))
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
