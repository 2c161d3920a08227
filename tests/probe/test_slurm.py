"""Trials as jobs of a real Slurm: a site of one node on this machine."""

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import without_surroundings

from samebits.errors import UsageError
from samebits.launch.hosts import connect
from samebits.launch.remote.remote_host import _place

slurm_site = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "slurm_site.py")))
STEPS = """import os, sys
import samebits_probe
noise = float.fromhex(os.urandom(4).hex()) if "noise" in sys.argv else 0.0
for step in range(30):
    samebits_probe.observe("weights/w", 1.0 + step + noise, step=step)
print([name for name in os.environ if name.startswith("SLURM_") and name != "SLURM_CONF"])
if "fails" in sys.argv:
    sys.exit(7)
"""
# fewer steps than a first round has: if the machine is too slow for more, the round would end before the program hangs
HANGS = """import pathlib, subprocess, sys, time
import samebits_probe
for step in range(10):
    samebits_probe.observe("weights/w", 1.0 + step, step=step)
mark = pathlib.Path(sys.argv[1])
if "once" not in sys.argv or not mark.exists():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]])
    mark.write_text("")
    time.sleep(600)
"""
SAMPLES = Path(__file__).resolve().parents[1] / "samples"
JOB = '#!/bin/sh\n#SBATCH --job-name=own --output=/dev/null\nsrun --cpu-bind=none "$@"\n'
SHOWN = '#!/bin/sh\nsrun --cpu-bind=none "$@"\n'


@pytest.fixture(scope="module")
def site():
    """The environment of who uses the site."""
    with slurm_site.site_or_skip(pytest.skip) as environment:
        path = str(Path(sys.executable).parent) + os.pathsep + environment["PATH"]
        yield {**environment, "PATH": path}


@pytest.fixture
def programs(tmp_path):
    """A working folder with the programs of these tests."""
    found = {"steps.py": STEPS, "hangs.py": HANGS, "job.sh": JOB, "shown.sh": SHOWN}
    for name, text in found.items():
        (tmp_path / name).write_text(text)
    shutil.copy(SAMPLES / "twin.py", tmp_path)
    return tmp_path


@pytest.fixture
def mark():
    """A file that no trial of a check finds in its folder."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "began"


def words(*more, begin=("-n", 2, "--out", "record")):
    return [sys.executable, "-m", "samebits", "check", *map(str, (*begin, *more))]


def run(folder, site, *more, **begin):
    return called(folder, site, words(*more, **begin))


def called(folder, site, command):
    pipes = {"stdin": subprocess.DEVNULL, "capture_output": True}
    done = subprocess.run(command, cwd=folder, env=site, text=True, timeout=300, **pipes)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def checking(programs, site, begun):
    """Function(*words of a check) -> the check, which runs."""
    return lambda *more: begun(words(*more), programs, site)


def jobs(site, form="%i"):
    """The jobs that are not over."""
    return slurm_site.asked(site, "squeue", "--noheader", "--array", f"--format={form}").split()


def hour_of(site):
    """Let a job run soon that Slurm has queued again for later.

    The node refuses a job ("Job credential revoked") that starts within the second in which it ended the first one.
    """
    slurm_site.until(lambda: jobs(site, "%r") == ["BeginTime"])
    slurm_site.asked(site, "scontrol", "update", f"JobId={jobs(site)[0]}", "StartTime=now+3")


@pytest.fixture
def all_is_gone(site, mark, programs, processes_of):
    """Function that returns when nothing of the trials is left."""

    def gone():
        slurm_site.until(lambda: not jobs(site))
        slurm_site.until(lambda: not processes_of(mark))
        slurm_site.until(lambda: not _place(programs / "record").exists())
        slurm_site.until(lambda: not list((programs / "record").glob(".samebits-????????")))

    return gone


def trial(folder, number):
    return json.loads((folder / "record" / "trials" / f"{number:03d}" / "trial.json").read_text())


def test_trials_on_slurm_repeat_with_the_result_of_this_machine(programs, site, mark, all_is_gone):
    """A site that gives jobs no variables by itself, and on which a user lists and waits for jobs differently."""
    odd = {"SBATCH_EXPORT": "NONE", "SBATCH_WAIT": "1", "SQUEUE_STATES": "FAILED", "SQUEUE_FORMAT": "%j"}
    done = run(programs, {**site, **odd}, "--full", "--jobs", 2, "--on", "slurm", "steps.py")
    assert done.returncode == 0, done.stderr
    here = run(programs, {**site, **odd}, "--full", "--jobs", 2, "--out", "here", "steps.py")
    assert here.returncode == 0, here.stderr
    there, local = (json.loads((programs / name / "result.json").read_text()) for name in ("record", "here"))
    assert without_surroundings(there) == without_surroundings(local)
    for number in (1, 2):
        machine = trial(programs, number)["machine"]
        assert machine["node"] == "localhost"
        assert machine["affinity"] == ",".join(map(str, sorted(os.sched_getaffinity(0))))
        assert (programs / "record" / "trials" / f"{number:03d}" / "stdout.txt").read_text() == "[]\n"
    states = slurm_site.asked(site, "squeue", "--noheader", "--array", "--states=all", "--format=%i").split()
    assert len(states) == 2  # a job for each trial
    added = run(programs, site, "--add", 1, "record", begin=())
    assert (added.returncode, trial(programs, 3)["machine"]["node"]) == (0, "localhost"), added.stderr
    all_is_gone()


@pytest.mark.slow
def test_locate_looks_at_trials_on_slurm(programs, site, mark, all_is_gone):
    command = [sys.executable, "-m", "samebits", "locate", "-n", "2", "--full", "--jobs", "2", "--on", "slurm"]
    done = called(programs, site, [*command, "--out", "record", "steps.py", "noise"])
    assert done.returncode == 1, done.stdout + done.stderr
    assert "located: They diverge at step 0 > " in done.stdout
    assert "of step 0 in 2 trials: 1 diverged, first at step 0 > " in done.stdout
    assert not list((programs / "record" / "locate").glob("trials"))
    all_is_gone()


def test_two_trainings_are_compared_on_slurm(programs, site):
    command = [sys.executable, "-m", "samebits", "parity", "train", "--on", "slurm", "twin.py", "twin.py"]
    done = called(programs, site, [*command, "--json", "found.json"])
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((programs / "found.json").read_text())
    assert (found["verdict"], len(found["pairs"])) == ("agree", 2)
    assert jobs(site) == []


@pytest.mark.slow
def test_a_cancelled_job_ends_its_trial(programs, site, checking, mark, all_is_gone):
    check = checking("--on", "slurm", "hangs.py", mark)
    slurm_site.until(mark.exists)
    slurm_site.asked(site, "scancel", *jobs(site))
    check.ended(3)
    assert (trial(programs, 1)["status"], trial(programs, 1)["why"]) == ("killed", "its Slurm job was cancelled")
    assert not (programs / "record" / "trials" / "002").exists()
    all_is_gone()


@pytest.mark.slow
def test_a_killed_worker_ends_its_trial(programs, site, checking, mark, all_is_gone):
    check = checking("--on", "slurm", "hangs.py", mark)
    slurm_site.until(mark.exists)
    workers = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if is_worker(path, programs)]
    assert len(workers) == 1
    os.kill(workers[0], signal.SIGKILL)
    check.ended(3)
    assert (trial(programs, 1)["status"], trial(programs, 1)["why"]) == (
        "killed",
        "its Slurm job ended with the state FAILED",
    )
    all_is_gone()


def is_worker(path, folder):
    with suppress(OSError):
        line = path.read_bytes()
        return b"import work;" in line and os.fsencode(folder) in line
    return False


def test_a_stop_cancels_the_jobs(programs, site, checking, mark, all_is_gone):
    check = checking("--full", "--jobs", 2, "--on", "slurm", "hangs.py", mark)
    slurm_site.until(mark.exists)
    check.send_signal(signal.SIGINT)
    assert "stopped by Ctrl-C" in check.ended(130)
    assert jobs(site) == []
    assert [trial(programs, number)["status"] for number in (1, 2)] == ["killed", "killed"]
    all_is_gone()


@pytest.mark.slow
def test_a_killed_samebits_leaves_no_job(programs, site, checking, mark, all_is_gone):
    check = checking("--on", "slurm", "hangs.py", mark)
    slurm_site.until(mark.exists)
    check.kill()
    check.wait()
    all_is_gone()
    assert trial(programs, 1)["why"] == "samebits ended before the trial did"


@pytest.mark.slow(seconds=15)
def test_a_preempted_trial_starts_again_and_counts_once(programs, site, checking, mark, all_is_gone):
    check = checking("--on", "slurm", "--sbatch", "--partition=low --requeue", "hangs.py", mark, "once")
    slurm_site.until(mark.exists)
    more_urgent = ["sbatch", "--partition=high", "--ntasks=2", "--output=/dev/null", "--wrap=true"]
    slurm_site.asked(site, *more_urgent)
    hour_of(site)
    assert "Slurm put this trial's job back into its queue once, so the trial started again" in check.ended(0)
    result = json.loads((programs / "record" / "result.json").read_text())
    assert (result["groups"], [one["status"] for one in result["trials"]]) == ([[1, 2]], ["complete", "complete"])
    all_is_gone()


@pytest.mark.slow
def test_a_full_queue_is_told_and_a_job_that_cannot_begin_is_an_error(programs, site, mark, all_is_gone):
    """The node is busy first. Then the Python of samebits is not there."""
    own = programs / "python"
    own.symlink_to(sys.executable)
    paths = os.pathsep.join(path for path in sys.path if path)
    busy = slurm_site.asked(
        site, "sbatch", "--parsable", "--ntasks=2", "--output=/dev/null", "--wrap=sleep 600"
    ).strip()
    slurm_site.until(lambda: jobs(site, "%T") == ["RUNNING"])
    check = subprocess.Popen(
        [own, *words("--on", "slurm", "steps.py")[1:]], cwd=programs, env={**site, "PYTHONPATH": paths}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    said = ""
    while "waits in the Slurm queue" not in said:
        said = check.stderr.readline()
        assert said
    assert said.endswith(", Resources)\n")
    own.unlink()
    slurm_site.asked(site, "scancel", busy)
    _, complaint = check.communicate(timeout=300)
    assert check.returncode == 2, complaint
    assert " ended before its trial began (FAILED): " in complaint
    assert "not found" in complaint
    assert "all nodes have this Python, samebits and the folder of the record at the same paths." in complaint
    all_is_gone()


@pytest.mark.parametrize(
    ("needs", "what", "advice"),
    [
        ({"sbatch": "--nosuch"}, "unrecognized option '--nosuch'", "sbatch --help"),
        ({"num_gpus": "64"}, "Invalid generic resource (gres) specification.", "sinfo -o"),
        ({"num_cpus": "64000"}, "Requested node configuration is not available.", "sinfo -o"),
        ({"label": "a100"}, "Invalid feature specification.", "sinfo -o"),
        ({"node": "n7"}, "--each node=n7: Slurm has no such node.", "choose from: localhost."),
    ],
)
def test_what_slurm_does_not_take_is_refused(site, monkeypatch, needs, what, advice):
    monkeypatch.setenv("PATH", site["PATH"])
    monkeypatch.setenv("SLURM_CONF", site["SLURM_CONF"])
    with pytest.raises(UsageError) as refused:
        connect("slurm", needs)
    assert what in refused.value.message
    assert advice in refused.value.advice


def test_a_partition_that_does_not_exist_is_refused_before_anything_is_written(programs, site):
    done = run(programs, site, "--on", "slurm", "--sbatch", "--partition=nosuch", "steps.py")
    assert (done.returncode, (programs / "record").exists()) == (2, False)
    assert "Invalid partition name specified.\n   do this  `sinfo -o" in done.stderr


@pytest.mark.slow
def test_a_job_that_would_wait_for_ever_is_refused(programs, site):
    done = run(programs, site, "--on", "slurm", "--sbatch", "--time=9-0", "steps.py")
    assert (done.returncode, jobs(site)) == (2, [])
    assert "PartitionTimeLimit" in done.stderr


@pytest.mark.slow(seconds=15)
def test_a_job_that_trains_by_itself_is_watched(programs, site):
    """A site on which neither a job nor what it starts gets variables by itself."""
    bare = {**site, "SBATCH_EXPORT": "NONE", "SLURM_EXPORT_ENV": "NONE"}
    submit = ("--", "samebits", "slurm", "--", "sbatch")
    done = run(programs, bare, *submit, "shown.sh", sys.executable, "steps.py")
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((programs / "record" / "result.json").read_text())
    assert (result["verdict"], result["scope"]["steps_compared"]) == ("repeated", 30)
    assert [note for note in result["warnings"] if "scancel" in note] == []
    assert "SLURM_JOB_ID" in (programs / "record" / "trials" / "001" / "stdout.txt").read_text()
    noise = run(programs, site, "--overwrite", *submit, "job.sh", sys.executable, "steps.py", "noise")
    assert noise.returncode == 1, noise.stdout + noise.stderr


def test_a_job_has_the_exit_status_of_its_script_and_an_srun_that_hides_is_named(programs, site):
    (programs / "hides.sh").write_text(SHOWN.replace("srun", "srun --export=NONE"))
    call = ["samebits", "slurm", "--", "sbatch", "--wait", "hides.sh", sys.executable, "-c", "print(5); exit(7)"]
    done = subprocess.run(call, cwd=programs, env=site, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout.splitlines()[0]) == (7, "5"), done.stderr
    assert "hides.sh:2: samebits does not watch what this srun starts" in done.stderr
    assert " ended with the state FAILED" in done.stderr
    assert list(programs.glob(".samebits-job-*")) == []


@pytest.mark.slow
def test_a_check_that_is_stopped_cancels_the_job_that_trains_by_itself(programs, site, checking, mark, all_is_gone):
    check = checking("--", "samebits", "slurm", "--", "sbatch", "job.sh", sys.executable, "hangs.py", mark)
    slurm_site.until(mark.exists)
    check.send_signal(signal.SIGINT)
    check.ended(130)
    all_is_gone()
