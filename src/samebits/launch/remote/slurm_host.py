"""Runs trials as Slurm jobs, one job for each.

A worker on the node reads its order from the folder of the record, which all nodes share, and writes the outcome there.
squeue only says why there is no outcome yet, or that there will be none.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping

from samebits.endings import NODE_WAS_LOST
from samebits.errors import UsageError
from samebits.launch.hosts import TaskState
from samebits.launch.node.keeper import worker
from samebits.launch.node.orders import OrderFiles
from samebits.launch.remote import slurm
from samebits.launch.remote.remote_host import RemoteHost
from samebits.launch.remote.slurm import (
    Call,
    JobState,
    Queue,
    is_full,
    job_number,
    last_words,
    pace_of,
    refusal,
    refuse_without_slurm,
)
from samebits.needs import SBATCH, in_options, read_sbatch

_DEVICES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
_NEEDS = {  # what a trial needs -> how sbatch names it
    "num_cpus": "--cpus-per-task=",
    "num_gpus": "--gres=gpu:",
    "label": "--constraint=",
    "node": "--nodelist=",
}
_NONE = {("num_cpus", "0"), ("num_gpus", "0")}  # sbatch has no option for these
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


class SlurmHost(RemoteHost):
    """The site of Slurm that this machine submits jobs to.

    One slot, unless the user wants more: trials that share a working folder may disturb each other.
    """

    no_waiting = "trials on Slurm do not wait between rounds"
    taken = _DEVICES
    own = ("SLURM_", "SBATCH_", "SLURMD_")
    cleanup = 'scancel --name="$0"'

    def __init__(self, kind: str, address: str, each: Mapping[str, str]) -> None:
        if address:
            raise UsageError(f"--on {kind}://{address}: Slurm has no address.", f"--on {kind}")
        refuse_without_slurm()
        self._options = submission_options(each)
        slurm.refuse_cluster(self._options)
        refuse_options(self._options)
        if "node" in each and each["node"] not in (nodes := self.nodes()):  # Slurm would use a different folder
            advice = f"choose from: {', '.join(nodes)}." if nodes else "`sinfo --Node` lists the nodes."
            raise UsageError(f"--each node={each['node']}: Slurm has no such node.", advice)
        self.environment = slurm.environment()
        self._queue: Queue | None = None

    def nodes(self) -> list[str]:
        """Return the names of the nodes of the partition. Other options may exclude some of them."""
        chosen = [option for option in self._options if option.startswith(("--partition=", "-p"))]
        answer = slurm.ask(["sinfo", "--noheader", "--Node", "--format=%N", *chosen[-1:]])
        if answer.status == slurm.NO_ANSWER:
            raise no_answer("sinfo said nothing")
        lines = [line.strip() for line in answer.said.splitlines()]
        return sorted({line for line in lines if line and not line.startswith("CLUSTER:")})

    def begin(self, trial: int, files: OrderFiles) -> SlurmTask:
        """See RemoteHost. All jobs of a record have one name, by which they are found."""
        self._queue = self._queue or Queue(f"--name={files.name}")
        return SlurmTask(trial, files, self._queue, self._words(files))

    def _words(self, files: OrderFiles) -> list[str]:
        return [
            "sbatch",
            *self._options,
            "--parsable",
            "--export=ALL",  # independent of the site's default; the keeper starts with the user's environment
            f"--job-name={files.name}",
            f"--output={str(files.path('txt')).replace('%', '%%')}",
            "--chdir=/",
            f"--wrap=exec {shlex.join(worker(files))}",
        ]


class SlurmTask:
    """See RemoteTask. `words`: those that submit its job."""

    def __init__(self, trial: int, files: OrderFiles, queue: Queue, words: list[str]) -> None:
        self._trial, self._files, self._queue, self._words = trial, files, queue, words
        self._call: Call | None = Call(words)
        self._job, self._since, self._not_before = "", time.monotonic(), 0.0
        self._is_killed = False
        self._refusal: TaskState | None = None

    def look(self) -> TaskState:
        """See RemoteTask."""
        if self._refusal is not None:
            return self._refusal
        if not self._job and (waiting := self._submission()) is not None:
            return waiting
        age = time.monotonic() - self._since
        self._queue.look(0.3 if self._is_killed else pace_of(age))
        if self._queue.trouble:
            trouble = f"Slurm does not give the state of trial {self._trial} ({self._queue.trouble})"
            return TaskState(f"{trouble}; samebits keeps waiting")
        if not self._queue.has_answered(self._since):
            return TaskState()
        state = self._queue.states.get(self._job, JobState(""))
        if state.is_over:
            return self._end(state)
        return self._hopeless(state) if is_hopeless(state) else TaskState(self._waits_for(state))

    def _submission(self) -> TaskState | None:
        """Submit the job, or see whether Slurm has taken it. Return None as soon as it has."""
        full = TaskState(f"trial {self._trial} waits: Slurm takes no more jobs now")
        if self._is_killed:
            return TaskState(is_over=True)
        if self._call is None:
            if time.monotonic() < self._not_before:
                return full
            self._call = Call(self._words)
        answer = self._call.poll()
        if answer is None:
            return full if self._not_before or is_full(self._call.complaint()) else TaskState()
        self._call, self._job, self._since = None, job_number(answer.said), time.monotonic()
        if self._job:
            return None
        if is_full(answer.complaint):
            self._not_before = time.monotonic() + _AGAIN
            return full
        return self._refused(*refusal(answer.complaint + answer.said))

    def _refused(self, what: str, advice: str) -> TaskState:
        self._refusal = TaskState(is_over=True, message=what, advice=advice)
        return self._refusal

    def _waits_for(self, state: JobState) -> str:
        if state.state != "PENDING":
            return ""
        return f"trial {self._trial} waits in the Slurm queue (job {self._job}, {state.reason})"

    def _end(self, state: JobState) -> TaskState:
        """Return how a job ended, which counts only if it has left no outcome."""
        if self._files.path("began").exists():
            lines = [line for line in self._files.printed().split("\n") if line.strip()]
            detail = f" ({lines[-1]})" if lines else ""
            why = _WHY.get(state.state) or f"its Slurm job ended with the state {state.state}{detail}"
            return TaskState(is_over=True, why=why)
        how = state.state or "Slurm no longer knows it"
        detail = f": {words}" if (words := last_words(self._files.printed())) else ""
        advice = "make sure that all nodes have this Python, samebits and the folder of the record at the same paths."
        if state.state == "CANCELLED":
            advice = "run the command again."
        what = f"The Slurm job {self._job} ended before its trial began ({how}){detail}."
        return TaskState(is_over=True, message=what, advice=advice)

    def _hopeless(self, state: JobState) -> TaskState:
        """Cancel a job that can never run."""
        self.kill()
        what = f"Slurm will not run the job {self._job} of trial {self._trial}: {state.reason}."
        return self._refused(what, "give --sbatch different options, such as --partition=NAME or --time=60.")

    def kill(self) -> None:
        """See RemoteTask. A job that Slurm takes at this moment is cancelled by its name when samebits ends."""
        if self._is_killed:
            return
        self._is_killed = True
        if self._call is not None:
            self._call.end()
        self._call = Call(["scancel", self._job]) if self._job else None


def is_hopeless(state: JobState) -> bool:
    """Return whether a job can never run."""
    return state.reason in _HOPELESS or _HELD_AFTER_FAILURE in state.reason.replace("_", " ").lower()


def submission_options(each: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options of sbatch for what one trial needs. Raises UsageError if sbatch has none for it."""
    options = []
    for name, value in each.items():
        if name != SBATCH and name not in _NEEDS:
            raise UsageError(
                f"{in_options({name: value})}: trials on Slurm cannot ask for this.",
                "leave it out. Options of sbatch go to --sbatch.",
            )
        if name.startswith("num_") and not value.isdigit():
            raise UsageError(f"--each {name}={value}: Slurm takes only whole numbers.", f"--each {name}=1")
        if name != SBATCH and (name, value) not in _NONE:
            options.append(f"{_NEEDS[name]}{value}")
    text = each.get(SBATCH)
    try:
        return (*options, *shlex.split(read_sbatch(text))) if text else tuple(options)
    except ValueError as why:
        raise UsageError(f"--sbatch: {why}", "--sbatch '--partition=a100 --time=60'") from None


_ACCEPTED: set[tuple[str, ...]] = set()


def refuse_options(options: tuple[str, ...]) -> None:
    """Raise UsageError if Slurm does not answer, or does not take a job with these options."""
    if options in _ACCEPTED:
        return
    answer = slurm.ask(["sbatch", "--test-only", *options, "--export=ALL", "--wrap=true"])
    if answer.status != 0 and not is_full(answer.complaint):
        if answer.status == slurm.NO_ANSWER:
            raise no_answer(last_words(answer.complaint) or "sbatch said nothing")
        raise UsageError(*refusal(answer.complaint))
    _ACCEPTED.add(options)


def no_answer(output: str) -> UsageError:
    """Return the error for a Slurm that does not answer. `output`: its last words."""
    return UsageError(f"Slurm did not answer within {slurm.ANSWERS:g} s: {output}.", "`sinfo` says whether Slurm runs.")
