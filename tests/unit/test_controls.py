"""The table of controls, and what the launcher asks of it. The conformance tests find every control by themselves."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits import controls
from samebits.errors import UsageError
from samebits_probe import controls as inner
from samebits_probe import replacement
from samebits_probe.controls import variables
from samebits_probe.controls.control import Control

# the names of ../shared/contract.md, which no version renames
OF_THE_CONTRACT = """\
hash-seed python-seed numpy-seed numpy-generator entropy clock listing-order torch-seed cuda-seed
torch-deterministic cudnn-deterministic cudnn-benchmark-off fill-uninitialized tf32-off dataloader-workers
dataloader-seed tf-seed tf-determinism tf-data-order threads jax-determinism aslr serial-threads"""


@pytest.fixture(params=list(inner.TABLE))
def control(request):
    return inner.find(request.param)


def test_every_id_of_the_contract_is_in_the_table():
    assert set(OF_THE_CONTRACT.split()) <= set(inner.TABLE)


def test_the_table_marks_each_control_that_is_a_factor(control):
    assert (control.id in controls.of_factors()) == bool(control.factor)


def test_a_control_is_named_as_in_the_table_and_says_what_it_does_in_one_sentence(control):
    assert issubclass(control, Control)
    assert inner.find(control.id) is control
    assert control.does().endswith(".")
    assert len(control.does()) <= 120
    assert control is controls.describe(control.id)


def test_a_control_has_two_halves_and_is_read_back(control):
    one = control()
    assert all(isinstance(value, str) for value in control.environment(2019).values())
    assert all(callable(function) for function in one.after_import().values())
    assert callable(one.at_start)
    assert control.read_back is not Control.read_back, "nothing tells whether it took effect"


def test_a_control_acts_somewhere(control):
    has_start = control.at_start is not Control.at_start
    before = control.environment(1) or control.joined or control.personality
    assert has_start or control().after_import() or before


def test_what_a_control_goes_with_is_known(control):
    assert set(control.implies) | set(control.needs) <= set(inner.TABLE)


def test_every_file_of_the_folder_is_used():
    folder = Path(inner.__file__).parent
    machinery = {"__init__", "clocks", "control", "holder", "variables"}
    assert {path.stem for path in folder.glob("*.py")} == machinery | {file for file, *_ in inner.TABLE.values()}


def test_controls_import_no_library():
    """Nothing that a program has not imported is imported, and no generator is touched."""
    program = """import sys
before = set(sys.modules)
from samebits_probe import controls
for identity in controls.TABLE:
    controls.find(identity)().after_import()
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before}))"""
    source = Path(inner.__file__).parent.parent.parent
    out = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"numpy", "torch", "tensorflow", "keras", "jax", "random", "datetime", "uuid", "secrets", "pathlib", "glob"}
    assert not heavy & set(out.stdout.split())


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        (["threads", "python-seed"], ["python-seed", "threads"]),  # in the order of the table
        (["threads", "threads"], ["threads"]),
        (["aslr"], ["hash-seed", "aslr"]),  # what it implies
        (["tf-determinism"], ["tf-seed", "tf-determinism"]),  # what it needs
    ],
)
def test_controls_are_held_once_in_the_order_of_the_table_with_those_that_they_imply_or_need(asked, held):
    assert controls.resolve(asked) == held


@pytest.mark.parametrize(
    ("wrong", "right"), [("torch_seed", "torch-seed"), ("Hash-Seed", "hash-seed"), ("thread", "threads")]
)
def test_an_unknown_control_is_refused_with_what_comes_close(wrong, right):
    with pytest.raises(UsageError) as caught:
        controls.resolve([wrong])
    assert wrong in caught.value.message
    assert right in caught.value.advice


def test_an_unknown_preset_is_refused_with_what_comes_close():
    with pytest.raises(UsageError, match="code4") as caught:
        controls.resolve([], "code4")
    assert "code1" in caught.value.advice


@given(st.text())
def test_any_text_is_a_control_or_a_clear_refusal(text):
    if text in inner.TABLE:
        assert text in controls.resolve([text])
        return
    with pytest.raises(UsageError) as refused:
        controls.resolve([text])
    assert refused.value.advice


def test_the_presets_are_those_of_the_contract():
    assert list(controls.presets()) == ["none", "strict", "code1", "code2", "code3"]
    assert controls.resolve([], "none") == []
    assert controls.resolve([], None) == []


def test_the_papers_codes():
    """Alahmari et al. 2020, Codes 1 to 3, with PYTHONHASHSEED=0."""
    keras = {"hash-seed", "numpy-seed", "python-seed", "tf-seed", "session-threads", "channels-first", "visible-gpu"}
    assert set(controls.resolve([], "code1")) == keras
    assert set(controls.resolve([], "code2")) == keras | {"tf-determinism"}
    assert set(controls.resolve([], "code3")) == {
        "hash-seed", "python-seed", "numpy-seed", "torch-seed", "cuda-seed", "cudnn-deterministic",
        "cudnn-benchmark-off",
    }  # fmt: skip


def test_strict_is_every_control_but_those_that_are_left_out_for_a_reason():
    left_out = {
        "clock", "clock-rate", "entropy", "serial-threads", "dataloader-workers", "tf32-off", "session-threads", "channels-first",
        "visible-gpu", "mkl-cbwr",
    }  # fmt: skip
    assert set(controls.resolve([], "strict")) == set(inner.TABLE) - left_out


def test_a_program_sets_each_thread_count_that_the_control_sets():
    """TensorFlow's two are calls of TensorFlow."""
    lines = [line for one in inner.find("threads").edits for line in one.lines]
    exported = {word for line in lines for word in line.split() if line.startswith("export ")} - {"export"}
    found = {f"{name}={value}" for name, value in inner.find("threads").environment(7).items()}
    assert found - exported == {"TF_NUM_INTRAOP_THREADS=1", "TF_NUM_INTEROP_THREADS=1"}
    assert exported <= found
    assert {"intra" in line or "inter" in line for line in lines if "tensorflow" in line} == {True}


def test_the_papers_variables_are_set():
    found = controls.environment(controls.resolve([], "code2"), 2019, {})
    assert found["PYTHONHASHSEED"] == "0"
    assert found["TF_CUDNN_DETERMINISTIC"] == found["TF_DETERMINISTIC_OPS"] == "true"


def test_flags_are_added_to_those_of_the_user():
    found = controls.environment(["fill-uninitialized"], 1, {"GLIBC_TUNABLES": "glibc.malloc.check=3"})
    assert found["GLIBC_TUNABLES"] == "glibc.malloc.check=3:glibc.malloc.tcache_count=0"


def test_a_flag_of_the_user_that_says_otherwise_is_replaced():
    assert variables.join("XLA_FLAGS", "--a=1 --b=2", ["--a=3"]) == "--b=2 --a=3"
    assert variables.join("XLA_FLAGS", None, ["--a=3"]) == "--a=3"


def test_one_of_several_visible_devices_is_chosen(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    assert controls.environment(["visible-gpu"], 1)["CUDA_VISIBLE_DEVICES"] == "3"
    assert controls.environment(["visible-gpu=cpu"], 1)["CUDA_VISIBLE_DEVICES"] == ""


def test_the_address_layout_of_this_process_is_left_as_it_is():
    before = Path("/proc/self/personality").read_text()
    with controls.launching(["aslr"]):
        pass
    assert Path("/proc/self/personality").read_text() == before


@given(st.integers(0, 2**32), st.integers(1, 200))
def test_a_stream_gives_the_same_bytes_again_and_never_the_same_twice(seed, number):
    one, other = replacement.Stream(seed, "a"), replacement.Stream(seed, "a")
    assert [one.bytes(number) for _ in range(3)] == [other.bytes(number) for _ in range(3)]
    assert len({one.bytes(16) for _ in range(5)} | {replacement.Stream(seed, "b").bytes(16)}) == 6


@given(st.integers(1, 300))
def test_a_stream_gives_as_many_bits_as_are_asked_for(number):
    stream = replacement.Stream(1, "bits")
    assert 0 <= max(stream.bits(number) for _ in range(20)) < 2**number


def test_the_table_lists_every_control_for_the_documentation():
    assert [entry.id for entry in controls.table()] == list(inner.TABLE)
