"""Calls the programs of Slurm (https://slurm.schedmd.com) and reads their answers, without blocking."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, NamedTuple

from samebits.errors import UsageError

_PROGRAMS = ("sbatch", "squeue", "scancel")
_FORM = "%i|%T|%r"  # job, state, reason
# https://slurm.schedmd.com/job_state_codes.html: the final states
_OVER = (
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",
    "TIMEOUT",
)  # fmt: skip
# variables that users set for their own calls would hide jobs from samebits, or make it wait
_LEFT_OUT = re.compile(r"(SQUEUE|SCANCEL)_.*|SBATCH_(WAIT|WRAP|ARRAY_INX|HOLD|IGNORE_PBS|QUIET)")
ANSWERS = 10.0  # seconds in which Slurm says whether it takes a job
NO_ANSWER = -1000  # no exit status
_FULL = ("queue full", "temporarily un", "currently disabled", "submit limit")
_CLUSTER = re.compile(r"(-M.*|--cl(?!uster-constraint)\w*)(=.*)?")
_UNKNOWN = "Invalid job id"


class SlurmAnswer(NamedTuple):
    """What a program printed, and its exit status. `complaint`: its standard error."""

    status: int
    said: str
    complaint: str


class Call:
    """A program that runs while samebits goes on. Ctrl-C does not reach it. `variables`: added to its environment."""

    def __init__(self, words: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (both are closed by the finalizer)
        self._complaint = tempfile.TemporaryFile()  # noqa: SIM115
        self._close = weakref.finalize(self, _close, self._output, self._complaint)
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._complaint,
            env={**environment(), **(variables or {})},
            start_new_session=True,
        )
        self._kill = weakref.finalize(self, _kill, self._process)  # if nobody waits for the answer any more

    def poll(self) -> SlurmAnswer | None:
        """Return the answer, or None while the program runs. It does not block."""
        status = self._process.poll()
        if status is None:
            return None
        self._output.seek(0)
        answer = SlurmAnswer(status, self._output.read().decode(errors="replace"), self.complaint())
        self._close()
        return answer

    def wait(self, seconds: float) -> SlurmAnswer | None:
        """Wait at most so many seconds, then return the answer, or None if the program still runs."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.poll()

    def complaint(self) -> str:
        """Return what the program has printed on standard error so far."""
        self._complaint.seek(0)
        return self._complaint.read().decode(errors="replace")

    def end(self) -> None:
        """End the program."""
        self._kill()
        self._close()


def ask(words: Sequence[str]) -> SlurmAnswer:
    """Call a program and wait for its answer. If none comes within ANSWERS seconds, the status is NO_ANSWER."""
    call = Call(words)
    answer = call.wait(ANSWERS) or SlurmAnswer(NO_ANSWER, "", call.complaint())
    call.end()
    return answer


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _close(*files: IO[bytes]) -> None:
    for file in files:
        file.close()


def environment() -> dict[str, str]:
    """Return the variables of a call. All programs read SLURM_CLUSTERS, and only sbatch reads SBATCH_CLUSTERS."""
    clusters = os.environ.get("SBATCH_CLUSTERS")
    own = {name: value for name, value in os.environ.items() if not _LEFT_OUT.fullmatch(name)}
    return {**own, "SLURM_CLUSTERS": clusters} if clusters else own


def refuse_without_slurm() -> None:
    """Raise UsageError if this machine does not have the programs of Slurm."""
    missing = next((name for name in _PROGRAMS if shutil.which(name) is None), None)
    if missing is not None:
        what = f"Slurm is not installed on this machine: there is no {missing}."
        raise UsageError(what, "Run samebits on a machine from which jobs are submitted.")


def refuse_cluster(options: Sequence[str]) -> None:
    """Raise UsageError if an option of sbatch names a cluster: squeue and scancel would ask a different one."""
    forbidden = next((option for option in options if _CLUSTER.fullmatch(option)), None)
    if forbidden is not None:
        what = f"{forbidden}: samebits cannot choose a cluster by an option of sbatch."
        raise UsageError(what, "leave it out, and export SLURM_CLUSTERS=NAME: all programs of Slurm read that.")


def job_number(output: str) -> str:
    """Return the job's number from the output of `sbatch --parsable` (NUMBER[;CLUSTER]), or an empty text."""
    match = re.search(r"^(\d+)(;.*)?$", output, re.MULTILINE)
    return match.group(1) if match else ""


def last_words(text: str) -> str:
    """Return the last two lines that a program of Slurm printed, without the program's name."""
    lines = [re.sub(r"^\w+: (error: )?", "", line.strip()) for line in text.splitlines() if line.strip()]
    return "; ".join(line.rstrip(".") for line in lines[-2:])


def is_full(output: str) -> bool:
    """Return whether sbatch said that Slurm takes no job now."""
    return any(words in output for words in _FULL)


def refusal(complaint: str) -> tuple[str, str]:
    """Return (a sentence about what sbatch said, what to do next)."""
    reason = last_words(complaint) or "sbatch gave no reason"
    advice = (
        "`sinfo -o '%P %c %m %G %f'` lists the cores, the memory, the GPUs and the features of each partition, and "
        "`sbatch --help` the options."
    )
    return f"Slurm does not take the jobs of the trials: {reason}.", advice


class JobState(NamedTuple):
    """The state of a job, or of one task of it, as squeue names it. It is empty if Slurm no longer knows the job."""

    state: str
    reason: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the job has ended and will not run again."""
        return not self.state or self.state in _OVER


class Queue:
    """Asks squeue from time to time about jobs. `chosen`: the option that names them.

    `states`: by the number of the job, or of the task. `trouble`: why squeue gave no answer.
    """

    def __init__(self, chosen: str) -> None:
        self._chosen = chosen
        self.states: dict[str, JobState] = {}
        self._call: Call | None = None
        self._asked = self._answered = 0.0
        self.trouble = ""

    def look(self, pace: float) -> None:
        """Ask squeue if it is time, or read its answer. It does not block. `pace`: seconds between two questions."""
        if self._call is not None:
            answer = self._call.poll()
            if answer is not None:
                self._call = None
                self._hear(answer)
        elif time.monotonic() - self._asked >= pace:
            self._asked = time.monotonic()
            self._call = Call(["squeue", "--noheader", "--array", "--states=all", f"--format={_FORM}", self._chosen])

    def _hear(self, answer: SlurmAnswer) -> None:
        if answer.status != 0 and _UNKNOWN not in answer.complaint:
            self.trouble = last_words(answer.complaint) or f"squeue ended with exit status {answer.status}"
            return
        self.trouble, self._answered = "", self._asked
        rows = [line.strip().split("|") for line in answer.said.splitlines()]
        # Slurm soon forgets jobs in these states
        over = {name: state for name, state in self.states.items() if state.is_over}
        self.states = {**over, **{row[0]: JobState(*row[1:]) for row in rows if len(row) == 3}}

    def has_answered(self, since: float) -> bool:
        """Return whether squeue gave an answer to a question that was asked after a moment of the monotonic clock."""
        return self._answered > since


def pace_of(age: float) -> float:
    """Return the seconds between two questions about a job; fewer while the job is young."""
    return 1.0 if age < 60 else 5.0 if age < 600 else 15.0
