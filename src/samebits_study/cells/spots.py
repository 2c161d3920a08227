"""Shapes of what is seen in stained tissue: star-shaped spots, from round to threads, in focus or out of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Density = NDArray[np.float64]
Window = tuple[slice, slice]

_LOBES = np.array([2, 3, 4, 5])  # how many bumps an outline has, each kind with its own height
_TRUNCATE = 3.0  # blur reaches so many standard deviations
_DETAIL = 0.13  # of the radius: the grain inside a soma
_RIM = 0.7  # density at the outline, of that in the middle: NeuN stains nuclei more than what lies around them


class Spot(NamedTuple):
    """One spot, in pixels. `radius`: of the disc of equal area; `stretch`: its length over its width; `angle`: of the
    length, radians; `bumps`: heights (4,) and phases (4,) of an outline's waves, in radii; `density`: optical density
    (natural logarithm); `blur`: standard deviation of what the lens makes of a point; `grain`: of the density inside.
    """

    x: float
    y: float
    radius: float
    stretch: float
    angle: float
    bumps: NDArray[np.float64]
    density: float
    blur: float
    grain: float = 0.0


def bumps(rng: np.random.Generator, height: float) -> NDArray[np.float64]:
    """An outline's waves, the higher the fewer."""
    heights = rng.normal(0, height, len(_LOBES)).clip(-2 * height, 2 * height) / (_LOBES - 1)
    return np.stack([heights, rng.uniform(0, 2 * np.pi, len(_LOBES))])


def window(spot: Spot, size: int) -> Window | None:
    """Rows and columns of a square field that a spot reaches; None where it lies outside."""
    reach = spot.radius * np.sqrt(spot.stretch) * 1.5 + _TRUNCATE * spot.blur + 1
    left, right = max(0, int(spot.x - reach)), min(size, int(spot.x + reach) + 2)
    top, bottom = max(0, int(spot.y - reach)), min(size, int(spot.y + reach) + 2)
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def depth(spot: Spot, where: Window) -> NDArray[np.float64]:
    """How deep the middle of each pixel lies inside the outline, roughly in pixels; negative outside."""
    rows, columns = np.mgrid[where]
    x, y = columns - spot.x, rows - spot.y
    along = (np.cos(spot.angle) * x + np.sin(spot.angle) * y) / np.sqrt(spot.stretch)
    across = (np.cos(spot.angle) * y - np.sin(spot.angle) * x) * np.sqrt(spot.stretch)
    turn = np.arctan2(across, along)[..., None] * _LOBES
    outline = 1 + (spot.bumps[0] * np.cos(turn + spot.bumps[1])).sum(axis=-1)
    return np.asarray(spot.radius * outline - np.hypot(along, across))


def shade(spot: Spot, inside: NDArray[np.float64], rng: np.random.Generator) -> Density:
    """The optical density that a spot adds to its window, as the lens shows it."""
    shape = (inside + 0.5).clip(0, 1)
    if spot.grain:
        detail = smooth_noise(rng, inside.shape, _DETAIL * spot.radius)
        middle = _RIM + (1 - _RIM) * (2 * inside / spot.radius).clip(0, 1)
        shape = shape * middle * (1 + spot.grain * detail).clip(0.3, None)
    return np.asarray(spot.density * ndimage.gaussian_filter(shape, spot.blur, truncate=_TRUNCATE))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> NDArray[np.float64]:
    """Noise of mean near 0 and standard deviation 1, smooth over `scale` pixels."""
    noise = ndimage.gaussian_filter(rng.normal(size=shape), scale, mode="wrap")
    spread = noise.std()
    return np.asarray(noise / spread if spread else noise)
