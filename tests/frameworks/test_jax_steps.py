"""Plain JAX is seen unedited: what counts as a step, and what is what in it; and JAX itself runs as it does alone."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent.parent / "samples"
TRAINS = SAMPLES / "jax_trains.py"

pytestmark = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")


@pytest.fixture
def way(shared_run):
    """Function(way, *words) -> the process that trained in that way."""

    def run(name, *words):
        for module in {"optax": ["optax"], "train": ["flax", "optax"], "flax": ["flax", "optax"]}.get(name[:5], []):
            if importlib.util.find_spec(module) is None:
                pytest.skip(f"{module} is not installed beside {sys.executable}")
        trial = shared_run(None, TRAINS, name, *words)
        assert "Exception ignored" not in trial.stderr, trial.stderr  # arrays die after the interpreter has ended
        return trial.sound()

    return run


def ended(process):
    """The names of the last states, without what the program's own variables hold."""
    return [name for name in process.names("end", process.steps) if not name.startswith("globals ")]


def said(process, event):
    return [found for found in process.events if found["event"] == event]


@pytest.mark.parametrize(
    "name",
    [
        "by_hand",
        "donated",
        "compiled_ahead",
        "compiled_anew",
        "with_callbacks",
        "sharded",
        "parallel",
        "evaluates_noise",
    ],
)
def test_each_call_of_a_compiled_update_is_a_step(way, name):
    seen = way(name)
    assert seen.steps == 4
    assert len(seen.names("start", -1)) == len(ended(seen)) == 2
    for step in range(4):
        assert len(seen.names("batch", step)) == len(seen.names("update", step)) == 2
        assert seen.names("forward", step) == ["output.1" if name == "parallel" else "loss"]
    assert [event["how"] for event in said(seen, "observed-by")] == ["compiled-call"]
    assert not said(seen, "not-observed")


def test_compiled_gradients_are_steps_if_the_program_changes_the_weights(way):
    seen = way("compiled_gradients")
    weights = ["params.layer.b", "params.layer.w"]
    assert (seen.steps, seen.names("start", -1)) == (4, weights)
    for step in range(4):
        assert (seen.names("batch", step), seen.names("forward", step)) == (["x", "y"], ["loss"])
        assert seen.names("gradient", step) == weights
        assert seen.names("update", step) == (weights if step < 3 else [])  # nothing shows the last one
    assert not ended(seen)
    assert said(seen, "unheld")  # the last weights are not seen, whatever the variables of the program hold


def test_weights_in_variables_of_the_program_show_the_last_update(way):
    seen = way("compiled_gradients_of_variables")
    assert (seen.steps, said(seen, "unheld")) == (4, [])
    assert {"globals params.layer.b", "globals params.layer.w"} <= set(seen.names("end", 4))


def test_gradients_of_weights_that_stay_are_no_steps(way):
    seen = way("gradients_of_one_model")
    assert seen.steps == 0
    assert [event["point"] for event in said(seen, "not-observed")] == ["steps"]


def test_arguments_are_named_by_the_function_s_parameters_and_their_keys(way):
    seen = way("by_hand")
    assert seen.names("start", -1) == ["params.layer.b", "params.layer.w"]
    assert seen.names("batch", 0) == ["x", "y"]
    assert seen.names("update", 3) == ["params.layer.b", "params.layer.w"]


def test_gradients_that_one_function_gives_another_belong_to_its_step(way):
    seen = way("two_functions")
    assert seen.steps == 4
    for step in range(4):
        assert seen.names("batch", step) == ["loss_of/x", "loss_of/y"]
        assert seen.names("forward", step) == ["loss_of/loss"]
        assert {"gradients.layer.b", "gradients.layer.w"} <= set(seen.names("gradient", step))


def test_a_batch_with_the_structure_of_a_layer_is_no_gradient_but_shapes_of_a_layer_are(way):
    whole, apart = way("as_tuples"), way("as_tuples", "apart")
    for step in range(4):
        assert whole.names("batch", step) == ["batch.0", "batch.1"]
        assert not whole.names("gradient", step)
        assert apart.names("batch", step) == ["gradients_of/batch.0", "gradients_of/batch.1"]
        assert {"change.0", "change.1"} <= set(apart.names("gradient", step))


def test_two_models_that_are_given_each_other_take_steps_of_their_own(way):
    seen = way("two_models")
    assert seen.steps == 8
    assert ended(seen) == ["params.w", "step/params.w"]


def test_a_loop_in_one_call_is_one_step_and_that_is_said(way):
    seen = way("epochs")
    assert seen.steps == 1
    assert seen.names("update", 0) == ["params.layer.b", "params.layer.w"]
    (event,) = said(seen, "not-observed")
    assert "many steps in one compiled call" in event["why"]


@pytest.mark.parametrize(
    ("name", "weights", "optimizer"),
    [
        ("optax_in_jit", "state.0.layer.w", "optimizer.state.1.0.mu.layer.w"),
        ("train_state", "state.params.kernel", "optimizer.state.opt_state.0.mu.kernel"),
        ("flax_nnx", "model.states.0.1", "optimizer.states.0.2"),
        ("equinox", "output.1.weight", "optimizer.output.2.0.mu.weight"),
    ],
)
def test_states_of_flax_equinox_and_optax_are_seen(way, name, weights, optimizer):
    seen = way(name)
    assert seen.steps == 4
    for step in range(4):
        assert {weights, optimizer} <= set(seen.names("update", step))
        assert seen.names("batch", step)
    assert {weights, optimizer} <= set(seen.names("start", -1)) & set(seen.names("end", 4))


def test_updates_that_optax_applies_outside_of_compiled_functions_are_steps(way):
    seen = way("optax_outside")
    assert seen.steps == 4
    for step in range(4):
        assert seen.names("update", step) == [
            "updates.layer.b", "updates.layer.w", "params.layer.b", "params.layer.w",
        ]  # fmt: skip
    assert [event["how"] for event in said(seen, "observed-by")] == ["apply-updates"]
    (event,) = said(seen, "not-observed")
    assert event["point"] == "batch, loss, gradient"


def test_a_compiled_gradient_belongs_to_the_updates_that_optax_applies(way):
    seen = way("optax_outside", "jit")
    for step in range(4):
        assert seen.names("batch", step) == ["loss_of/x", "loss_of/y"]
        assert seen.names("forward", step) == ["loss_of/loss"]
        assert len(seen.names("gradient", step)) == 2


def test_optax_applies_the_gradients_of_functions_that_are_compiled_again(way):
    seen = way("optax_outside_of_new_functions")
    assert seen.steps == 4
    assert {"params.layer.w", "updates.layer.w"} <= set(seen.names("update", 3))


def test_nothing_that_a_pytree_or_an_argument_holds_makes_the_probe_fail(way):
    seen = way("odd_trees")
    assert seen.steps >= 8
    assert seen.names("update", 0) == ["params.a.0", "params.b.0"]


def test_a_function_that_gives_no_state_back_is_no_step(watched_run):
    trial = watched_run(None, TRAINS, "no_step")
    assert trial.exit_code == 0, trial.stderr
    assert {point["kind"] for process in trial.observed for point in process.points.values()} == {"end", "rng"}
    (event,) = [found for process in trial.processes for found in said(process, "not-observed")]
    assert 'samebits_probe.observe("weights", params, step=i)' in event["why"]


VISIBLE = """
import functools, gc, json, pickle, sys, weakref
import jax, jax.numpy as jnp, numpy as np

compiled = []
jax.monitoring.register_event_duration_secs_listener(lambda event, *_, **__: compiled.append(event))
traced = []

@functools.partial(jax.jit, static_argnums=1, donate_argnums=0)
def step(params, count, x):
    traced.append(sys._getframe(1).f_code.co_filename.rsplit("/", 1)[-1])
    for _ in range(count):
        params = jax.tree.map(lambda weight: weight - 0.1 * inner(weight, x), params)
    return params

@jax.jit
def inner(weight, x):
    return weight * x.sum()

class Model:
    @functools.partial(jax.jit, static_argnums=0)
    def method(self, x):
        return x * 2

params = {"w": jnp.ones((3, 3)), "b": jnp.zeros(3)}
given = []
for n in range(5):
    given.append(params["w"])
    params = step(params, 2, np.full(2, 0.1, "float32"))
model = Model()
result = model.method(model.method(params["w"]))
reference, held = weakref.ref(params["w"]), sys.getrefcount(params["w"])
with jax.debug_nans(True):
    try:
        jax.jit(lambda x: x / x)(jnp.zeros(2))
    except FloatingPointError as error:
        nan = str(error)[:40]
after = step(params, 2, np.full(2, 0.1, "float32"))
del params, given[-1]
gc.collect()
facts = {
    "bits": np.asarray(after["w"]).tobytes().hex(), "result": np.asarray(result).tobytes().hex(), "nan": nan,
    "traced": traced, "caches": [step._cache_size(), Model.method._cache_size()],
    "compiled": sorted(event for event in compiled if "compile" in event or "trace" in event),
    "deleted": [array.is_deleted() for array in given], "held": held, "is alive": reference() is not None,
    "types": [type(step).__name__, type(jax.jit).__name__, type(inner).__module__],
    "attributes": sorted(dir(step)), "wrapped": step.__wrapped__.__name__, "lowered": step.lower(after, 2, jnp.ones(2)).as_text(),
    "jit": [jax.jit.__module__, jax.jit.__qualname__, pickle.loads(pickle.dumps(jax.jit)) is jax.jit],
    "jaxpr": str(jax.make_jaxpr(lambda params: inner(params["w"], jnp.ones(2)))(after)),
}
print(json.dumps(facts))
"""


def test_a_program_sees_nothing_of_the_watch_in_jax(watched_run, tmp_path):
    program = tmp_path / "visible.py"
    program.write_text(VISIBLE)
    watched = watched_run(None, program)
    assert watched.exit_code == 0, watched.stderr
    assert watched.only.steps == 8
    assert not watched.only.failures
    plain = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True, env={**os.environ})
    alone, seen = (json.loads(found.splitlines()[-1]) for found in (plain.stdout, watched.stdout))
    assert {key: seen[key] for key in alone if seen[key] != alone[key]} == {}


def test_a_watched_training_has_the_bits_of_an_unwatched_one(way):
    plain = subprocess.run([sys.executable, TRAINS, "donated"], capture_output=True, text=True, check=True)
    assert way("donated").output == plain.stdout


HELD = """
import jax, jax.numpy as jnp
from samebits_probe import observe
observe("weights", jnp.arange(3.0), step=0)
state = jax.new_ref(jnp.zeros(2)) if hasattr(jax, "new_ref") else jnp.zeros(2)
if hasattr(jax, "new_ref"):
    state[...] = jnp.ones(2)
bias = jnp.float32(4.0)
try:
    from flax import nnx
except ImportError:
    nnx = None
if nnx is not None:
    class Net(nnx.Module):
        def __init__(self, rngs):
            self.head = nnx.Linear(2, 3, rngs=rngs)
    net = Net(nnx.Rngs(0))
"""


def test_references_numbers_and_eager_models_of_nnx_are_read_where_globals_hold_them(watched_run):
    process = watched_run(None, HELD).only
    assert not process.failures
    held = next(event["arrays"] for event in process.events if event["event"] == "globals")
    assert {"state", "bias"} <= set(held)
    if importlib.util.find_spec("flax") is not None:
        assert held["net.head.kernel"] == held["net.head.bias"] == {"model": True}
