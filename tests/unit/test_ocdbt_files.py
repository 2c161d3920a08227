"""Databases of Orbax: read by key, whatever the random names of their files are."""

import builtins

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
    def imported(name, *others):
        if name == "tensorstore":
            raise ImportError
        return real(name, *others)

    real = builtins.__import__
    database(tmp_path / "a" / "ck", w=b"\0" * 4000)
    monkeypatch.setattr(builtins, "__import__", imported)
    found = [contents(path) for path in (tmp_path / "a" / "ck").rglob("*") if path.is_file()]
    assert {file.format for file in found} == {"bytes"}
    assert all("tensorstore is not installed" in (file.error or "") for file in found)
