"""Which real stained cells the search for a scale trains on: those of one stain and one magnification."""

from pathlib import Path

import numpy as np
import pytest
from builders import module_of
from skimage import io

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "counting_scale.py"


@pytest.fixture(scope="module")
def script():
    return module_of(SCRIPT)


def write(folder, name, ground, sides):
    """A picture with this ground, and square cells with these sides."""
    labels = np.zeros((100, 300), np.uint16)
    colour = np.full((100, 300, 3), ground, np.uint8)
    for number, side in enumerate(sides):
        part = np.s_[5 : 5 + side, 60 * number + 5 : 60 * number + 5 + side]
        labels[part], colour[part] = number + 1, (100, 60, 180)
    for kind, picture in (("images", colour), ("labels", labels)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        io.imsave(folder / kind / f"{name}.png", picture, check_contrast=False)


def test_pictures_of_one_stain_and_one_magnification_are_linked(script, tmp_path, capsys):
    purple, grey, pink = (175, 150, 205), (200, 197, 207), (200, 110, 170)
    write(tmp_path / "all", "fits", purple, [14, 15, 14])
    write(tmp_path / "all", "grey", grey, [14, 15, 14])
    write(tmp_path / "all", "pink", pink, [14, 15, 14])
    write(tmp_path / "all", "large", purple, [30, 31, 14])
    write(tmp_path / "all", "one-is-wide", purple, [14, 15, 46])
    for _ in range(2):  # the folder may be there already
        found = script.of_one_kind(tmp_path / "all", tmp_path / "kept")
    assert {path.parent.name: path.name for path in found.source.glob("*/*")} == {
        "images": "fits.png",
        "labels": "fits.png",
    }
    assert "1 of 5 pictures" in capsys.readouterr().out
