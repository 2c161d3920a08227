"""Pictures from files, and pictures made smaller."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import io, transform

from samebits.errors import DataError
from samebits_study.cells.fields import CELL, Grey, mask_of, sides

_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)  # what readers raise for broken PNGs
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MANY = 3  # names in an error


def read(path: Path) -> NDArray[Any]:
    """A picture as it is in a PNG file: (H, W) or (H, W, channels). Raises DataError."""
    try:
        with path.open("rb") as file:
            if file.read(len(_SIGNATURE)) != _SIGNATURE:  # else every reader there is tries what else it could be
                raise ValueError("it is no PNG file")
        return np.asarray(io.imread(path))
    except BROKEN as why:
        raise DataError(f"{path} cannot be read as a picture: {why}") from None


def read_colour(path: Path) -> Grey:
    """A picture of red, green and blue, (H, W, 3). Raises DataError."""
    picture = read(path)
    if picture.ndim != 3 or picture.shape[2] < 3 or picture.dtype != np.uint8:
        raise DataError(f"{path} is no picture in colour (8 bits each of red, green and blue).")
    return picture[:, :, :3]


def read_grey(path: Path) -> Grey:
    """A picture as grey levels (H, W): colours by their luminance. Raises DataError."""
    picture = read(path)
    if picture.dtype != np.uint8:
        raise DataError(f"{path} has {picture.dtype} pixels, not bytes.")
    if picture.ndim == 2 or picture.shape[2] < 3:  # grey, or grey with transparency
        return _first_channel(picture)
    grey: Grey = np.rint(picture[:, :, :3] @ np.array(_LUMINANCE)).astype(np.uint8)
    return grey


def read_mask(path: Path) -> Grey:
    """A mask of 0 and 255, which may have no cell. The file may hold 1 for 255. Raises DataError where not binary."""
    picture = read(path)
    if picture.ndim == 3 and (picture[:, :, :3] != picture[:, :, :1]).any() and picture.shape[2] > 2:
        raise DataError(f"{path} is in colour: a mask has one channel.")
    picture = _first_channel(picture)
    values = np.unique(picture)
    if not set(values.tolist()) <= {0, 1} and not set(values.tolist()) <= {0, CELL}:
        raise DataError(
            f"{path} is not binary: it holds {len(values)} different values, from {values[0]} to {values[-1]}.",
            f"A mask holds 0 for the background and {CELL} (or 1) for cells.",
        )
    return mask_of(picture)


def _first_channel(picture: NDArray[Any]) -> NDArray[Any]:
    return picture if picture.ndim == 2 else np.ascontiguousarray(picture[:, :, 0])


def resized(image: Grey, size: int) -> Grey:
    """A grey picture at size x size, smoothed first where that makes it smaller."""
    if image.shape == (size, size):
        return image
    grey: Any = transform.resize(image.astype(np.float64), (size, size), order=1, anti_aliasing=True)
    return np.asarray(np.rint(grey).clip(0, 255), np.uint8)


def resized_mask(mask: Grey, size: int) -> Grey:
    """A mask at size x size: every pixel is that of its nearest neighbour."""
    if mask.shape == (size, size):
        return mask
    return np.asarray(transform.resize(mask, (size, size), order=0, anti_aliasing=False, preserve_range=True), np.uint8)


def by_name(folder: Path) -> dict[str, Path]:
    """The PNG files below a folder by their names without the ending. Raises DataError where a name comes twice."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.png")):
        if path.name.startswith("."):
            continue  # what macOS leaves beside each file
        if path.stem in found:
            raise DataError(f"{path} and {found[path.stem]} have one name: a field is there once.")
        found[path.stem] = path
    return found


def check_pairs(images: dict[str, Path], masks: dict[str, Path], what: str, folder: Path) -> None:
    """Refuse images without masks (or labels: `what`) and the other way round. Raises DataError."""
    if not images:
        raise DataError(f"{folder} holds no images (PNG files).")
    without, alone = sorted(set(images) - set(masks)), sorted(set(masks) - set(images))
    if without or alone:
        lines = [f"{folder}: {len(images)} images and {len(masks)} {what} do not belong together."]
        lines += [f"   without {what}: {_some(without)}"] if without else []
        lines += [f"   {what} without image: {_some(alone)}"] if alone else []
        raise DataError("\n".join(lines), "Each image has one of the same name.")


def check_sizes(image: NDArray[Any], path: Path, other: NDArray[Any], other_path: Path) -> None:
    """Refuse two pictures of different sizes. Raises DataError."""
    if image.shape[:2] != other.shape[:2]:
        raise DataError(f"{path} is {sides(image)} pixels, {other_path} is {sides(other)}: they must be of one size.")


def _some(names: list[str]) -> str:
    more = len(names) - _MANY
    return ", ".join(names[:_MANY]) + (f" and {more} more" if more > 0 else "")
