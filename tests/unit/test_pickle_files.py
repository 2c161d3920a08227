"""Pickles that programs save: read without running anything of them, and compared by content."""

import contextlib
import datetime
import gzip
import io
import json
import pathlib
import pickle
import uuid

import numpy as np
import pytest
from builders import zipped
from hypothesis import example, given, settings
from hypothesis import strategies as st
from saved_parts import differing, digests, models, shown, values

from samebits.store import fingerprint_file
from samebits.store.artifacts import contents
from samebits.store.formats import pickled_values
from samebits.store.formats.unpickler import Global, Made, read

# -- pickles ----------------------------------------------------------------------------------------------------------


class Ordered:
    """Is pickled as a set whose items come in this order."""

    def __init__(self, items):
        self.items = list(items)

    def __reduce__(self):
        return set, (self.items,)


class Dangerous:
    def __reduce__(self):
        return print, ("this was run",)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_of_a_pickle_is_run(capsys, protocol):
    value = read(io.BytesIO(pickle.dumps([Dangerous()], protocol)))
    assert [type(item) for item in value] == [Made]
    assert value[0].function in (Global("builtins.print"), Global("__builtin__.print"))
    assert capsys.readouterr().out == ""


PERSISTENT = b"\x80\x04\x8c\x01kQ"  # an object that is kept elsewhere
NOT_RUN = {
    "class with arguments": (b"cos\nsystem\n)\x81.", Made),
    "class with named arguments": (b"\x80\x04\x8c\x02os\x8c\x06system\x93)}\x92.", Made),
    "class of protocol 0": (b"(ios\nsystem\n.", Made),
    "class with a mark": (b"(cos\nsystem\no.", Made),
    "result of a call, called": (b"cos\nsystem\n)R)R.", Made),
    "class that is kept elsewhere": (PERSISTENT + b")\x81.", Made),
    "set of lists": (b"\x80\x04\x8f(]]\x90.", Made),
}


@pytest.mark.parametrize("name", NOT_RUN)
def test_whatever_a_pickle_would_build_is_a_stand_in(name):
    pickled, kind = NOT_RUN[name]
    assert type(read(io.BytesIO(pickled))) is kind


@pytest.mark.parametrize("pickled", [b"cos\nsystem\n}b.", PERSISTENT + b"}b.", b"]}b.", b"cos\nsystem\nK\x01a."])
def test_nothing_is_set_on_what_a_pickle_did_not_make(pickled):
    with pytest.raises(ValueError, match="pickle"):
        read(io.BytesIO(pickled))


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(plain, st.integers(3, 5))
def test_plain_values_are_read_as_pickle_reads_them(value, protocol):
    assert read(io.BytesIO(pickle.dumps(value, protocol))) == value


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
@example(b"\x96" + b"\xff" * 7 + b"\x00.")
def test_bytes_that_are_no_pickle_are_a_value_error(data):
    with contextlib.suppress(ValueError):
        assert read(io.BytesIO(b"\x80\x02" + data)) is not read


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_in_a_pickle_have_the_same_parts_in_every_protocol(tmp_path, protocol, read_file):
    content = {"w": np.arange(3.0), "f": np.asfortranarray(np.ones((2, 3))), "n": np.float32(1.5), "t": [1, "x"]}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol))
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(content, 2))
    a, b = read_file(tmp_path / "a.pkl"), read_file(tmp_path / "b.pkl")
    assert a.format == "pickle"
    assert digests(a) == digests(b)
    assert set(digests(a)) - set(values(a)) == {"w", "f"}


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3)])
def test_an_estimator_that_joblib_wrote_is_a_model(tmp_path, compress, read_file):
    joblib = pytest.importorskip("joblib")
    ensemble = pytest.importorskip("sklearn.ensemble")

    def written(name, seed):
        inputs = np.random.RandomState(0).randn(40, 3)
        forest = ensemble.RandomForestClassifier(2, random_state=seed).fit(inputs, inputs[:, 0] > 0)
        joblib.dump({"head": forest, "fit_time": seed}, tmp_path / name, compress=compress)
        return read_file(tmp_path / name)

    one, same, other = written("a.joblib", 1), written("b.joblib", 1), written("c.joblib", 2)
    assert one.format == "pickle"
    assert models(one)
    assert all(name.startswith("head.") for name in models(one))
    assert digests(one) == digests(same)
    assert any(name.startswith("head.estimators_") for name in differing(one, other))


def test_every_pickle_of_a_file_is_read(tmp_path, read_file):
    first, second = pickle.dumps({"loss": 0.5}), pickle.dumps({"time": 1, "w": np.ones(2)})
    path = tmp_path / "a.pkl"
    path.write_bytes(first + second)
    file = read_file(path)
    assert set(digests(file)) == {"loss", "(pickle 2).time", "(pickle 2).w"}
    assert set(values(file)) == {"loss", "(pickle 2).time"}
    path.write_bytes(first + b"rest")
    assert set(digests(read_file(path))) == {"loss", "(what follows)"}


@pytest.mark.parametrize("ending", [".pkl.gz", ".zip"])
def test_every_pickle_of_a_member_of_an_archive_is_read(tmp_path, read_file, ending):
    def written(name, last):
        data = pickle.dumps({"loss": 0.5}) + pickle.dumps({"loss": last})
        packed = zipped({"log.pkl": data}) if ending == ".zip" else gzip.compress(data)
        (tmp_path / f"{name}{ending}").write_bytes(packed)
        return digests(read_file(tmp_path / f"{name}{ending}"))

    one, other = written("a", 0.5), written("b", 0.6)
    (changed,) = (name for name in one if one[name] != other[name])
    assert changed.endswith("(pickle 2).loss")


def test_what_follows_an_array_of_objects_in_its_file_is_compared(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, np.array([{"a": 1}], dtype=object))
        np.save(file, np.arange(3.0))
    assert "more than one array" in contents(tmp_path / "a.npy").error


def pickled(path, content):
    path.write_bytes(pickle.dumps(content))
    return contents(path)


def deep(number):
    return ((((((number,),),),),),)


def archive(year, rate=0.1):
    members = {"config.json": json.dumps({"rate": rate}), "metadata.json": json.dumps({"date_saved": year})}
    return {"model": io.BytesIO(zipped(members, year)), "note": io.BytesIO(b"PK")}


def optimizer(*addresses, lr=0.1):
    state = {address: {"step": number} for number, address in enumerate(addresses)}
    return {"state": state, "param_groups": [{"params": list(addresses), "lr": lr}]}


HERE, THERE = (140507427128912, 140507427130000), (94523427130000, 94523427128912)
COMPARED = {  # the same content, written differently; a different content, and the name of the part that differs
    "items of a set": ({"s": Ordered("xy")}, {"s": Ordered("yx")}, {"s": Ordered("xz")}, None),
    "items of several kinds": ({"s": Ordered(["x", (1, ("y",))])}, {"s": Ordered([(1, ("y",)), "x"])}, {"s": Ordered("x")}, None),
    "deep items": ({"s": Ordered([deep(1), "x"])}, {"s": Ordered(["x", deep(1)])}, {"s": Ordered([deep(2), "x"])}, None),
    "addresses as keys": ({"table": {HERE[0]: 0.5, 7: 1}}, {"table": {HERE[1]: 0.5, 7: 1}}, {"table": {HERE[0]: 0.6, 7: 1}},
                          "table.address 1"),
    "an archive": (archive(2025), archive(2026), archive(2025, 0.2), "model.config.rate"),
    "an old optimizer": (optimizer(*HERE), optimizer(*THERE), optimizer(*HERE, lr=0.2), "param_groups.0.lr"),
}  # fmt: skip


@pytest.mark.parametrize("case", COMPARED)
def test_a_pickle_is_compared_by_what_it_holds(tmp_path, case):
    *objects, part = COMPARED[case]
    one, same, other = (pickled(tmp_path / f"{place}.pkl", content) for place, content in enumerate(objects))
    assert digests(one) == digests(same)
    assert differing(one, other) == {part} if part else differing(one, other)


def test_which_of_the_earlier_objects_comes_again_is_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(pickled_values, "_MOST_REPEATED", 0)
    one, two = {"a": 1}, {"a": 2}
    for name, best in (("a.pkl", one), ("b.pkl", two)):
        (tmp_path / name).write_bytes(pickle.dumps({"all": [one, two], "best": best}))
    a, b = digests(contents(tmp_path / "a.pkl")), digests(contents(tmp_path / "b.pkl"))
    assert {name for name in a if a[name] != b[name]} == {"best"}


def test_objects_that_share_one_another_are_read_in_time_in_proportion_to_their_number(tmp_path, read_file):
    def written(name, last):
        nested = [last]
        for _ in range(40):
            nested = [nested, nested, {}]
        (tmp_path / name).write_bytes(pickle.dumps(nested))
        return read_file(tmp_path / name)

    one, same, other = written("a.pkl", 1), written("b.pkl", 1), written("c.pkl", 2)
    assert digests(one) == digests(same)
    assert digests(one) != digests(other)


def test_the_parameters_of_an_old_optimizer_have_the_numbers_of_its_keys(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(optimizer(*HERE)))
    assert json.loads(shown(contents(tmp_path / "a.pkl"))["param_groups.0.params"]) == ["address 1", "address 2"]


def test_each_of_many_pickles_is_read_though_the_ones_before_it_are_gone(tmp_path, monkeypatch, read_file):
    monkeypatch.setattr(pickled_values, "_MOST_REPEATED", 0)
    (tmp_path / "log.pkl").write_bytes(b"".join(pickle.dumps({"loss": number}) for number in range(50)))
    file = contents(tmp_path / "log.pkl")
    assert {json.loads(text) for text in shown(file).values()} == set(range(50))


def test_the_random_id_that_cloudpickle_gives_a_class_is_shown(tmp_path):
    """A trial knows the ids that it got, so the difference is understood."""
    cloudpickle = pytest.importorskip("cloudpickle")
    made = type("Thing", (), {"__module__": "__main__"})()
    (tmp_path / "a.pkl").write_bytes(cloudpickle.dumps(made))
    identity = cloudpickle.cloudpickle._get_or_create_tracker_id(type(made))
    assert identity in shown(contents(tmp_path / "a.pkl"))["(class)"]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_moments_durations_paths_and_ids_in_a_pickle_are_values_with_the_text_that_python_prints(tmp_path, protocol):
    moment = datetime.datetime(2026, 11, 26, 20, 1, 1, 5)
    content = {"saved": moment, "took": datetime.timedelta(seconds=1.5), "id": uuid.UUID(int=1 << 64),
               "folder": pathlib.PurePosixPath("/tmp/run1/out"), "day": moment.date()}  # fmt: skip
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol))
    assert {name: json.loads(text) for name, text in shown(contents(tmp_path / "a.pkl")).items()} == {
        name: str(value) for name, value in content.items()
    }


def test_a_path_in_a_pickle_that_is_no_temporary_one_is_compared(tmp_path):
    for name, path in (("a.pkl", "data/one.csv"), ("b.pkl", "data/two.csv")):
        (tmp_path / name).write_bytes(pickle.dumps({"best": pathlib.PurePosixPath(path)}))
    one, two = fingerprint_file(tmp_path / "a.pkl", False), fingerprint_file(tmp_path / "b.pkl", False)
    assert json.loads(shown(one)["best"]) == "data/one.csv"
    assert digests(one) != digests(two)


@pytest.mark.parametrize("name", ["datetime.datetime", "datetime.date", "datetime.timedelta", "pathlib.PosixPath"])
def test_an_object_that_names_a_class_of_the_standard_library_and_is_none_is_read_as_any_other(name):
    for arguments in ((), (5,), (b"",), (b"\xff" * 10,), (None, None), (10**40,), ("a", 1), (Made(Global("x"), None),)):
        assert isinstance(Global(name)(*arguments), (Made, str))


@pytest.mark.parametrize("kind", ["M8[s]", "M8[10us]"])
def test_a_short_array_of_moments_in_a_pickle_is_shown_in_seconds(tmp_path, kind):
    unit = 10**5 if "us" in kind else 1
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": np.array([5 * unit, 7 * unit]).astype(kind)}))
    assert json.loads(shown(contents(tmp_path / "a.pkl"))["a"]) == [5, 7]
