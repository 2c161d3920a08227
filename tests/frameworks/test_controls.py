"""Controls of numpy, PyTorch, TensorFlow, Keras and JAX: pinned with them, varying without, and read back."""

import importlib.util
import json

import pytest

STACKS = {"numpy": "numpy", "torch": "torch", "tensorflow": "tensorflow", "keras": "keras", "jax": "jax"}
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}


def needs(*libraries):
    for library in libraries:
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed beside this Python")


@pytest.fixture
def told(held_run, alone, lean):
    """Function(ids, python, program, *words) -> (what the program told as JSON, the trial)."""

    def run(ids, python, program, *words, **options):
        own = options.pop("environment", {})
        backend = own.get("KERAS_BACKEND", "jax" if "jax" in str(program) else "tensorflow")
        variables = {**QUIET, **(alone(backend, compiler=False) if python is None else lean), **own}
        trial = held_run(ids, python, program, *words, environment=variables, **options)
        assert trial.exit_code == 0, trial.stderr[-2000:]
        assert not [event for process in trial.processes for event in process.failures]
        return json.loads(trial.stdout.splitlines()[-1]), trial

    return run


@pytest.fixture
def pinned(told):
    """Function(ids, python, program, *words) -> what `told` gives of it with these controls: the same twice, and
    without them it varies.
    """

    def check(ids, python, program, *words, **options):
        without = [told([], python, program, *words, **options)[0] for _ in range(2)]
        held = [told(ids, python, program, *words, **options) for _ in range(2)]
        assert without[0] != without[1]
        assert held[0][0] == held[1][0]
        return held[0]

    return check


# -- numpy ------------------------------------------------------------------------------------------------------

SOURCES = """import json, numpy as np
from numpy.random import rand
r = np.random
print(json.dumps({"global": [rand(), r.rand()], "generators": [r.default_rng().random(), r.Generator(r.PCG64()).random(),
    r.Generator(r.MT19937()).random(), r.Generator(r.Philox()).random(), r.Generator(r.SFC64()).random(),
    r.RandomState().rand(), str(r.SeedSequence().entropy)]}))
"""


@pytest.mark.parametrize("stack", [None, "pytorch-1.3"])
def test_each_control_of_numpy_pins_its_own_source_and_leaves_the_other(told, legacy_python, stack):
    needs("numpy")
    python = legacy_python(stack) if stack else None

    def differing(*ids):
        one, two = (told(ids, python, SOURCES)[0] for _ in range(2))
        drawn = [*one["global"], *one["generators"]]
        assert len(set(map(str, drawn))) == len(drawn), "each has a seed of its own"
        return [source for source in one if one[source] != two[source]]

    assert differing() == ["global", "generators"]
    assert differing("numpy-seed") == ["generators"]
    assert differing("numpy-generator") == ["global"]
    assert "generators" not in differing("entropy")


def test_the_programs_own_seeds_for_numpy_win(told):
    needs("numpy")
    text = """import json, numpy as np
r = np.random; r.seed(5)
print(json.dumps([r.rand(), r.default_rng(6).random(), r.RandomState(7).rand()]))
"""
    assert told(["numpy-seed", "numpy-generator"], None, text)[0] == told([], None, text)[0]


# -- PyTorch ----------------------------------------------------------------------------------------------------

TRAINS = """
w = torch.nn.Parameter(torch.ones(3)); o = torch.optim.SGD([w], 0.1)
for _ in range(2): o.zero_grad(); (w * w).sum().backward(); o.step()
"""


def test_torch_seed_pins_the_cpu_generator_and_reports_a_fresh_seed(torch_python, pinned):
    """Reported, because a seed after the imports does not reach it."""
    text = "import json, torch\nprint(json.dumps([torch.rand(1).item(), torch.seed()]))\n"
    _, trial = pinned(["torch-seed"], torch_python, text)
    events = [(e["id"], e["place"]) for e in trial.processes[0].events if e["event"] == "from-system"]
    assert events == [("torch-seed", "program.py:2")]


def test_the_programs_own_seed_for_torch_wins(torch_python, told):
    text = "import json, torch\ntorch.manual_seed(3); print(json.dumps(torch.rand(1).item()))\n"
    held, trial = told(["torch-seed"], torch_python, text)
    assert held == told([], torch_python, text)[0]
    assert trial.processes[0].control("torch-seed", "last-step") == (
        True,
        "the program seeds it itself, and its seed wins",
    )


@pytest.mark.slow
def test_thread_counts_of_torch_are_held_against_the_program_and_a_wrong_one_raises_what_torch_raises(
    torch_python, told
):
    text = f"""import json, torch
try: torch.set_num_threads(0)
except RuntimeError: wrong = "raised"
torch.set_num_threads(2); before = torch.get_num_threads(); torch.set_num_interop_threads(3); {TRAINS}
print(json.dumps([wrong, before, torch.get_num_threads(), torch.get_num_interop_threads()]))
"""
    held, trial = told(["threads"], torch_python, text)
    assert held == ["raised", 1, 1, 1]
    for when in ("first-step", "last-step"):
        assert trial.only.control("threads", when)[0] is True


@pytest.mark.slow
def test_flags_of_cudnn_are_held_against_the_program(torch_python, told):
    text = f"""import json, torch
b = torch.backends.cudnn
b.benchmark = True; b.deterministic = False; {TRAINS}
with b.flags(benchmark=True, deterministic=False): inside = [b.benchmark, b.deterministic]
print(json.dumps([b.benchmark, b.deterministic, inside]))
"""
    held, trial = told(["cudnn-deterministic", "cudnn-benchmark-off"], torch_python, text)
    assert held == [False, True, [False, True]]
    assert trial.only.control("cudnn-deterministic", "last-step")[0] is True


@pytest.mark.slow
def test_deterministic_algorithms_are_held_against_the_program_and_fill_no_memory(told):
    needs("torch")
    text = f"""import json, os, torch
torch.use_deterministic_algorithms(False); torch.use_deterministic_algorithms(True, warn_only=True)
torch.set_deterministic_debug_mode(0); {TRAINS}
print(json.dumps([torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled(),
    torch.utils.deterministic.fill_uninitialized_memory, os.environ["CUBLAS_WORKSPACE_CONFIG"]]))
"""
    held, trial = told(["torch-deterministic"], None, text)
    assert held == [True, False, False, ":4096:8"]
    assert trial.only.control("torch-deterministic", "last-step") == (True, "")


@pytest.mark.slow
def test_a_flag_that_the_program_undoes_behind_the_control_is_said(told):
    needs("torch")
    text = f"import torch\n{TRAINS}\ntorch._C._set_deterministic_algorithms(False)\nprint(0)\n"
    _, trial = told(["torch-deterministic"], None, text)
    assert trial.only.control("torch-deterministic", "first-step") == (True, "")
    effect, detail = trial.only.control("torch-deterministic", "last-step")
    assert effect is False
    assert detail.startswith("undone by the program before the last step")


def test_a_release_without_the_function_is_said(told, legacy_python):
    _, trial = told(["torch-deterministic"], legacy_python("pytorch-1.3"), f"import torch\n{TRAINS}\nprint(0)\n")
    effect, detail = trial.processes[0].control("torch-deterministic", "last-step")
    assert effect is False
    assert "PyTorch 1.3.0 has no use_deterministic_algorithms" in detail


def test_memory_that_was_never_written_has_one_content(told):
    needs("torch")
    text = """import json, torch, numpy as np
for size in (5, 300, 70000): a = torch.rand(size); b = np.random.rand(size); del a, b
found = [torch.empty(n).view(torch.int32).tolist() for n in (5, 300, 70000)]
found += [np.empty(n).view('i8').tolist() for n in (300, 70000)]
print(json.dumps([sorted(set(f)) for f in found]))
"""
    held, trial = told(["fill-uninitialized"], None, text)
    assert trial.processes[0].control("fill-uninitialized", "last-step") == (True, "")
    assert all(len(values) == 1 for values in held)


LOADER = """import json, random, sys, numpy as np, torch
from torch.utils.data import DataLoader, Dataset
class Data(Dataset):
    def __len__(self): return 8
    def __getitem__(self, i):
        return torch.tensor([np.random.rand(), random.random(), torch.rand(()).item(), i], dtype=torch.float64)
def own(worker): np.random.seed(worker); random.seed(worker); torch.manual_seed(worker)
if __name__ == "__main__":
    start, epochs, what = sys.argv[1:]
    loader = DataLoader(Data(), 2, num_workers=2, multiprocessing_context=start, worker_init_fn=%s)
    out = [[b.tolist() for b in loader] for _ in range(int(epochs))]
    print(json.dumps(out if what == "drawn" else loader.num_workers))
"""
WORKERS = [("fork", 2), ("spawn", 1)]  # how they start, for how many epochs: each that is spawned imports PyTorch again


def test_dataloader_seed_pins_every_generator_of_every_forked_worker(torch_python, pinned):
    held, _ = pinned(["dataloader-seed"], torch_python, LOADER % None, "fork", 2, "drawn")
    drawn = [value for epoch in held for batch in epoch for row in batch for value in row[:3]]
    assert len(set(drawn)) == len(drawn), "each epoch and worker draws its own"


def test_dataloader_seed_is_held_beside_the_watcher_of_loaders(told):
    program = f"{LOADER % None}    torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], 0.1).step()\n"
    (process, *_) = told(["dataloader-seed"], None, program, "fork", 1, "drawn")[1].processes
    assert process.control("dataloader-seed", "last-step") == (True, "")


@pytest.mark.slow
def test_dataloader_seed_pins_every_generator_of_every_spawned_worker(torch_python, told):
    held, again = (told(["dataloader-seed"], torch_python, LOADER % None, "spawn", 1, "drawn")[0] for _ in range(2))
    drawn = [value for batch in held[0] for row in batch for value in row[:3]]
    assert len(set(drawn)) == len(drawn), "each worker draws its own"
    assert held == again


@pytest.mark.slow
@pytest.mark.parametrize("workers", WORKERS, ids=str)
def test_the_programs_own_seeding_of_workers_wins(torch_python, told, workers):
    held, alone = (told(ids, torch_python, LOADER % "own", *workers, "drawn")[0] for ids in (["dataloader-seed"], []))
    assert held == alone


def test_dataloader_workers_leaves_none(torch_python, held_run):
    trial = held_run(["dataloader-workers"], torch_python, LOADER % None, "fork", 2, "workers")
    assert trial.stdout == "0\n", trial.stderr
    assert trial.processes[0].control("dataloader-workers", "last-step") == (True, "")


@pytest.mark.slow
def test_arguments_that_need_workers_are_dropped_with_them(told):
    needs("torch")
    text = """import json, torch
from torch.utils.data import DataLoader
d = torch.arange(8)
more = dict(persistent_workers=True, prefetch_factor=4, timeout=5, multiprocessing_context="fork")
l = DataLoader(d, 2, num_workers=2, **more)
print(json.dumps([b.tolist() for b in l]))
"""
    assert told(["dataloader-workers"], None, text)[0] == [[0, 1], [2, 3], [4, 5], [6, 7]]


@pytest.mark.slow
def test_the_papers_code_3_takes_effect(torch_python, told):
    from samebits import controls

    ids = controls.resolve([], "code3")
    text = f"""import json, random, numpy as np, torch
{TRAINS}
print(json.dumps([random.random(), np.random.rand(), torch.rand(1).item()]))
"""
    (held, trial), (again, _) = told(ids, torch_python, text), told(ids, torch_python, text)
    assert held == again
    effects = {identity: trial.processes[0].control(identity, "last-step")[0] for identity in ids}
    assert effects.pop("cuda-seed") in (True, None)
    assert set(effects.values()) == {True}


@pytest.mark.slow
def test_strict_leaves_an_ordinary_training_running(told):
    needs("torch", "numpy")
    from samebits import controls

    text = f"import random, numpy as np, torch\n{TRAINS}\nl = torch.nn.Linear(3, 3); print(l.weight.sum().item())\n"
    ids = controls.resolve([], "strict")
    assert told(ids, None, text)[0] == told(ids, None, text)[0]


MKL = """import ctypes, json, os, torch
path = os.path.join(os.path.dirname(torch.__file__), "lib", "libtorch_cpu.so")
library = ctypes.CDLL(path)
print(json.dumps(hasattr(library, "mkl_serv_cbwr_get")))
"""


def test_the_branch_of_mkl_is_held_and_read_back_where_pytorch_holds_a_copy_of_mkl(told):
    needs("torch")
    has_mkl, trial = told(["mkl-cbwr"], None, MKL + TRAINS)
    if not has_mkl:
        assert trial.only.effect("mkl-cbwr", "last-step") == "unreadable"
        pytest.skip("this PyTorch holds no copy of MKL")
    assert trial.only.effect("mkl-cbwr", "first-step") == "held"
    assert trial.only.effect("mkl-cbwr", "last-step") == "held"


def test_a_branch_of_mkl_that_the_program_sets_itself_is_said(told):
    needs("torch")
    has_mkl, trial = told(["mkl-cbwr"], None, MKL + TRAINS + "library.mkl_serv_cbwr_set(2)\n")
    if not has_mkl:
        pytest.skip("this PyTorch holds no copy of MKL")
    assert trial.only.effect("mkl-cbwr", "first-step") == "held"
    assert trial.only.effect("mkl-cbwr", "last-step") == "undone"


def test_a_program_without_mkl_says_nothing_of_its_branch(told):
    _, trial = told(["mkl-cbwr"], None, "print(1)\n")
    assert trial.processes[0].effect("mkl-cbwr", "start") == "unreadable"


# -- TensorFlow, Keras, JAX ---------------------------------------------------------------------------------------

KERAS = """import json, numpy as np, keras
l = keras.layers
m = keras.Sequential([l.Input((8,)), l.Dense(4), l.Dropout(0.5), l.Dense(1)])
m.compile("sgd", "mse"); x = np.ones((8, 8), "float32")
m.fit(x, x[:, :1], batch_size=4, epochs=2, verbose=0, shuffle=False)
layers = [float(w.sum()) for w in m.get_weights()]
"""
LAYERS = "print(json.dumps(layers))\n"
TENSORFLOW = """import json, tensorflow as tf
f = tf.function(lambda: tf.random.uniform(()))
operators = [float(tf.random.normal(())), float(f()), float(tf.random.get_global_generator().normal(()))]
"""
ALL_SOURCES = """import random
operators.append(float(tf.random.Generator.from_non_deterministic_state().normal(())))
others = {"python": random.random(), "numpy": np.random.default_rng().random()}
print(json.dumps({"layers": layers, "operators": operators, **others}))
"""


def test_tf_seed_pins_layers_operators_and_generators_and_leaves_python_and_numpy_alone(told):
    needs("keras", "tensorflow")
    text = KERAS + TENSORFLOW + ALL_SOURCES
    without, held = ([told(ids, None, text)[0] for _ in range(2)] for ids in ([], ["tf-seed"]))
    for source in ("layers", "operators"):
        assert without[0][source] != without[1][source]
        assert held[0][source] == held[1][source]
    for source in ("python", "numpy"):
        assert held[0][source] != held[1][source]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_tf_seed_pins_keras_layers_on_other_backends(backend, pinned):
    needs("keras", backend)
    # on the torch backend dropout draws from PyTorch's generator, which is another source
    text = KERAS.replace("l.Dropout(0.5), ", "") if backend == "torch" else KERAS
    pinned(["tf-seed"], None, text + LAYERS, environment={"KERAS_BACKEND": backend})


@pytest.mark.slow
def test_the_programs_own_seed_for_keras_wins(told):
    needs("keras", "tensorflow")
    text = KERAS.replace("m = ", "keras.utils.set_random_seed(4)\nm = ") + LAYERS
    assert told(["tf-seed"], None, text)[0] == told([], None, text)[0]


@pytest.mark.slow
def test_tf_determinism_with_the_seed_that_it_needs_leaves_random_operators_running(told):
    needs("tensorflow")
    text = TENSORFLOW + "print(json.dumps(operators))\n"
    held, trial = told(["tf-determinism"], None, text)
    assert held == told(["tf-determinism"], None, text)[0]
    assert trial.processes[0].control("tf-determinism", "last-step") == (True, "")


@pytest.mark.slow
def test_tf_data_order_pins_parallel_maps_whatever_the_program_sets(pinned):
    needs("tensorflow")
    text = """import json, os, tensorflow as tf
def slow(i): os.system("sleep 0.0%d" % (int.from_bytes(os.urandom(1), "big") % 5)); return i
f = lambda i: tf.py_function(slow, [i], tf.int64)
o = tf.data.Options(); o.deterministic = False; o.threading.private_threadpool_size = 8
d = tf.data.Dataset.range(24)
a = d.map(f, num_parallel_calls=8, deterministic=False).with_options(o)
g = lambda i: tf.data.Dataset.from_tensors(i).map(f)
b = d.interleave(g, cycle_length=8, num_parallel_calls=8, deterministic=False)
print(json.dumps([[int(i) for i in x] for x in (a, b.with_options(o))]))
"""
    assert pinned(["tf-data-order"], None, text)[0][0] == list(range(24))


@pytest.mark.slow
def test_thread_counts_of_tensorflow_are_held_against_the_program(told):
    needs("keras", "tensorflow")
    before = """import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(4); tf.config.threading.set_inter_op_parallelism_threads(4)
"""
    _, trial = told(["threads"], None, before + KERAS + LAYERS)
    for when in ("first-step", "last-step"):
        assert trial.only.control("threads", when)[0] is True, trial.only.control("threads", when)


def test_the_pool_of_jax_has_one_thread(told):
    needs("jax")
    text = "import json, jax.numpy as jnp\na = jnp.ones((300, 300)); print(json.dumps(float((a @ a).sum())))\n"
    _, trial = told(["threads"], None, text)
    effect, detail = trial.processes[0].control("threads", "last-step")
    assert effect is True
    assert "JAX's pool" in detail


def test_flags_of_xla_that_the_program_sets_are_kept_beside_that_of_the_control(told):
    needs("jax")
    text = """import json, os
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2 --xla_gpu_deterministic_ops=false"
import jax
os.environ["XLA_FLAGS"] = os.environ["XLA_FLAGS"].replace("=true", "=false")
print(json.dumps([len(jax.devices()), os.environ["XLA_FLAGS"]]))
"""
    held, trial = told(["jax-determinism"], None, text)
    assert held == [2, "--xla_force_host_platform_device_count=2 --xla_gpu_deterministic_ops=true"]
    assert trial.processes[0].control("jax-determinism", "last-step")[0] in (True, None)


# -- the paper's stacks -------------------------------------------------------------------------------------------

KERAS_2 = """import json, os
import numpy as np, keras, tensorflow as tf
from keras.layers import Dense, Dropout
m = keras.models.Sequential([Dense(4, input_shape=(8,)), Dropout(0.5), Dense(1)]); m.compile("sgd", "mse")
m.fit(np.ones((8, 8)), np.ones(8), batch_size=4, epochs=2, verbose=0)
out = [float(w.sum()) for w in m.get_weights()]
"""
TELLS = "print(json.dumps([out, keras.backend.image_data_format()]))\n"


@pytest.mark.slow
@pytest.mark.parametrize(("stack", "preset"), [("keras-tf1.14", "code1"), ("keras-tf2.1", "code2")])
def test_the_papers_codes_pin_initialisation_and_dropout(stack, preset, pinned, legacy_python):
    from samebits import controls

    held, _ = pinned(controls.resolve([], preset), legacy_python(stack), KERAS_2 + TELLS)
    assert held[1] == "channels_last", "a CPU has no convolution with channels first: the program is left alone"


def test_the_session_of_code_1_runs_the_steps_on_tensorflow_1(told, legacy_python):
    _, trial = told(["session-threads"], legacy_python("keras-tf1.14"), KERAS_2 + TELLS)
    for when in ("first-step", "last-step"):
        assert trial.only.control("session-threads", when) == (True, "")


@pytest.mark.slow
def test_a_session_that_the_program_clears_is_said(told, legacy_python):
    text = KERAS_2 + "keras.backend.clear_session()\n" + TELLS
    _, trial = told(["session-threads"], legacy_python("keras-tf1.14"), text)
    assert trial.only.control("session-threads", "first-step") == (True, "")
    effect, detail = trial.only.control("session-threads", "last-step")
    assert effect is False
    assert detail.startswith("undone by the program before the last step")


OWN_SESSION = """import tensorflow as tf, keras
keras.backend.clear_session()
settings = tf.ConfigProto(intra_op_parallelism_threads={0}, inter_op_parallelism_threads={0})
keras.backend.set_session(tf.Session(graph=tf.get_default_graph(), config=settings))
"""


@pytest.mark.slow
def test_a_session_of_one_thread_that_the_program_sets_itself_counts_as_held(told, legacy_python):
    _, trial = told(["session-threads"], legacy_python("keras-tf1.14"), OWN_SESSION.format(1) + KERAS_2 + TELLS)
    for when in ("first-step", "last-step"):
        effect, detail = trial.only.control("session-threads", when)
        assert (effect, detail) == (True, "in a session that the program set itself")


@pytest.mark.slow
def test_a_session_of_more_threads_that_the_program_sets_itself_is_said(told, legacy_python):
    _, trial = told(["session-threads"], legacy_python("keras-tf1.14"), OWN_SESSION.format(2) + KERAS_2 + TELLS)
    effect, detail = trial.only.control("session-threads", "last-step")
    assert effect is False
    assert "with these threads in its pools: 2 and 2" in detail


@pytest.mark.slow
def test_the_session_of_code_2_is_never_used_on_tensorflow_2(told, legacy_python):
    _, trial = told(["session-threads"], legacy_python("keras-tf2.1"), KERAS_2 + TELLS)
    effect, detail = trial.only.control("session-threads", "first-step")
    assert effect is False
    assert detail.startswith("Keras ran nothing in the session that was set")
    assert "its default number of operators" in detail


@pytest.mark.slow
def test_the_session_of_code_2_is_used_where_the_program_turns_eager_execution_off(told, legacy_python):
    """By observation, not by version: the same release uses it then."""
    text = KERAS_2.replace("from keras", "tf.compat.v1.disable_eager_execution()\nfrom keras", 1) + TELLS
    _, trial = told(["session-threads"], legacy_python("keras-tf2.1"), text)
    assert trial.only.control("session-threads", "last-step")[0] is True


@pytest.mark.slow
def test_variables_that_no_library_of_tensorflow_reads_do_not_take_effect(told, legacy_python):
    _, trial = told(["tf-determinism"], legacy_python("keras-tf2.1"), KERAS_2 + TELLS)
    effect, detail = trial.only.control("tf-determinism", "last-step")
    if effect is not True:  # a build with CUDA reads them
        assert effect is False
        assert "no library of this TensorFlow reads" in detail


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["keras-tf1.14", "keras-tf2.1"])
def test_thread_counts_of_sessions_are_held_against_the_program(stack, told, legacy_python):
    text = """import json
import tensorflow as tf
c = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=5, inter_op_parallelism_threads=6)
s = tf.compat.v1.Session(graph=tf.Graph(), config=c)
print(json.dumps([s._config.intra_op_parallelism_threads, s._config.inter_op_parallelism_threads]))
"""
    held, trial = told(["threads"], legacy_python(stack), text)
    assert held == [1, 1]
    assert trial.processes[0].control("threads", "last-step")[0] is True


@pytest.mark.slow
def test_tf_seed_holds_for_graphs_that_are_made_later(pinned, legacy_python):
    text = """import json
import tensorflow as tf
out = []
for _ in range(2):
    tf.reset_default_graph()
    with tf.Session() as s: out.append(float(s.run(tf.random.normal(()))))
with tf.Graph().as_default(), tf.Session() as s: out.append(float(s.run(tf.random.normal(()))))
print(json.dumps(out))
"""
    pinned(["tf-seed"], legacy_python("keras-tf1.14"), text)
