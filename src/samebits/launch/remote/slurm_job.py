"""Waits for a job that trains by itself: `samebits slurm -- sbatch job.sh`, which can stand after `samebits check --`.

The probe of a check reaches the job through its environment, and writes into the record on the disk that all nodes
share. So the job gets all variables, and it never starts again by itself: one trial is one run of it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from samebits.errors import SamebitsError, UsageError
from samebits.launch.processes.supervisor import SLURM_GUARD
from samebits.launch.remote.exchange import Guard
from samebits.launch.remote.slurm import (
    ANSWERS,
    Call,
    JobState,
    Queue,
    ask,
    environment,
    job_number,
    last_words,
    pace_of,
    refuse_cluster,
    refuse_without_slurm,
)
from samebits_probe import wire

_OWN = ("--parsable", "--export=ALL", "--no-requeue")
_WAITS = ("--wait", "-W")  # samebits itself waits: sbatch would print the job's number only at the end
_EXPORTS = {"SLURM_EXPORT_ENV": "ALL"}  # for each srun in the job
_OUTPUT = re.compile(r"(-o|--output)(=|\s|\S|$)")
_HIDES = re.compile(r"^[^#]*\bsrun\b.*--export[= ](?!ALL)\S+")
_PACE = 0.2


def wait_for_job(words: Sequence[str]) -> int:
    """Submit the job of a call of sbatch, show its output, and return its exit status when it is over.

    If this process ends before, the job is cancelled. Raises UsageError or SamebitsError.
    """
    if not words or Path(words[0]).name != "sbatch":
        raise UsageError("samebits slurm takes an sbatch command.", "samebits slurm -- sbatch job.sh")
    refuse_without_slurm()
    options, script = _divided(list(words[1:]))
    _warn(script[:1])
    all_options = [*options, *_options_in(script[:1])]
    refuse_cluster(all_options)
    has_output = "SBATCH_OUTPUT" in os.environ or any(_OUTPUT.match(option) for option in all_options)
    output = None if has_output else _output_file()
    guard = Guard('test -z "$job" || scancel "$job"', [SLURM_GUARD], environment())
    try:
        redirect = [f"--output={str(output).replace('%', '%%')}"] if output else []
        job = _submitted([words[0], *_OWN, *redirect, *options, *script], guard)
        return _status(job, _end_of(job, output))
    finally:
        guard.close()
        if output is not None:
            output.unlink(missing_ok=True)


def _divided(words: list[str]) -> tuple[list[str], list[str]]:
    """Return the options of sbatch, and the script with its arguments: the first word that is a file."""
    at = next((at for at, word in enumerate(words) if not word.startswith("-") and Path(word).is_file()), len(words))
    return [word for word in words[:at] if word not in _WAITS], words[at:]


def _warn(script: Sequence[str]) -> None:
    """Warn about each srun of the script that keeps the probe out of its programs."""
    for name in script:
        for number, line in enumerate(Path(name).read_text(errors="replace").splitlines(), 1):
            if _HIDES.match(line):
                what = f"samebits: {name}:{number}: samebits does not watch what this srun starts; write --export=ALL."
                print(what, file=sys.stderr)


def _options_in(script: Sequence[str]) -> list[str]:
    """Return the options of sbatch in the lines of a script, each in one word."""
    lines = [line for name in script for line in Path(name).read_text(errors="replace").splitlines()]
    return [word for line in lines if line.startswith("#SBATCH") for word in line.removeprefix("#SBATCH").split()]


def _output_file() -> Path:
    """Return a file for the output, beside the documents of the trial if this runs in one."""
    config = os.environ.get(wire.CONFIG_VARIABLE)
    if config:
        return Path(config).parent / "job.txt"
    return Path.cwd() / f".samebits-job-{secrets.token_hex(4)}.txt"


def _submitted(words: Sequence[str], guard: Guard) -> str:
    """Return the number of the job, which is also given to the guard.

    Raises SamebitsError with what sbatch says. If the call is interrupted, Slurm may have taken the job, so the guard
    gets that number, too.
    """
    call = Call(words, _EXPORTS)
    try:
        while (answer := call.poll()) is None:
            time.sleep(_PACE)
    except KeyboardInterrupt:
        answer = call.wait(ANSWERS)
        call.end() if answer is None else guard.tell(job_number(answer.said))
        raise
    job = job_number(answer.said)
    if not job:
        reason = last_words(answer.complaint) or "sbatch did not print a job"
        raise SamebitsError(f"Slurm does not take the job: {reason}.", "Try the command without `samebits slurm --`.")
    guard.tell(job)
    return job


def _end_of(job: str, output: Path | None) -> list[JobState]:
    """Show the output of the job until all of it is over. Returns how its tasks ended."""
    queue, since, offset, trouble = Queue(f"--jobs={job}"), time.monotonic(), 0, ""
    while True:
        queue.look(pace_of(time.monotonic() - since))
        if queue.trouble != trouble:
            trouble = queue.trouble
            if trouble:
                what = f"Slurm does not give the state of job {job} ({trouble}); samebits keeps waiting"
                print(f"samebits: {what}", file=sys.stderr)
        tasks = list(queue.states.values())
        is_over = queue.has_answered(since) and all(task.is_over for task in tasks)
        offset = _show(output, offset)
        if is_over:
            return tasks
        time.sleep(_PACE)


def _show(output: Path | None, offset: int) -> int:
    """Write what is new in the output. Returns how much of it has been shown."""
    if output is None:
        return offset
    with suppress(FileNotFoundError), output.open("rb") as file:
        file.seek(offset)
        shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return file.tell()
    return offset


def _status(job: str, tasks: Sequence[JobState]) -> int:
    """Return the exit status of the job: 0 only if all of it has ended well."""
    bad = next((task.state for task in tasks if task.state != "COMPLETED"), "")
    if not tasks:
        raise SamebitsError(f"Slurm no longer knows job {job}, so samebits cannot tell how it ended.", "run it again.")
    if not bad:
        return 0
    print(f"samebits: the Slurm job {job} ended with the state {bad}", file=sys.stderr)
    return _exit_code(job) or 1


def _exit_code(job: str) -> int:
    """Return the largest exit status of its tasks, as shells have it; 0 if Slurm does not tell."""
    if shutil.which("scontrol") is None:
        return 0
    pairs = re.findall(r"\bExitCode=(\d+):(\d+)", ask(["scontrol", "show", "job", "--oneliner", job]).said)
    return max((int(code) or (128 + int(number) if int(number) else 0) for code, number in pairs), default=0)
