"""Tables of Parquet, Feather and Arrow are read by their columns."""

import sys
from datetime import UTC, datetime, timedelta

import pytest

from samebits.store.artifacts import contents


@pytest.mark.parametrize("ending", [".parquet", ".feather", ".arrow"])
def test_short_columns_are_compared_cell_by_cell_and_times_as_arrays(tmp_path, ending):
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.feather
    import pyarrow.parquet

    def written(name, begun, loss, many=0.5):
        columns = {
            "when": [datetime.fromtimestamp(begun + row, UTC) for row in range(3)],
            "elapsed": [timedelta(seconds=3.5 + row) for row in range(3)],
            "loss": [0.5, 0.4, loss],
            "name": ["a", "b", "c"],
            "box": [[1.0, 2.0], [3.0], [many]],
        }
        path = tmp_path / f"{name}{ending}"
        write = pyarrow.parquet.write_table if ending == ".parquet" else pyarrow.feather.write_feather
        write(arrow.table(columns), path)
        return contents(path).parts

    def differing(one, other):
        return {name for name in one if one[name].digest != other[name].digest}

    first = written("a", 1.75e9, 0.3)
    assert differing(first, written("b", 1.75e9 + 60, 0.3)) == {"when"}
    assert differing(first, written("c", 1.75e9, 0.2)) == {"loss.3"}
    assert differing(first, written("d", 1.75e9, 0.3, many=9.0)) == {"box"}
    assert {part.kind for part in first.values()} == {"value"}


def test_a_table_is_compared_by_its_bytes_if_pyarrow_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    file = contents(tmp_path / "a.parquet")
    assert (file.format, file.error) == ("bytes", "pyarrow is not installed (pip install pyarrow)")
