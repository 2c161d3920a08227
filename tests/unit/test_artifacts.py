"""Saved files by content: formats, names of parts, what does not matter, and damage."""

import base64
import bz2
import gzip
import json
import lzma
import os
import pathlib
import pickle
import random
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from builders import npy, zipped
from saved_parts import differing, digests, models, shown, values

from samebits.launch.files.outside_files import OutsideFiles
from samebits.launch.processes.command import FileNames
from samebits.launch.trial.artifacts import FileRules, collect
from samebits.model import FilesFile
from samebits.store import fingerprint_file, read_document, write_document
from samebits.store.artifacts import contents
from samebits.store.formats import TABLE

ARRAYS = {"a": np.arange(6, dtype="f4").reshape(2, 3), "b/c": np.array([1, 2]), "d": np.float64(3.5)}


def write_npz(path, arrays):
    np.savez(path, **arrays)


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
def test_another_name_and_another_order_are_the_same_content(tmp_path, suffix, read_file):
    one, two = tmp_path / f"one{suffix}", tmp_path / f"another_name{suffix}"
    WRITERS[suffix](one, ARRAYS)
    WRITERS[suffix](two, dict(reversed(ARRAYS.items())))
    a, b = read_file(one), read_file(two)
    assert digests(a) == digests(b)
    assert len(digests(a)) == 3
    assert a.format != "bytes"


@everywhere
@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_one_changed_value_is_exactly_that_part(tmp_path, suffix, name, read_file):
    one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    WRITERS[suffix](one, ARRAYS)
    WRITERS[suffix](two, {**ARRAYS, name: ARRAYS[name] + 1})
    assert differing(read_file(one), read_file(two)) == {name}


def test_compression_and_times_of_an_npz_do_not_matter(tmp_path, read_file):
    write_npz(tmp_path / "a.npz", ARRAYS)
    np.savez_compressed(tmp_path / "b.npz", **ARRAYS)
    assert digests(read_file(tmp_path / "a.npz")) == digests(read_file(tmp_path / "b.npz"))


def test_memory_order_of_an_npy_does_not_matter_and_its_shape_and_type_do(tmp_path, read_file):
    def saved(array):
        np.save(tmp_path / "a.npy", array)
        return digests(read_file(tmp_path / "a.npy"))

    array = np.arange(6, dtype="i4").reshape(2, 3)
    assert saved(array) == saved(np.asfortranarray(array))
    assert len({json.dumps(saved(a)) for a in (array, array.reshape(3, 2), array.astype("i8"), array.T)}) == 4


def test_objects_in_an_npy_are_compared_by_what_they_hold(tmp_path, read_file):
    def saved(*items):
        objects = np.empty(len(items), dtype=object)
        objects[:] = items
        np.save(tmp_path / "a.npy", objects)
        return read_file(tmp_path / "a.npy")

    text = "".join(["on", "e"])  # a pickle says whether two texts are one object
    one, same, other = saved({"x": "one"}, text), saved({"x": text}, text), saved({"x": "two"}, text)
    assert (one.format, one.error, digests(same)) == ("npy", None, digests(one))
    assert differing(one, other) == {"0.x"}
    assert differing(one, saved({"x": "one"})) == {"(shape)", "1"}


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_pickle_in_an_archive_is_compared_by_what_it_holds(tmp_path, read_file, kind):
    def saved(value):
        shutil.rmtree(tmp_path / "in", ignore_errors=True)
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.pkl").write_bytes(pickle.dumps(value))
        return read_file(pathlib.Path(shutil.make_archive(str(tmp_path / "archive"), kind, tmp_path / "in")))

    text = "".join(["on", "e"])
    one, same = saved({"x": "one", "y": text}), saved({"x": text, "y": text})
    assert (one.error, digests(same)) == (None, digests(one))
    assert {name.removeprefix("./") for name in differing(one, saved({"x": text, "y": "two"}))} == {"a.pkl.y"}


def test_a_pickle_in_a_pickle_is_compared_by_what_it_holds(tmp_path, read_file):
    """skorch saves its modules so: https://github.com/skorch-dev/skorch/blob/master/skorch/net.py (`__getstate__`)."""

    def saved(value, end=b""):
        (tmp_path / "net.pkl").write_bytes(pickle.dumps({"device": "cpu", "modules": pickle.dumps(value) + end}))
        return read_file(tmp_path / "net.pkl")

    text = "".join(["on", "e"])
    one, same = saved({"x": "one", "y": text}), saved({"x": text, "y": text})
    assert digests(same) == digests(one)
    assert differing(one, saved({"x": text, "y": "two"})) == {"modules.y"}
    assert digests(saved("one", b"more.")) != digests(saved("one", b"else."))


def test_metadata_of_safetensors_count_and_their_order_does_not(tmp_path, read_file):
    write_safetensors(tmp_path / "a.safetensors", ARRAYS, {"epoch": "1", "by": "me"})
    write_safetensors(tmp_path / "b.safetensors", ARRAYS, {"by": "me", "epoch": "1"})
    write_safetensors(tmp_path / "c.safetensors", ARRAYS, {"by": "me", "epoch": "2"})
    a, b, c = (read_file(tmp_path / f"{name}.safetensors") for name in "abc")
    assert digests(a) == digests(b)
    assert differing(a, c) == {"__metadata__.epoch"}


def test_json_leaves_are_named_by_their_keys(tmp_path, read_file):
    path = tmp_path / "a.json"
    path.write_text('{"w": [1, 2], "layers": [{"name": "x", "empty": {}}], "t": 1.0}')
    assert set(digests(read_file(path))) == {"w", "layers.length", "layers.0.name", "layers.0.empty", "t"}


@pytest.mark.parametrize(("one", "two"), [("1", "1.0"), ("0.0", "-0.0"), ("null", "false"), ("[]", "{}"), ('"1"', "1")])
def test_json_values_that_look_alike_differ(tmp_path, one, two, read_file):
    found = []
    for text in (one, two):
        (tmp_path / "a.json").write_text(f'{{"x": {text}}}')
        found.append(digests(read_file(tmp_path / "a.json")))
    assert found[0] != found[1]


def test_a_json_file_with_a_value_in_each_line_is_read_by_its_keys(tmp_path, read_file):
    (tmp_path / "result.json").write_text('{"loss": 0.5, "time_total_s": 1.5}\n{"loss": 0.4, "time_total_s": 2.5}\n')
    file = read_file(tmp_path / "result.json")
    assert set(digests(file)) == {f"line {number}.{key}" for number in (1, 2) for key in ("loss", "time_total_s")}
    (tmp_path / "cut.json").write_text('{"loss": 0.5,\n"acc"')
    assert contents(tmp_path / "cut.json").error is not None


def test_results_elsewhere_are_not_what_tools_keep_or_pass_on(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    counted = [
        "home/results/best.json",
        "home/tmp.json",
        "temporary/best.pkl",
        "temporary/tmp_best.json",
        "data/a.onnx",
        "data/a.gguf",
        "data/a.msgpack",
        "data/booster.txt",
        "data/dump.out",
        "data/checkpoint.data-00000-of-00001",
        "data/checkpoint.index",
    ]
    others = ["home/.config/a.json", "home/ray_results/run_1/result.json", "temporary/tmpab_d3fgh/a.pkl",
              "temporary/tmpab_d3fgh.json", "temporary/ray/a.json", "home/results/log.txt",
              "home/.config/a.model", "data/broken.index", "data/missing.txt",
              "home/.cache/huggingface/hub/a.npz"]  # fmt: skip
    (tmp_path / "data").mkdir()
    (tmp_path / "data/booster.txt").write_text("tree\nversion=v4\n")
    (tmp_path / "data/dump.out").write_text("booster[0]:\n0:leaf=0.5\n")
    (tmp_path / "data/checkpoint.index").write_bytes(bytes(40) + bytes.fromhex("57fb808b247547db"))
    (tmp_path / "data/checkpoint.data-00000-of-00001").write_bytes(b"w")
    (tmp_path / "data/broken.index").write_bytes(bytes(48))
    outside = OutsideFiles()
    assert [name for name in (*counted, *others) if outside.is_compared(tmp_path / name)] == counted


def test_any_other_file_is_compared_by_its_lines(tmp_path, read_file):
    path = tmp_path / "model.bin"
    path.write_bytes(b"abc")
    file = read_file(path)
    assert (file.format, list(digests(file)), file.named) == ("text", [""], True)


def test_keras_archives_leave_the_time_out(tmp_path, read_file):
    def write(name, date, rate=0.1, identity=1):
        about, config = {"keras_version": "3", "date_saved": date}, {"lr": rate, "x": {"shared_object_id": identity}}
        (tmp_path / name).write_bytes(zipped({"metadata.json": json.dumps(about), "config.json": json.dumps(config)}))
        return read_file(tmp_path / name)

    a, b, c = write("a.keras", "today"), write("b.keras", "tomorrow", identity=2), write("c.keras", "today", rate=0.2)
    assert digests(a) == digests(b)
    assert differing(a, c) == {"config.lr"}


@pytest.mark.parametrize("opened", [gzip.open, bz2.open, lzma.open])
def test_what_a_compressed_file_holds_is_compared_by_its_content(tmp_path, read_file, opened):
    ending = opened.__module__
    with opened(tmp_path / f"a.json.{ending}", "wt") as file:
        json.dump({"loss": 0.5, "time": 1}, file)
    with opened(tmp_path / f"w.pkl.{ending}", "wb") as file:
        pickle.dump({"w": np.ones(2), "time": np.ones(2), "lr": 0.1}, file)
    assert set(shown(read_file(tmp_path / f"a.json.{ending}"))) == {"loss", "time"}
    assert models(read_file(tmp_path / f"w.pkl.{ending}")) == ["time", "w"]


@pytest.mark.parametrize("form", ["npy", "pkl", "h5"])
def test_the_padding_of_arrays_with_fields_in_fields_does_not_matter(tmp_path, read_file, form):
    inner = np.dtype([("b", "i1"), ("c", "f8")], align=True)
    kind = np.dtype([("a", "i1"), ("d", inner)], align=True)

    def written(name, padding, value):
        array = np.frombuffer(bytearray([padding]) * (3 * kind.itemsize), kind)
        array["a"], array["d"]["b"], array["d"]["c"] = 1, 2, value
        path = tmp_path / f"{name}.{form}"
        if form == "h5":
            with pytest.importorskip("h5py").File(path, "w") as file:
                file["x"] = array
        elif form == "npy":
            np.save(path, array)
        else:
            path.write_bytes(pickle.dumps(array))
        return read_file(path)

    one, same, other = written("a", 0, 0.5), written("b", 255, 0.5), written("c", 0, 0.6)
    assert digests(one) == digests(same)
    assert {name.removeprefix("x.") for name in differing(one, other)} == {"d.c"}


def test_a_database_is_more_than_its_rows(tmp_path, read_file):
    def written(name, factor):
        with closing(sqlite3.connect(tmp_path / name)) as database:
            database.execute("CREATE TABLE m (a REAL)")
            database.execute(f"CREATE VIEW loss AS SELECT a * {factor} FROM m")
            database.commit()
        return read_file(tmp_path / name)

    assert differing(written("a.db", 1), written("b.db", 2)) == {"(view) loss"}


def test_the_text_of_a_table_is_no_result_but_its_columns_are(tmp_path, read_file):
    """SQLAlchemy writes the values of an enumeration in the order of a set."""

    def written(name, columns):
        with closing(sqlite3.connect(tmp_path / name)) as database:
            database.execute(f"CREATE TABLE m ({columns})")
            database.commit()
        return read_file(tmp_path / name)

    one = written("a.db", "a TEXT CHECK (a IN ('x', 'y'))")
    assert differing(one, written("b.db", "a TEXT CHECK (a IN ('y', 'x'))")) == set()
    assert differing(one, written("c.db", "a REAL")) == {"m.columns"}


def test_the_fields_of_a_structured_array_are_parts(tmp_path, read_file):
    kinds = [("loss", "f8"), ("time", "f4")]
    np.save(tmp_path / "a.npy", np.array([(0.5, 1.0)], kinds))
    np.save(tmp_path / "b.npy", np.asfortranarray(np.array([(0.5, 2.0)], kinds)))
    one, other = read_file(tmp_path / "a.npy"), read_file(tmp_path / "b.npy")
    assert differing(one, other) == {"time"}


def onnx_model(weight, **metadata):
    """Bytes of a model in ONNX with one tensor, a description and metadata."""
    onnx = pytest.importorskip("onnx")
    tensor = onnx.numpy_helper.from_array(np.array([weight], "f4"), "w")
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    model = onnx.helper.make_model(graph, doc_string=f"made {metadata['created']}")
    onnx.helper.set_model_props(model, metadata)
    return model.SerializeToString()


def test_the_metadata_of_a_model_in_onnx_are_values_and_all_else_counts(tmp_path, read_file):
    def written(name, data):
        (tmp_path / name).write_bytes(data)
        return read_file(tmp_path / name)

    one, later = written("a.onnx", onnx_model(0.5, created="1", acc="0.5")), onnx_model(0.5, created="2", acc="0.5")
    assert values(one) == ["doc_string", "metadata.acc", "metadata.created"]
    assert models(one) == ["graph.tensors.w", "model"]
    assert differing(one, written("b.onnx", later)) == {"doc_string", "metadata.created"}
    assert differing(one, written("c.onnx", onnx_model(0.6, created="1", acc="0.5"))) == {"graph.tensors.w"}
    (tmp_path / "d.onnx").write_bytes(b"\xff\xff")
    assert contents(tmp_path / "d.onnx").format == "bytes"


def test_events_are_known_by_their_name_with_or_without_a_time_in_it(tmp_path, read_file):
    for name in ("events.out.tfevents", "events.out.tfevents.1795884030.host.1"):
        (tmp_path / name).write_bytes(b"")
        assert read_file(tmp_path / name).format == "events"


def test_texts_and_attributes_of_hdf5_are_values_and_a_number_is_an_array(tmp_path, read_file):
    h5py = pytest.importorskip("h5py")

    def written(name, day):
        with h5py.File(tmp_path / name, "w") as file:
            file.attrs["acc"], file.attrs["made"], file.attrs["raw"] = 0.5, f"2026-11-0{day} 10:00:00", np.bytes_(b"x")
            file["log"], file["note"] = [f"2026-11-0{day} 10:00:00", "loss 0.5"], "x"
            file["iterations"] = 3
        return read_file(tmp_path / name)

    one, other = written("a.h5", 1), written("b.h5", 2)
    assert differing(one, other) == {"@made", "log"}
    assert values(one) == ["@acc", "@made", "@raw", "log", "log.(shape)", "note"]
    assert shown(one)["@acc"] == "0.5"
    assert shown(one)["@raw"] == '"x"'
    assert set(digests(one)) - set(values(one)) == {"iterations"}


def test_arrays_and_models_in_an_archive_are_models(tmp_path, read_file):
    members = {
        "w.npy": npy([0.5]),
        "policy.bin": b"\0\1",
        "best": npy([0.5]),
        "broken.npy": b"none",
        "note.dat": b"\0\1",
    }
    (tmp_path / "a.zip").write_bytes(zipped(members))
    (tmp_path / "b.npy.gz").write_bytes(gzip.compress(npy([0.5])))
    assert models(read_file(tmp_path / "a.zip")) == ["best", "policy.bin", "w.npy"]
    assert models(read_file(tmp_path / "b.npy.gz")) == [""]


def test_the_content_of_a_file_without_an_ending_says_its_format(tmp_path, read_file):
    torch = {"data.pkl": pickle.dumps({"step": 3}, protocol=2), "version": "3", ".data/serialization_id": "123"}
    (tmp_path / "best").write_bytes(zipped({f"archive/{name}": data for name, data in torch.items()}))
    np.savez(tmp_path / "arrays.npz", w=[0.5])
    (tmp_path / "arrays.npz").rename(tmp_path / "arrays.v2")
    (tmp_path / "w").write_bytes(npy(np.ones(2)))
    (tmp_path / "data").write_text('{"a": {"b": 1}}')
    (tmp_path / "log").write_text('{"a": 1}\n{"a": 2}\n')
    found = {name: read_file(tmp_path / name) for name in ("best", "arrays.v2", "w", "data", "log")}
    assert {name: (file.format, list(digests(file))) for name, file in found.items()} == {
        "best": ("torch", ["step"]), "arrays.v2": ("npz", ["w"]), "w": ("npy", [""]), "data": ("json", ["a.b"]),
        "log": ("text", [""]),
    }  # fmt: skip


def test_a_pickle_that_stands_as_text_in_json_is_compared_by_what_it_holds(tmp_path, read_file):
    """As the latest episodes in a model of Stable-Baselines3."""

    def saved(*seconds):
        episodes = base64.b64encode(pickle.dumps([{"reward": 9.0, "t": t} for t in seconds])).decode()
        (tmp_path / "data.json").write_text(json.dumps({"episodes": {"is": episodes}, "text": "gASVno pickle"}))
        return read_file(tmp_path / "data.json")

    assert differing(saved(0.5, 0.7), saved(0.5, 0.8)) == {"episodes.is.1.t"}
    assert shown(saved(0.5))["text"] == '"gASVno pickle"'


@pytest.mark.parametrize("ending", [".pkl", ".joblib", ".p"])
def test_a_checkpoint_of_pytorch_may_have_the_ending_of_a_pickle(tmp_path, read_file, ending):
    """`accelerate` saves the random states as `random_states_0.pkl`, through `torch.save`."""
    state = pickle.dumps({"step": 3, "seconds": 0.5}, protocol=2)
    (tmp_path / f"states{ending}").write_bytes(zipped({"archive/data.pkl": state, "archive/version": "3"}))
    (tmp_path / f"plain{ending}").write_bytes(pickle.dumps({"step": 3}))
    states, plain = (read_file(tmp_path / f"{name}{ending}") for name in ("states", "plain"))
    assert (states.format, list(digests(states)), states.error) == ("torch", ["step", "seconds"], None)
    assert (plain.format, plain.error) == ("pickle", None)


def test_all_that_makes_up_a_quantised_tensor_is_a_model(tmp_path, read_file):
    (tmp_path / "a.pt").write_bytes(zipped({"archive/data.pkl": b"ctorch._utils\n_rebuild_qtensor\n(I1\nF0.5\ntR."}))
    file = read_file(tmp_path / "a.pt")
    assert models(file) == sorted(digests(file)) == ["(arguments)", "(class)"]


# -- damage -----------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_said(tmp_path):
    file = fingerprint_file(tmp_path / "none.pt", True)
    assert digests(file) == {}
    assert file.changing == file.error == "cannot be read (it no longer exists)"


@pytest.mark.parametrize("suffix", sorted({ending for kind in TABLE for ending in kind.endings if kind.module}))
@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"\x80\x02}q\x00.", b"PK\x05\x06" + b"\0" * 18, b"\x93NUMPY\x01\0"]
)
def test_a_file_that_is_not_what_its_name_says_is_compared_by_its_bytes(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    file = fingerprint_file(path, True)
    assert list(digests(file)) == [""] or file.error is None
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
    assert digests(damaged)
    assert damaged.path == whole.path


def test_a_file_that_grows_while_it_is_read_is_not_compared_and_says_so(tmp_path, monkeypatch):
    path = tmp_path / "log.txt"
    path.write_text("one\n")

    def read(path):
        with path.open("a") as file:
            file.write("two\n")
        return contents(path)

    monkeypatch.setattr("samebits.store.artifacts._read_apart", read)
    file = fingerprint_file(path, False)
    assert (digests(file), file.changing) == ({}, "it grew while it was read")


def test_a_file_that_vanishes_before_it_is_read_is_named_and_not_compared(tmp_path, monkeypatch):
    path = tmp_path / "work" / "log.txt"
    path.parent.mkdir()
    path.write_text("one\n")

    def read(path):
        path.unlink()
        return contents(path)

    monkeypatch.setattr("samebits.store.artifacts._read_apart", read)
    naming = FileNames(["python"], path.parent, tmp_path / "out", "001")
    files = collect(FileRules(), [path], path.parent, naming)
    assert (files.files, files.gone, files.found) == ([], ["log.txt"], 0)


def test_texts_and_tables_elsewhere_are_named_and_not_compared(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    paths = [
        tmp_path / name
        for name in ("data/a.csv", "data/a b.txt", "home/.cfg/a.txt", "work/b.txt", "data/c.log", "data/d.txt")
    ]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0.5")
    naming = FileNames(["python"], tmp_path / "work", tmp_path / "work/out", "001")
    asked = FileRules(ignores=[str(tmp_path / "data/d.txt")])
    files = collect(asked, [*paths, tmp_path / "data/gone.txt"], tmp_path / "work", naming)
    assert files.elsewhere == [str(tmp_path / "data/a b.txt"), str(tmp_path / "data/a.csv")]
    assert [file.path for file in files.files] == ["b.txt"]


def test_the_name_of_a_file_need_not_be_utf8(tmp_path):
    paths = [pathlib.Path(os.fsdecode(os.fsencode(tmp_path) + name)) for name in (b"/\xff.bin", b"/\xfe.bin")]
    for path in paths:
        path.write_bytes(b"\0\1")
    naming = FileNames(["python"], tmp_path, tmp_path / "out", "001")
    write_document(tmp_path / "files.json", collect(FileRules(), paths, tmp_path, naming))
    files = read_document(tmp_path / "files.json", FilesFile).files
    assert [(file.path, file.format, file.error) for file in files] == [
        ("\\xfe.bin", "bytes", None),
        ("\\xff.bin", "bytes", None),
    ]


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
def test_members_of_an_archive_are_compared_as_files_of_their_own(tmp_path, form):
    one = _packed(tmp_path / "a", form, {"at": "2026-11-26 10:00:01", "acc": 0.5}, "loss 0.5\n")
    two = _packed(tmp_path / "b", form, {"at": "2026-11-26 10:00:01", "acc": 0.6}, "loss 0.5\n")
    first, second = (fingerprint_file(path, named=False) for path in (one, two))
    (changed,) = differing(first, second)
    assert changed.endswith("acc")
    assert (shown(first)[changed], shown(second)[changed]) == ("0.5", "0.6")


def catboost_model(identity, when, leaves, folder=b"logs"):
    """Bytes in the form of CatBoost's binary model: texts behind their lengths, ended by zeros up to a multiple of 4."""

    def text(words):
        return len(words).to_bytes(4, "little") + words + b"\0" * (4 - len(words) % 4)

    return (
        b"CBM1\xc8\x70\0\0"
        + text(b"model_guid")
        + text(identity)
        + text(when)
        + text(b'{"train_dir":"' + folder + b'"}')
        + leaves
    )


def test_the_id_the_time_and_the_folder_of_a_training_of_catboost_are_left_out_and_its_leaves_are_not(tmp_path):
    saved = {
        "a": catboost_model(b"d87d5557-ff59c3d4-bc002606-dac6939b", b"2026-11-27T06:12:18Z", b"\1\2\3\4"),
        "b": catboost_model(b"1f631318-90430a0f-8e4fa485-2caf32a", b"2026-11-27T06:12:24Z", b"\1\2\3\4", b"out1"),
        "c": catboost_model(b"d87d5557-ff59c3d4-bc002606-dac6939b", b"2026-11-27T06:12:18Z", b"\1\2\3\5"),
    }
    for name, data in saved.items():
        (tmp_path / f"{name}.cbm").write_bytes(data)
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps({"__model": data}))
    for ending in ("cbm", "pkl"):
        a, b, c = (contents(tmp_path / f"{name}.{ending}") for name in "abc")
        assert digests(a) == digests(b) != digests(c)
    assert models(contents(tmp_path / "a.cbm")) == [""]


def test_the_same_holds_for_a_model_of_catboost_as_json(tmp_path):
    for name, identity, leaf in (("a", "d87d5557", 0.5), ("b", "1f631318", 0.5), ("c", "d87d5557", 0.25)):
        about = {"model_guid": identity, "train_finish_time": f"at {name}", "params": {"depth": 6}}
        model = {"model_info": about, "oblivious_trees": [{"leaf_values": [leaf]}]}
        (tmp_path / f"{name}.json").write_text(json.dumps(model))
    a, b, c = (contents(tmp_path / f"{name}.json") for name in "abc")
    assert digests(a) == digests(b) != digests(c)
    assert "model_info.params.depth" in digests(a)
