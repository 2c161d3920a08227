"""What tests make by hand: bytes of arrays and archives."""

import io
import zipfile

import numpy as np


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
