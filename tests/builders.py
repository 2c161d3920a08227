"""What tests make by hand: bytes of arrays and archives, streams, listeners, and programs that a patch may change."""

import importlib.util
import io
import textwrap
import zipfile
from contextlib import contextmanager

import numpy as np

from samebits.experiment import Progress
from samebits.patches.patch import patch_for
from samebits.patches.program import Draw, Look, Program

SURROUNDINGS = ("seconds", "record", "machine")  # of a result: times, places and facts


def npy(values):
    """The bytes of a file of numpy."""
    stream = io.BytesIO()
    np.save(stream, np.array(values))
    return stream.getvalue()


def zipped(members, year=2026, second=0):
    """The bytes of an archive of these members {name: bytes or text}, which have this time."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, second)), data)
    return stream.getvalue()


def module_of(path):
    """The module that a script makes."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def labels_of(*rows):
    """A label image from text: a digit is the number of a cell, a point is background."""
    return np.array([[0 if sign == "." else int(sign) for sign in row] for row in rows])


def left_of(process, weights):
    """Those of `weights` that the process has at its end, each as often as it is there."""
    return [name for name in process.names("end", process.steps) if name in weights]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


class Notes(Progress):
    """Keeps the notes of a progress."""

    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


@contextmanager
def silent(_title):
    """A progress that shows nothing."""
    yield Progress()


def without_surroundings(value):
    """A result without times, places and facts of the machine."""
    if isinstance(value, dict):
        return {name: without_surroundings(inner) for name, inner in value.items() if name not in SURROUNDINGS}
    return [without_surroundings(inner) for inner in value] if isinstance(value, list) else value


def program_of(folder, text, draws=(), packages=(), **more):
    """A Program of one file, train.py, of which every line ran.

    `draws`: (generator, line) of each, or (generator, line, what of scikit-learn ran there).
    """
    path = folder / "train.py"
    data = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
    path.write_bytes(data)
    found = Look(lines={path: set(range(1, len(data.splitlines()) + 1))}, main=path)
    for generator, line, *unseeded in draws:
        found.draws.append(Draw(generator, ((path, line),), tuple(unseeded)))
    return Program(found, folder, 2019, dict.fromkeys(packages, "3.5"), **more)


def patched(program, *cause):
    """The text of the one file with the first patch."""
    patch, missing = patch_for(program, cause)
    assert missing == []
    ((_, text),) = patch.texts.values()
    return text
