"""Which files hold tensors, by ending or by beginning."""

import zipfile

import pytest

from samebits.store import fingerprint_file, formats, held_by


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("model.pt", b"anything", True),
        ("last.ckpt", b"\x93NUMPY\x01\x00", True),
        ("pytorch_model.bin", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02", True),
        ("model_best.pth.tar", b"\x89HDF\r\n\x1a\n", True),
        ("data.bin", b"\x00\x01\x02", False),
        ("archive.tar", b"PK\x03\x04 torn", False),
        ("log.txt", b"\x93NUMPY\x01\x00", False),
    ],
)
def test_a_tensor_file_is_known_by_its_ending_or_its_beginning(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert (held_by(tmp_path / name) == formats.TENSORS) is expected


def test_a_checkpoint_of_torch_is_a_zip_with_a_pickle(tmp_path):
    with zipfile.ZipFile(tmp_path / "last.ckpt", "w") as archive:
        archive.writestr("last/data.pkl", b"\x80\x02}.")
        archive.writestr("last/version", b"3")
    assert held_by(tmp_path / "last.ckpt") == formats.TENSORS
    assert fingerprint_file(tmp_path / "last.ckpt", named=False).format != "bytes"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("model.PT", True), ("forest.joblib", True), ("model.ubj", True), ("runs/1/model.cbm", True), ("a.npz/notes", False),
     ("metrics.json", False), ("history.csv", False), ("model", False), ("x.data-00000-of-00001", False)],
)  # fmt: skip
def test_an_ending_says_that_a_file_is_a_model_even_if_it_cannot_be_read(name, expected):
    assert formats.is_result(name) is expected


def test_a_zip_archive_that_only_holds_a_file_named_like_one_of_torch_is_a_zip_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "results", "w") as archive:
        archive.writestr("run/data.pkl", b"\x80\x02}.")
    assert fingerprint_file(tmp_path / "results", named=False).format == "zip"


def test_each_format_has_a_name_of_its_own_and_a_reader():
    names = [kind.name for kind in formats.TABLE]
    assert len(names) == len(set(names))
    for kind in formats.TABLE:
        assert not kind.module or callable(kind.loaded().read)
        assert kind.is_asked == (bool(kind.module) and hasattr(kind.loaded(), "owns"))


def test_the_names_of_formats_in_old_records_are_still_those_of_tensors():
    assert {"torch-legacy", "ubjson", "torch", "npz", "tensorflow"} <= formats.TENSOR_FORMATS


def test_a_file_that_is_gone_holds_what_its_name_says(tmp_path):
    assert (held_by(tmp_path / "gone.ckpt"), held_by(tmp_path / "gone.txt")) == (formats.MODEL, formats.VALUES)
