"""The Slurm jobs of a record: submits arrays of trials and follows each task.

A worker on the node (see `samebits.launch.slurm_worker`) reads its order from the folder of the record, which all nodes
share, and writes the outcome there. Only that file counts. squeue only says why it is not there yet, or that it will
never come.
"""

from __future__ import annotations

import pickle
import secrets
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from samebits.launch.custody import JOBS
from samebits.launch.keeper import Delivery, Post
from samebits.launch.remote import packed_code
from samebits.launch.slurm import (
    ANSWERS,
    Call,
    Cancellations,
    Guard,
    Queue,
    TaskState,
    is_full,
    job_number,
    last_words,
    refusal,
)
from samebits.launch.slurm_worker import CODE
from samebits.model import NODE_WAS_LOST

__all__ = ["ArrayJob", "Jobs", "SlurmTask"]

_FOLDER = str(Path(__file__).resolve().parents[2])
_BOOT = "import sys; sys.path.append(sys.argv[1]); from samebits.launch.slurm_worker import main; main(sys.argv[2])"
_LOOK = 0.1  # seconds between two looks for a file
_SETTLES = 2.0  # seconds in which a file can still appear when its job is over,
_SETTLES_LATE = 15.0  # and if the job ended well: other machines see files of a shared disk late
_TELLS = 5.0  # seconds in the queue before the user hears of it
_AGAIN = 10.0  # seconds until samebits submits a job again for which the queue was full
# reasons of squeue that never pass by themselves: https://slurm.schedmd.com/job_reason_codes.html
_HOPELESS = (
    "AccountNotAllowed", "BadConstraints", "DependencyNeverSatisfied", "InvalidAccount", "InvalidQOS", "JobHeldAdmin",
    "PartitionNodeLimit", "PartitionTimeLimit", "QOSNotAllowed",
)  # fmt: skip
_HELD_AFTER_FAILURE = "launch failed"
_WHY = {  # how the job of a trial that had begun ended
    "": "its Slurm job is gone",
    "CANCELLED": "its Slurm job was cancelled",
    "NODE_FAIL": NODE_WAS_LOST,
    "OUT_OF_MEMORY": "Slurm ended its job because it used too much memory",
    "PREEMPTED": "Slurm ended its job to make room for a job of higher priority",
    "TIMEOUT": "Slurm ended its job because it reached its time limit",
}


class Jobs:
    """The jobs of one record, and the folder in which samebits and its workers meet.

    However samebits ends, the jobs are cancelled and the folder is removed.
    """

    def __init__(self, record: Path, options: Sequence[str]) -> None:
        digits = secrets.token_hex(4)
        self.folder, self.name, self.options = record / f"{JOBS}{digits}", f"samebits-{digits}", options
        self.folder.mkdir(mode=0o700)
        self.queue = Queue()
        script = 'scancel --name="$0"; rm -rf "$1"'
        self._guard = Guard(script, [self.name, str(self.folder)])
        (self.folder / CODE).write_bytes(packed_code(record))
        self._latest: ArrayJob | None = None
        self._count = 0
        self._cancellations = Cancellations(self.queue)

    def order(self, trial: int, order: Post) -> SlurmTask:
        """Order a trial. It is submitted, together with those that are ordered meanwhile, at the next look."""
        if self._latest is None or self._latest.is_submitted:
            self._count += 1
            self._latest = ArrayJob(self, self._count)
        task = SlurmTask(self._latest, trial)
        task.path("order").write_bytes(pickle.dumps(order, protocol=4))
        self._latest.tasks.append(task)
        return task

    def cancel(self, name: str) -> None:
        """Cancel a task at the next look, together with those that are cancelled meanwhile."""
        self._cancellations.add(name)

    def look(self) -> None:
        """Tell Slurm which tasks to cancel. Returns at once."""
        self._cancellations.look()


class ArrayJob:
    """An array of trials that were ordered together. `id`: the job's number, empty until Slurm has taken the job.

    `refusal`: why Slurm will never take it. `number`: the names of its tasks' files begin with it.
    """

    def __init__(self, jobs: Jobs, number: int) -> None:
        self.jobs, self.number, self.id = jobs, number, ""
        self.tasks: list[SlurmTask] = []
        self.refusal: Delivery | None = None
        self._call: Call | None = None
        self._not_before = 0.0
        self.since = time.monotonic()
        self.waits_for_place = False

    @property
    def is_submitted(self) -> bool:
        """Whether no task can be added."""
        return bool(self._call or self.id or self.refusal or self.waits_for_place)

    def look(self) -> None:
        """Submit the job, or see whether Slurm has taken it. Returns at once."""
        if self.id or self.refusal is not None:
            return
        if self._call is None:
            if self.tasks and time.monotonic() >= self._not_before:
                self._call = Call(self._words())
            return
        answer = self._call.poll()
        self.waits_for_place = self.waits_for_place or (answer is None and is_full(self._call.complaint()))
        if answer is None:
            return
        self._call, self.id = None, job_number(answer.said)
        if self.id:
            self.since, self.waits_for_place = time.monotonic(), False
            self.jobs.queue.add(self.id)
        elif is_full(answer.complaint):
            self._wait_for_place()
        else:
            what, advice = refusal(answer.complaint + answer.said)
            self.refusal = Delivery(message=what, advice=advice)

    def _wait_for_place(self) -> None:
        """Try again later, in two halves, because there may never be room for all at once."""
        self.waits_for_place, self._not_before = True, time.monotonic() + _AGAIN
        half = len(self.tasks) // 2
        if half:
            other = ArrayJob(self.jobs, self.number)
            other.waits_for_place, other._not_before = True, self._not_before
            self.tasks, other.tasks = self.tasks[:half], self.tasks[half:]
            for task in other.tasks:
                task.job = other

    def _words(self) -> list[str]:
        stem = self.jobs.folder / str(self.number)
        worker = shlex.join([sys.executable, "-c", _BOOT, _FOLDER])
        script = stem.with_suffix(".sh")
        script.write_text(f'#!/bin/sh\nexec {worker} {shlex.quote(str(stem))}-"$SLURM_ARRAY_TASK_ID"\n')
        return [
            "sbatch",
            *self.jobs.options,
            "--parsable",
            "--export=ALL",  # independent of the site's default; the keeper starts with the user's environment
            f"--job-name={self.jobs.name}",
            f"--array={','.join(str(task.trial) for task in self.tasks)}",
            f"--output={str(stem).replace('%', '%%')}-%a.txt",
            "--chdir=/",
            str(script),
        ]


class SlurmTask:
    """See RemoteTask."""

    def __init__(self, job: ArrayJob, trial: int) -> None:
        self.job, self.trial = job, trial
        self._stem = job.jobs.folder / f"{job.number}-{trial}"
        self._outcome: Delivery | None = None
        self._is_cancelled = self._is_cancelling = False
        self._looked = self._over_since = self._began = 0.0
        self._told = ""

    def path(self, ending: str) -> Path:
        """Return the path of one of the task's files."""
        return self._stem.with_name(f"{self._stem.name}.{ending}")

    @property
    def name(self) -> str:
        """The task as Slurm names it."""
        return f"{self.job.id}_{self.trial}"

    def poll(self) -> Delivery | None:
        """See RemoteTask."""
        if self._outcome is None and time.monotonic() - self._looked > _LOOK:
            self._looked = time.monotonic()
            self._outcome = self._look()
            if self._outcome is not None:
                self._clear()
        return self._outcome

    def _look(self) -> Delivery | None:
        self.job.look()
        if self.job.refusal is not None or not self.job.id:
            return Delivery(lost=True) if self._is_cancelled and self._withdrawn() else self.job.refusal
        self._cancel_job()
        self.job.jobs.look()
        if (outcome := self._delivered()) is not None:
            return outcome
        self.job.jobs.queue.look(0.3 if self._is_cancelled else self._pace())
        state = self._state()
        if state is None:
            return None
        if state.is_over:
            return self._ended(state)
        self._over_since = 0.0
        return self._hopeless(state)

    def _pace(self) -> float:
        """Return the seconds between two questions to Slurm; fewer while the job is young."""
        age = time.monotonic() - self.job.since
        return 1.0 if age < 60 or self._over_since else 5.0 if age < 600 else 15.0

    def _state(self) -> TaskState | None:
        return self.job.jobs.queue.state(self.job.id, str(self.trial))

    def _withdrawn(self) -> bool:
        """Return whether it can be taken out of its job, because Slurm has not taken the job yet.

        A job that is being submitted has to arrive first.
        """
        if self.job._call is not None:
            return False
        if self in self.job.tasks:
            self.job.tasks.remove(self)
        return True

    def _delivered(self) -> Delivery | None:
        """Return the outcome that the worker has written, or None."""
        with suppress(FileNotFoundError):
            found: Delivery = pickle.loads(self.path("outcome").read_bytes())
            return found
        return None

    def _ended(self, state: TaskState) -> Delivery | None:
        """Return the outcome of a job that is over and has written none, once the file had time to appear."""
        if self._is_cancelled:
            self._touch()
            return self._delivered() or Delivery(lost=True)
        now, settles = time.monotonic(), _SETTLES_LATE if state.state in ("", "COMPLETED") else _SETTLES
        self._over_since = self._over_since or now
        if now - self._over_since < settles or self.job.jobs.queue.answered < self._over_since:
            return None
        self._touch()
        if (outcome := self._delivered()) is not None:
            return outcome
        if self.path("began").exists():
            return Delivery(lost=True, why=_WHY.get(state.state) or self._failed(state))
        return self._not_begun(state)

    def _touch(self) -> None:
        """Make this machine look at the folder again: a shared disk may still show it as it was."""
        mark = self.path("look")
        with suppress(OSError):
            mark.touch()
            mark.unlink()

    def _failed(self, state: TaskState) -> str:
        """Return why the job of a trial that had begun ended, with the last line that its worker printed."""
        lines = self._printed().split("\n")
        said = next((f" ({line})" for line in reversed(lines) if line.strip()), "")
        return f"its Slurm job ended with the state {state.state}{said}"

    def _not_begun(self, state: TaskState) -> Delivery:
        how = state.state or "Slurm no longer knows it"
        said = f": {words}" if (words := last_words(self._printed())) else ""
        what = f"The Slurm job {self.name} ended before its trial began ({how}){said}."
        advice = "make sure that all nodes have this Python, samebits and the folder of the record at the same paths."
        if state.state == "CANCELLED":
            advice = "run the command again."
        return Delivery(message=what, advice=advice)

    def _printed(self) -> str:
        with suppress(OSError):
            return self.path("txt").read_text(errors="replace")[-4000:]
        return ""

    def _hopeless(self, state: TaskState) -> Delivery | None:
        """Return a refusal if the job can never run; None otherwise."""
        if state.reason not in _HOPELESS and _HELD_AFTER_FAILURE not in state.reason.replace("_", " ").lower():
            return None
        call = Call(["scancel", self.name])
        if call.wait(ANSWERS) is None:
            call.end()
        what = f"Slurm will not run the job {self.name} of trial {self.trial}: {state.reason}."
        return Delivery(message=what, advice="give --sbatch different options, such as --partition=NAME or --time=60.")

    def _clear(self) -> None:
        for ending in ("order", "began", "outcome", "part", "txt"):
            with suppress(OSError):
                self.path(ending).unlink()

    def news(self) -> str:
        """See RemoteTask."""
        said = "" if self._is_cancelled or time.monotonic() - self.job.since < _TELLS else self._waits_for()
        if said == self._told:
            return ""
        self._told = said
        return said

    def _waits_for(self) -> str:
        trouble, state = self.job.jobs.queue.trouble, self._state()
        if self.job.waits_for_place:
            return f"trial {self.trial} waits: Slurm takes no more jobs now"
        if trouble:
            return f"Slurm does not give the state of trial {self.trial} ({trouble}); samebits keeps waiting"
        if state is None or state.state != "PENDING":
            return ""
        if self.path("began").exists():
            self._began = self._began or time.monotonic()
            if self.job.jobs.queue.answered <= self._began:  # Slurm was asked before the trial began
                return ""
            where = f"(job {self.name}, {state.reason})"
            return f"Slurm put trial {self.trial} back into its queue: it will start again {where}"
        return f"trial {self.trial} waits in the Slurm queue (job {self.name}, {state.reason})"

    def cancel(self) -> None:
        """See RemoteTask."""
        self._is_cancelled, self._looked = True, 0.0
        self._cancel_job()

    def _cancel_job(self) -> None:
        """Cancel its job, once, if Slurm has taken that already."""
        if self._is_cancelled and self.job.id and not self._is_cancelling:
            self._is_cancelling = True
            self.job.jobs.cancel(self.name)
