"""Saved files by content: formats, names of parts, what does not matter, and damage."""

import contextlib
import datetime
import gzip
import io
import json
import pathlib
import pickle
import random
import shutil
import uuid
import zipfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from samebits.launch.artifacts import FileRules, collect, patterns, with_links
from samebits.launch.command import FileNames
from samebits.store import fingerprint_file, torch_files
from samebits.store.artifacts import READERS, contents
from samebits.store.masks import ANY_RUN
from samebits.store.pickles import Global, Made, Persistent, plain_text, read


def read_file(path):
    file = fingerprint_file(path, True)
    assert file.error is None
    return file


def differing(a, b):
    return {name for name in a.tensors.keys() | b.tensors.keys() if a.tensors.get(name) != b.tensors.get(name)}


ARRAYS = {"a": np.arange(6, dtype="f4").reshape(2, 3), "b/c": np.array([1, 2]), "d": np.float64(3.5)}


def write_npz(path, arrays):
    np.savez(path, **arrays)


def write_npz_compressed(path, arrays):
    np.savez_compressed(path, **arrays)


def write_safetensors(path, arrays, metadata=None):
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, array in arrays.items():
        raw = np.asarray(array).tobytes()
        kind = {"f": "F", "i": "I"}[np.asarray(array).dtype.kind] + str(np.asarray(array).itemsize * 8)
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": kind, "shape": list(np.shape(array)), "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def write_json(path, arrays):
    path.write_text(json.dumps({name: np.asarray(array).tolist() for name, array in arrays.items()}))


def write_hdf5(path, arrays):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


WRITERS = {".npz": write_npz, ".safetensors": write_safetensors, ".json": write_json, ".h5": write_hdf5}
everywhere = pytest.mark.parametrize("suffix", sorted(WRITERS))


@everywhere
def test_another_name_and_another_order_are_the_same_content(tmp_path, suffix):
    one, two = tmp_path / f"one{suffix}", tmp_path / f"another_name{suffix}"
    WRITERS[suffix](one, ARRAYS)
    WRITERS[suffix](two, dict(reversed(ARRAYS.items())))
    a, b = read_file(one), read_file(two)
    assert a.tensors == b.tensors
    assert len(a.tensors) == 3
    assert a.format != "bytes"


@everywhere
@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_one_changed_value_is_exactly_that_part(tmp_path, suffix, name):
    one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    WRITERS[suffix](one, ARRAYS)
    WRITERS[suffix](two, {**ARRAYS, name: ARRAYS[name] + 1})
    assert differing(read_file(one), read_file(two)) == {name}


def test_compression_and_times_of_an_npz_do_not_matter(tmp_path):
    write_npz(tmp_path / "a.npz", ARRAYS)
    write_npz_compressed(tmp_path / "b.npz", ARRAYS)
    assert read_file(tmp_path / "a.npz").tensors == read_file(tmp_path / "b.npz").tensors


def test_memory_order_of_an_npy_does_not_matter_and_its_shape_and_type_do(tmp_path):
    def saved(array):
        np.save(tmp_path / "a.npy", array)
        return read_file(tmp_path / "a.npy").tensors

    array = np.arange(6, dtype="i4").reshape(2, 3)
    assert saved(array) == saved(np.asfortranarray(array))
    assert len({json.dumps(saved(a)) for a in (array, array.reshape(3, 2), array.astype("i8"), array.T)}) == 4


def test_objects_in_an_npy_are_compared_by_their_bytes(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"x": 1}, None], dtype=object))
    assert read_file(tmp_path / "a.npy").format == "npy"


def test_metadata_of_safetensors_count_and_their_order_does_not(tmp_path):
    write_safetensors(tmp_path / "a.safetensors", ARRAYS, {"epoch": "1", "by": "me"})
    write_safetensors(tmp_path / "b.safetensors", ARRAYS, {"by": "me", "epoch": "1"})
    write_safetensors(tmp_path / "c.safetensors", ARRAYS, {"by": "me", "epoch": "2"})
    a, b, c = (read_file(tmp_path / f"{name}.safetensors") for name in "abc")
    assert a.tensors == b.tensors
    assert differing(a, c) == {"__metadata__.epoch"}


def test_json_leaves_are_named_by_their_keys(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"w": [1, 2], "layers": [{"name": "x", "empty": {}}], "t": 1.0}')
    assert set(read_file(path).tensors) == {"w", "layers.length", "layers.0.name", "layers.0.empty", "t"}


def printed(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


RESULT = {"output_type": "execute_result", "data": {"text/plain": ["0.5"]}, "execution_count": 1, "metadata": {}}


def notebook(path, *outputs, cell="328cf8e1", **metadata):
    cells = [{"cell_type": "code", "id": cell, "source": ["x"], "outputs": list(outputs)}]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}))
    return read_file(path)


def test_random_ids_of_the_cells_of_a_notebook_are_ids(tmp_path):
    a, b = (notebook(tmp_path / "a.ipynb", RESULT, cell=cell) for cell in ("328cf8e1", "hello"))
    assert a.tensors == b.tensors
    assert a.masked["cells.0.id"] != b.masked["cells.0.id"]


@pytest.mark.parametrize(
    "pieces",
    [
        [printed(["a\n", "b\n"]), printed(["c\n"])],
        [printed("a\nb"), printed("\nc\n")],
        [printed("a\n"), printed("w\n", "stderr"), printed("b\nc\n")],
    ],
)
def test_what_a_cell_prints_is_the_same_in_any_pieces(tmp_path, pieces):
    errors = [printed("w\n", "stderr")] if len(pieces) == 3 else []
    whole = notebook(tmp_path / "a.ipynb", printed("a\nb\nc\n"), *errors)
    assert notebook(tmp_path / "a.ipynb", *pieces).tensors == whole.tensors


def test_a_bar_in_a_notebook_is_what_it_shows_in_the_end(tmp_path):
    bars = [printed(f"\r{' 50%|#####     | 5/10 ' * n}\r100%|##########| 10/10\n", "stderr") for n in (1, 3)]
    one, two = (notebook(tmp_path / "a.ipynb", bar) for bar in bars)
    assert one.tensors == two.tensors


def test_numbers_and_the_order_of_results_in_a_notebook_are_compared(tmp_path):
    one = notebook(tmp_path / "a.ipynb", printed("loss 0.1\n"), RESULT)
    for outputs in ((printed("loss 0.2\n"), RESULT), (RESULT, printed("loss 0.1\n")), (printed("loss 0.1\n"),)):
        assert notebook(tmp_path / "a.ipynb", *outputs).tensors != one.tensors


def test_widgets_of_a_notebook_have_random_ids(tmp_path):
    def with_widget(key):
        data = {"application/vnd.jupyter.widget-view+json": {"model_id": key, "version_major": 2}}
        shown = {"output_type": "display_data", "data": data, "metadata": {}}
        return notebook(tmp_path / "a.ipynb", shown, widgets={"state": {key: {"value": 3}}})

    assert with_widget("0a1b").tensors == with_widget("9f8e").tensors


@pytest.mark.parametrize(
    "text",
    ['{"cells": 3}', "[]", '{"cells": [3, {"outputs": 3}], "metadata": 3}', '{"cells": [{"outputs": [3, {}]}]}'],
)
def test_json_that_is_no_notebook_is_read_as_json(tmp_path, text):
    (tmp_path / "a.ipynb").write_text(text)
    assert read_file(tmp_path / "a.ipynb").format == "json"


def test_an_id_in_a_file_that_is_no_notebook_is_compared(tmp_path):
    found = []
    for number in "12":
        (tmp_path / "a.json").write_text(json.dumps({"cells": [{"id": f"cell-{number}", "outputs": {}}]}))
        found.append(read_file(tmp_path / "a.json").tensors)
    assert found[0] != found[1]


@pytest.mark.parametrize(("one", "two"), [("1", "1.0"), ("0.0", "-0.0"), ("null", "false"), ("[]", "{}"), ('"1"', "1")])
def test_json_values_that_look_alike_differ(tmp_path, one, two):
    found = []
    for text in (one, two):
        (tmp_path / "a.json").write_text(f'{{"x": {text}}}')
        found.append(read_file(tmp_path / "a.json").tensors)
    assert found[0] != found[1]


def test_any_other_file_is_compared_by_its_lines(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"abc")
    file = read_file(path)
    assert (file.format, list(file.tensors), file.named) == ("text", [""], True)


def test_keras_archives_leave_the_time_out(tmp_path):
    def write(name, date, rate=0.1, identity=1):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": "3", "date_saved": date}))
            archive.writestr("config.json", json.dumps({"lr": rate, "x": {"shared_object_id": identity}}))
        return read_file(tmp_path / name)

    a, b, c = write("a.keras", "today"), write("b.keras", "tomorrow", identity=2), write("c.keras", "today", rate=0.2)
    assert a.tensors == b.tensors
    assert differing(a, c) == {"config.lr"}


def test_an_array_in_an_archive_is_a_model_if_its_name_does_not_say_that_it_is_a_time(tmp_path):
    def npy(values):
        stream = io.BytesIO()
        np.save(stream, np.array(values))
        return stream.getvalue()

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("w.npy", npy([0.5]))
        archive.writestr("times.npy", npy([0.5]))
        archive.writestr("policy.bin", b"\0\1")
        archive.writestr("broken.npy", b"none")
        archive.writestr("note.dat", b"\0\1")
    (tmp_path / "b.npy.gz").write_bytes(gzip.compress(npy([0.5])))
    assert read_file(tmp_path / "a.zip").models == ["policy.bin", "w.npy"]
    assert read_file(tmp_path / "b.npy.gz").models == [""]


# -- damage -----------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_said(tmp_path):
    file = fingerprint_file(tmp_path / "none.pt", True)
    assert file.tensors == {}
    assert file.changing == file.error == "cannot be read (it no longer exists)"


@pytest.mark.parametrize("suffix", sorted(READERS))
@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"\x80\x02}q\x00.", b"PK\x05\x06" + b"\0" * 18, b"\x93NUMPY\x01\0"]
)
def test_a_file_that_is_not_what_its_name_says_is_compared_by_its_bytes(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    file = fingerprint_file(path, True)
    assert list(file.tensors) == [""] or file.error is None
    assert (file.error is None) == (file.format != "bytes")


@pytest.mark.parametrize("suffix", sorted(WRITERS))
@pytest.mark.parametrize("number", range(15))
def test_a_damaged_file_never_raises(tmp_path, suffix, number):
    chance, path = random.Random(f"{suffix} {number}"), tmp_path / f"a{suffix}"
    WRITERS[suffix](path, ARRAYS)
    whole = fingerprint_file(path, True)
    data = bytearray(path.read_bytes())
    if number % 2:
        del data[chance.randrange(len(data)) :]
    else:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    damaged = fingerprint_file(path, True)
    assert damaged.tensors
    assert damaged.path == whole.path


# -- pickles ----------------------------------------------------------------------------------------------------------


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
    "number of an extension": (b"\x80\x02\x82\x05.", Global),
    "set of lists": (b"\x80\x04\x8f(]]\x90.", Made),
    "buffer elsewhere": (b"\x80\x05\x97\x98.", Persistent),
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


def test_a_pickle_that_unfolds_without_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(torch_files, "_MOST_VALUES", 5000)
    value = []
    for _ in range(60):
        value = [value, value]
    (tmp_path / "bomb.pt").write_bytes(pickle.dumps(value))
    file = contents(tmp_path / "bomb.pt")
    assert "holds more than" in file.error


def test_a_file_that_grows_while_it_is_read_is_not_compared_and_says_so(tmp_path, monkeypatch):
    path = tmp_path / "log.txt"
    path.write_text("one\n")

    def read(path, run, begin):
        with path.open("a") as file:
            file.write("two\n")
        return contents(path, run, begin)

    monkeypatch.setattr("samebits.store.artifacts._read_apart", read)
    file = fingerprint_file(path, False)
    assert (file.tensors, file.changing) == ({}, "it grew while it was read")


def test_a_file_that_vanishes_before_it_is_read_is_named_and_not_compared(tmp_path, monkeypatch):
    path = tmp_path / "work" / "log.txt"
    path.parent.mkdir()
    path.write_text("one\n")

    def read(path, run, begin):
        path.unlink()
        return contents(path, run, begin)

    monkeypatch.setattr("samebits.store.artifacts._read_apart", read)
    naming = FileNames(["python"], path.parent, tmp_path / "out", "001")
    files = collect(FileRules(), [path], path.parent, naming, ANY_RUN)
    assert (files.files, files.gone, files.found) == ([], ["log.txt"], 0)


def test_what_a_different_program_still_writes_is_not_the_trials(tmp_path):
    path = tmp_path / "log3.txt"
    naming = FileNames(["python"], tmp_path, tmp_path / "out", "001")
    with path.open("w") as file:
        file.write("of samebits check > log3.txt\n")
        file.flush()
        assert collect(FileRules(), [path], tmp_path, naming, ANY_RUN).files == []
    assert [one.path for one in collect(FileRules(), [path], tmp_path, naming, ANY_RUN).files] == ["log3.txt"]


def test_a_link_to_a_folder_is_compared_by_what_it_leads_to(tmp_path):
    naming = FileNames(["python"], tmp_path, tmp_path / "out", "001")
    asked = FileRules(patterns=patterns(["best*", "none*"], tmp_path, tmp_path / "out", "001"), ignores=["skip"])
    links = {"best": "checkpoint-8", "last": "checkpoint-9", "skip": "checkpoint-8"}
    files = with_links(collect(asked, [], tmp_path, naming, ANY_RUN), links, asked, ANY_RUN)
    assert [(one.path, one.named, one.shown[""]) for one in files.files] == [
        ("best", True, '"checkpoint-8"'),
        ("last", False, '"checkpoint-9"'),
    ]
    assert (files.patterns_without_match, files.ignores_without_match) == (["none*"], [])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_in_a_pickle_have_the_same_parts_in_every_protocol(tmp_path, protocol):
    content = {"w": np.arange(3.0), "f": np.asfortranarray(np.ones((2, 3))), "n": np.float32(1.5), "t": [1, "x"]}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol))
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(content, 2))
    a, b = read_file(tmp_path / "a.pkl"), read_file(tmp_path / "b.pkl")
    assert a.format == "pickle"
    assert a.tensors == b.tensors
    assert set(a.tensors) - set(a.values) == {"w", "f"}


def _packed(folder, form, meta, log):
    folder.mkdir()
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "train.log").write_text(log)
    if form == "gz":
        packed = folder / "meta.json.gz"
        packed.write_bytes(gzip.compress((folder / "meta.json").read_bytes()))
        return packed
    return pathlib.Path(shutil.make_archive(folder.with_name(f"{folder.name}-packed"), form, folder))


@pytest.mark.parametrize("form", ["zip", "gztar", "gz"])
def test_texts_in_an_archive_are_compared_without_times_and_json_by_its_keys(tmp_path, form):
    log = "2026-11-2%d 10:00:0%d INFO loss 0.5\n"
    one = _packed(tmp_path / "a", form, {"at": "2026-11-26 10:00:01", "acc": 0.5}, log % (6, 1) * 2)
    two = _packed(tmp_path / "b", form, {"at": "2026-11-27 10:00:02", "acc": 0.5}, log % (7, 2) * 2)
    three = _packed(tmp_path / "c", form, {"at": "2026-11-27 10:00:02", "acc": 0.6}, log % (7, 2) * 2)
    first, second, third = (fingerprint_file(path, named=False) for path in (one, two, three))
    assert first.tensors == second.tensors != third.tensors
    assert first.masked != second.masked
    changed = [name for name, value in second.tensors.items() if third.tensors[name] != value]
    assert len(changed) == 1
    assert changed[0].endswith("acc")
    assert (second.shown[changed[0]], third.shown[changed[0]]) == ("0.5", "0.6")


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3)])
def test_an_estimator_that_joblib_wrote_is_a_model(tmp_path, compress):
    joblib = pytest.importorskip("joblib")
    ensemble = pytest.importorskip("sklearn.ensemble")

    def written(name, seed):
        inputs = np.random.RandomState(0).randn(40, 3)
        forest = ensemble.RandomForestClassifier(2, random_state=seed).fit(inputs, inputs[:, 0] > 0)
        joblib.dump({"head": forest, "fit_time": seed}, tmp_path / name, compress=compress)
        return read_file(tmp_path / name)

    one, same, other = written("a.joblib", 1), written("b.joblib", 1), written("c.joblib", 2)
    assert one.format == "pickle"
    assert "head" in one.models
    assert one.tensors == same.tensors
    assert any(name.startswith("head.estimators_") for name in differing(one, other))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_moments_durations_temporary_paths_and_ids_in_a_pickle_are_those_of_a_run(tmp_path, protocol):
    def saved(name, number):
        moment = datetime.datetime(2026, 11, 26, 20, number, 1, 5 * number)
        content = {"saved": moment, "took": datetime.timedelta(seconds=number), "id": uuid.UUID(int=number << 64),
                   "folder": pathlib.PurePosixPath(f"/tmp/run{number}/out"), "day": moment.date()}  # fmt: skip
        (tmp_path / name).write_bytes(pickle.dumps(content, protocol))
        return fingerprint_file(tmp_path / name, False)

    one, two = saved("a.pkl", 1), saved("b.pkl", 2)
    assert one.tensors == two.tensors
    assert set(one.masked) == {"saved", "took", "id", "folder", "day"}
    assert json.loads(one.shown["saved"]) == "2026-11-26 20:01:01.000005"


def test_a_path_in_a_pickle_that_is_no_temporary_one_is_compared(tmp_path):
    for name, path in (("a.pkl", "data/one.csv"), ("b.pkl", "data/two.csv")):
        (tmp_path / name).write_bytes(pickle.dumps({"best": pathlib.PurePosixPath(path)}))
    one, two = fingerprint_file(tmp_path / "a.pkl", False), fingerprint_file(tmp_path / "b.pkl", False)
    assert json.loads(one.shown["best"]) == "data/one.csv"
    assert one.tensors != two.tensors


@pytest.mark.parametrize(
    "name", ["datetime.datetime", "datetime.date", "datetime.timedelta", "pathlib.PosixPath", "uuid.UUID"]
)
def test_an_object_that_names_a_class_of_the_standard_library_and_is_none_is_read_as_any_other(name):
    for arguments in ((), (5,), (b"",), (b"\xff" * 10,), (None, None), (10**40,), ("a", 1), Made(Global("x"), None)):
        text = plain_text(name, Made(Global(name), arguments, state={"int": "x"}))
        assert text is None or isinstance(text, str)


def catboost_model(identity, when, leaves):
    """Bytes in the form of CatBoost's binary model: texts behind their lengths, ended by zeros up to a multiple of 4."""

    def text(words):
        return len(words).to_bytes(4, "little") + words + b"\0" * (4 - len(words) % 4)

    return b"CBM1\xc8\x70\0\0" + text(b"model_guid") + text(identity) + text(when) + leaves


def test_the_id_and_the_time_of_a_training_of_catboost_are_left_out_and_its_leaves_are_not(tmp_path):
    models = {
        "a": catboost_model(b"d87d5557-ff59c3d4-bc002606-dac6939b", b"2026-11-27T06:12:18Z", b"\1\2\3\4"),
        "b": catboost_model(b"1f631318-90430a0f-8e4fa485-2caf32a", b"2026-11-27T06:12:24Z", b"\1\2\3\4"),
        "c": catboost_model(b"d87d5557-ff59c3d4-bc002606-dac6939b", b"2026-11-27T06:12:18Z", b"\1\2\3\5"),
    }
    for name, data in models.items():
        (tmp_path / f"{name}.cbm").write_bytes(data)
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps({"__model": data}))
    for ending in ("cbm", "pkl"):
        a, b, c = (contents(tmp_path / f"{name}.{ending}") for name in "abc")
        assert a.tensors == b.tensors != c.tensors
    assert contents(tmp_path / "a.cbm").models == [""]


def test_the_same_holds_for_a_model_of_catboost_as_json(tmp_path):
    for name, identity, leaf in (("a", "d87d5557", 0.5), ("b", "1f631318", 0.5), ("c", "d87d5557", 0.25)):
        about = {"model_guid": identity, "train_finish_time": f"at {name}", "params": {"depth": 6}}
        model = {"model_info": about, "oblivious_trees": [{"leaf_values": [leaf]}]}
        (tmp_path / f"{name}.json").write_text(json.dumps(model))
    a, b, c = (contents(tmp_path / f"{name}.json") for name in "abc")
    assert a.tensors == b.tensors != c.tensors
    assert "model_info.params.depth" in a.tensors
