"""MessagePack is read by its values, and so are the models of XGBoost that are JSON."""

import msgpack
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from saved_parts import digests

from samebits.store.artifacts import contents

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
        found.append(digests(file))
    assert (found[0] == found[1]) == (in_order(one) == in_order(two))


def test_an_array_in_a_checkpoint_of_flax_is_an_array_and_a_number_is_a_value(tmp_path):
    content = {"moment": msgpack.Timestamp(1750000001, 5), "w": np.ones(3, "f4"), "raw": b"\xff" * 9, "acc": 0.5,
               "loss": np.float32(0.5), "z": 1}  # fmt: skip
    (tmp_path / "a.msgpack").write_bytes(packed(content))
    file = contents(tmp_path / "a.msgpack")
    assert {name for name, part in file.parts.items() if part.kind == "array"} == {"w", "raw"}
    assert float(file.parts["moment"].shown) == pytest.approx(1750000001)
    assert file.parts["loss"].shown == "0.5"


def test_several_values_in_one_file_of_messagepack_are_numbered(tmp_path):
    (tmp_path / "a.msgpack").write_bytes(packed({"a": 1}) + packed({"a": 2}))
    assert digests(contents(tmp_path / "a.msgpack")).keys() == {"value 1.a", "value 2.a"}


@pytest.mark.parametrize("booster", ["gbtree", "gblinear", "dart"])
def test_attributes_of_a_model_of_xgboost_are_values_and_all_else_counts(tmp_path, booster):
    library = pytest.importorskip("xgboost")
    x = np.arange(40.0).reshape(10, 4)
    found = {}
    for name, power, when in (("a", 2, "1750000000.5"), ("b", 2, "1760000000.5"), ("c", 3, "1750000000.5")):
        model = library.train({"booster": booster, "nthread": 1}, library.DMatrix(x, x[:, 0] ** power), 3)
        model.set_attr(when=when)
        model.save_model(tmp_path / f"{name}.json")
        file = contents(tmp_path / f"{name}.json")
        assert {part for part in file.parts if not file.parts[part].model} == {"learner.attributes.when"}
        found[name] = {part: digest for part, digest in digests(file).items() if file.parts[part].model}
    assert found["a"] == found["b"] != found["c"]


@ONE_FOLDER
@given(st.binary(min_size=1, max_size=60))
def test_bytes_without_packed_values_are_compared_as_bytes(tmp_path, data):
    (tmp_path / "a.msgpack").write_bytes(data)
    file = contents(tmp_path / "a.msgpack")
    assert (file.format == "bytes") == (file.error is not None)
    assert digests(file)
