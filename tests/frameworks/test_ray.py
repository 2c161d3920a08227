"""Trials on the nodes of a Ray cluster, and programs that use Ray: two raylets of one machine stand for two nodes."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from builders import without_surroundings

pytest.importorskip("ray", reason="ray is not installed: no cluster to run trials on")

CLUSTER = """
import json, sys
from ray._raylet import GcsClient
from ray.cluster_utils import Cluster
head = dict(num_cpus=2, include_dashboard=False, object_store_memory=80_000_000)
cluster = Cluster(initialize_head=True, head_node_args=head)
def add():
    return cluster.add_node(num_cpus=1, object_store_memory=80_000_000, resources={"second": 1}, labels={"gpu": "A100"})
node = add()
print(cluster.address, flush=True)
def pretend(**versions):  # what the head node has written down about the cluster
    place = dict(namespace=b"cluster")
    client = GcsClient(address=cluster.address)
    known = json.loads(client.internal_kv_get(b"CLUSTER_METADATA", **place))
    before = {name: known[name] for name in versions}
    client.internal_kv_put(b"CLUSTER_METADATA", json.dumps({**known, **versions}).encode(), overwrite=True, **place)
    return before
for line in sys.stdin:
    if line == "other\\n":
        before = pretend(python_version="3.9.1")
    if line == "own\\n":
        pretend(**before)
    if line == "kill\\n":
        cluster.remove_node(node, allow_graceful=False)
    if line == "add\\n":
        node = add()
    print("done", flush=True)
cluster.shutdown()
"""
HEAD = """
import sys
from ray.cluster_utils import Cluster
more = {"ray_client_server_port": int(sys.argv[1])} if sys.argv[1:] else {}
head = dict(num_cpus=1, include_dashboard=False, object_store_memory=80_000_000, **more)
cluster = Cluster(initialize_head=True, head_node_args=head)
(raylet,) = cluster.head_node.all_processes["raylet"]
print(cluster.address, raylet.process.pid, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
STEPS = """import os, sys
import samebits_probe
noise = float.fromhex(os.urandom(4).hex()) if "noise" in sys.argv else 0.0
for step in range(30):
    samebits_probe.observe("weights/w", 1.0 + step + noise, step=step)
own = ("RAY_JOB_CONFIG_JSON_ENV_VAR", "RAY_OVERRIDE_JOB_RUNTIME_ENV")  # samebits says with them who is watched
print([name for name in os.environ if name.startswith("RAY_") and name not in own], os.environ.get("OMP_NUM_THREADS"))
"""
WHERE = """import os
import samebits_probe
samebits_probe.observe("weights/w", 1.0, step=0)
print(os.getcwd(), sorted(os.listdir()))
"""
OF_ITS_OWN = """import sys
import ray
own = {"PYTHONPATH": "/nowhere"} if "path" in sys.argv else {"OWN": "1"}
ray.init(address=sys.argv[1], log_to_driver=False, runtime_env={"env_vars": own})
@ray.remote(num_cpus=1)
def train(noise):
    import os, random, samebits_probe
    assert os.environ.get("OWN", "1") == "1"
    start = random.random() if noise else 0.5
    for step in range(300):
        samebits_probe.observe("weights/w", start + step, step=step)
ray.get(train.remote("noise" in sys.argv))
"""
CLIENT = """import sys
import ray
ray.init(sys.argv[1])
@ray.remote
def train():
    import samebits_probe
    for step in range(30):
        samebits_probe.observe("weights/w", 0.5 + step, step=step)
    return "trained"
print(ray.get(train.remote()))
"""
HANGS = """import pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]])
pathlib.Path(sys.argv[1]).write_text("")
time.sleep(600)
"""
SAMPLES = Path(__file__).resolve().parents[1] / "samples"
RAY_TRAIN = Path(sys.prefix) / "ray-train"  # see the Makefile
PLACE = tempfile.TemporaryDirectory(prefix="ray", dir="/tmp")  # Ray makes sockets in it: its path has to be short
PATIENT = {"RAY_agent_register_timeout_ms": "120000"}  # 15 seconds are too few for two Pythons of a busy machine
TRIES = 3  # Ray gives a raylet 30 seconds to start, however busy the machine is


class Nodes:
    """The cluster, in a process of its own."""

    def __init__(self, script=CLUSTER, *words, place=PLACE.name):
        for _ in range(TRIES):
            self._process = subprocess.Popen(
                [sys.executable, "-c", script, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, env={**environment(), **PATIENT, "RAY_TMPDIR": place}, start_new_session=True,
            )  # fmt: skip
            self.address, _, self.raylet = self._process.stdout.readline().strip().partition(" ")
            if self.address:
                threading.Thread(target=self._process.stderr.read, daemon=True).start()
                return
            said = self._process.stderr.read()
            self.close()
        pytest.fail(f"Ray could not start a cluster: {said}")

    def do(self, order):
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"

    def close(self):
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
        self._process.stderr.close()


@pytest.fixture(scope="module")
def nodes():
    found = Nodes()
    yield found
    found.close()
    PLACE.cleanup()


@pytest.fixture
def programs(tmp_path):
    """A working folder with the programs of these tests."""
    for name, text in (("steps", STEPS), ("hangs", HANGS), ("own", OF_ITS_OWN), ("where", WHERE)):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


@pytest.fixture
def head():
    """Function(*words) -> a cluster of one node, which ends with the test."""
    begun = []
    # a place of its own: a cluster that ends removes the note in which programs find the cluster of this place
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as place:

        def start(*words):
            begun.append(Nodes(HEAD, *words, place=place))
            return begun[-1]

        yield start
        for one in begun:
            one.close()


def words(host, *more, command="check"):
    return [sys.executable, "-m", "samebits", command, "-n", "2", "--on", host, *more]


def environment():
    """That of the cluster and of samebits: no program of a different test finds this cluster."""
    path = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    return {**os.environ, "PATH": path, "RAY_TMPDIR": PLACE.name, "RAY_USAGE_STATS_ENABLED": "0"}


def run(folder, host, *more, seconds=300, command="check"):
    done = subprocess.run(
        words(host, *more, command=command), cwd=folder, env=environment(), capture_output=True, text=True, timeout=seconds,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def hanging(programs, nodes, begun):
    """Function(*options) -> a check whose first trial runs and does not end."""

    def start(*options):
        mark = programs / "began"
        command = words(f"ray://{nodes.address}", "--out", "record", *options, "hangs.py", str(mark))
        check = begun(command, programs, environment())
        until(mark.exists)
        return check

    return start


def until(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def all_is_gone(programs, processes_of):
    """Function that returns when nothing of the trials is left."""

    def gone():
        until(lambda: not processes_of(programs / "began"), seconds=120)
        until(lambda: not list(Path("/tmp").glob("samebits-????????????????/trials")), seconds=120)
        until(lambda: not list(Path("/tmp").glob("samebits-????????????????-folder")), seconds=120)

    return gone


def trial(folder, number):
    return json.loads((folder / "record" / "trials" / f"{number:03d}" / "trial.json").read_text())


def test_trials_on_ray_repeat_with_the_result_of_this_machine(programs, nodes, all_is_gone):
    done = run(programs, f"ray://{nodes.address}", "--jobs", "2", "--out", "record", "steps.py")
    assert done.returncode == 0, done.stderr
    here = run(programs, "local", "--jobs", "2", "--out", "here", "steps.py")
    there, local = (json.loads((programs / name / "result.json").read_text()) for name in ("record", "here"))
    assert without_surroundings(there) == without_surroundings(local)
    assert here.returncode == 0
    for number in (1, 2):
        machine = trial(programs, number)["machine"]
        assert machine["affinity"] == ",".join(map(str, sorted(os.sched_getaffinity(0))))
        assert machine["node"].startswith(socket.gethostname())
        said = (programs / "record" / "trials" / f"{number:03d}" / "stdout.txt").read_text()
        assert said == f"[] {os.environ.get('OMP_NUM_THREADS')}\n"
    added = run(programs, "local", "--add", "1", "record")
    groups = json.loads((programs / "record" / "result.json").read_text())["groups"]
    assert (added.returncode, groups) == (0, [[1, 2, 3]])
    assert trial(programs, 3)["machine"]["node"]
    all_is_gone()


@pytest.mark.slow
def test_trials_are_spread_over_nodes_and_a_packed_folder_travels(programs, nodes, all_is_gone):
    host, each = f"ray://{nodes.address}", ("--each", "folder=packed", "--out", "record")
    done = run(programs, host, "-n", "3", "--spread", "nodes", *each, "where.py")
    assert done.returncode == 0, done.stderr
    assert "the working folder (4 files, " in done.stderr
    assert "is sent to the nodes, because --each asks for it" in done.stderr
    one, two, three = (trial(programs, number)["machine"]["node"] for number in (1, 2, 3))
    assert one == three != two
    result = json.loads((programs / "record" / "result.json").read_text())
    assert result["at_a_time_why"] == "there is room for 3 trials at a time"
    place, files = (programs / "record" / "trials" / "001" / "stdout.txt").read_text().split(maxsplit=1)
    assert place.startswith("/tmp/samebits-")
    assert files == f"{sorted(path.name for path in programs.glob('*.py'))}\n"
    all_is_gone()
    done = run(programs, host, "--spread", "same", "--out", "same", "--jobs", "2", "where.py")
    assert done.returncode == 0, done.stderr
    documents = (programs / "same" / "trials").glob("*/trial.json")
    assert len({json.loads(path.read_text())["machine"]["node"] for path in documents}) == 1


@pytest.mark.slow(seconds=20)
def test_a_killed_node_ends_the_trials_that_run_there_or_wait_for_it_and_nothing_is_left(
    programs, nodes, hanging, all_is_gone
):
    check = hanging("--each", "label=second", "--jobs", "2", "--full")  # it has room for one
    try:
        nodes.do("kill")
        check.ended(3)
        for number in (1, 2):
            ended = trial(programs, number)
            assert (ended["status"], ended["why"]) == ("killed", "its node was lost")
        all_is_gone()
    finally:
        nodes.do("add")


@pytest.mark.slow
def test_a_killed_worker_ends_its_trial_and_nothing_is_left(programs, hanging, all_is_gone):
    check = hanging()
    workers = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if is_worker(path)]
    assert len(workers) == 1
    os.kill(workers[0], signal.SIGKILL)  # as a forced cancel does
    check.ended(3)
    assert (trial(programs, 1)["status"], trial(programs, 1)["why"]) == ("killed", "its node was lost")
    all_is_gone()


def is_worker(path):
    with suppress(OSError):
        return path.read_bytes().startswith(b"ray::run_trial")
    return False


@pytest.mark.slow
def test_a_stop_ends_the_trial_on_its_node(programs, hanging, all_is_gone, processes_of):
    check = hanging()
    check.send_signal(signal.SIGINT)
    assert "stopped by Ctrl-C" in check.ended(130)
    assert trial(programs, 1)["status"] == "killed"
    assert processes_of(programs / "began") == []
    all_is_gone()


@pytest.mark.slow
def test_a_killed_samebits_leaves_nothing_on_the_nodes(programs, hanging, all_is_gone):
    check = hanging()
    check.kill()
    check.wait()
    all_is_gone()
    assert (trial(programs, 1)["status"], trial(programs, 1)["why"]) == (
        "killed", "samebits ended before the trial did",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("needs", "what"),
    [
        ("num_gpus=1", "--each num_gpus=1: no node of the Ray cluster has any."),
        ("num_cpus=64000", "--each num_cpus=64000: no node of the Ray cluster has more than 2."),
        ("label=h100", "--each label=h100: no node of the Ray cluster has it.\n   do this  choose from: second, A100."),
    ],
)
def test_what_no_node_has_is_refused_before_anything_is_written(programs, nodes, needs, what):
    done = run(programs, f"ray://{nodes.address}", "--each", needs, "--out", "record", "steps.py")
    assert (done.returncode, what in done.stderr, (programs / "record").exists()) == (2, True, False), done.stderr


def test_a_folder_that_is_too_large_is_refused(programs, nodes):
    with (programs / "large.bin").open("wb") as file:
        file.truncate(20_000_000_000)
    done = run(programs, f"ray://{nodes.address}", "--each", "folder=packed", "--out", "record", "steps.py")
    assert (done.returncode, (programs / "record").exists()) == (2, False)
    assert "is too large to send to the nodes (5 files, 20.0 GB): the limit is 1.0 GB" in done.stderr


def test_a_cluster_of_a_different_python_is_refused(programs, nodes):
    nodes.do("other")
    try:
        done = run(programs, f"ray://{nodes.address}", "--out", "record", "steps.py")
    finally:
        nodes.do("own")
    assert (done.returncode, (programs / "record").exists()) == (2, False)
    assert "Python: 3.9.1" in " ".join(done.stderr.split())
    assert "install the same version of Ray and Python here and on all nodes." in done.stderr


def bridges():
    """The processes between samebits and a cluster that run now."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if b"samebits.launch.remote.ray_bridge import main" in path.read_bytes():
                found.add(int(path.parent.name))
    return found


@pytest.mark.slow(seconds=60)
def test_a_cluster_with_a_token_is_joined_with_it_and_refused_without_it(programs, head, monkeypatch):
    monkeypatch.setenv("HOME", str(programs))
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 32)
    there = head()
    right = run(programs, f"ray://{there.address}", "--out", "record", "steps.py")
    assert right.returncode == 0, right.stderr
    monkeypatch.setenv("RAY_AUTH_TOKEN", "b" * 32)
    wrong = run(programs, f"ray://{there.address}", "--out", "wrong", "steps.py")
    monkeypatch.delenv("RAY_AUTH_MODE")
    none = run(programs, f"ray://{there.address}", "--out", "none", "steps.py")
    assert (wrong.returncode, none.returncode) == (2, 2)
    assert "Unauthenticated" in wrong.stderr
    assert "Unauthenticated" in none.stderr
    assert not (programs / "wrong").exists()
    assert not (programs / "none").exists()


@pytest.mark.slow(seconds=60)
def test_a_cluster_whose_node_does_not_answer_or_is_gone_is_refused_and_nothing_is_left(programs, head):
    there, before = head(), bridges()
    for end in (signal.SIGSTOP, signal.SIGKILL):
        os.kill(int(there.raylet), end)
        done = run(programs, f"ray://{there.address}", "--out", "record", "steps.py")
        assert (done.returncode, (programs / "record").exists()) == (2, False), done.stderr
        said = ("Ray could not join a cluster at", "answers, but no node of Ray runs on this machine.")
        assert any(words in done.stderr for words in said), done.stderr
    assert not bridges() - before


def test_a_machine_without_a_node_is_told_at_once(monkeypatch):
    from samebits.launch.remote import ray_bridge

    monkeypatch.setattr(ray_bridge, "has_raylet", lambda: False)
    with pytest.raises(ray_bridge.NotAdmitted, match="answers, but no node of Ray runs on this machine"):
        ray_bridge.connect("127.0.0.1:6379")


def test_an_outcome_that_cannot_be_written_ends_the_bridge_unless_samebits_is_gone(tmp_path):
    """Otherwise samebits would wait for it for ever."""
    from samebits.launch.node.orders import Delivery, OrderFiles
    from samebits.launch.remote import ray_bridge

    ray_bridge.deliver(OrderFiles(str(tmp_path / "gone" / "1-1")), Delivery(lost=True))
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        ray_bridge.deliver(OrderFiles(str(tmp_path / "file" / "1-1")), Delivery(lost=True))


@pytest.mark.slow(seconds=60)
def test_a_program_that_uses_ray_client_gives_no_answer_and_its_server_is_no_host(programs, head):
    pytest.importorskip("grpc", reason="grpcio is not installed: Ray Client needs it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    head(str(port))
    (programs / "client.py").write_text(CLIENT)
    for _ in range(TRIES):  # Ray gives its server 30 seconds to start a process, however busy the machine is
        done = run(programs, "local", "--overwrite", "--out", "record", "client.py", f"ray://127.0.0.1:{port}")
        if trial(programs, 1)["status"] == "complete":
            break
    assert done.returncode == 3, done.stdout + done.stderr
    assert "instead of ray://" in " ".join(done.stdout.split())
    assert "trained" in (programs / "record" / "trials" / "001" / "stdout.txt").read_text()
    refused = run(programs, f"ray://127.0.0.1:{port}", "--out", "refused", "steps.py")
    assert (refused.returncode, (programs / "refused").exists()) == (2, False)
    assert f"Ray could not join a cluster at 127.0.0.1:{port}" in refused.stderr


def test_a_program_that_uses_a_running_cluster_is_watched_in_its_workers(programs, nodes):
    one, two = (run(programs, "local", "--out", name, "own.py", nodes.address, name) for name in ("same", "noise"))
    assert (one.returncode, two.returncode) == (0, 1), one.stdout + one.stderr + two.stdout + two.stderr
    same, noise = (json.loads((programs / name / "result.json").read_text()) for name in ("same", "noise"))
    assert (same["verdict"], same["scope"]["steps_compared"]) == ("repeated", 300)
    assert (noise["divergence"]["step"], noise["divergence"]["name"]) == (0, "weights/w")
    held = run(programs, "local", "--control", "python-seed", "--out", "held", "own.py", nodes.address, "noise")
    assert held.returncode == 0, held.stdout + held.stderr


@pytest.mark.slow
def test_workers_with_a_python_path_of_their_own_are_not_watched_and_give_no_answer(programs, nodes):
    done = run(programs, "local", "--out", "record", "own.py", nodes.address, "path")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "set no PYTHONPATH in runtime_env" in " ".join(done.stdout.split())


def standings(record):
    """(rank, world size) of each process of a trial that trained."""
    found = []
    for folder in record.glob("trials/001/processes/*"):
        end = folder / "end.json"
        if end.is_file() and json.loads(end.read_text())["steps"]:
            facts = json.loads((folder / "process.json").read_text())
            found.append((facts["rank"], facts["world_size"]))
    return sorted(found)


@pytest.mark.slow(seconds=60)
def test_workers_of_ray_train_are_watched_and_compared_rank_by_rank(tmp_path, nodes, monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed: the workers of this test train with it")
    if not RAY_TRAIN.is_dir():
        pytest.skip("ray[train] is not installed: its pandas and pyarrow lie in .venv/ray-train")
    monkeypatch.setenv("PYTHONPATH", str(RAY_TRAIN))
    command = [str(SAMPLES / "ray_train_trains.py"), nodes.address]
    same = run(tmp_path, "local", "--full", "--out", "same", *command, seconds=600)
    assert same.returncode == 0, same.stdout + same.stderr
    assert standings(tmp_path / "same") == [(0, 2), (1, 2)]
    assert json.loads((tmp_path / "same" / "result.json").read_text())["scope"]["steps_compared"] == 3
    (tmp_path / "changed").write_text("")
    added = run(tmp_path, "local", "--add", "1", "same", seconds=600)
    assert added.returncode == 1, added.stdout + added.stderr
    result = json.loads((tmp_path / "same" / "result.json").read_text())
    first = result["divergence"]
    assert (result["groups"], first["step"], first["process"]["rank"]) == ([[1, 2], [3]], 1, 1)


@pytest.mark.slow(seconds=30)
def test_a_program_that_starts_ray_itself_is_watched_and_its_workers_have_an_end(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed: the task of this test trains with it")
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as place:
        done = subprocess.run(
            [*words("local", "--out", "record"), str(SAMPLES / "ray_trains.py")], cwd=tmp_path, env={**environment(), "RAY_TMPDIR": place},
            capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "record" / "result.json").read_text())
    assert (result["verdict"], result["scope"]["kind"], result["scope"]["steps_compared"]) == ("repeated", "whole", 3)
    assert result["judged"]["end"] == "="
