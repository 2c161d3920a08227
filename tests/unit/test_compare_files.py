"""Files that were found by themselves: names that hold times or random text, and parts that are no tensors."""

import pickle
import random

import numpy as np
import pytest

from samebits.model import FilesFile, SavedFile
from samebits.store.artifacts import fingerprint_file

A, B, C = ("0" * 32, "1" * 32, "2" * 32)


def saved(path, digits=A, named=False, **how):
    return SavedFile(path=path, named=named, format="torch", tensors={"": digits}, **how)


@pytest.fixture
def judged(writing, tmp_path):
    """Function(files of each trial, ...) -> the result of equal trainings that wrote these."""

    def trial(files):
        def write(folder, number):
            writing.training()(folder, number)
            return {"files": FilesFile(files=files)}

        return write

    return lambda *files: writing.judged(tmp_path, [trial(one) for one in files])


NAMES = [
    ("m-1200.pt", "m-1300.pt"),
    ("ckpt/k3f.pt", "ckpt/zz8.pt"),
    ("runs/2026-01-01/m.pt", "runs/2026-01-02/m.pt"),
    ("runs/happy-fox/m.pt", "runs/sad-owl/m.pt"),
]


@pytest.mark.parametrize(("one", "two"), NAMES)
def test_names_with_times_or_random_text_do_not_matter(judged, one, two):
    result = judged([saved(one)], [saved(two)])
    assert (result.verdict, result.warnings) == ("repeated", [])


@pytest.mark.parametrize(("one", "two"), NAMES)
def test_content_under_names_with_times_or_random_text_matters(judged, one, two):
    result = judged([saved(one)], [saved(two, B)])
    assert (result.divergence.kind, result.divergence.name, result.warnings) == ("end", one, [])


def test_random_names_are_paired_by_content_first(judged):
    result = judged([saved("a.pt", A), saved("b.pt", B)], [saved("y.pt", B), saved("z.pt", A)])
    assert (result.verdict, result.warnings) == ("repeated", [])


def test_what_content_leaves_over_is_paired_in_order_and_differs(judged):
    result = judged([saved("a.pt", A), saved("b.pt", B)], [saved("y.pt", B), saved("z.pt", C)])
    assert (result.divergence.kind, result.divergence.name) == ("end", "a.pt")
    assert result.warnings == []


def test_other_numbers_of_files_are_a_warning(judged):
    result = judged([saved("m-1.pt", A)], [saved("m-2.pt", B), saved("m-3.pt", A)])
    assert result.verdict == "repeated"
    assert result.warnings == ["not every trial wrote a file of the same name: m-2.pt"]


def test_another_ending_is_another_file(judged):
    result = judged([saved("a.pt")], [saved("b.npz")])
    assert result.warnings == ["not every trial wrote a file of the same name: a.pt and b.npz"]


def test_a_named_file_is_meant_by_its_name(judged):
    result = judged([saved("a.pt", named=True)], [saved("b.pt", named=True)])
    assert result.divergence.kind == "structure"


def with_time(named, time, weight=A, *more):
    tensors = {"w": weight, "time": time, **dict.fromkeys(more, time)}
    return SavedFile(path="m.pt", named=named, format="torch", tensors=tensors, values=["time", *more])


def test_a_part_that_is_no_tensor_is_a_warning(judged):
    result = judged([with_time(False, A)], [with_time(False, B)])
    assert result.verdict == "repeated"
    assert result.warnings == [
        "m.pt > time differs between trials; it is no tensor and was not counted "
        "(name the file with --artifact to count it)"
    ]


def test_many_such_parts_are_one_warning(judged):
    result = judged([with_time(False, A, A, "pid", "run", "seed")], [with_time(False, B, A, "pid", "run", "seed")])
    assert result.warnings == [
        "m.pt > pid, m.pt > run, m.pt > seed and 1 more part differ between trials; "
        "they are no tensors and were not counted (name the file with --artifact to count them)"
    ]


def test_such_a_part_counts_in_a_named_file(judged):
    assert judged([with_time(True, A)], [with_time(True, B)]).divergence.name == "m.pt > time"


def test_a_tensor_beside_such_a_part_counts(judged):
    assert judged([with_time(False, A, A)], [with_time(False, B, B)]).divergence.name == "m.pt > w"


def test_a_pickle_tells_arrays_from_values(tmp_path):
    content = {"time": 1.5, "rng": random.Random(3).getstate(), "w": np.arange(3.0), "args": {"pid": 7}}
    (tmp_path / "m.pt").write_bytes(pickle.dumps(content, protocol=2))
    file = fingerprint_file(tmp_path / "m.pt", named=False)
    assert file.error is None
    assert {"time", "args.pid"} <= set(file.values)
    assert any(name.startswith("rng") for name in file.values)
    assert any(name.startswith("w") for name in file.tensors)
    assert not any(name.startswith("w") for name in file.values)


def test_text_in_an_archive_of_arrays_is_a_value(tmp_path):
    np.savez(tmp_path / "m.npz", w=np.arange(3.0), run=np.array("k3f"))
    file = fingerprint_file(tmp_path / "m.npz", named=False)
    assert (file.values, sorted(file.tensors)) == (["run"], ["run", "w"])
