"""A site of Slurm on this machine alone: munged, slurmctld and slurmd with a configuration and ports of their own.

python tests/slurm_site.py COMMAND ...    starts a site, runs a command that uses it, and stops it
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol", "sinfo", "slurmctld", "slurmd", "munged")
SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
CONFIGURATION = """
ClusterName=samebits
SlurmctldHost=localhost(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=5
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=low Nodes=localhost Default=YES MaxTime=60 State=UP PriorityTier=1
PartitionName=high Nodes=localhost MaxTime=60 State=UP PriorityTier=10
"""


def missing():
    """The first program that a site needs and this machine has not; empty if it has all."""
    return next((name for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None), "")


class NoSite(Exception):
    """The programs are there, and no site came up. The argument: what its daemons said last."""


@contextmanager
def site():
    """A site that runs. Its environment: who has it submits jobs there. Raises NoSite."""
    folder = Path(tempfile.mkdtemp(prefix="slurm", dir="/tmp"))  # the path of a socket is short
    started = []
    try:
        environment = prepared(folder)
        come_up(folder, environment, started)
        yield environment
        asked(environment, "scancel", "--partition=low,high")
        until(lambda: not asked(environment, "squeue", "--noheader", "--states=running,completing,pending"))
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def come_up(folder, environment, started):
    """Start the daemons, and wait until the node is idle."""
    try:
        for words in daemons(folder):
            with (folder / f"{words[0]}.txt").open("wb") as said:
                put = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
                started.append(subprocess.Popen(words, env=environment, cwd=folder, **put))
            if words[0] == "munged":
                until((folder / "munge.socket").exists)
        until(lambda: "idle" in asked(environment, "sinfo", "--noheader", "--format=%T"))
    except TimeoutError:
        ends = [path.read_text(errors="replace").splitlines()[-1:] for path in sorted(folder.glob("*.txt"))]
        raise NoSite("; ".join(line for end in ends for line in end)) from None


@contextmanager
def site_or_skip(skip):
    """A site that runs. `skip`: is told why there is none, and raises."""
    if missing():
        skip(f"there is no {missing()} here: no Slurm to run trials on")
    with ExitStack() as stack:
        try:
            environment = stack.enter_context(site())
        except NoSite as why:
            skip(f"Slurm is installed, and its daemons do not run here: {why}")
        yield environment


def prepared(folder):
    """Write the configuration. The environment of those who use it."""
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o400)
    (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    text = CONFIGURATION.format(folder=folder, user=user, ports=free_ports())
    (folder / "slurm.conf").write_text(text)
    return {**os.environ, "PATH": SEARCHED, "SLURM_CONF": str(folder / "slurm.conf")}


def free_ports():
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def daemons(folder):
    files = {
        "key": "munge.key",
        "socket": "munge.socket",
        "pid": "munged.pid",
        "log": "munged.log",
        "seed": "munge.seed",
    }
    options = [f"--{name}-file={folder / file}" for name, file in files.items() if name != "socket"]
    yield ["munged", "--force", "--foreground", f"--socket={folder / 'munge.socket'}", *options]
    yield ["slurmctld", "-D", "-c", "-f", str(folder / "slurm.conf")]
    yield ["slurmd", "-D", "-f", str(folder / "slurm.conf"), "-N", "localhost"]


def asked(environment, *words):
    done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done.stdout


def until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)


if __name__ == "__main__":
    if missing():
        sys.exit(f"there is no {missing()} here; apt-get install slurm-wlm munge")
    with site() as found:
        sys.exit(subprocess.run(sys.argv[1:], env=found).returncode)
