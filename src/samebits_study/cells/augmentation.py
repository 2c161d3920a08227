"""More training images: fields turned and pulled out of shape, image and mask alike.

Rotation and elastic deformation, as the paper's section VIII.A has it. Elastic: a field of random displacements that a
Gaussian has smoothed, after P. Y. Simard, D. Steinkraus, J. C. Platt, "Best Practices for Convolutional Neural Networks
Applied to Visual Document Analysis", ICDAR 2003. The paper gives neither angles nor strengths: these are chosen here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from samebits_study.cells.fields import AUTHORS_SIDE, Grey


@dataclass(frozen=True, kw_only=True)
class Deformation:
    """How much. `degrees`: the largest angle, either way. `shift`: how far pixels go, in pixels, root mean square over
    the image (Simard's alpha, told by what it does). `smoothness`: Simard's sigma in pixels."""

    degrees: float
    shift: float
    smoothness: float

    @classmethod
    def for_size(cls, size: int) -> Deformation:
        """What the study uses: any angle, 4 pixels at 400 x 400, smooth over 20."""
        return cls(degrees=180.0, shift=4.0 * size / AUTHORS_SIDE, smoothness=20.0 * size / AUTHORS_SIDE)


def deform(image: Grey, mask: Grey, rng: np.random.Generator, how: Deformation) -> tuple[Grey, Grey]:
    """The image and its mask, moved alike by one random field.

    The image is interpolated, the mask takes the nearest pixel and stays of 0 and 255. What comes in from outside is a
    mirror image. Equal generators give equal bits, and leave equal generators, whatever the strength.
    """
    points = displaced(image.shape, rng, how)
    return _moved(image, points, order=1), _moved(mask, points, order=0)


def displaced(shape: tuple[int, ...], rng: np.random.Generator, how: Deformation) -> NDArray[np.float64]:
    """Where each pixel is taken from: rows and columns, (2, H, W)."""
    angle = np.deg2rad(how.degrees * rng.uniform(-1, 1))
    pushes = rng.uniform(-1, 1, (2, *shape))
    return _turned(shape, float(angle)) + _smoothed(pushes, how)


def _turned(shape: tuple[int, ...], angle: float) -> NDArray[np.float64]:
    """The pixels' places after turning about the middle."""
    middle = (np.array(shape, np.float64).reshape(2, 1, 1) - 1) / 2
    rows, columns = np.indices(shape) - middle
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([cosine * rows - sine * columns, sine * rows + cosine * columns]) + middle


def _smoothed(pushes: NDArray[np.float64], how: Deformation) -> NDArray[np.float64]:
    smooth = np.stack([ndimage.gaussian_filter(part, how.smoothness) for part in pushes])
    length = np.sqrt((smooth**2).sum(axis=0).mean())
    return np.asarray(smooth * (how.shift / length))


def _moved(picture: Grey, points: NDArray[np.float64], *, order: int) -> Grey:
    moved: Any = ndimage.map_coordinates(picture.astype(np.float64), points, order=order, mode="mirror")
    return np.asarray(np.rint(moved), np.uint8)
