"""Runs trials as Slurm jobs. Trials that are ordered together are the tasks of one array (see `slurm_array`)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from samebits.errors import UsageError
from samebits.launch import slurm
from samebits.launch.hosts import TrialOrder
from samebits.launch.remote import RemoteTrial, post
from samebits.launch.slurm import Call, is_full, last_words, refusal, refuse_without_slurm
from samebits.launch.slurm_array import Jobs
from samebits.needs import SBATCH, in_options, read_sbatch

__all__ = ["SlurmHost"]

_DEVICES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
_NEEDS = {  # what a trial needs -> how sbatch names it
    "num_cpus": "--cpus-per-task=",
    "num_gpus": "--gres=gpu:",
    "label": "--constraint=",
    "node": "--nodelist=",
}
_NONE = {("num_cpus", "0"), ("num_gpus", "0")}  # sbatch has no option for these
_OF_A_JOB = ("SLURM_", "SBATCH_", "SLURMD_")


class SlurmHost:
    """The site of Slurm that this machine submits jobs to."""

    no_waiting = "trials on Slurm do not wait between rounds"
    slots = 1  # unless the user wants more: trials that share a working folder may disturb each other

    def __init__(self, kind: str, address: str, each: Mapping[str, str]) -> None:
        if address:
            raise UsageError(f"--on {kind}://{address}: Slurm has no address.", f"--on {kind}")
        refuse_without_slurm()
        self._options = submission_options(each)
        slurm.refuse_cluster(self._options)
        refuse_options(self._options)
        if "node" in each and each["node"] not in (known := self.nodes()):  # Slurm would use a different folder
            advice = f"choose from: {', '.join(known)}." if known else "`sinfo --Node` lists the nodes."
            raise UsageError(f"--each node={each['node']}: Slurm has no such node.", advice)
        self._jobs: Jobs | None = None

    def reach(self, directory: Path) -> str:
        """Say nothing: a node that does not find the working folder says so itself."""
        return ""

    def nodes(self) -> list[str]:
        """Return the names of the nodes of the partition. Other options may exclude some of them."""
        chosen = [option for option in self._options if option.startswith(("--partition=", "-p"))]
        call = Call(["sinfo", "--noheader", "--Node", "--format=%N", *chosen[-1:]])
        answer = call.wait(slurm.ANSWERS)
        if answer is None:
            call.end()
            raise no_answer("sinfo said nothing")
        lines = [line.strip() for line in answer.said.splitlines()]
        return sorted({line for line in lines if line and not line.startswith("CLUSTER:")})

    def start(self, order: TrialOrder) -> RemoteTrial:
        """See Host."""
        if self._jobs is None:
            self._jobs = Jobs(order.plan.record, self._options)
        packed = post(order, taken=_DEVICES, without=_OF_A_JOB)
        return RemoteTrial(order, self._jobs.order(order.id, packed))


def submission_options(each: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options of sbatch for what one trial needs. Raises UsageError if sbatch has none for it."""
    found = []
    for name, value in each.items():
        if name != SBATCH and name not in _NEEDS:
            raise UsageError(
                f"{in_options({name: value})}: trials on Slurm cannot ask for this.",
                "leave it out. Options of sbatch go to --sbatch.",
            )
        if name.startswith("num_") and not value.isdigit():
            raise UsageError(f"--each {name}={value}: Slurm takes only whole numbers.", f"--each {name}=1")
        if name != SBATCH and (name, value) not in _NONE:
            found.append(f"{_NEEDS[name]}{value}")
    text = each.get(SBATCH)
    try:
        return (*found, *shlex.split(read_sbatch(text))) if text else tuple(found)
    except ValueError as why:
        raise UsageError(f"--sbatch: {why}", "--sbatch '--partition=a100 --time=60'") from None


_ACCEPTED: set[tuple[str, ...]] = set()


def refuse_options(options: tuple[str, ...]) -> None:
    """Raise UsageError if Slurm does not answer, or does not take a job with these options."""
    if options in _ACCEPTED:
        return
    call = Call(["sbatch", "--test-only", *options, "--export=ALL", "--wrap=true"])
    answer = call.wait(slurm.ANSWERS)
    if answer is None:
        said = call.complaint()
        call.end()
        if not is_full(said):
            raise no_answer(last_words(said) or "sbatch said nothing")
    elif answer.status != 0 and not is_full(answer.complaint):
        raise UsageError(*refusal(answer.complaint))
    _ACCEPTED.add(options)


def no_answer(said: str) -> UsageError:
    """Return the error for a Slurm that does not answer. `said`: its last words."""
    return UsageError(f"Slurm did not answer within {slurm.ANSWERS:g} s: {said}.", "`sinfo` says whether Slurm runs.")
