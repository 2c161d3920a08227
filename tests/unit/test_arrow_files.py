"""Tables of Parquet, Feather and Arrow are read by their columns, and MATLAB files without their time."""

import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from samebits.comparison.files import file_differences
from samebits.model import FilesFile, TrialFile
from samebits.store.artifacts import contents
from samebits.store.masks import Run
from samebits.store.trace import TrialTrace

RUN = Run(span=(1.7e9, 1.8e9))
BEGAN, LATER = 1.75e9, 1.75e9 + 60


def effects(one, two):
    """Return {part: effect} of what differs between two files."""
    files = [contents(path, RUN).model_copy(update={"path": "t"}) for path in (one, two)]
    assert [file.error for file in files] == [None, None]
    trials = [TrialTrace(TrialFile(id=number, status="complete", started="", seconds=1.0), FilesFile(files=[file]), [])
              for number, file in enumerate(files, 1)]  # fmt: skip
    return {found.name.removeprefix("t > "): found.effect for found in file_differences(*trials)}


@pytest.mark.parametrize("ending", [".parquet", ".feather", ".arrow"])
def test_columns_with_times_are_understood_and_all_others_are_not(tmp_path, ending):
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.feather
    import pyarrow.parquet

    def written(name, begun, took, loss, many=0.5):
        columns = {
            "when": [datetime.fromtimestamp(begun + row, UTC) for row in range(3)],
            "elapsed": [timedelta(seconds=took + row) for row in range(3)],
            "loss": [0.5, 0.4, loss],
            "name": ["a", "b", "c"],
            "box": [[1.0, 2.0], [3.0], [many]],
        }
        path = tmp_path / f"{name}{ending}"
        write = pyarrow.parquet.write_table if ending == ".parquet" else pyarrow.feather.write_feather
        write(arrow.table(columns), path)
        return path

    first = written("a", BEGAN, 3.5, 0.3)
    assert set(effects(first, written("b", LATER, 4.5, 0.3)).values()) == {"understood"}
    assert effects(first, written("c", BEGAN, 3.5, 0.2)) == {"loss.3": "unknown"}
    assert effects(first, written("d", BEGAN, 3.5, 0.3, many=9.0)) == {"box": "unknown"}


def test_a_table_is_compared_by_its_bytes_if_pyarrow_is_not_installed(tmp_path, monkeypatch):
    for name in ("pyarrow", "pyarrow.feather", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    file = contents(tmp_path / "a.parquet")
    assert (file.format, "pyarrow is not installed" in file.error) == ("bytes", True)


def test_the_time_in_the_head_of_a_matlab_file_does_not_matter(tmp_path):
    from scipy.io import savemat

    def written(name, when, value):
        path = tmp_path / f"{name}.mat"
        savemat(path, {"w": np.full(3, value)})
        data = path.read_bytes()
        path.write_bytes(f"MATLAB 5.0 MAT-file Platform: posix, Created on: {when}".ljust(116).encode() + data[116:])
        return path

    first = written("a", "Sun Nov 29 07:00:01 2026", 0.5)
    assert effects(first, written("b", "Mon Nov 30 11:20:31 2026", 0.5)) == {"head": "understood"}
    assert effects(first, written("c", "Sun Nov 29 07:00:01 2026", 0.25)) == {"content": "unknown"}


@pytest.mark.parametrize(
    ("name", "values", "effect"),
    [("elapsed", (3, 4), "understood"), ("elapsed", (-3, 4), "unknown"), ("gap", (3, 4), "unknown")],
)
def test_an_array_of_spans_of_time_is_understood_if_its_name_says_so_and_none_is_negative(
    tmp_path, name, values, effect
):
    for number, value in enumerate(values):
        np.savez(tmp_path / f"{number}.npz", **{name: np.array([value, 9], "m8[s]")})
    assert effects(tmp_path / "0.npz", tmp_path / "1.npz") == {name: effect}
