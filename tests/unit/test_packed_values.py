"""MessagePack and UBJSON are read by their values."""

import msgpack
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samebits.comparison.files import file_differences
from samebits.model import FilesFile, TrialFile
from samebits.store import fingerprint_file
from samebits.store.artifacts import contents
from samebits.store.masks import Run
from samebits.store.trace import TrialTrace

RUN = Run(span=(1.7e9, 1.8e9))
PLAIN = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=300)
)
BYTES = st.binary(max_size=300).map(lambda data: b"\xff" + data)  # no text in UTF-8
VALUES = st.recursive(
    PLAIN | BYTES,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=20),
    max_leaves=30,
)
ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)


def packed(value):
    """Return bytes of MessagePack, as Flax writes them."""

    def own(array):
        about = (array.shape, array.dtype.name, array.tobytes())
        return msgpack.ExtType(3 if isinstance(array, np.generic) else 1, msgpack.packb(about, use_bin_type=True))

    return msgpack.packb(value, default=own, use_bin_type=True)


def in_order(value):
    """Return a text that is equal for equal values, in whatever order their keys are."""
    if isinstance(value, dict):
        return f"table {[(key, in_order(value[key])) for key in sorted(value)]}"
    return repr(list(map(in_order, value))) if isinstance(value, list) else repr(value)


@ONE_FOLDER
@given(VALUES, VALUES)
def test_values_of_messagepack_are_equal_if_and_only_if_their_parts_are(tmp_path, one, two):
    found = []
    for value in (one, two):
        (tmp_path / "a.msgpack").write_bytes(packed({"v": value}))
        file = contents(tmp_path / "a.msgpack")
        assert (file.format, file.error) == ("msgpack", None)
        found.append(file.tensors)
    assert (found[0] == found[1]) == (in_order(one) == in_order(two))


@pytest.mark.parametrize(
    ("name", "other", "effect"),
    [("when", 1.76e9, "understood"), ("moment", msgpack.Timestamp(1760000001, 5), "understood"),
     ("seconds", 4.5, "understood"), ("w", np.zeros(3, "f4"), "counts"), ("count", np.array(4), "counts"),
     ("raw", b"\xff" * 8, "counts"), ("acc", 0.6, "unknown"), ("loss", np.float32(0.6), "unknown")],
)  # fmt: skip
def test_a_time_in_a_checkpoint_of_flax_is_understood_and_an_array_counts(tmp_path, name, other, effect):
    first = {"when": 1.75e9, "moment": msgpack.Timestamp(1750000001, 5), "seconds": 3.5, "w": np.ones(3, "f4"),
             "count": np.array(3), "raw": b"\xff" * 9, "acc": 0.5, "loss": np.float32(0.5)}  # fmt: skip
    files = []
    for number, value in enumerate((first, {**first, name: other})):
        (tmp_path / f"{number}.msgpack").write_bytes(packed(value))
        file = fingerprint_file(tmp_path / f"{number}.msgpack", False, RUN)
        files.append(file.model_copy(update={"path": "c.msgpack"}))
    trials = [TrialTrace(TrialFile(id=number, status="complete", started="", seconds=1.0), FilesFile(files=[file]), [])
              for number, file in enumerate(files, 1)]  # fmt: skip
    assert [(one.name, one.effect) for one in file_differences(*trials)] == [(f"c.msgpack > {name}", effect)]


def test_several_values_in_one_file_of_messagepack_are_numbered(tmp_path):
    (tmp_path / "a.msgpack").write_bytes(packed({"a": 1}) + packed({"a": 2}))
    assert contents(tmp_path / "a.msgpack").tensors.keys() == {"value 1.a", "value 2.a"}


@pytest.mark.parametrize("booster", ["gbtree", "gblinear", "dart"])
@pytest.mark.parametrize("form", ["ubj", "json"])
def test_attributes_of_a_model_of_xgboost_are_values_and_all_else_counts(tmp_path, form, booster):
    library = pytest.importorskip("xgboost")
    x = np.arange(40.0).reshape(10, 4)
    found = {}
    for name, power, when in (("a", 2, "1750000000.5"), ("b", 2, "1760000000.5"), ("c", 3, "1750000000.5")):
        model = library.train({"booster": booster, "nthread": 1}, library.DMatrix(x, x[:, 0] ** power), 3)
        model.set_attr(when=when)
        model.save_model(tmp_path / f"{name}.{form}")
        found[name] = contents(tmp_path / f"{name}.{form}", RUN)
        assert found[name].error is None
    a, b, c = found.values()
    assert a.tensors == b.tensors != c.tensors
    assert a.masked.keys() == b.masked.keys() == {"learner.attributes.when"}
    of_model = {part for part in a.tensors if any(part == name or part.startswith(f"{name}.") for name in a.models)}
    assert a.tensors.keys() - of_model == {"learner.attributes.when"}


@ONE_FOLDER
@given(st.binary(max_size=60), st.sampled_from([".ubj", ".msgpack"]))
def test_bytes_without_packed_values_are_compared_as_bytes(tmp_path, data, ending):
    (tmp_path / f"a{ending}").write_bytes(data)
    file = contents(tmp_path / f"a{ending}")
    assert (file.format == "bytes") == (file.error is not None)
    assert file.tensors
