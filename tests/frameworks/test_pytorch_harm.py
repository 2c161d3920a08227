"""A watched PyTorch program runs into nothing that it would not run into alone, and sees nothing of the probe."""

import subprocess
import sys
from pathlib import Path

import pytest

from samebits_probe import fingerprint
from samebits_probe.trace import Group

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


@pytest.mark.slow
def test_of_200_time_limits_the_probe_swallows_none_and_sees_the_steps_after_them(watched_run, torch_python):
    trial = watched_run(torch_python, SAMPLES / "torch_has_time_limits.py", 200, timeout=500)
    assert trial.stdout == "limits that were passed over: 0\n", trial.stderr
    assert trial.only.failures == []
    assert trial.only.names("gradient", trial.only.steps - 1), "the last step, after all limits, was not seen"


def test_modes_and_subclasses_of_the_program_see_no_call_of_the_probe(watched_run):
    pytest.importorskip("torch", minversion="2.0")
    program = SAMPLES / "torch_counts_its_calls.py"
    alone = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=300)
    trial = watched_run(sys.executable, program, timeout=300)
    assert trial.stdout == alone.stdout
    assert "in all" in trial.stdout
    assert trial.only.steps == 15
    assert trial.only.failures == []


def test_state_that_becomes_a_nested_tensor_ends_no_program(watched_run):
    pytest.importorskip("torch", minversion="2.1")
    trial = watched_run(sys.executable, SAMPLES / "torch_keeps_nested_state.py", timeout=300)
    assert trial.stdout == "all steps\n", trial.stderr
    assert trial.only.failures == []
    assert trial.only.steps == 12
    assert all(any("weight/kept" in name for name in trial.only.names("update", step)) for step in range(12))


@pytest.mark.parametrize(
    ("line", "generators"),
    [
        ("torch.rand(1); torch.manual_seed(1)", ["torch"]),  # as weights that are drawn before a Trainer seeds
        ("pickle.loads(pickle.dumps(torch.manual_seed))(1); torch.rand(1); torch.random.manual_seed(1)", []),
    ],
)
def test_a_draw_from_pytorchs_generator_before_its_first_seed_is_noted(watched_run, torch_python, line, generators):
    line = f"import pickle, torch\n{line}"
    trials = watched_run(torch_python, line), watched_run(torch_python, line, controls=["torch-seed"], seed=1)
    events = [[event for event in trial.processes[0].events if event["event"] == "unseeded"] for trial in trials]
    assert [[event["generator"] for event in some] for some in events] == [generators, []]
    assert trials[0].stderr == ""


def the_tensors(torch):
    """Tensors that are hashed where they lie, of many dtypes and shapes: more than are looked at together."""
    generator = torch.Generator().manual_seed(0)
    dtypes = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
    shapes = [(), (1,), (4,), (2, 3), (5, 1, 7), (33,), (300,)]
    drawn = [torch.randint(0, 100, shape, generator=generator).to(dtype) for dtype in dtypes for shape in shapes]
    return [tensor.clone() for _ in range(12) for tensor in drawn]


@pytest.mark.parametrize("algorithm", ["xxh3", "blake2b"])
def test_tensors_that_are_hashed_together_have_the_fingerprints_that_each_has_alone(algorithm):
    torch = pytest.importorskip("torch")
    xxhash = pytest.importorskip("xxhash")
    from samebits_probe.watchers.pytorch.tensors import Fingerprints

    hasher = fingerprint.make_hasher(algorithm, xxhash._xxhash.__file__)
    prints = Fingerprints(torch, hasher, lambda *why: pytest.fail(str(why)))
    tensors = the_tensors(torch)
    alone = [prints.of(tensor) for tensor in tensors]
    rows = prints.of_all(tensors, prints.plan_of(tensors, Group("update", range(len(tensors))).fronts))
    assert [found for part in rows for found in part.prints()] == alone
    if algorithm == "xxh3":
        for tensor, found in zip(tensors, alone, strict=True):
            data = bytes(tensor.reshape(-1).view(torch.uint8).tolist())
            header = fingerprint.header_of(str(tensor.dtype)[6:], tensor.shape)
            digests = (swapped(xxhash.xxh3_128_digest(part)) for part in (data, header))
            assert found == bytes(a ^ b for a, b in zip(*digests, strict=True))


def swapped(digest):
    """The library writes a digest big-endian, high half first; a fingerprint is little-endian, low half first."""
    return digest[::-1]


def test_a_plan_holds_for_no_tensor_that_has_changed_in_any_way():
    torch = pytest.importorskip("torch", minversion="2.0")
    from samebits_probe.watchers.pytorch.tensors import Fingerprints

    prints = Fingerprints(torch, fingerprint.Blake2b(), print)
    tensors = [torch.zeros(2, 3) for _ in range(300)]
    plan = prints.plan_of(tensors, Group("update", range(300)).fronts)
    changed = {
        "dtype": torch.zeros(2, 3, dtype=torch.int32),
        "shape": torch.zeros(3, 2),
        "layout": torch.zeros(3, 2).t(),
        "sparse": torch.zeros(2, 3).to_sparse(),
        "device": torch.zeros(2, 3, device="meta"),
        "negated": torch.imag(torch.zeros(2, 3, dtype=torch.complex64).conj()),
        "subclass": torch.zeros(2, 3).as_subclass(type("Own", (torch.Tensor,), {})),
        "none": None,
    }
    assert prints.of_all(tensors, plan) is not None
    for name, tensor in changed.items():
        assert prints.of_all([*tensors[:-1], tensor], plan) is None, name
    tensors[-1].data = torch.zeros(2, 3, dtype=torch.float64)
    assert prints.of_all(tensors, plan) is None
