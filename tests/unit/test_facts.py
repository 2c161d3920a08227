"""What is recorded of a trial: the code that its command runs, and what its processes were handed."""

import json
import subprocess

import pytest

from samebits.launch.processes import facts
from samebits.launch.processes.observations import WatchedProcess
from samebits_probe import process


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["python", "train.py", "--out", "x"], {"train.py"}),
        (["python", "-u", "-m", "tasks.fit", "train.py"], {"tasks/fit.py", "train.py"}),
        (["python", "-m", "tasks"], {"tasks/__main__.py"}),
        (["python", "-m", "pytest", "train.py"], {"train.py"}),
        (["python", "-m"], set()),
    ],
)
def test_the_scripts_and_the_modules_that_a_command_names_have_fingerprints(tmp_path, command, named):
    (tmp_path / "tasks").mkdir()
    for name in ("train.py", "tasks/fit.py", "tasks/__main__.py"):
        (tmp_path / name).write_text(f"# {name}\n")
    found = facts.code(tmp_path, command)["files"]
    assert set(found) == named
    for name in named:
        (tmp_path / name).write_text("# changed\n")
    now = facts.code(tmp_path, command)["files"]
    assert all(now[name] != found[name] for name in named)


GIT = ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "init.defaultBranch=main"]


@pytest.fixture
def places(tmp_path):
    """Folders: below a repository, behind a link to it, in a bare one, in none."""
    (tmp_path / "tree" / "below").mkdir(parents=True)
    (tmp_path / "none").mkdir()
    subprocess.run([*GIT, "init", "-q", tmp_path / "tree"], check=True)
    subprocess.run([*GIT, "-C", tmp_path / "tree", "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    subprocess.run([*GIT, "clone", "-q", "--bare", tmp_path / "tree", tmp_path / "bare"], check=True)
    (tmp_path / "link").symlink_to(tmp_path / "tree" / "below")
    return tmp_path


@pytest.mark.parametrize(("name", "is_known"), [("tree/below", True), ("link", True), ("bare", True), ("none", False)])
def test_the_commit_is_known_wherever_git_finds_a_repository(places, name, is_known):
    assert ("commit" in facts.code(places / name, [])) == is_known


def test_a_variable_can_name_the_repository(places, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(places / "tree" / ".git"))
    assert "commit" in facts.code(places / "none", [])


@pytest.fixture
def processes(tmp_path):
    """Function(events of each process...) -> the processes, as a trial leaves them."""

    def left(*each):
        for number, events in enumerate(each):
            folder = tmp_path / f"{number}-{100 + number}"
            folder.mkdir()
            (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
        return [WatchedProcess(folder) for folder in sorted(tmp_path.iterdir())]

    return left


def test_what_the_processes_were_handed_is_joined_and_bounded(processes):
    first = [{"event": "handed", "texts": ["b" * 8, "a" * 8]}, {"event": "handed", "texts": [], "more": True}]
    second = [{"event": "handed", "texts": ["a" * 8, "c" * 8], "pid": 7}, {"event": "bound", "ports": [5000]}]
    many = [{"event": "handed", "texts": [f"{number:08}" for number in range(2 * facts.MOST_HANDED)]}]
    found = processes(first, second, many)
    assert facts.noted(found[:2], {})["handed"] == ["a" * 8, "b" * 8, "c" * 8]
    assert facts.noted([], {})["handed"] == []
    assert len(facts.noted(found, {})["handed"]) == facts.MOST_HANDED


@pytest.mark.parametrize(("port", "given"), [("29500", [29500]), ("", []), ("auto", []), (None, [])])
def test_the_ports_are_those_that_were_bound_and_the_one_of_the_ranks(processes, port, given):
    found = processes([{"event": "bound", "ports": [41000]}], [{"event": "bound", "ports": [41000, 22]}])
    assert facts.noted(found, {} if port is None else {"MASTER_PORT": port})["ports"] == sorted([22, 41000, *given])


def test_the_rate_of_a_trials_clock_is_that_of_its_control():
    assert [facts.clock_rate(ids) for ids in ([], ["threads=2"], ["aslr", "clock-rate=30"])] == [1.0, 1.0, 30.0]


def test_the_gpus_of_a_machine_and_their_driver_are_facts(tmp_path, monkeypatch):
    assert "gpus" not in process.machine() or process.machine()["gpus"]
    monkeypatch.setattr(process, "_NVIDIA", f"{tmp_path}/")
    for number, model in enumerate(["NVIDIA H100 80GB HBM3", "NVIDIA A100"]):
        place = tmp_path / "gpus" / f"0000:0{number}:00.0" / "information"
        place.parent.mkdir(parents=True)
        place.write_text(f"Model: \t\t {model}\nIRQ:   \t\t 16\n")
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19\n")
    found = process.machine()
    assert (found["gpus"], found["driver"]) == ("NVIDIA A100, NVIDIA H100 80GB HBM3", "535.104.05")
