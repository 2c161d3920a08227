"""The patches of `samebits fix`, made from programs whose lines all ran: where they go, and that nothing else changes."""

import subprocess
import sys
import textwrap

import pytest

from samebits.patches.documents import PatchResult
from samebits.patches.earlier import found_again
from samebits.patches.patch import patches
from samebits.patches.patched_files import PatchedFiles
from samebits.patches.program import Draw, Look, Program
from samebits.patches.report import report
from samebits.reports.presenters import html


@pytest.fixture
def program(tmp_path):
    """Function(text, draws=..., packages=...) -> Program of one file, train.py, of which every line ran.

    `draws`: (generator, line) of each, or (generator, line, what of scikit-learn ran there).
    """

    def make(text, draws=(), packages=(), **more):
        path = tmp_path / "train.py"
        data = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
        path.write_bytes(data)
        number = len(data.splitlines())
        found = Look(lines={path: set(range(1, number + 1))}, main=path)
        for generator, line, *unseeded in draws:
            found.draws.append(Draw(generator, ((path, line),), tuple(unseeded)))
        return Program(found, tmp_path, 2019, dict.fromkeys(packages, "3.5"), **more)

    return make


def patched(program, *cause):
    """The text of the file with the first patch."""
    found, missing = patches(program, cause)
    assert missing == []
    ((_, text),) = found[0].texts.values()
    return text


def added(program, *cause):
    """The lines that the first patch adds; it removes none."""
    old = program.main.text.splitlines()
    new = patched(program, *cause).splitlines()
    assert [line for line in new if line in old] == old
    return [(place + 1, line) for place, line in enumerate(new) if line not in old]


# -- where the lines go ---------------------------------------------------------------------------------------------


def test_a_seed_stands_after_the_imports_and_before_the_first_draw(program):
    text = """\
    import random

    import numpy as np
    x = np.zeros(3)
    print(random.random())
    """
    assert added(program(text, [("python", 5)]), "python-seed") == [(4, "random.seed(2019)")]


def test_each_rank_gets_a_seed_of_its_own(program):
    text = """\
    import torch
    print(torch.rand(1))
    """
    made = program(text, [("torch", 2)], ("torch",), has_ranks=True)
    assert added(made, "torch-seed") == [
        (2, "import os"),
        (3, 'torch.manual_seed(2019 + int(os.environ.get("RANK") or 0))'),
    ]


@pytest.mark.parametrize(
    ("has_ranks", "line"), [(True, "print(1)"), (False, "print(1)"), (True, "torch.manual_seed(3)")]
)
def test_only_a_new_line_that_reads_the_rank_differs_by_rank(program, has_ranks, line):
    text = f"import torch\nprint(torch.rand(1))\n{line}\n"
    (patch, *_), _ = patches(program(text, [("torch", 2)], ("torch",), has_ranks=has_ranks), ["torch-seed"])
    assert patch.differs_by_rank is (has_ranks and "seed" not in line)


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


def test_it_stands_after_the_docstring_and_the_future(program):
    text = '''\
    #!/usr/bin/env python
    """Trains."""
    from __future__ import annotations
    print(1)
    '''
    assert added(program(text), "python-seed") == [(4, "import random"), (5, "random.seed(2019)")]


def test_a_program_without_imports_and_docstring_keeps_its_first_comments(program):
    text = "#!/usr/bin/env python\n# a comment\nprint(hash('a'))\n"
    assert added(program(text), "python-seed") == [(3, "import random"), (4, "random.seed(2019)")]


def test_an_import_of_keras_never_stands_before_the_program_chooses_its_backend(program):
    text = """\
    import os
    import numpy as np
    os.environ["KERAS_BACKEND"] = "jax"
    import model
    model.fit()
    """
    lines = added(program(text, [("python", 5)], ["keras"]), "tf-seed")
    assert lines == [(5, "import keras"), (6, "keras.utils.set_random_seed(2019)")]


def test_settings_after_the_last_import_come_first_too(program):
    text = """\
    import os
    os.environ.setdefault("KERAS_BACKEND", "jax")
    main()
    """
    lines = added(program(text, [("python", 3)], ["keras"]), "tf-seed")
    assert lines == [(3, "import keras"), (4, "keras.utils.set_random_seed(2019)")]


def test_a_backend_that_is_chosen_in_a_function_is_chosen_before_the_import(program):
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
    assert added(made, "tf-seed") == [(6, "    import keras"), (7, "    keras.utils.set_random_seed(2019)")]


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


def test_a_draw_on_the_line_of_the_last_import_is_preceded_there(program):
    text = "import torch; net = torch.nn.Linear(1, 1)\nprint(net)\n"
    made = program(text, [("torch", 1)], ["torch"])
    assert patched(made, "torch-seed").startswith("import torch; torch.manual_seed(2019); net = ")


def test_statements_behind_the_last_import_stay_on_its_line(program):
    text = "import os; import torch; x = 1\nnet = torch.nn.Linear(1, 1)\n"
    assert added(program(text, [("torch", 2)], ["torch"]), "torch-seed") == [(2, "torch.manual_seed(2019)")]


def test_a_name_that_means_something_else_is_not_taken(program):
    text = "from random import random\nprint(random())\n"
    lines = added(program(text, [("python", 2)]), "python-seed")
    assert lines == [(2, "import random as _random"), (3, "_random.seed(2019)")]


def test_the_ends_of_lines_the_encoding_and_a_missing_last_newline_are_kept(program):
    data = "\ufeffimport random\r\nprint('é', random.random())".encode()
    made = program(data, [("python", 2)])
    assert patched(made, "python-seed").encode(made.main.encoding) == (
        "\ufeffimport random\r\nrandom.seed(2019)\r\nprint('é', random.random())".encode()
    )


def test_columns_count_characters_not_bytes(program):
    text = 'import time, torch\nprint("éü", torch.manual_seed(time.time_ns()))\n'
    assert patched(program(text), "clock") == 'import time, torch\nprint("éü", torch.manual_seed(2019))\n'


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


def test_a_part_of_a_library_is_enough_to_take_its_words(program):
    made = program("from transformers import Trainer\nTrainer().train()\n", [("torch", 2)], ["torch"])
    assert added(made, "torch-seed") == [(2, "from transformers import set_seed"), (3, "set_seed(2019)")]


def test_several_seeds_are_one_call_if_the_framework_has_one(program):
    made = program("import keras\nmain()\n", [("python", 2)], ["keras"])
    assert added(made, "python-seed", "numpy-seed", "tf-seed") == [(2, "keras.utils.set_random_seed(2019)")]


def test_an_old_keras_has_no_such_call(program):
    made = program("import keras, random\nmain()\n", [("python", 2)])
    made = Program(made.look, made.directory, 2019, {"keras": "2.3.1"})
    assert added(made, "python-seed") == [(2, "random.seed(2019)")]


def test_a_library_that_the_file_does_not_import_is_imported(program):
    made = program("from model import *\nfit()\n", [("torch", 2)], ["torch"])
    assert added(made, "torch-seed") == [(2, "import torch"), (3, "torch.manual_seed(2019)")]


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


# -- a seed that comes too late -------------------------------------------------------------------------------------


def test_the_programs_own_seed_is_moved_above_the_first_draw(program):
    text = """\
    import lightning as L
    import torch
    net = torch.nn.Linear(1, 1)
    L.seed_everything(7, workers=True)
    net.fit()
    """
    made = patched(program(text, [("torch", 3)], ["torch"]), "torch-seed").splitlines()
    assert made == [
        "import lightning as L",
        "import torch",
        "L.seed_everything(7, workers=True)",
        "net = torch.nn.Linear(1, 1)",
        "net.fit()",
    ]


def test_a_seed_from_an_argument_stays_behind_the_argument(program):
    text = """\
    import sys, torch
    seed = int(sys.argv[1])
    net = torch.nn.Linear(1, 1)
    torch.manual_seed(seed)
    """
    made = patched(program(text, [("torch", 3)], ["torch"]), "torch-seed").splitlines()
    assert made[1:] == ["seed = int(sys.argv[1])", "torch.manual_seed(seed)", "net = torch.nn.Linear(1, 1)"]


def test_in_a_function_it_is_moved_within_the_function(program):
    text = """\
    import torch

    def main():
        net = torch.nn.Linear(1, 1)
        torch.manual_seed(7)
        return net

    main()
    """
    made = program(text, packages=["torch"])
    path = made.look.main
    made.look.draws.append(Draw("torch", ((path, 4), (path, 8))))
    assert patched(made, "torch-seed").splitlines()[3:5] == [
        "    torch.manual_seed(7)",
        "    net = torch.nn.Linear(1, 1)",
    ]


def test_a_seed_that_is_made_later_is_not_moved(program):
    text = """\
    import torch
    net = torch.nn.Linear(1, 1)
    seed = len(str(net))
    torch.manual_seed(seed)
    """
    assert added(program(text, [("torch", 2)], ["torch"]), "torch-seed") == [(2, "torch.manual_seed(2019)")]


# -- changes of calls -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "old", "new"),
    [
        ("numpy-generator", "np.random.default_rng()", "np.random.default_rng(2019)"),
        ("numpy-generator", "np.random.default_rng(None)", "np.random.default_rng(2019)"),
        ("numpy-generator", "np.random.RandomState( )", "np.random.RandomState(2019 )"),
        ("python-seed", "random.Random()", "random.Random(2019)"),
        ("clock", "torch.manual_seed(time.time_ns() % 2**31)", "torch.manual_seed(2019)"),
        ("clock", "seed = int(time.time())", "seed = 2019"),
        ("clock", "s = time.time_ns()\nseedling = time.time()\nrandom.seed(s)", "s = 2019\nseedling = time.time()\nrandom.seed(s)"),
        ("clock", "np.random.default_rng(seed=int(time.time()))", "np.random.default_rng(seed=2019)"),
        ("clock", "args.seed = int(time.time())", "args.seed = 2019"),
        ("clock", "seed: int = time.time_ns()", "seed: int = 2019"),
        ("clock", "if seed := time.time_ns(): pass", "if seed := 2019: pass"),
        ("clock", "p.add_argument('--seed', type=int, default=int(time.time()))", "p.add_argument('--seed', type=int, default=2019)"),
        ("clock", "s = {'seed': time.time_ns(), 'eta': 0.1}", "s = {'seed': 2019, 'eta': 0.1}"),
        ("clock", "s['random-seed'] = time.time_ns()", "s['random-seed'] = 2019"),
        ("clock", "m = Model(random_state=time.time_ns() % 9)", "m = Model(random_state=2019)"),
        ("clock", "def main(a, seed=time.time_ns(), *, lr=1): pass", "def main(a, seed=2019, *, lr=1): pass"),
        ("clock", "def main(*, lr=1, seed=time.time_ns()): pass", "def main(*, lr=1, seed=2019): pass"),
        ("clock", "seed = given or time.time_ns()", "seed = given or 2019"),
        ("clock", "seed = time.time_ns() if given is None else given", "seed = 2019 if given is None else given"),
        ("clock", "seed = s.get('seed', time.time_ns())", "seed = s.get('seed', 2019)"),
        ("clock", "os.environ['SEED'] = str(time.time_ns())", "os.environ['SEED'] = \"2019\""),
        ("clock", "random.seed(f'{time.time()}')", "random.seed(\"2019\")"),
        ("numpy-generator", "np.random.default_rng(seed=None)", "np.random.default_rng(seed=2019)"),
        ("entropy", "torch.manual_seed(int.from_bytes(os.urandom(4), 'big'))", "torch.manual_seed(2019)"),
        ("hash-seed", "label = list(set(names))", "label = list(sorted(set(names)))"),
        ("hash-seed", "for n in {a, b}: pass", "for n in sorted({a, b}): pass"),
        ("hash-seed", "label = {n: i for i, n in enumerate(set(names))}", "label = {n: i for i, n in enumerate(sorted(set(names)))}"),
        ("hash-seed", "total = sum({a, b})", "total = sum(sorted({a, b}))"),
        ("hash-seed", "a, b = {a, b}", "a, b = sorted({a, b})"),
        ("hash-seed", "place = dict.fromkeys(set(names))", "place = dict.fromkeys(sorted(set(names)))"),
        ("hash-seed", "x = np.fromiter(map(hash, set(names)), int)", "x = np.fromiter(map(hash, sorted(set(names))), int)"),
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
        ("listing-order", "for r, ds, fs in os.walk(f):\n    pass", "for r, ds, fs in os.walk(f):\n    ds.sort()\n    fs.sort()\n    pass"),
        ("listing-order", "for r, ds, fs in os.walk(f): pass", "for r, ds, fs in os.walk(f): ds.sort(); fs.sort(); pass"),
        ("listing-order", "for r, _, _ in os.walk(f): pass", "for r, _, _ in sorted(os.walk(f)): pass"),
        ("listing-order", "x = [y for r, ds, fs in os.walk(f) for y in fs]", "x = [y for r, ds, fs in sorted(os.walk(f)) for y in sorted(fs)]"),
        ("listing-order", "x = next(os.walk(f))[1]", "x = sorted(next(os.walk(f))[1])"),
        ("serial-threads", "[f.result() for f in as_completed([a, b])]", "[f.result() for f in [a, b]]"),
        ("serial-threads", "[f.result() for f in as_completed(p.submit(g, i) for i in r)]", "[f.result() for f in [p.submit(g, i) for i in r]]"),
        ("serial-threads", "for f in as_completed({p.submit(g, i) for i in r}): pass", "for f in [p.submit(g, i) for i in r]: pass"),
        ("serial-threads", "pool.imap_unordered(f, x)", "pool.imap(f, x)"),
        ("fill-uninitialized", "torch.empty(3)", "torch.zeros(3)"),
        ("fill-uninitialized", "np.empty_like(x)", "np.zeros_like(x)"),
        ("dataloader-workers", "DataLoader(d, num_workers=4)", "DataLoader(d, num_workers=0)"),
        ("dataloader-workers", "DataLoader(d, 3, num_workers=2, persistent_workers=True, prefetch_factor=4)", "DataLoader(d, 3, num_workers=0, persistent_workers=False, prefetch_factor=None)"),
        ("dataloader-workers", "DataLoader(d, num_workers=2, in_order=False)", "DataLoader(d, num_workers=2, in_order=True)"),
        ("tf-data-order", "data.map(f, num_parallel_calls=4)", "data.map(f, num_parallel_calls=4, deterministic=True)"),
        ("tf-data-order", "data.map(f, num_parallel_calls=4, deterministic=False)", "data.map(f, num_parallel_calls=4, deterministic=True)"),
    ],
)  # fmt: skip
def test_a_call_is_mended_where_it_stands(program, cause, old, new):
    imports = (
        "import os, random, time\nimport numpy as np\nimport torch\n"
        "from concurrent.futures import as_completed\nfrom torch.utils.data import DataLoader\n"
    )
    assert patched(program(imports + old + "\n", packages=["torch", "numpy"]), cause) == imports + new + "\n"


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        ("numpy-generator", "import numpy as np\nnp.random.default_rng(5)\n"),
        ("clock", "import time\nrate = 0.1 / (1 + time.time())\n"),
        ("clock", "import time\nseeds = [time.time_ns(), time.time_ns()]\n"),
        ("clock", "import time\nprint('seed', time.time())\n"),
        ("clock", "import time\nseedling_started = time.time()\nseed_time = time.time()\n"),
        ("hash-seed", "names = sorted(set('abc'))\nfor name in names: pass\n"),
        ("hash-seed", "a = max({1, 2}), sorted(set('abc'))\nfor key in {}.keys(): pass\n"),
        ("listing-order", "import os\nnames = sorted(os.listdir('.'))\nnumber = len(os.listdir('.'))\n"),
        ("listing-order", "import os\nfor r, ds, fs in os.walk('.', topdown=False): pass\n"),
        ("dataloader-workers", "from torch.utils.data import DataLoader\nDataLoader(d, **settings)\n"),
        ("aslr", "print(id(object()))\n"),
        ("entropy", "import secrets\nkey, more = secrets.token_bytes(), secrets.token_hex(nbytes=4)\n"),
        ("mkl-cbwr", "import torch\n"),
    ],
)  # fmt: skip
def test_what_no_line_can_mend_has_no_patch(program, cause, text):
    assert patches(program(text, packages=["torch"]), [cause]) == ([], [cause])


def test_only_lines_that_ran_are_changed(program):
    made = program("import numpy as np\nif 0:\n    np.random.default_rng()\nnp.random.default_rng()\n")
    made.look.lines[made.look.main].discard(3)
    assert patched(made, "numpy-generator").splitlines()[2:] == [
        "    np.random.default_rng()",
        "np.random.default_rng(2019)",
    ]


def test_a_set_whose_elements_have_no_order_keeps_that_in_which_they_came(program):
    found, _ = patches(program("names = list(set(words))\n"), ["hash-seed"])
    assert [next(iter(one.texts.values()))[1] for one in found] == [
        "names = list(sorted(set(words)))\n",
        "names = list(dict.fromkeys(words))\n",
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


def test_the_seed_of_accelerate_is_the_programs_own(program):
    text = "import torch\nfrom accelerate.utils import set_seed\nnet = torch.nn.Linear(1, 1)\n"
    assert added(program(text, [("torch", 3)], ["torch"]), "torch-seed") == [(3, "set_seed(2019)")]
    assert patched(program(text + "set_seed(5)\n", [("torch", 3)], ["torch"]), "torch-seed").splitlines() == [
        "import torch",
        "from accelerate.utils import set_seed",
        "set_seed(5)",
        "net = torch.nn.Linear(1, 1)",
    ]


def test_a_checksum_replaces_the_hash_of_a_text(program):
    text = "import random\nval = [u for u in users if hash(u) % 5 == 0]\nx = hash((1, hash('a')))\nfor n in {hash('b')}: pass\n"
    assert patched(program(text), "hash-seed").splitlines() == [
        "import random",
        "import zlib",
        "val = [u for u in users if zlib.crc32(repr(u).encode()) % 5 == 0]",
        "x = zlib.crc32(repr((1, zlib.crc32(repr('a').encode()))).encode())",
        "for n in sorted({zlib.crc32(repr('b').encode())}): pass",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "class Key:\n    def __hash__(self):\n        return hash(self.name)\n",
        "from mine import hash\nx = hash('a')\n",
        "def hash(x): return 1\nx = hash('a')\n",
        "x = hash(*given)\n",
    ],
)
def test_what_must_stay_a_hash_stays_one(program, text):
    assert patches(program(text), ["hash-seed"]) == ([], ["hash-seed"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("for one in set(objects): pass", "for one in dict.fromkeys(objects): pass"),
        ("items = {Item(i) for i in r}\nfor one in items: pass", "items = dict.fromkeys(Item(i) for i in r)\nfor one in items: pass"),
        ("for one in set(a): pass\nfor n in {'a', 'b'}: pass", "for one in dict.fromkeys(a): pass\nfor n in {'a', 'b'}: pass"),
        ("for one in {a, b}: pass", "for one in dict.fromkeys([a, b]): pass"),
        ("s = set(a)\nx = b in s\nfor one in s: pass", "s = dict.fromkeys(a)\nx = b in s\nfor one in s: pass"),
    ],
)  # fmt: skip
def test_a_set_of_objects_keeps_the_order_in_which_they_came(program, old, new):
    assert patched(program(old + "\n"), "aslr") == new + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "s = set(a)\ns.add(b)\nfor one in s: pass\n",
        "s = set()\ns |= a\nfor one in s: pass\n",
        "s = set(a)\nt = s - b\nfor one in t: pass\n",
        "for one in set(a) | set(b): pass\n",
        "for one in set(): pass\n",
    ],
)
def test_a_set_that_a_dictionary_cannot_replace_gets_no_patch(program, text):
    assert patches(program(text), ["aslr"]) == ([], ["aslr"])


def test_an_old_loader_without_workers_gets_the_default_of_its_release(program):
    made = program("from torch.utils.data import DataLoader\nDataLoader(d, num_workers=2, prefetch_factor=4)\n")
    made.packages["torch"] = "1.13.1"
    assert patched(made, "dataloader-workers").endswith("DataLoader(d, num_workers=0, prefetch_factor=2)\n")


def test_what_is_drawn_from_the_system_comes_from_a_generator_with_a_seed(program):
    text = "import os, uuid\nx = os.urandom(8)\ny = uuid.uuid4()\n"
    assert patched(program(text), "entropy").splitlines() == [
        "import os, uuid",
        "import random",
        "seeded_draws = random.Random(2019)",
        "x = seeded_draws.randbytes(8)",
        "y = uuid.UUID(int=seeded_draws.getrandbits(128), version=4)",
    ]


def test_a_seed_from_the_system_gets_a_number_and_then_every_draw_a_generator(program):
    text = "import os\nseed = os.urandom(8)\nx = os.urandom(8)\n"
    found, _ = patches(program(text), ["entropy"])
    assert [next(iter(one.texts.values()))[1].splitlines()[-2:] for one in found] == [
        ['seed = b"2019"', "x = os.urandom(8)"],
        ["seed = seeded_draws.randbytes(8)", "x = seeded_draws.randbytes(8)"],
    ]


def test_uuid4_that_was_imported_by_its_name_gets_the_module(program):
    text = "from uuid import uuid4\nuuid = uuid4()\n"
    assert patched(program(text), "entropy").splitlines() == [
        "from uuid import uuid4",
        "import random",
        "import uuid as _uuid",
        "seeded_draws = random.Random(2019)",
        "uuid = _uuid.UUID(int=seeded_draws.getrandbits(128), version=4)",
    ]


@pytest.mark.parametrize("own", ["from mine import set_seed", "def set_seed(seed, device): pass"])
def test_a_function_of_the_program_keeps_its_name(program, own):
    text = f"import torch\n{own}\nfrom transformers import Trainer\nnet = torch.nn.Linear(1, 1)\nset_seed(3, 4)\n"
    made = program(text, [("torch", 4)], ["torch", "transformers"])
    assert added(made, "torch-seed") == [(4, "import transformers"), (5, "transformers.set_seed(2019)")]


def test_an_estimator_that_drew_for_want_of_a_random_state_gets_one(program):
    text = "from sklearn.ensemble import RandomForestClassifier\nf = RandomForestClassifier(5).fit(x, y)\n"
    made = program(text, [("numpy", 2, "RandomForestClassifier", "BaseForest")], ["numpy", "sklearn"])
    found, _ = patches(made, ["numpy-seed"])
    assert (
        next(iter(found[0].texts.values()))[1].splitlines()[1]
        == "f = RandomForestClassifier(5, random_state=2019).fit(x, y)"
    )
    assert next(iter(found[1].texts.values()))[1].splitlines()[2] == "numpy.random.seed(2019)"


def test_an_estimator_may_be_made_before_the_line_on_which_it_draws(program):
    text = """\
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.svm import SVC
    some = RandomForestClassifier(), SVC()
    some[0].fit(x, y)
    """
    made = program(text, [("numpy", 4, "RandomForestClassifier")], ["numpy", "sklearn"])
    assert patched(made, "numpy-seed").splitlines()[2] == "some = RandomForestClassifier(random_state=2019), SVC()"


def test_a_loader_gets_a_generator_and_a_function_that_seeds_its_workers(program):
    text = """\
    import torch
    import numpy as np
    from torch.utils.data import DataLoader
    loader = DataLoader(
        data,
        num_workers=2,
    )
    """
    made = patched(program(text, packages=["torch", "numpy"]), "dataloader-seed").splitlines()
    assert made == [
        "import torch",
        "import numpy as np",
        "from torch.utils.data import DataLoader",
        "import random",
        "def seed_worker(worker):",
        "    seed = torch.initial_seed() % 2**32",
        "    random.seed(seed)",
        "    np.random.seed(seed)",
        "loader = DataLoader(",
        "    data,",
        "    num_workers=2, generator=torch.Generator().manual_seed(2019), worker_init_fn=seed_worker,",
        ")",
    ]


def test_an_earlier_patch_that_is_in_the_file_is_not_put_there_again(program):
    made = program("print(1)\nprint(2)\n", [("python", 1)])
    found, _ = patches(made, ["python-seed"])
    before = PatchResult.model_construct(patch=found[0].diff(made), cause=["python-seed"])
    assert found_again(made, before) is not None
    with PatchedFiles(found[0]) as files:
        files.keep()
    assert found_again(Program(made.look, made.directory, 2019, {}), before) is None


def test_a_patch_that_is_found_again_says_its_own_line_and_not_that_of_its_hunk(program):
    made = program("# one\n# two\nprint(1)\nimport random\nprint(random.random())\n", [("python", 5)])
    found, _ = patches(made, ["python-seed"])
    before = PatchResult.model_construct(patch=found[0].diff(made), cause=["python-seed"])
    (change,) = found_again(made, before).changes
    assert change.edit.text == "random.seed(2019)\n"
    assert change.source.text.count("\n", 0, change.edit.start) == 4


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
