"""What `samebits fix` takes as a seed from the clock or the system, and what it puts in its place."""

import ast

import pytest

from samebits.patches.patch import patches
from samebits.patches.program import Draw, Look, Program

IMPORTS = """\
import os, random, secrets, time, uuid
import datetime as dt
from datetime import datetime
import numpy as np
"""


@pytest.fixture
def program(tmp_path):
    """Function(text) -> Program of one file, train.py, of which every line ran."""

    def make(text):
        path = tmp_path / "train.py"
        path.write_text(IMPORTS + text)
        ran = set(range(1, path.read_text().count("\n") + 2))
        return Program(Look(lines={path: ran}, main=path), tmp_path, 2019, {"numpy": "2"})

    return make


def patched(program, cause):
    """The text of the program with the first patch."""
    ((_, text),) = patches(program, [cause])[0][0].texts.values()
    return text.removeprefix(IMPORTS)


@pytest.mark.parametrize(
    ("cause", "old", "new"),
    [
        ("entropy", "np.random.seed(uuid.uuid1().int % 9)\n", "np.random.seed(2019)\n"),
        ("entropy", "random.seed(secrets.token_urlsafe())\n", "random.seed(2019)\n"),
        ("entropy", "run = uuid.uuid4().hex\nrandom.seed(int(run, 16))\n", 'run = "2019"\nrandom.seed(int(run, 16))\n'),
        ("entropy", "run = uuid.uuid4().hex[:8]\nrandom.seed(run)\n", 'run = "2019"\nrandom.seed(run)\n'),
        ("entropy", "run = str(uuid.uuid4())\nrandom.seed(run)\n", 'run = "2019"\nrandom.seed(run)\n'),
        ("entropy", "seed = os.urandom(4)\n", 'seed = b"2019"\n'),
        (
            "clock",
            "t = time.time()\nrandom.seed(t)\nprint(time.time() - t)\n",
            "t = time.time()\nrandom.seed(2019)\nprint(time.time() - t)\n",
        ),
        (
            "clock",
            "t = time.time()\nprint('seed', t)\nrandom.seed(t)\n",
            "t = 2019\nprint('seed', t)\nrandom.seed(t)\n",
        ),
        (
            "entropy",
            "r = uuid.uuid4().hex\nopen(r)\nrandom.seed(r)\n",
            "r = uuid.uuid4().hex\nopen(r)\nrandom.seed(2019)\n",
        ),
        ("entropy", "run = uuid.uuid4()\nrandom.seed(run.int)\n", "run = uuid.uuid4()\nrandom.seed(2019)\n"),
        ("clock", "random.seed(time.strftime('%S'))\n", 'random.seed("2019")\n'),
        ("clock", "random.seed(int(time.strftime('%S')))\n", "random.seed(2019)\n"),
        ("clock", "random.seed(dt.date.today().toordinal())\n", "random.seed(2019)\n"),
        ("clock", "now = datetime.now()\nrandom.seed(now.second)\n", "now = datetime.now()\nrandom.seed(2019)\n"),
        ("clock", "now = time.time()\nseed = int(now) % 9\n", "now = time.time()\nseed = 2019\n"),
        ("clock", "now = time.time()\nrandom.seed(int(now))\n", "now = 2019\nrandom.seed(int(now))\n"),
        ("entropy", "np.random.seed(random.SystemRandom().getrandbits(32))\n", "np.random.seed(2019)\n"),
        ("entropy", "r = secrets.SystemRandom()\nseed = r.random()\n", "r = secrets.SystemRandom()\nseed = 2019\n"),
        ("clock", "env.seed(time.time_ns())\n", "env.seed(2019)\n"),
        ("clock", "s = keras.random.SeedGenerator(time.time_ns())\n", "s = keras.random.SeedGenerator(2019)\n"),
        ("clock", "g = tf.random.Generator.from_seed(time.time_ns())\n", "g = tf.random.Generator.from_seed(2019)\n"),
        ("aslr", "np.random.seed(id(object()) % 9)\n", "np.random.seed(2019)\n"),
        ("clock", "seed = int(datetime.now().timestamp())\n", "seed = 2019\n"),
    ],
)
def test_a_fixed_seed_has_the_type_of_the_value_that_it_replaces(program, cause, old, new):
    assert patched(program(old), cause) == new


@pytest.mark.parametrize("body", ["return int(time.time())", "now = time.time()\n    return int(now * 9)"])
def test_a_seed_from_a_function_that_asks_the_clock_is_fixed_where_it_is_used(program, body):
    text = f"def fresh():\n    {body}\n"
    assert patched(program(text + "np.random.seed(fresh())\n"), "clock") == text + "np.random.seed(2019)\n"


@pytest.mark.parametrize(
    "text",
    [
        "now = datetime.now()\nprint(now)\n",
        "start = time.time()\nseed = 5\nprint(time.time() - start)\n",
        "seed = time.localtime()\n",
        "def spent(t):\n    return time.time() - t\nrandom.seed(5)\nprint(spent(0))\n",
    ],
)
def test_an_object_and_a_duration_are_not_seeds(program, text):
    assert patches(program(text), ["clock"]) == ([], ["clock"])


@pytest.mark.parametrize("old", ["uuid.uuid1()", "uuid.uuid4()"])
def test_an_id_that_is_not_a_seed_comes_from_a_generator_with_a_seed(program, old):
    new = "seeded_draws = random.Random(2019)\nx = uuid.UUID(int=seeded_draws.getrandbits(128), version=4)\n"
    assert patched(program(f"x = {old}\n"), "entropy") == new


def test_a_seed_of_numpy_that_entropy_covers_is_in_the_last_patch(program):
    text = "rng = np.random.default_rng(os.urandom(4)[0])\nx = np.random.rand()\n"
    made = program(text)
    made.look.draws.append(Draw("numpy", ((made.main.path, 6),)))
    found, missing = patches(made, ["entropy"])
    texts = [next(iter(one.texts.values()))[1].removeprefix(IMPORTS) for one in found]
    assert missing == []
    assert texts[0] == "rng = np.random.default_rng(2019)\nx = np.random.rand()\n"
    assert texts[-1] == "np.random.seed(2019)\nrng = np.random.default_rng(2019)\nx = np.random.rand()\n"


def test_a_generator_of_numpy_without_a_seed_is_the_patch_if_nothing_else_draws_from_the_system(program):
    assert patched(program("rng = np.random.default_rng()\n"), "entropy") == "rng = np.random.default_rng(2019)\n"


@pytest.mark.parametrize("cause", ["clock", "entropy"])
def test_the_whole_file_is_read_as_often_for_many_lines_as_for_few(program, cause, monkeypatch):
    walk, trees = ast.walk, []

    def counted(node):
        trees.append(node) if isinstance(node, ast.Module) else None
        return walk(node)

    monkeypatch.setattr(ast, "walk", counted)
    numbers = []
    for lines in (5, 50):
        trees.clear()
        more = "".join(f"x{n} = f(g({n}), y={n})\n" for n in range(lines))
        patches(program("seed = time.time() + os.urandom(1)[0]\nrandom.seed(seed)\n" + more), [cause])
        numbers.append(len(trees))
    assert numbers[0] == numbers[1]
