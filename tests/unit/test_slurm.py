"""What samebits makes of the answers of Slurm's programs; programs of a few lines stand for them."""

import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from samebits.errors import UsageError
from samebits.launch.hosts import TaskState
from samebits.launch.node.orders import OrderFiles
from samebits.launch.processes.supervisor import LAST, Process, cleaners
from samebits.launch.remote import slurm, slurm_host, slurm_job
from samebits.launch.remote.slurm import JobState, Queue, job_number, last_words, refusal, refuse_without_slurm
from samebits.launch.remote.slurm_host import SlurmTask
from samebits.needs import read_sbatch


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Function(program, text of a script): a program of Slurm."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def write(**programs):
        for name, text in programs.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)

    write(sbatch="exit 0", squeue="exit 0", scancel="exit 0")
    return write


@pytest.fixture
def order(tmp_path, monkeypatch):
    """Function(number) -> (the task of a trial, its files); every look is due at once."""
    monkeypatch.setattr(slurm_host, "_AGAIN", 0.0)
    monkeypatch.setattr(slurm_host, "pace_of", lambda _: 0.0)
    queue = Queue("--name=samebits-1")

    def make(number=1):
        files = OrderFiles(str(tmp_path / f"1-{number}"))
        return SlurmTask(number, files, queue, ["sbatch", str(number)]), files

    return make


def end_of(task, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := task.look()).is_over:
        assert time.monotonic() < deadline
    return found


def told(task, words, seconds=60):
    deadline = time.monotonic() + seconds
    while words not in task.look().waits:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("text", ["", " ", "job.sh", "--partition a100", "-", "--", "'", "--wrap=a\nb", "-1"])
def test_options_of_sbatch_are_each_one_word(text):
    with pytest.raises(ValueError, match=r"one word|holds|no options|read"):
        read_sbatch(text)


def test_needs_become_options_of_sbatch():
    needs = {"num_cpus": "2", "num_gpus": "1", "label": "a100", "sbatch": "--comment='a b' -pdev"}
    found = ("--cpus-per-task=2", "--gres=gpu:1", "--constraint=a100", "--comment=a b", "-pdev")
    assert slurm_host.submission_options(needs) == found
    assert slurm_host.submission_options({"num_gpus": "0", "num_cpus": "0"}) == ()
    assert slurm_host.submission_options({"label": "0"}) == ("--constraint=0",)
    assert slurm_host.submission_options({"node": "n1"}) == ("--nodelist=n1",)
    with pytest.raises(UsageError, match="--each folder=packed: trials on Slurm cannot ask for this"):
        slurm_host.submission_options({"folder": "packed"})
    with pytest.raises(UsageError, match="only whole numbers"):
        slurm_host.submission_options({"num_gpus": "0.5"})


@pytest.mark.parametrize(("listed", "advice"), [("", "`sinfo --Node` lists the nodes."), ("n1", "choose from: n1.")])
def test_a_node_that_does_not_exist_is_refused_whether_or_not_slurm_lists_any(site, listed, advice):
    site(sinfo=f"echo {listed}")
    with pytest.raises(UsageError, match="--each node=n7: Slurm has no such node") as why:
        slurm_host.SlurmHost("slurm", "", {"node": "n7"})
    assert why.value.advice == advice


def test_a_refusal_without_words_has_a_sentence():
    assert refusal("")[0] == "Slurm does not take the jobs of the trials: sbatch gave no reason."


@pytest.mark.parametrize(
    ("said", "number"), [("12\n", "12"), ("warning\n12;red\n", "12"), ("", ""), ("Submitted batch job 12\n", "")]
)
def test_the_number_of_a_job_is_found(said, number):
    assert job_number(said) == number


def test_a_call_that_nobody_waits_for_any_more_is_ended(site):
    site(squeue="sleep 600")
    call = slurm.Call(["squeue"])
    process = call._process
    del call
    assert process.returncode == -signal.SIGKILL


def test_the_last_words_are_without_the_name_of_the_program():
    assert last_words("sbatch: error: a.\n\nsbatch: b: c.\n") == "a; b: c"


@pytest.mark.parametrize(
    ("state", "is_over"), [("", True), ("CANCELLED", True), ("COMPLETING", False), ("REQUEUED", False), ("NEW", False)]
)
def test_only_a_last_state_is_over(state, is_over):
    assert JobState(state).is_over is is_over


def test_what_sbatch_says_is_shown(site):
    site(sbatch="echo 'sbatch: error: Requested node configuration is not available' >&2; exit 1")
    with pytest.raises(UsageError, match="Requested node configuration is not available"):
        slurm_host.SlurmHost("slurm", "", {})


def test_a_machine_without_slurm_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="is not installed on this machine: there is no sbatch"):
        refuse_without_slurm()


def test_a_slurm_that_does_not_answer_is_refused(site, monkeypatch):
    monkeypatch.setattr(slurm, "ANSWERS", 0.5)
    site(sbatch="echo 'sbatch: error: retrying' >&2; exec sleep 60")
    with pytest.raises(UsageError, match=r"did not answer within 0\.5 s: retrying"):
        slurm_host.SlurmHost("slurm", "", {})


def test_the_nodes_of_a_partition_are_named(site):
    site(sinfo='test "$*" = "--noheader --Node --format=%N --partition=a" && printf "n2\\nn1\\nn1\\n"')
    host = slurm_host.SlurmHost("slurm", "", {"sbatch": "--time=5 --partition=a"})
    assert (host.nodes(), host.slots, host.reach(Path())) == (["n1", "n2"], 1, "")


def test_a_slurm_that_does_not_name_its_nodes_is_refused_and_nothing_stays_behind(site, monkeypatch, tmp_path):
    host = slurm_host.SlurmHost("slurm", "", {})
    monkeypatch.setattr(slurm, "ANSWERS", 0.5)
    site(sinfo=f"echo $$ > {tmp_path}/pid; exec sleep 60")
    with pytest.raises(UsageError, match=r"did not answer within 0\.5 s: sinfo said nothing"):
        host.nodes()
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_slurm_has_no_address(site):
    with pytest.raises(UsageError, match="Slurm has no address"):
        slurm_host.SlurmHost("slurm", "10.0.0.1", {})


def test_a_full_queue_is_waited_for(site, order, tmp_path):
    again = tmp_path / "again"
    site(
        sbatch=f"test -e {again} || {{ echo 'sbatch: error: Job violates policy (job submit limit)' >&2; exit 1; }}; echo 8",
        squeue="echo '8|PENDING|Resources'",
    )
    task, _ = order(2)
    told(task, "trial 2 waits: Slurm takes no more jobs now")
    again.touch()
    told(task, "trial 2 waits in the Slurm queue (job 8, Resources)")


@pytest.mark.parametrize("reason", ["PartitionTimeLimit", "launch failed requeued held", "JobHeldAdmin"])
def test_a_job_that_never_runs_is_cancelled_and_refused(site, order, tmp_path, reason):
    site(sbatch="echo 7", squeue=f"echo '7|PENDING|{reason}'", scancel=f'echo "$*" >> {tmp_path}/cancelled')
    task, _ = order()
    assert end_of(task).message == f"Slurm will not run the job 7 of trial 1: {reason}."
    task._call.wait(60)
    assert (tmp_path / "cancelled").read_text().split() == ["7"]
    assert end_of(task).message == f"Slurm will not run the job 7 of trial 1: {reason}."


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("NODE_FAIL", "its node was lost"),
        ("TIMEOUT", "Slurm ended its job because it reached its time limit"),
        ("BOOT_FAIL", "its Slurm job ended with the state BOOT_FAIL"),
    ],
)
def test_a_job_that_ended_under_its_trial_says_why(site, order, state, why):
    site(sbatch="echo 7", squeue=f"echo '7|{state}|None'")
    task, files = order()
    files.path("began").touch()
    assert end_of(task) == TaskState(is_over=True, why=why)


def test_what_the_worker_printed_last_says_why_its_job_failed(site, order):
    site(sbatch="echo 7", squeue="echo '7|FAILED|None'")
    task, files = order()
    files.path("began").touch()
    files.path("txt").write_text("Traceback (most recent call last):\n  File ...\nOSError: the disk is full.\n")
    assert end_of(task).why == "its Slurm job ended with the state FAILED (OSError: the disk is full.)"


def test_a_job_that_slurm_has_forgotten_is_gone(site, order):
    site(sbatch="echo 7", squeue="exit 0")
    task, files = order()
    files.path("began").touch()
    assert end_of(task) == TaskState(is_over=True, why="its Slurm job is gone")


def test_while_slurm_does_not_answer_a_trial_goes_on(site, order):
    site(sbatch="echo 7", squeue="echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    told(order()[0], "Unable to contact slurm controller); samebits keeps waiting")


def test_a_trial_can_be_cancelled_before_slurm_has_its_job(site, order):
    site(sbatch="sleep 60")
    task, _ = order()
    assert not task.look().is_over
    task.kill()
    assert task.look() == TaskState(is_over=True)


def test_a_trial_is_cancelled_by_the_number_of_its_job(site, order, tmp_path):
    site(sbatch="echo 7", squeue="echo '7|RUNNING|None'", scancel=f'echo "$*" >> {tmp_path}/cancelled')
    task, _ = order()
    while not task._job:
        assert not task.look().is_over
    task.kill()
    task.kill()
    task._call.wait(60)
    assert (tmp_path / "cancelled").read_text() == "7\n"


@pytest.mark.parametrize("option", ["-Mother", "--clusters=other", "--cluster=other", "--clust=all", "-M"])
def test_a_cluster_that_only_sbatch_would_know_is_refused(site, tmp_path, option):
    with pytest.raises(UsageError, match="cannot choose a cluster by an option of sbatch") as refused:
        slurm_host.SlurmHost("slurm", "", {"sbatch": f"--time=5 {option}"})
    assert "export SLURM_CLUSTERS=NAME" in refused.value.advice
    (tmp_path / "job.sh").write_text(f"#!/bin/sh\n#SBATCH --time=5 {option}\ntrue\n")
    with pytest.raises(UsageError, match="cannot choose a cluster"):
        slurm_job.wait_for_job(["sbatch", str(tmp_path / "job.sh")])
    slurm.refuse_cluster(["--cluster-constraint=big", "--comment=-M", "--mem=1"])


def test_all_programs_ask_the_cluster_of_sbatch(monkeypatch):
    monkeypatch.setenv("SBATCH_CLUSTERS", "other")
    call = slurm.Call(["sh", "-c", "echo $SLURM_CLUSTERS"])
    assert call.wait(60).said == "other\n"


def test_what_cleans_up_ends_last_with_what_it_has_started(monkeypatch):
    lines = {2: ["sh", "-c", "...", "samebits-slurm-guard"], 3: ["scancel", "7"], 4: ["python"]}
    monkeypatch.setattr("samebits.launch.processes.supervisor.command_line", lines.get)
    left = [Process(2, 1, "S", 0, False), Process(3, 2, "S", 0, False), Process(4, 1, "S", 0, False)]
    assert cleaners(left, 1.0) == {2, 3}
    assert cleaners(left, max(LAST.values())) == set()


@pytest.mark.parametrize(
    ("line", "hides"),
    [
        ("srun --export=NONE python train.py", True),
        ("  srun -n 2 --export=PATH,HOME ./run", True),
        ("srun --export=ALL,A=1 python train.py", False),
        ("srun python train.py", False),
        ("# srun --export=NONE python train.py", False),
    ],
)
def test_an_srun_that_hides_what_it_starts_is_named(tmp_path, monkeypatch, capsys, line, hides):
    monkeypatch.chdir(tmp_path)
    Path("job.sh").write_text(f"#!/bin/sh\n{line}\n")
    slurm_job._warn(["job.sh"])
    assert ("job.sh:2: samebits does not watch" in capsys.readouterr().err) is hides


@pytest.mark.parametrize("words", [[], ["python", "train.py"], ["srun", "x"]])
def test_only_calls_of_sbatch_are_waited_for(words):
    with pytest.raises(UsageError, match="takes an sbatch command"):
        slurm_job.wait_for_job(words)


def test_a_task_that_failed_counts_after_slurm_has_forgotten_it(site, tmp_path):
    """Slurm forgets a task a few minutes after its end; others of the job may run for hours."""
    asked = tmp_path / "asked"
    site(
        squeue=f"""if test -e {asked}; then echo '7_2|COMPLETED|None'
else touch {asked}; echo '7_1|FAILED|NonZeroExitCode'; echo '7_2|RUNNING|None'; fi"""
    )
    assert [task.state for task in slurm_job._end_of("7", None)] == ["FAILED", "COMPLETED"]


def test_a_job_that_slurm_takes_after_an_interruption_is_cancelled(site, monkeypatch, tmp_path):
    site(sbatch="sleep 0.5; echo 7", scancel=f'echo "$*" > {tmp_path}/cancelled')
    monkeypatch.chdir(tmp_path)

    def interrupted(_):
        monkeypatch.setattr(slurm_job, "time", time)
        raise KeyboardInterrupt

    # not time.sleep itself: what other tests leave to be ended sleeps, too
    monkeypatch.setattr(slurm_job, "time", SimpleNamespace(sleep=interrupted, monotonic=time.monotonic))
    with pytest.raises(KeyboardInterrupt):
        slurm_job.wait_for_job(["sbatch", "--wrap=true"])
    assert (tmp_path / "cancelled").read_text() == "7\n"
