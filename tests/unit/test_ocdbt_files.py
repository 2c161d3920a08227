"""Databases of Orbax: read by key, whatever the random names of their files are."""

import sys

import pytest

from samebits.model import FilesFile
from samebits.store.artifacts import contents

tensorstore = pytest.importorskip("tensorstore")


def database(folder, **values):
    store = tensorstore.KvStore.open({"driver": "ocdbt", "base": f"file://{folder}/"}).result()
    for key, value in values.items():
        store.write(key.encode(), value).result()
    found = [contents(path) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [file.model_copy(update={"path": file.path.removeprefix(str(folder.parent.parent) + "/")}) for file in found]


@pytest.fixture
def judged(writing, tmp_path):
    """Function(values of each trial) -> the result of trainings that wrote databases with these values."""

    def trial(values):
        def write(folder, number):
            writing.training()(folder, number)
            files = database(tmp_path / str(number) / "ck", **values)
            own = [file.model_copy(update={"path": file.path.partition("/")[2]}) for file in files]
            return {"files": FilesFile(files=own)}

        return write

    (tmp_path / "record").mkdir()
    return lambda *values: writing.judged(tmp_path / "record", [trial(one) for one in values])


def test_databases_with_the_same_values_are_the_same_model(judged):
    values = {"w": b"\0" * 4000, "about": b"shape"}
    assert judged(values, values).verdict == "repeated"


@pytest.mark.parametrize("other", [{"w": b"\1" * 4000}, {"w": b"\0" * 4000, "v": b"new"}])
def test_a_value_that_differs_or_is_new_is_a_different_model(judged, other):
    result = judged({"w": b"\0" * 4000}, other)
    assert result.verdict == "diverged"
    assert "manifest.ocdbt" in result.divergence.name


def test_without_tensorstore_the_bytes_of_all_files_are_compared(tmp_path, monkeypatch):
    database(tmp_path / "a" / "ck", w=b"\0" * 4000)
    monkeypatch.setitem(sys.modules, "tensorstore", None)
    found = [contents(path) for path in (tmp_path / "a" / "ck").rglob("*") if path.is_file()]
    assert {(file.format, file.error) for file in found} == {
        ("bytes", "tensorstore is not installed (pip install tensorstore)")
    }


def test_the_parts_of_a_damaged_database_are_compared_by_their_bytes(tmp_path):
    database(tmp_path / "a" / "ck", w=b"\0" * 4000)
    (tmp_path / "a" / "ck" / "manifest.ocdbt").write_bytes(b"damaged")
    found = [contents(path) for path in (tmp_path / "a" / "ck").rglob("*") if path.is_file()]
    assert {file.format for file in found} == {"bytes"}
