"""What the probe notes of ids that a program was handed, and of ports that it bound."""

import json
import os
import subprocess
import sys

import pytest

from samebits.checks import run
from samebits_probe import handouts


def noted(trial, name="handed", field="texts"):
    events = [event for process in trial.processes for event in process.events if event["event"] == name]
    values = [event[field] for event in events]
    return values if field == "generator" else [value for several in values for value in several]


IDS = """import json, os, secrets, tempfile, uuid
from os import urandom
from uuid import uuid4
ids = [str(uuid.uuid4()), uuid4().hex, str(uuid.uuid1()), uuid.uuid1().hex, secrets.token_hex(8), secrets.token_urlsafe(),
       secrets.token_bytes(6).hex(), os.urandom(32).hex(), urandom(4).hex()]
handle, name = tempfile.mkstemp(); os.close(handle); os.remove(name); ids.append(name[-8:])
name = tempfile.mkdtemp(); os.rmdir(name); ids.append(name[-8:])
with tempfile.NamedTemporaryFile() as file: ids.append(file.name[-8:])
print(json.dumps(ids))
"""


def test_each_id_that_was_handed_out_is_noted(python, watched_run):
    trial = watched_run(python, IDS)
    ids = json.loads(trial.stdout)
    assert len(set(ids)) == len(ids) == 12
    assert set(ids) <= set(noted(trial))


RUNS = """import json, random, secrets
def run_id(length=8): return "".join(secrets.choice("abcdefghij0123456789") for _ in range(length))
def named(): return run_id()
ids = [named(), named(), run_id(6)] + [run_id() for _ in range(3)] + ["".join(random.SystemRandom().choices("abc", k=9))]
long = run_id(100)
print(json.dumps([ids, long]))
secrets.choice([0.1, 0.2]); secrets.choice(["adam", "rmsprop"])
"""


def test_characters_that_were_chosen_one_after_the_other_are_one_id(python, watched_run):
    trial = watched_run(python, RUNS)
    ids, long = json.loads(trial.stdout)
    texts = noted(trial)
    assert set(ids) <= set(texts)
    assert {long[:64], long[64:]} <= set(texts)
    assert not {"adam", "rmsprop"} & set(texts)


def test_the_last_id_of_a_trial_that_is_stopped_is_noted(watched_run):
    text = "import secrets, samebits_probe\nprint(''.join(secrets.choice('abcdef') for _ in range(9)), flush=True)\n"
    trial = watched_run(
        None, text + "for i in range(9): samebits_probe.observe('weights', 0.5, step=i)\n", stop_after=2
    )
    assert trial.only.stopped
    assert trial.stdout.strip() in noted(trial)


def test_a_forked_child_and_a_spawned_one_are_noted(python, watched_run):
    text = """import multiprocessing, sys, uuid
def child(queue): queue.put(str(uuid.uuid4()))
if __name__ == "__main__":
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method); queue = context.Queue()
        process = context.Process(target=child, args=(queue,)); process.start(); print(queue.get()); process.join()
"""
    trial = watched_run(python, text)
    assert trial.exit_code == 0, trial.stderr
    assert set(trial.stdout.split()) <= set(noted(trial))


def test_notes_are_bounded_and_say_that_there_were_more(watched_run):
    text = "import os\nfor _ in range(5000): os.urandom(8)\nfor _ in range(9): os.urandom(100); os.urandom(1)\n"
    trial = watched_run(None, text)
    texts = noted(trial)
    assert len(texts) == handouts.MOST_TEXTS
    assert all(handouts.SHORTEST <= len(one) <= handouts.LONGEST for one in texts)
    assert sum(event.get("more", False) for event in trial.processes[0].events) == 1


def test_a_bound_port_is_noted_also_of_a_socket_that_is_closed(python, watched_run):
    text = """import os, socket, tempfile
with socket.socket() as found: found.bind(("127.0.0.1", 0)); print(found.getsockname()[1])
with socket.socket(socket.AF_INET6) if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6") else socket.socket() as found:
    try: found.bind(("", 0)); print(found.getsockname()[1])
    except OSError: pass
with socket.socket(socket.AF_UNIX) as found: found.bind(os.path.join(tempfile.mkdtemp(), "x"))
"""
    trial = watched_run(python, text)
    ports = [int(line) for line in trial.stdout.splitlines() if line.isdigit()]
    assert ports
    assert noted(trial, "bound", "ports") == ports


def test_a_fork_without_files_of_its_own_is_noted(python, watched_run):
    text = """import multiprocessing, os
if __name__ == "__main__":
    worker = multiprocessing.get_context("fork").Process(target=abs, args=(1,))
    worker.start(); worker.join()
    child = os.fork()
    if not child: os._exit(0)
    os.waitpid(child, 0)
    print(child)
"""
    trial = watched_run(python, text)
    forks = [event["pid"] for process in trial.processes for event in process.events if event["event"] == "child"]
    assert trial.exit_code == 0, trial.stderr
    has_hook = subprocess.run([python, "-c", "import os; os.register_at_fork"], capture_output=True).returncode == 0
    assert (int(trial.stdout) in forks, len(forks)) == ((True, 2) if has_hook else (False, 0))  # Python 3.6 has none


def test_amounts_of_memory_that_the_system_told_are_noted(python, watched_run):
    text = """import resource, tracemalloc
tracemalloc.start()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, *tracemalloc.get_traced_memory())
"""
    trial = watched_run(python, text)
    assert {int(word) for word in trial.stdout.split()} <= set(noted(trial, "amounts", "numbers"))


def test_random_states_and_errors_are_those_of_an_unwatched_program(python, watched_run, plain_run, tmp_path):
    text = """import copy, inspect, os, pickle, random, secrets, socket, tempfile, uuid
random.seed(3); uuid.uuid4(); secrets.choice("abc"); secrets.token_hex(); tempfile.mkdtemp(); os.urandom(9)
print(random.random(), random.SystemRandom().choices("a", k=2), secrets.choice("a"))
for wrong in (lambda: os.urandom(), lambda: os.urandom("x"), lambda: os.urandom(-1), lambda: secrets.choice(""),
              lambda: secrets.choice([]), lambda: secrets.token_bytes("x"), lambda: uuid.uuid1("x"),
              lambda: random.SystemRandom().choices([], k=1), lambda: socket.socket().bind(3)):
    try: print(wrong())
    except Exception as error: print(type(error).__name__, error)
for one in (os.urandom, secrets.token_bytes, secrets.token_hex, uuid.uuid1, uuid.uuid4):
    print(one.__name__, one.__qualname__, one.__module__, inspect.signature(one), pickle.loads(pickle.dumps(one)) is one)
print(inspect.signature(secrets.choice), inspect.signature(random.SystemRandom.choices), secrets.choice.__qualname__)
class Drawn: draw = os.urandom
print(len(Drawn().draw(3)), copy.deepcopy(os.urandom) is os.urandom, random._urandom.__name__)
"""
    (tmp_path / "program.py").write_text(text)
    watched, plain = watched_run(python, text), plain_run(python, tmp_path / "program.py")
    assert (watched.exit_code, plain.returncode) == (0, 0), watched.stderr
    assert watched.stdout == plain.stdout


def test_the_control_of_entropy_wins(held_run):
    found = {held_run(["entropy"], None, "import os, uuid, secrets\nprint(uuid.uuid4(), os.urandom(4), secrets.token_hex())\n").stdout
             for _ in range(2)}  # fmt: skip
    assert len(found) == 1


def test_wandb_makes_its_run_ids_so(watched_run):
    """W&B's own function, if it is installed."""
    pytest.importorskip("wandb")
    text = "from wandb.sdk.lib.runid import generate_id\nprint(generate_id(), generate_id())\n"
    trial = watched_run(None, text, environment={"WANDB_MODE": "offline", "HOME": os.environ.get("HOME", "")})
    assert set(trial.stdout.split()) <= set(noted(trial))


OWN = """import copy, random, tempfile
{}
tempfile.mkdtemp()
copy.deepcopy(random.Random(5))
"""


@pytest.mark.parametrize(
    ("line", "generators"),
    [
        ("random.Random()", ["own-python"]),
        ("random.Random(None).random(); random.Random()", ["own-python"]),
        ("random.seed(); random.Random(3).seed(4); random.SystemRandom().random()", []),
    ],
)
def test_a_generator_that_the_program_makes_without_a_seed_is_noted(python, watched_run, line, generators):
    assert noted(watched_run(python, OWN.format(line)), "unseeded", "generator") == generators


@pytest.mark.parametrize(
    ("line", "generators"),
    [
        ("numpy.random.default_rng(); numpy.random.RandomState()", ["own-numpy"]),
        ("numpy.random.default_rng(1); numpy.random.seed(2); numpy.random.rand()", []),
    ],
)
def test_a_generator_of_numpy_without_a_seed_is_noted(watched_run, line, generators):
    trial = watched_run(sys.executable, "import numpy\n" + line)
    assert noted(trial, "unseeded", "generator") == generators
    held = watched_run(sys.executable, "import numpy\n" + line, controls=["numpy-generator"], seed=1)
    assert noted(held, "unseeded", "generator") == []


@pytest.mark.parametrize(
    ("line", "generators"), [("", []), ("random.random()", ["python"]), ("random.seed(3); random.random()", ["python"])]
)
def test_a_process_without_steps_tells_which_generators_the_program_used(python, watched_run, line, generators):
    assert noted(watched_run(python, OWN.format(line)), "used", "generator") == generators


def test_a_package_that_draws_when_it_is_imported_is_not_the_program(watched_run):
    drawn = "import random; s = random.getstate(); import rich.style; print(s != random.getstate())\n"
    trial = watched_run(sys.executable, drawn)
    assert (trial.stdout, noted(trial, "used", "generator")) == ("True\n", [])


@pytest.mark.parametrize(("seed", "verdict", "kind"), [("", "diverged", "end"), ("3", "inconclusive", None)])
def test_a_number_counts_if_a_program_without_steps_drew_without_a_seed(ask, tmp_path, seed, verdict, kind):
    program = tmp_path / "draws.py"
    losses = "\n".join("{random.random()}" for _ in range(20))  # one alone can look like a time by chance
    program.write_text(f'import random\nrandom.seed({seed})\nopen(\'m.csv\', \'w\').write(f"""loss\n{losses}\n""")\n')
    result = run(ask(program, trials=2)).result
    assert (result.verdict, result.divergence and result.divergence.kind) == (verdict, kind)
