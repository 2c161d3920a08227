"""One trial: its folder, its process tree, and what is written down when it is over."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from samebits import clock, controls, store
from samebits.endings import ENDED_BEFORE, ENDED_WELL, Status
from samebits.launch.capacity.capacity import UsageMeter
from samebits.launch.environment import Slot, recorded, trial_environment
from samebits.launch.files import custody
from samebits.launch.outside import Outside
from samebits.launch.plan import Limits, Plan, trial_name
from samebits.launch.processes import facts
from samebits.launch.processes.command import FileNames, ProgramPlace, fill
from samebits.launch.processes.local import Command, CommandEnd, Job, Launcher, end_all, still_running
from samebits.launch.processes.observations import Processes
from samebits.launch.processes.pythons import Pythons
from samebits.launch.trial import artifacts, isolation
from samebits.launch.trial.pauses import Wait, steps_allowed
from samebits.launch.trial.trial_files import TrialFiles
from samebits.model import FilesFile, Leak, TrialFile
from samebits_probe import wire

POLL = 0.02  # seconds between two looks at a young trial, or at one that is to be stopped after a step
CALM = 0.1  # and at any other trial: the look takes time from the trial
YOUNG = 5.0
GRACE = 5.0  # seconds between SIGTERM and SIGKILL of a trial that took too long
CHILDREN_MAY_TAKE = 1.0  # seconds that children which outlive the command may take to end by themselves
THIN = {"after": 1000, "every": 100}
WEIGHTS_SET = "samebits set the initial weights of the second side to those of the first one (--same-weights)"
WHOLE = {"after": 1 << 62, "every": 1}  # a resumed run numbers its steps from 0, so it would keep other ones


class TrialRun:
    """A trial that runs on this machine. `poll` it until it is over, then `fetch` its document."""

    def __init__(self, plan: Plan, number: int, limits: Limits, slot: Slot, outside: Outside) -> None:
        self.plan, self.id, self.limits = plan, number, limits
        self._controls = [*plan.controls, *limits.controls_of(number)]
        self.folder = plan.trial_folder(number)
        self.out = self.folder / "out"
        self.directory = self.folder / "work" if plan.options.isolate else plan.directory
        self.processes = Processes(self.folder)
        self.slot = slot
        self.files = TrialFiles(plan, number, self.directory, outside)
        self._pythons = Pythons(plan.probe)
        self._ended_at: float | None = None
        self._children: list[str] = []  # the command lines of the processes that outlive the command
        self._status: Status | None = None
        self._why = ""
        self._wait = Wait()
        self.meter: UsageMeter | None = None
        self._isolation: isolation.Isolation | None = None

    # -- before ---------------------------------------------------------------------------------------------------

    def start(self, launcher: Launcher) -> None:
        """Make a new folder, prepare the trial, and start the command. Its supervisor starts meanwhile."""
        self._start_facts = facts.StartFacts(clock.date(), time.monotonic())
        custody.make_trial(self.plan.record, self.folder, self._document("killed", ENDED_BEFORE))
        environment = trial_environment(self.plan, self.id, self.directory, self.slot, self._controls)
        self._start_facts.environment = environment
        self.files.notes += self._isolate(environment) if self.plan.options.isolate else []
        self.files.notes += [WEIGHTS_SET] if self.plan.request.weights else []
        with controls.launching(self._controls):
            self.command: Command = launcher.start(self._job(environment))
        try:
            self._prepare()
        except BaseException:
            self.command.close()
            raise
        self._start_facts.began = time.monotonic()
        self.command.go()

    def _prepare(self) -> None:
        """Note the state before the trial, and write the files that it needs."""
        self.files.begin(alone=self.slot.is_alone)
        if self.limits.inherits is not None:
            self.files.inherit(self.limits.inherits)
        self._start_facts.code = facts.code(self.plan.directory, self.plan.request.command)
        store.write_document(self.folder / "trial.json", self._document("killed", ENDED_BEFORE))
        store.write_document(self.folder / "config.json", self._config())

    def _isolate(self, environment: dict[str, str]) -> list[str]:
        self._isolation = isolation.make(self.plan.record, environment)
        environment.update(self._isolation.variables(environment))
        if isolation.make_working_folder(self.plan.directory, self.directory, without=self.plan.record):
            return []
        return [f"--isolate: more than {isolation.MOST_ENTRIES:,} files; some folders are shared by the trials"]

    def _config(self) -> dict[str, Any]:
        return {
            "format": wire.FORMAT,
            "trial": self.id,
            "folder": str(self.folder),
            "hash": self.plan.hash,
            "xxhash": self.plan.xxhash,
            "stop_after": self.limits.steps,
            "asks": self.limits.may_grow or self.limits.waits,
            "thin": THIN if self.limits.audit is None else WHOLE,
            "controls": self._controls,
            "factors": controls.of_factors(),
            "seed": self.plan.seed,
            "origin": time.time_ns(),
            "launcher": os.getpid(),
            "tensors": self.limits.tensors,
            "details": self.limits.details,
            "replay": self.limits.replay,
            "feed": self.limits.feed or self.plan.request.feed,
            "draws": self.limits.draws,
            "audit": None if self.limits.audit is None else {**self.limits.audit, "out": str(self.out)},
            "tell": bool(self.plan.request.options.artifacts),
        }

    def _job(self, environment: dict[str, str]) -> Job:
        return Job(
            executable=self.plan.executable,
            command=fill(self.plan.request.command, {"out": str(self.out), "trial": trial_name(self.id)}),
            directory=self.directory,
            environment=environment,
            stdout=self.folder / "stdout.txt",
            stderr=self.folder / "stderr.txt",
        )

    # -- while it runs --------------------------------------------------------------------------------------------

    @property
    def pace(self) -> float:
        """Seconds until the next look is due."""
        is_young = time.monotonic() - self._start_facts.began < YOUNG
        return POLL if is_young or self.limits.steps is not None else CALM

    def poll(self) -> bool:
        """Return whether the trial is over or waits. If so, all its files are written. Returns at once."""
        self._pythons.look(self.command.root, self.processes.have_begun)
        if self.meter is not None:
            self.meter.look()
        ending = self.command.poll()
        if ending is None and not self._is_to_be_ended():
            return False
        if ending is not None and not self._children_are_gone(ending):
            return False
        self._file = self._finish(ending or CommandEnd())
        return True

    def news(self) -> str:
        """See HostedTrial."""
        return ""

    def fetch(self) -> TrialFile:
        """See HostedTrial."""
        return self._file

    def steps(self) -> int:
        """See HostedTrial."""
        return self.processes.steps()

    def _grows(self) -> bool:
        """Return whether a trial that has made its steps gets more in the same round.

        A trial of several processes never does.
        """
        observing, made = self.processes.observing(), self.limits.steps or 0
        if not self.limits.may_grow or len(observing) != 1 or not observing[0].is_stopped(made):
            return False
        reference_folder = self.plan.trial_folder(self.limits.reference or 0)
        steps = steps_allowed(self.limits, observing[0], self._start_facts.began_at, reference_folder)
        if steps <= made:
            return False
        self._allow(steps)
        return True

    def _allow(self, steps: int | None) -> None:
        store.write_document(self.folder / wire.ANSWER, {"stop_after": steps})
        self.limits = replace(self.limits, steps=steps)
        self.processes.go_on()

    def _is_to_be_ended(self) -> bool:
        """Return whether the trial has reached its limits. After a time-out it gets a moment to end by itself."""
        spent, timeout = self.spent, self.limits.shorter(self.plan.options.timeout)
        if self._status == "timeout":
            return spent - (timeout or 0) > GRACE
        is_time_up = self.limits.seconds is not None and spent > self.limits.seconds
        steps = self.limits.steps
        if is_time_up or (steps is not None and self.processes.are_stopped(steps) and not self._grows()):
            self._status = "stopped"
            return True
        if timeout is not None and spent > timeout:
            self._status, self._why = "timeout", f"it was ended after {timeout:g} s"
            self.command.ask()
        return False

    @property
    def spent(self) -> float:
        """For how many seconds the trial has run, without the time that it waited."""
        now = self._wait.since or self._ended_at or time.monotonic()
        return now - self._start_facts.began - self._wait.seconds

    def _children_are_gone(self, ending: CommandEnd) -> bool:
        """Return whether nothing is left below the command, or whether the rest had its time."""
        if self._status is not None:
            return True
        self._ended_at = self._ended_at or time.monotonic()
        self._children = still_running(self.command) if ending.left else []
        return time.monotonic() - self._ended_at > CHILDREN_MAY_TAKE or not self._children

    def ask_to_end(self) -> None:
        """See HostedTrial. On this machine `cancel` itself takes no time."""

    def cancel(self, why: str) -> None:
        """See HostedTrial."""
        self.close()
        store.write_document(self.folder / "trial.json", self._document("killed", why))

    # -- while it waits -------------------------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether it has reached the end of a round, has written its document, and can go on."""
        return self._wait.since is not None

    def is_disturbed(self) -> bool:
        """Return whether a file that it wrote before it waited has changed since."""
        return self.waits and self.files.is_disturbed()

    def go_on(self, limits: Limits) -> None:
        """Let a waiting trial make more steps. What other trials left meanwhile is theirs."""
        self._wait = self._wait.over()
        self._status = None
        self.files.begin(alone=self.slot.is_alone)
        store.write_document(self.folder / "trial.json", self._document("killed", ENDED_BEFORE))
        self._allow(limits.steps)
        self.limits = limits

    def close(self) -> None:
        """End all processes of the trial. Its document stays as it was when the wait began; seal it next."""
        self.command.close()
        if self.files.is_open:
            touched = facts.touched(self.processes.look())
            self.files.end(self.command.root, touched, touched)
        self.files.over(is_whole=False)
        self._remove_temporary()

    # -- after ----------------------------------------------------------------------------------------------------

    def _finish(self, ending: CommandEnd) -> TrialFile:
        seconds, waits = self.spent, self._status == "stopped" and self.limits.waits
        left = self._children if self._status is None else []
        if self.meter is not None:
            self.meter.ended(ending.memory)
        if not waits:
            end_all(self.command, self.folder / wire.PROCESSES)
        touched = facts.touched(self.processes.look())
        leaks = self._leaks_until_now(touched)
        files = self._described(ending)
        status, why = self._judge(ending, files)
        file = self._document(status, why, ending=ending, seconds=seconds)
        last_words = "" if status in ENDED_WELL else store.last_words(self.folder)
        outcome = self._outcome(fed=facts.is_fed_by_unwatched(touched, self.files.written))
        file = file.model_copy(update={"said": last_words, "children_left": left, "leaks": leaks, **outcome})
        store.write_document(self.folder / "files.json", files)
        store.write_document(self.folder / "trial.json", file)
        if waits:
            self._wait = replace(self._wait, since=time.monotonic(), leaks=leaks)
            self.files.keep()
        else:
            store.seal(self.folder)
            self.files.over(is_whole=status == "complete")
            self._remove_temporary()
        return file

    def _leaks_until_now(self, touched: Sequence[facts.ProcessFiles]) -> list[Leak]:
        """Return the files of other trials that this trial used. Files from before a wait were judged at the wait."""
        earlier = self._wait.leaks
        leaks = self.files.end(self.command.root, touched, self._wait.later(touched))
        return [*earlier, *(leak for leak in leaks if leak not in earlier)]

    def _remove_temporary(self) -> None:
        if self._isolation is not None:
            self._isolation.remove()

    def _described(self, ending: CommandEnd) -> FilesFile:
        """Return the files to compare. A trial that was ended has none, because it may have been writing them."""
        if self._status is not None or ending.code is None:
            return FilesFile()
        others = self._isolation.names if self._isolation is not None else {}
        naming = FileNames(self.plan.request.command, self.directory, self.out, trial_name(self.id), others)
        own = facts.of_trial(naming.roots, self.folder, self._start_facts)
        printed = artifacts.printed(self.folder, self.files.rules)
        return self.files.document(naming).model_copy(update={"printed": printed, **own})

    def _judge(self, ending: CommandEnd, files: FilesFile) -> tuple[Status, str]:
        if self._status is not None:
            return self._status, self._why
        if (bad := ending.badly(self.plan.options.ok_exit)) is not None:
            return bad
        if not self.processes.look() and not any(file.named for file in files.files):
            return "unwatched", "the probe ran in none of its processes"
        return "complete", ""

    def _document(
        self, status: Status, why: str, *, ending: CommandEnd | None = None, seconds: float = 0.0
    ) -> TrialFile:
        return TrialFile(
            id=self.id,
            status=status,
            exit_code=ending.code if ending else None,
            signal=ending.signal if ending else None,
            why=why,
            started=self._start_facts.started,
            seconds=seconds,
            stop_after=self._stopped_after() if status == "stopped" else self.limits.steps,
            clock_rate=facts.clock_rate(self._controls),
            waited=self._wait.seconds,
            environment=recorded(self._start_facts.environment),
            code=self._start_facts.code,
            notes=self.files.notes,
        )

    def _stopped_after(self) -> int | None:
        """Return how many steps all processes have finished: as many as asked for, or fewer if time was up."""
        made = max(self.processes.steps(), 1)
        return made if self.limits.steps is None else min(made, self.limits.steps)

    def _outcome(self, *, fed: bool) -> dict[str, Any]:
        """Return the fields of the document that come from what the trial left.

        `fed`: the training read files whose writer nobody knows, so no unwatched process is left out.
        """
        processes, became = self.processes.look(), self.processes.became()
        place = ProgramPlace(self.directory, self._start_facts.environment["PATH"])
        printed = facts.metrics_printed(self.folder / "stdout.txt", self.plan.options.metrics)
        return {
            "python_processes": self._pythons.found(
                self.processes.pids(), became, self.folder, was_ended=self._status is not None, fed=fed
            ),
            **facts.noted(processes, self._start_facts.environment),
            "programs": self._pythons.programs(became, facts.started(processes), place),
            "wrote": self.files.names(),
            "packages": facts.packages(processes),
            "machine": facts.machine(processes),
            "metrics": facts.numbers(printed),
            "metrics_printed": printed,
        }
