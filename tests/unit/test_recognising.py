"""Which files hold tensors, by ending or by beginning."""

import zipfile

import pytest

from samebits.store import fingerprint_file, holds_tensors


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
    assert holds_tensors(tmp_path / name) is expected


def test_a_checkpoint_of_torch_is_a_zip_with_a_pickle(tmp_path):
    with zipfile.ZipFile(tmp_path / "last.ckpt", "w") as archive:
        archive.writestr("last/data.pkl", b"\x80\x02}.")
        archive.writestr("last/version", b"3")
    assert holds_tensors(tmp_path / "last.ckpt")
    assert fingerprint_file(tmp_path / "last.ckpt", named=False).format != "bytes"


def test_a_file_that_is_gone_holds_nothing(tmp_path):
    assert not holds_tensors(tmp_path / "gone.ckpt")
