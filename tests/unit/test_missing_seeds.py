"""The patches of `samebits fix` for calls whose seed is missing or None at run time."""

from functools import partial

import pytest
from builders import patched, program_of

from samebits.patches.patch import patch_for
from samebits.patches.program import Draw
from samebits.patches.seeds import with_own_seed

OPTION = """\
import argparse
import random
import numpy as np
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int{})
args = parser.parse_args()
"""


@pytest.fixture
def program(tmp_path):
    return partial(program_of, tmp_path, packages=("numpy", "torch"))


def changed(program, cause):
    """(The old line, the new line) of each line that a patch changes; a patch that adds lines fails."""
    lines = zip(program.main.text.splitlines(), patched(program, *cause).splitlines(), strict=True)
    return [pair for pair in lines if pair[0] != pair[1]]


@pytest.mark.parametrize(
    ("generator", "line", "wanted"),
    [
        ("python", "random.seed(args.seed)", "random.seed(2019 if args.seed is None else args.seed)"),
        ("python", "random.seed(a=args.seed)", "random.seed(a=2019 if args.seed is None else args.seed)"),
        ("python", "random.seed(None)", "random.seed(2019)"),
        ("python", "random.seed()", "random.seed(2019)"),
        ("numpy", "np.random.seed(args.seed)", "np.random.seed(2019 if args.seed is None else args.seed)"),
        ("numpy", "np.random.seed()", "np.random.seed(2019)"),
        ("numpy", 'np.random.seed(c["seed"])', 'np.random.seed(2019 if c["seed"] is None else c["seed"])'),
    ],
)
def test_a_seed_without_a_value_gets_one_where_it_is_given(program, generator, line, wanted):
    made = program(OPTION.format("") + line + "\n", [(generator, 7)])
    assert changed(made, [f"{generator}-seed"]) == [(line, wanted)]


def test_a_later_seed_from_the_system_changes_and_the_first_draw_gets_a_seed(program):
    text = "import random\nx = random.random()\nrandom.seed()\ny = random.random()\n"
    new = patched(program(text, [("python", 2), ("python", 3)]), "python-seed")
    assert new == "import random\nrandom.seed(2019)\nx = random.random()\nrandom.seed(2019)\ny = random.random()\n"


def test_a_later_seed_with_a_value_stays(program):
    text = "import random\nx = random.random()\nfor seed in range(3):\n    random.seed(seed)\n"
    new = patched(program(text, [("python", 2), ("python", 4)]), "python-seed")
    assert new == text.replace("random\n", "random\nrandom.seed(2019)\n", 1)


def test_each_file_gets_its_own_change(program):
    made = program("import random\nrandom.seed()\n", [("python", 2)])
    other = made.main.path.with_name("other.py")
    other.write_text("import random\nrandom.seed()\n")
    made.look.lines[other] = {1, 2}
    made.look.draws.append(Draw("python", ((other, 2),)))
    patch, _ = patch_for(made, ["python-seed"])
    assert {path.name for path in patch.texts} == {"train.py", "other.py"}


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("np.random.default_rng(args.seed)", "np.random.default_rng(2019 if args.seed is None else args.seed)"),
        (
            "np.random.RandomState(seed=args.seed)",
            "np.random.RandomState(seed=2019 if args.seed is None else args.seed)",
        ),
    ],
)
def test_a_generator_of_an_option_without_a_value_gets_a_seed(program, call, wanted):
    made = program(OPTION.format("") + f"rng = {call}\n")
    assert changed(made, ["numpy-generator"]) == [(f"rng = {call}", f"rng = {wanted}")]


def test_a_seed_that_is_none_if_an_option_is_missing_gets_a_value(program):
    text = "import sys\nimport numpy as np\nseed = int(sys.argv[1]) if sys.argv[1:] else None\nnp.random.default_rng(seed)\n"
    wanted = "np.random.default_rng(2019 if seed is None else seed)"
    assert changed(program(text), ["numpy-generator"]) == [("np.random.default_rng(seed)", wanted)]


def test_a_generator_that_may_have_a_seed_stays_if_another_has_none(program):
    text = OPTION.format("") + "one = np.random.default_rng()\ntwo = np.random.default_rng(args.seed)\n"
    assert changed(program(text), ["numpy-generator"]) == [
        ("one = np.random.default_rng()", "one = np.random.default_rng(2019)")
    ]


def test_a_generator_of_python_gets_a_seed_beside_the_global_one(program):
    text = "import random\none = random.Random()\ntwo = random.random()\n"
    new = patched(program(text, [("python", 3)]), "python-seed")
    assert new == "import random\nrandom.seed(2019)\none = random.Random(2019)\ntwo = random.random()\n"
    option = OPTION.format("") + "one = random.Random(args.seed)\n"
    assert changed(program(option), ["python-seed"]) == [
        ("one = random.Random(args.seed)", "one = random.Random(2019 if args.seed is None else args.seed)")
    ]


@pytest.mark.parametrize("seed", ["next(seeds)", "5", "*given", "**given"])
def test_a_seed_stays_if_it_cannot_be_none_or_must_not_be_read_twice(program, seed):
    text = f"import numpy as np\nrng = np.random.default_rng({seed})\n"
    assert patch_for(program(text), ["numpy-generator"]) == (None, ["numpy-generator"])


@pytest.mark.parametrize(
    ("text", "seed", "place"),
    [
        ("import torch\ntorch.manual_seed(42)\n", 42, "train.py:2"),
        ("import numpy as np\nSEED = 7\nrng = np.random.default_rng(SEED)\n", 7, "train.py:3"),
        ("x, y = split(a, b, random_state=11)\n", 11, "train.py:1"),
        ("seed_everything(0, workers=True)\n", 0, "train.py:1"),
        ("import random\nrandom.seed(args.seed)\nrange(5)\n", 2019, ""),
        ("SEED = 7\nSEED = 8\nset_seed(SEED)\n", 2019, ""),
        ("set_seed(True)\nset_seed(-1)\nset_seed(None)\n", 2019, ""),
    ],
)
def test_the_seed_of_a_patch_is_the_programs_own_if_it_has_one(program, text, seed, place):
    found = with_own_seed(program(text))
    assert (found.seed, found.seed_place) == (seed, place)
