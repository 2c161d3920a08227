"""The patches of `samebits fix`, made from programs whose lines all ran: where they go, and that nothing else changes."""

import subprocess
import sys
from functools import partial

import pytest
from builders import patched, program_of

from samebits.patches.documents import PatchResult
from samebits.patches.patch import patch_for
from samebits.patches.program import Draw, Program
from samebits.patches.proposal import concerned_lines
from samebits.patches.report import report
from samebits.reports.presenters import html


@pytest.fixture
def program(tmp_path):
    return partial(program_of, tmp_path)


def added(program, *cause):
    """The lines that the first patch adds; it removes none."""
    old = program.main.text.splitlines()
    new = patched(program, *cause).splitlines()
    assert [line for line in new if line in old] == old
    return [(place + 1, line) for place, line in enumerate(new) if line not in old]


# -- where the lines go ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_ranks", [True, False])
def test_only_a_new_line_that_reads_the_rank_differs_by_rank(program, has_ranks):
    text = "import torch\nprint(torch.rand(1))\n"
    patch, _ = patch_for(program(text, [("torch", 2)], ("torch",), has_ranks=has_ranks), ["torch-seed"])
    assert patch.differs_by_rank is has_ranks


def test_no_seed_of_a_rank_makes_the_state_of_accelerate_before_the_program_does(program):
    text = """\
    import torch
    from accelerate import Accelerator
    from accelerate.utils import set_seed
    print(torch.rand(1))
    Accelerator(mixed_precision="bf16")
    """
    made = program(text, [("torch", 4)], ("torch", "accelerate"), has_ranks=True)
    assert [line for _, line in added(made, "torch-seed")] == [
        "import os",
        'torch.manual_seed(2019 + int(os.environ.get("RANK") or 0))',
    ]


BACKEND = 'os.environ["KERAS_BACKEND"] = "jax"'
SEEDED = "net = torch.nn.Linear(1, 1)\n"


@pytest.mark.parametrize(
    ("text", "draw", "causes", "lines"),
    [
        # after the docstring and the imports from the future, or after the first comments
        ('#!/usr/bin/env python\n"""Trains."""\nfrom __future__ import annotations\nprint(1)\n', (), "python-seed",
         [(4, "import random"), (5, "random.seed(2019)")]),
        ("#!/usr/bin/env python\n# a comment\nprint(hash('a'))\n", (), "python-seed",
         [(3, "import random"), (4, "random.seed(2019)")]),
        # never before the program chooses the backend of Keras, also if it does so after its last import
        (f"import os\nimport numpy as np\n{BACKEND}\nimport model\nmodel.fit()\n", ("python", 5), "tf-seed",
         [(5, "import keras"), (6, "keras.utils.set_random_seed(2019)")]),
        ('import os\nos.environ.setdefault("KERAS_BACKEND", "jax")\nmain()\n', ("python", 3), "tf-seed",
         [(3, "import keras"), (4, "keras.utils.set_random_seed(2019)")]),
        # no place is left on the line of the last import; statements behind it stay there
        ("import torch; " + SEEDED + "print(net)\n", ("torch", 1), "torch-seed", None),
        ("import os; import torch; x = 1\n" + SEEDED, ("torch", 2), "torch-seed", [(2, "torch.manual_seed(2019)")]),
        # a name that means something else is not taken; a library that is not imported is
        ("from random import random\nprint(random())\n", ("python", 2), "python-seed",
         [(2, "import random as _random"), (3, "_random.seed(2019)")]),
        ("from transformers import Trainer\nTrainer().train()\n", ("torch", 2), "torch-seed",
         [(2, "import transformers"), (3, "transformers.set_seed(2019)")]),
        ("from model import *\nfit()\n", ("torch", 2), "torch-seed", [(2, "import torch"), (3, "torch.manual_seed(2019)")]),
        # one call for several seeds, if the framework has one
        ("import keras\nmain()\n", ("python", 2), "python-seed numpy-seed tf-seed", [(2, "keras.utils.set_random_seed(2019)")]),
        # a seed of the program that comes too late stays; the one of accelerate is the program's own
        ("import torch\n" + SEEDED + "torch.manual_seed(7)\n", ("torch", 2), "torch-seed", [(2, "torch.manual_seed(2019)")]),
        ("import torch\nfrom accelerate.utils import set_seed\n" + SEEDED, ("torch", 3), "torch-seed", [(3, "set_seed(2019)")]),
    ],
)  # fmt: skip
def test_a_seed_stands_where_the_program_can_use_it(program, text, draw, causes, lines):
    made = program(text, [draw] if draw else [], ["torch", "keras"])
    if lines is None:
        assert patch_for(made, causes.split()) == (None, causes.split())
    else:
        assert added(made, *causes.split()) == lines


def test_no_library_is_imported_before_a_function_that_sets_variables_for_it(program):
    text = """\
    import os

    def main():
        os.environ["KERAS_BACKEND"] = "jax"
        import model
        model.fit()

    main()
    """
    made = program(text, [], ["keras"])
    made.look.draws.append(Draw("python", ((made.look.main, 6), (made.look.main, 8))))
    assert patch_for(made, ["tf-seed"]) == (None, ["tf-seed"])
    assert added(made, "python-seed") == [(2, "import random"), (3, "random.seed(2019)")]


def test_a_draw_while_a_module_is_imported_gets_its_seed_before_that_import(program, tmp_path):
    module = tmp_path / "model.py"
    module.write_text("import torch\nnet = torch.nn.Linear(1, 1)\n")
    made = program("import torch\nfrom model import net\nnet.train()\n", packages=["torch"])
    made.look.draws.append(Draw("torch", ((module, 2), (made.look.main, 2))))
    assert added(made, "torch-seed") == [(2, "torch.manual_seed(2019)")]


def test_what_a_library_draws_while_it_is_imported_is_no_first_draw(program):
    text = "import os\nimport keras\nmain()\n"
    made = program(text, [("python", 2), ("python", 3)], ["keras"])
    assert added(made, "python-seed") == [(3, "keras.utils.set_random_seed(2019)")]
    assert made.first(["python"]).places[0][1] == 3


def test_the_ends_of_lines_the_encoding_and_a_missing_last_newline_are_kept(program):
    data = "\ufeffimport random\r\nprint('é', random.random())".encode()
    made = program(data, [("python", 2)])
    assert patched(made, "python-seed").encode(made.main.encoding) == (
        "\ufeffimport random\r\nrandom.seed(2019)\r\nprint('é', random.random())".encode()
    )


def test_columns_count_characters_not_bytes(program):
    assert patched(program('print("éü", list({1, 2}))\n'), "hash-seed") == 'print("éü", list(sorted({1, 2})))\n'


# -- in the framework's own words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("imports", "cause", "line"),
    [
        ("import numpy as np", "numpy-seed", "np.random.seed(2019)"),
        ("import torch as t", "torch-seed", "t.manual_seed(2019)"),
        ("import torch", "cuda-seed", "torch.cuda.manual_seed_all(2019)"),
        ("import keras", "tf-seed", "keras.utils.set_random_seed(2019)"),
        ("import keras", "python-seed", "keras.utils.set_random_seed(2019)"),
        ("from tensorflow import keras", "tf-seed", "keras.utils.set_random_seed(2019)"),
        ("import tensorflow as tf", "tf-seed", "tf.keras.utils.set_random_seed(2019)"),
        ("import lightning as L", "torch-seed", "L.seed_everything(2019, workers=True)"),
        ("import lightning.pytorch as pl", "numpy-seed", "pl.seed_everything(2019, workers=True)"),
        ("import pytorch_lightning as pl", "python-seed", "pl.seed_everything(2019, workers=True)"),
        ("import transformers", "torch-seed", "transformers.set_seed(2019)"),
        ("from transformers import set_seed", "torch-seed", "set_seed(2019)"),
        ("import torch", "torch-deterministic", "torch.use_deterministic_algorithms(True)"),
        ("import torch", "cudnn-benchmark-off", "torch.backends.cudnn.benchmark = False"),
        ("import torch", "threads", "torch.set_num_threads(1)"),
    ],
)
def test_a_line_is_in_the_words_of_the_programs_framework(program, imports, cause, line):
    made = program(f"{imports}\nmain()\n", [("python", 2)], ["torch", "keras", "tensorflow"])
    assert added(made, cause) == [(2, line)]


def test_an_old_keras_has_no_such_call(program):
    made = program("import keras, random\nmain()\n", [("python", 2)])
    made = Program(made.look, made.directory, 2019, {"keras": "2.3.1"})
    assert added(made, "python-seed") == [(2, "random.seed(2019)")]


def test_a_generator_that_the_program_seeds_itself_gets_no_second_seed(program):
    text = "import random\nrandom.seed(0)\nother = random.Random()\n"
    assert patched(program(text, [("python", 2)]), "python-seed") == text.replace("Random()", "Random(2019)")


def test_two_causes_share_an_import(program):
    made = program("from model import *\nfit()\n", [("torch", 2)], ["torch"])
    lines = [line for _, line in added(made, "torch-seed", "torch-deterministic")]
    assert sorted(lines) == ["import torch", "torch.manual_seed(2019)", "torch.use_deterministic_algorithms(True)"]


def test_deterministic_algorithms_on_a_gpu_get_the_workspace_of_cublas(program):
    made = program("import torch\nfit()\n", [("torch", 2)], ["torch"], uses_cuda=True)
    assert [line for _, line in added(made, "torch-deterministic")] == [
        "import os",
        'os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")',
        "torch.use_deterministic_algorithms(True)",
    ]


# -- changes in expressions -----------------------------------------------------------------------------------------------


WALK = "((root, folders.sort() or folders, sorted(files)) for root, folders, files in os.walk(f))"


@pytest.mark.parametrize(
    ("cause", "old", "new"),
    [
        ("numpy-generator", "np.random.default_rng()", "np.random.default_rng(2019)"),
        ("numpy-generator", "np.random.default_rng(None)", "np.random.default_rng(2019)"),
        ("numpy-generator", "np.random.RandomState( )", "np.random.RandomState(2019 )"),
        ("python-seed", "random.Random()", "random.Random(2019)"),
        ("numpy-generator", "np.random.default_rng(seed=None)", "np.random.default_rng(seed=2019)"),
        ("hash-seed", "label = list(set(names))", "label = list(sorted(set(names)))"),
        ("hash-seed", "for n in {a, b}: pass", "for n in sorted({a, b}): pass"),
        ("hash-seed", "label = {n: i for i, n in enumerate(set(names))}", "label = {n: i for i, n in enumerate(sorted(set(names)))}"),
        ("hash-seed", "total = sum({a, b})", "total = sum(sorted({a, b}))"),
        ("hash-seed", "a, b = {a, b}", "a, b = sorted({a, b})"),
        ("hash-seed", "place = dict.fromkeys(set(names))", "place = dict.fromkeys(sorted(set(names)))"),
        ("hash-seed", "x = list(map(len, set(names)))", "x = list(map(len, sorted(set(names))))"),
        ("hash-seed", "x = ' '.join(set(a) | set(b))", "x = ' '.join(sorted(set(a) | set(b)))"),
        ("hash-seed", "vote = max(set(a), key=a.count)", "vote = max(sorted(set(a)), key=a.count)"),
        ("hash-seed", "a = sorted(set(a), key=len)", "a = sorted(sorted(set(a)), key=len)"),
        ("hash-seed", "for k in a.keys() & b.keys(): pass", "for k in sorted(a.keys() & b.keys()): pass"),
        ("hash-seed", "for k in a.keys() - b: pass", "for k in sorted(a.keys() - b): pass"),
        ("listing-order", "os.listdir(folder)", "sorted(os.listdir(folder))"),
        ("listing-order", "for e in os.scandir(f): pass", "for e in sorted(os.scandir(f), key=lambda entry: entry.name): pass"),
        ("listing-order", "first = next(path.glob('*.png'))", "first = next(iter(sorted(path.glob('*.png'))))"),
        ("listing-order", "it = path.iterdir()\nx = next(it)", "it = iter(sorted(path.iterdir()))\nx = next(it)"),
        ("listing-order", "list(path.glob('*.png'))", "list(sorted(path.glob('*.png')))"),
        ("listing-order", "x = [one for one in path.rglob('*')]", "x = [one for one in sorted(path.rglob('*'))]"),
        ("listing-order", "take(path.iterdir())", "take(iter(sorted(path.iterdir())))"),
        ("listing-order", "for r, ds, fs in os.walk(f): pass", f"for r, ds, fs in {WALK}: pass"),
        ("listing-order", "for r, ds, fs in sorted(os.walk(f)): pass", f"for r, ds, fs in sorted({WALK}): pass"),
        ("listing-order", "x = next(os.walk(f))[1]", f"x = next({WALK})[1]"),
    ],
)  # fmt: skip
def test_a_call_is_mended_where_it_stands(program, cause, old, new):
    imports = (
        "import os, random, time\nimport numpy as np\nimport torch\n"
        "from concurrent.futures import as_completed\nfrom torch.utils.data import DataLoader\n"
    )
    assert patched(program(imports + old + "\n", packages=["torch", "numpy"]), cause) == imports + new + "\n"


def test_a_walk_is_in_order_and_the_program_can_still_leave_folders_out(program, tmp_path):
    folder = tmp_path / "data"
    for name in ("b/2", "b/1", "a/3", "left out/4"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    text = (
        "import os\nfor root, some, files in os.walk(folder):\n"
        "    some[:] = [one for one in some if one != 'left out']\n    found += files\n"
    )
    known = {"folder": folder, "found": []}
    exec(patched(program(text), "listing-order"), known)
    assert known["found"] == ["3", "1", "2"]


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        ("numpy-generator", "import numpy as np\nnp.random.default_rng(5)\n"),
        ("hash-seed", "names = sorted(set('abc'))\nfor name in names: pass\n"),
        ("hash-seed", "names = set('abc')\nfor name in names: pass\n"),
        ("hash-seed", "a = max({1, 2}), sorted(set('abc'))\nfor key in {}.keys(): pass\n"),
        ("hash-seed", "x = hash('a') % 5\n"),
        ("listing-order", "import os\nnames = sorted(os.listdir('.'))\nnumber = len(os.listdir('.'))\n"),
        ("listing-order", "import os\nfor r, ds, fs in os.walk('.', topdown=False): pass\n"),
        ("listing-order", "import os\nwith os.scandir('.') as entries: pass\n"),
        ("mkl-cbwr", "import torch\n"),
    ],
)  # fmt: skip
def test_what_samebits_is_not_sure_of_has_no_patch(program, cause, text):
    assert patch_for(program(text, packages=["torch"]), [cause]) == (None, [cause])


@pytest.mark.parametrize(
    ("cause", "line"),
    [
        ("clock", "seed = int(time.time())"),
        ("clock", "torch.manual_seed(time.time_ns() % 2**31)"),
        ("clock", "now = datetime.now()"),
        ("entropy", "key = os.urandom(8)"),
        ("entropy", "run = uuid4().hex"),
        ("aslr", "order = id(x)"),
        ("hash-seed", "names = set('abc')"),
        ("dataloader-seed", "loader = DataLoader(d, num_workers=2)"),
        ("dataloader-workers", "loader = DataLoader(d, num_workers=2)"),
        ("fill-uninitialized", "x = torch.empty(3)"),
        ("serial-threads", "for f in as_completed(futures): pass"),
        ("tf-data-order", "data = data.map(f, num_parallel_calls=4)"),
    ],
)
def test_the_lines_that_a_cause_concerns_are_shown_if_there_is_no_patch(program, cause, line):
    made = program(f"import os, time, torch\nfrom uuid import uuid4\n{line}\nx = x.copy()\n")
    assert patch_for(made, [cause]) == (None, [cause])
    assert list(concerned_lines(made, cause)) == [f"train.py:3   {line}"]


def test_only_lines_that_ran_are_changed(program):
    made = program("import numpy as np\nif 0:\n    np.random.default_rng()\nnp.random.default_rng()\n")
    made.look.lines[made.look.main].discard(3)
    assert patched(made, "numpy-generator").splitlines()[2:] == [
        "    np.random.default_rng()",
        "np.random.default_rng(2019)",
    ]


@pytest.mark.parametrize(
    "start",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy as np",
        "import sys\nif len(sys.argv) > 5:\n    import numpy as np",
        "try:\n    import pandas\nexcept ImportError:\n    import numpy as np",
    ],
)
def test_an_import_that_may_not_run_is_not_relied_on(program, start):
    made = program(f"{start}\nimport model\nmodel.train()\n")
    made.look.draws.append(Draw("numpy", ((made.look.main, len(made.main.lines)),)))
    made.packages["numpy"] = "2.0"
    assert [line for _, line in added(made, "numpy-seed")] == ["import numpy", "numpy.random.seed(2019)"]


@pytest.mark.parametrize("own", ["from mine import set_seed", "def set_seed(seed, device): pass"])
def test_a_function_of_the_program_keeps_its_name(program, own):
    text = f"import torch\n{own}\nfrom transformers import Trainer\nnet = torch.nn.Linear(1, 1)\nset_seed(3, 4)\n"
    made = program(text, [("torch", 4)], ["torch", "transformers"])
    assert added(made, "torch-seed") == [(4, "import transformers"), (5, "transformers.set_seed(2019)")]


def test_an_estimator_that_drew_for_want_of_a_random_state_gets_one(program):
    text = "from sklearn.ensemble import RandomForestClassifier\nf = RandomForestClassifier(5).fit(x, y)\n"
    made = program(text, [("numpy", 2, "RandomForestClassifier", "BaseForest")], ["numpy", "sklearn"])
    assert patched(made, "numpy-seed").splitlines()[1:] == [
        "f = RandomForestClassifier(5, random_state=2019).fit(x, y)"
    ]


def test_an_estimator_may_be_made_before_the_line_on_which_it_draws(program):
    text = """\
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.svm import SVC
    some = RandomForestClassifier(), SVC()
    some[0].fit(x, y)
    """
    made = program(text, [("numpy", 4, "RandomForestClassifier")], ["numpy", "sklearn"])
    assert patched(made, "numpy-seed").splitlines()[-2] == "some = RandomForestClassifier(random_state=2019), SVC()"


# -- the files ------------------------------------------------------------------------------------------------------

ENDS = """\
import sys
from pathlib import Path
from samebits import interrupt
from samebits.patches.patch import Patch
from samebits.patches.patched_files import PatchedFiles
from samebits.patches.program import LineChange
from samebits.patches.source import SourceFile, TextEdit

source = SourceFile.read(Path(sys.argv[1]))
patch = Patch((LineChange("python-seed", source, TextEdit(0, 0, "import random\\n"), ""),))
with interrupt.handled(to_the_end=True):
    interrupt.tell(advice="samebits fix --apply record")
    files = PatchedFiles(patch).__enter__()
    assert source.path.read_text() != source.text
    {ends}
"""


@pytest.mark.parametrize(
    ("ends", "status", "is_patched"),
    [
        ("interrupt.leave(2)", 130, False),  # the third Ctrl-C waits for nothing
        ("pass", 0, False),  # a signal that came between two lines of the context
        ("files.keep(); interrupt.leave(2)", 130, True),
    ],
)
def test_whenever_samebits_is_stopped_the_file_is_what_it_says(tmp_path, ends, status, is_patched):
    path = tmp_path / "train.py"
    path.write_text("print(1)\n")
    ended = subprocess.run([sys.executable, "-c", ENDS.format(ends=ends), path], capture_output=True, text=True)
    assert ended.returncode == status, ended.stderr
    assert path.read_text() == ("import random\n" if is_patched else "") + "print(1)\n"
    assert ("which is in the files" in ended.stderr) == is_patched
    assert ("samebits fix --apply record" in ended.stderr) == (status == 130 and not is_patched)


def test_the_page_of_a_patch_says_what_it_is_for_and_names_the_interpreter():
    found = PatchResult(samebits="0.1.0", outcome="proposed", sentence="1 line for python-seed, not tried yet.",
                        command=["python", "train.py"], python="/opt/bin/python3", directory="/d", record="/r",
                        cause=["python-seed"], patch="--- a/train.py\n")  # fmt: skip
    page = html.render(report(found))
    for said in ("1 line for python-seed, not tried yet.", "python train.py", "/opt/bin/python3"):
        assert page.count(f">{said}<") == 1
    assert "samebits fix --apply /r" in page
