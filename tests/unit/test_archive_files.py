"""Archives in archives, items of HDF5 that refer to others, traces of profilers, and tables with a head."""

import gzip
import io
import json
import tarfile

import numpy as np
import pytest
from builders import npy, zipped
from saved_parts import differing, digests, models

INNER = {
    "a.npz": lambda value, second: zipped({"w.npy": npy([value])}, second=second),
    "a.zip": lambda value, second: zipped({"a.txt": f"acc {value}"}, second=second),
    "a.json.gz": lambda value, second: gzip.compress(json.dumps({"acc": value}).encode(), mtime=second),
    "a.keras": lambda value, second: zipped({"metadata.json": json.dumps({"date_saved": second, "acc": value})}),
    "a.svg": lambda value, second: f'<path id="p{second:010x}" d="{value}"/>'.encode(),
    "a.pt": lambda value, second: zipped({"a/data.pkl": f"{value}"}),
}


@pytest.mark.parametrize("name", INNER)
@pytest.mark.parametrize("ending", ["zip", "tar"])
def test_an_archive_in_an_archive_is_compared_without_the_times_of_its_members(tmp_path, read_file, name, ending):
    def written(number, value, second):
        path, data = tmp_path / f"{number}.{ending}", INNER[name](value, second)
        if ending == "zip":
            path.write_bytes(zipped({name: data}))
        else:
            with tarfile.open(path, "w") as archive:
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return read_file(path)

    one, same, other = written(1, 0.5, 2), written(2, 0.5, 4), written(3, 0.75, 2)
    assert digests(one) == digests(same)
    assert differing(one, other)


@pytest.mark.parametrize("begin", [b"PK\x03\x04", b"\x1f\x8b", b"\x1f\x8b\x08"])
def test_a_damaged_archive_in_an_archive_is_compared_by_its_bytes(tmp_path, read_file, begin):
    for number in (1, 2):
        (tmp_path / f"{number}.zip").write_bytes(zipped({"a.zip": begin + bytes([number]) * 40}))
    assert differing(read_file(tmp_path / "1.zip"), read_file(tmp_path / "2.zip")) == {"a.zip"}


def test_archives_deep_in_archives_are_read_in_time(tmp_path, read_file):
    data = b"x"
    for number in range(200):
        data = zipped({f"{number}.zip": data})
    (tmp_path / "a.zip").write_bytes(data)
    assert read_file(tmp_path / "a.zip").format == "zip"


def test_weights_that_torch_export_saved_are_a_model(tmp_path, read_file):
    def written(weight, checksum):
        members = {"m/data/weights/weight_0": weight, "m/.data/serialization_id": checksum, "m/archive_format": "pt2"}
        (tmp_path / "m.pt2").write_bytes(zipped(members))
        return read_file(tmp_path / "m.pt2")

    one, other = written(b"\0\1", "1"), written(b"\0\2", "2")
    assert "m/data/weights/weight_0" in differing(one, other)
    assert models(one) == ["m/data/weights/weight_0"]


def with_reference(file, h5py, name):
    file.attrs["best"] = file[name].ref
    file.create_dataset("order", (2,), h5py.ref_dtype)[0] = file[name].ref


def with_long_rows(file, h5py, name):
    rows = file.create_dataset("rows", (1,), h5py.vlen_dtype(np.float32))
    rows[0] = np.where(np.arange(3000) == 1500, len(name), 0)


def with_group(file, h5py, name):
    file.create_group(f"chosen {name}")


@pytest.mark.parametrize("fill", [with_reference, with_long_rows, with_group])
def test_references_long_rows_and_empty_groups_of_hdf5_are_compared(tmp_path, read_file, fill):
    h5py = pytest.importorskip("h5py")

    def written(number, name):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file["svm"], file["forest"] = [1.0], [2.0]
            fill(file, h5py, name)
        return read_file(tmp_path / f"{number}.h5")

    one, same, other = written(1, "svm"), written(2, "svm"), written(3, "forest")
    assert one.format == "hdf5"
    assert digests(one) == digests(same)
    assert differing(one, other)


def test_the_events_of_a_profiler_are_no_result(tmp_path, read_file):
    for number in (1, 2):
        trace = {"traceEvents": [{"name": "aten::mm", "ts": number}], "traceName": f"log/{number}.json"}
        (tmp_path / f"{number}.json").write_text(json.dumps(trace))
        (tmp_path / f"{number}.json.gz").write_bytes(gzip.compress((tmp_path / f"{number}.json").read_bytes()))
    assert not differing(read_file(tmp_path / "1.json"), read_file(tmp_path / "2.json"))
    assert not differing(read_file(tmp_path / "1.json.gz"), read_file(tmp_path / "2.json.gz"))


def test_a_comment_in_front_of_a_table_is_a_value_and_the_rows_below_it_are_read(tmp_path, read_file):
    """As in what monitors of RL environments write."""
    (tmp_path / "monitor.csv").write_text('#{"t_start": 1.5, "env_id": "CartPole-v1"}\nr,l,t\n21.0,21,0.5\n')
    file = read_file(tmp_path / "monitor.csv")
    assert set(file.parts) == {"comment 1", "columns", "rows", "row 1.r", "row 1.l", "row 1.t"}
    assert file.parts["row 1.r"].shown == "21.0"
