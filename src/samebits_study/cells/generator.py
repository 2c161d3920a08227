"""Fields that look like NeuN-stained neocortex in a brightfield microscope, made by a program.

Nothing is downloaded, and every cell is known. One seed gives the same pictures on every run. Randomness comes from
numpy's PCG64 alone. On a different processor numpy and scipy may round differently, by far less than a grey level.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from samebits_study.cells.fields import AUTHORS_SIDE, CellData, Field, Labels, inset_frame, mask_of
from samebits_study.stereology.count import SMALLEST

ABOUT = "generated fields in the manner of NeuN-stained mouse neocortex in brightfield; nine generated mice"
MICE = 9
_VISIBLE = 0.6  # a cell is not drawn if a smaller share of it is visible behind the others
_TRIES = 20
_WITH_DENDRITE = 0.4
_FARTHEST = 1.05  # the distance of two cells that touch, in sums of their radii
_GROUND = 45.0  # pixels (at 400 x 400) over which an uneven ground rises and falls


class Manner(NamedTuple):
    """One kind of generated field.

    `across`: how many pixels of the paper's images the side of a field shows. `ground`: the optical density by which
    the ground between cells rises and falls over distances of some cells. `touching`: the share of cells that touch
    another. `nearest`: the least distance of two cells, in sums of their radii. `cells`, `stain`, `blurred`, `clutter`:
    factors for the values of each mouse.
    """

    about: str
    across: float
    ground: float
    touching: float
    nearest: float
    cells: float
    stain: float
    blurred: float
    clutter: float


PLAIN = Manner(ABOUT, AUTHORS_SIDE, ground=0.0, touching=0.12, nearest=0.85, cells=1, stain=1, blurred=1, clutter=1)
HARD = Manner(
    f"{ABOUT}; closer, denser, and with uneven ground, more soft cells and more clutter",
    across=180, ground=0.15, touching=0.25, nearest=1.0, cells=2, stain=0.75, blurred=1.4, clutter=1.5,
)  # fmt: skip


class Mouse(NamedTuple):
    """What differs from animal to animal.

    `cells`: mean number in a field. `stain`, `tissue`: optical densities of somata and of the tissue between them.
    `radius`: of somata in pixels at 400 x 400. `blurred`: share of the somata out of focus. `light`: grey level of the
    lamp. `uneven`: how much darker the corners are.
    """

    name: str
    cells: float
    stain: float
    tissue: float
    radius: float
    blurred: float
    clutter: float
    light: float
    uneven: float
    noise: float
    manner: Manner

    def scale(self, size: int) -> float:
        """Return how many pixels of a field of `size` x `size` stand for one pixel of the paper's images."""
        return size / self.manner.across


def generate(
    size: int, fields_per_animal: int, seed: int, manner: Manner = PLAIN, tested: int | None = None
) -> CellData:
    """Return nine mice with fields of `size` x `size` pixels. M9 is the test, with `tested` fields if that is given.

    A smaller field shows the same amount of tissue in fewer pixels. Field k of a mouse is the same, however many
    fields are made.
    """
    animals = {}
    for number, mouse in enumerate(mice(seed, manner), 1):
        fields = tested if tested and number == MICE else fields_per_animal
        generators = [np.random.default_rng([seed, number, field]) for field in range(fields)]
        animals[mouse.name] = tuple(
            make_field(mouse, rng, size, name=f"{mouse.name}_{field + 1:03d}") for field, rng in enumerate(generators)
        )
    return CellData(manner.about, animals, test_animal=f"M{MICE}", smallest=_smallest(size, manner))


def _smallest(size: int, manner: Manner) -> int | None:
    """Return the fewest pixels of a cell; None for the paper's number, in a field of the paper's size."""
    if manner.across == AUTHORS_SIDE:
        return None
    return round(SMALLEST * (size / manner.across) ** 2)


def mice(seed: int, manner: Manner = PLAIN) -> list[Mouse]:
    """Return the nine mice.

    Each quality is spread evenly over its range, and assigned at random, independently of the others.
    """
    rng = np.random.default_rng([seed, 0])
    ranges = {
        "cells": (8, 20),
        "stain": (0.7, 1.15),
        "tissue": (0.10, 0.30),
        "radius": (13, 17),
        "blurred": (0.1, 0.35),
        "clutter": (0.6, 1.4),
        "light": (222, 246),
        "uneven": (0.08, 0.25),
        "noise": (0.8, 2.0),
    }
    dealt = {name: rng.permutation(np.linspace(low, high, MICE)) for name, (low, high) in ranges.items()}
    for name in ("cells", "stain", "blurred", "clutter"):
        dealt[name] = dealt[name] * getattr(manner, name)
    found = [{name: float(values[n]) for name, values in dealt.items()} for n in range(MICE)]
    return [Mouse(f"M{n}", **qualities, manner=manner) for n, qualities in enumerate(found, 1)]


def make_field(mouse: Mouse, rng: np.random.Generator, size: int, *, name: str) -> Field:
    """Return one field with its labels. At least one cell lies in the middle of it."""
    somata = _somata(mouse, rng, size)
    labels, stained = _draw(somata, rng, size)
    density = _tissue(mouse, rng, size) + stained
    for spot in (*_dendrites(somata, rng), *_clutter(mouse, rng, size)):
        where = window(spot, size)
        if where is not None:
            density[where] += shade(spot, depth(spot, where), rng)
    image = _photograph(density, mouse, rng)
    return Field(
        animal=mouse.name, name=name, image=image, mask=mask_of(labels), labels=labels, frame=inset_frame(size)
    )


def _somata(mouse: Mouse, rng: np.random.Generator, size: int) -> list[Spot]:
    """Return the somata in their places. Some touch others; none is mostly behind another."""
    placed: list[Spot] = []
    nearest = mouse.manner.nearest
    for _ in range(max(1, rng.poisson(mouse.cells * (mouse.manner.across / AUTHORS_SIDE) ** 2))):
        soma = _soma(mouse, rng, mouse.scale(size))
        for _ in range(_TRIES):
            x, y = _place(placed, soma.radius, rng, size, mouse.manner)
            if all(np.hypot(x - it.x, y - it.y) >= nearest * (soma.radius + it.radius) for it in placed):
                placed.append(soma._replace(x=x, y=y))
                break
    return placed


def _place(
    placed: list[Spot], radius: float, rng: np.random.Generator, size: int, manner: Manner
) -> tuple[float, float]:
    if not placed:
        return rng.uniform(0.25 * size, 0.75 * size), rng.uniform(0.25 * size, 0.75 * size)
    if rng.uniform() < manner.touching:
        neighbour, turn = placed[rng.integers(len(placed))], rng.uniform(0, 2 * np.pi)
        distance = (radius + neighbour.radius) * rng.uniform(manner.nearest, _FARTHEST)
        return neighbour.x + distance * np.cos(turn), neighbour.y + distance * np.sin(turn)
    return rng.uniform(-radius, size + radius), rng.uniform(-radius, size + radius)


def _soma(mouse: Mouse, rng: np.random.Generator, scale: float) -> Spot:
    blurred = rng.uniform() < mouse.blurred
    return Spot(
        x=0.0,
        y=0.0,
        radius=scale * mouse.radius * float(np.exp(rng.normal(0, 0.16)).clip(0.8, 1.35)),
        stretch=1 + abs(rng.normal(0, 0.3)),
        angle=rng.uniform(0, np.pi),
        bumps=bumps(rng, 0.12),
        density=mouse.stain * float(np.exp(rng.normal(0, 0.25))) * (0.75 if blurred else 1),
        blur=scale * (rng.uniform(2.2, 4.0) if blurred else rng.uniform(0.7, 1.5)),
        grain=0.22,
    )


def _draw(somata: list[Spot], rng: np.random.Generator, size: int) -> tuple[Labels, Density]:
    """Return the labels 1 to n of the visible somata, and their optical density.

    Where two overlap, the first is on top.
    """
    labels, stained, number = np.zeros((size, size), np.int32), np.zeros((size, size)), 0
    for soma in somata:
        where = window(soma, size)
        if where is None:
            continue
        inside = depth(soma, where)
        seen = _seen(inside > 0, labels[where])
        if not seen.any():
            continue
        number += 1
        labels[where][seen] = number
        stained[where] = np.maximum(stained[where], shade(soma, inside, rng))
    return labels, stained


def _seen(cell: NDArray[np.bool_], labels: Labels) -> NDArray[np.bool_]:
    """Return the largest connected part of a cell that is not covered; nothing if most of the cell is covered."""
    parts, count = ndimage.label(cell & (labels == 0))
    if not count:
        return np.zeros_like(cell)
    largest = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return np.asarray(largest if largest.sum() >= _VISIBLE * cell.sum() else np.zeros_like(cell))


def _tissue(mouse: Mouse, rng: np.random.Generator, size: int) -> Density:
    """Return the optical density of the tissue between cells: mottled, fine and coarse."""
    scale = mouse.scale(size)
    fine = smooth_noise(rng, (size, size), 2.0 * scale)
    coarse = smooth_noise(rng, (size, size), 25.0 * scale)
    tissue = mouse.tissue * (1 + 0.13 * fine + 0.12 * coarse)
    if mouse.manner.ground:
        tissue += mouse.manner.ground * (1 + smooth_noise(rng, (size, size), _GROUND * scale))
    return np.asarray(tissue)


def _dendrites(somata: list[Spot], rng: np.random.Generator) -> Iterator[Spot]:
    """Yield the faint beginnings of apical dendrites, all on one side, as in cortex. Labels do not include them."""
    up = rng.uniform(0, 2 * np.pi)
    for soma in somata:
        if rng.uniform() < _WITH_DENDRITE:
            angle, radius = up + rng.normal(0, 0.25), soma.radius * rng.uniform(0.45, 0.6)
            x, y = soma.x + 1.4 * soma.radius * np.cos(angle), soma.y + 1.4 * soma.radius * np.sin(angle)
            density, stretch = soma.density * rng.uniform(0.15, 0.4), rng.uniform(2.5, 6)
            yield Spot(x, y, radius, stretch, angle, bumps(rng, 0.05), density, blur=1.5 * soma.blur)


_CLUTTER = {  # mean number; radius at 400 x 400; stretch; density; blur at 400 x 400; height of bumps
    "glia": (8, (4, 6.5), (1, 1.6), (0.15, 0.5), (0.8, 2), 0.05),
    "ghost": (4, (11, 17), (1, 1.5), (0.1, 0.28), (5, 10), 0.08),
    "fibre": (12, (5, 9), (10, 30), (0.03, 0.12), (0.8, 2.5), 0.0),
    "dirt": (2, (1, 2.5), (1, 2), (0.6, 1.6), (0.4, 0.8), 0.1),
    "vessel": (0.35, (18, 28), (3, 8), (-0.12, -0.05), (3, 5), 0.02),
}


def _clutter(mouse: Mouse, rng: np.random.Generator, size: int) -> Iterator[Spot]:
    """Yield things that do not count as neurons.

    These are glia, neurons far out of focus, fibres, dirt, and the bright lumen of vessels.
    """
    scale = mouse.scale(size)
    for mean, radius, stretch, density, blur, height in _CLUTTER.values():
        for _ in range(rng.poisson(mean * mouse.clutter * (mouse.manner.across / AUTHORS_SIDE) ** 2)):
            yield Spot(
                x=rng.uniform(0, size),
                y=rng.uniform(0, size),
                radius=scale * rng.uniform(*radius),
                stretch=rng.uniform(*stretch),
                angle=rng.uniform(0, np.pi),
                bumps=bumps(rng, height),
                density=rng.uniform(*density),
                blur=scale * rng.uniform(*blur),
            )


def _photograph(density: Density, mouse: Mouse, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return what the camera sees of an optical density: Beer and Lambert's law, an uneven lamp, shot noise, bytes."""
    size = len(density)
    across = np.linspace(-1, 1, size)
    tilt = rng.uniform(-0.3, 0.3, 2)
    far = (across[None, :] - tilt[0]) ** 2 + (across[:, None] - tilt[1]) ** 2
    light = mouse.light * (1 - mouse.uneven * far / 2) * np.exp(-density.clip(0, None))
    noisy = light + rng.normal(size=density.shape) * mouse.noise * np.sqrt(1 + light / 64)
    return np.asarray(np.rint(noisy).clip(0, 255), np.uint8)


# The shapes in stained tissue: star-shaped spots, from round ones to threads, in focus or out of focus.

Density = NDArray[np.float64]
Window = tuple[slice, slice]

_LOBES = np.array([2, 3, 4, 5])  # how many bumps an outline has; each kind has its own height
_TRUNCATE = 3.0  # blur reaches so many standard deviations
_DETAIL = 0.13  # of the radius: the grain inside a soma
_RIM = 0.7  # density at the outline, relative to the middle: NeuN stains nuclei more than what lies around them


class Spot(NamedTuple):
    """One spot, in pixels. `radius`: of the disc of equal area; `stretch`: its length over its width; `angle`: of the
    length, in radians; `bumps`: heights (4,) and phases (4,) of the outline's waves, in radii; `density`: optical
    density (natural logarithm); `blur`: standard deviation of a point's image; `grain`: standard deviation of the
    density inside.
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
    """Return the waves of an outline. The fewer waves, the higher they are."""
    heights = rng.normal(0, height, len(_LOBES)).clip(-2 * height, 2 * height) / (_LOBES - 1)
    return np.stack([heights, rng.uniform(0, 2 * np.pi, len(_LOBES))])


def window(spot: Spot, size: int) -> Window | None:
    """Return the rows and columns of a square field that a spot covers; None if it lies outside."""
    reach = spot.radius * np.sqrt(spot.stretch) * 1.5 + _TRUNCATE * spot.blur + 1
    left, right = max(0, int(spot.x - reach)), min(size, int(spot.x + reach) + 2)
    top, bottom = max(0, int(spot.y - reach)), min(size, int(spot.y + reach) + 2)
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def depth(spot: Spot, where: Window) -> NDArray[np.float64]:
    """Return how deep the middle of each pixel lies inside the outline, in about pixels; negative outside."""
    rows, columns = np.mgrid[where]
    x, y = columns - spot.x, rows - spot.y
    along = (np.cos(spot.angle) * x + np.sin(spot.angle) * y) / np.sqrt(spot.stretch)
    across = (np.cos(spot.angle) * y - np.sin(spot.angle) * x) * np.sqrt(spot.stretch)
    turn = np.arctan2(across, along)[..., None] * _LOBES
    outline = 1 + (spot.bumps[0] * np.cos(turn + spot.bumps[1])).sum(axis=-1)
    return np.asarray(spot.radius * outline - np.hypot(along, across))


def shade(spot: Spot, inside: NDArray[np.float64], rng: np.random.Generator) -> Density:
    """Return the optical density that a spot adds to its window, as the lens shows it."""
    shape = (inside + 0.5).clip(0, 1)
    if spot.grain:
        detail = smooth_noise(rng, inside.shape, _DETAIL * spot.radius)
        middle = _RIM + (1 - _RIM) * (2 * inside / spot.radius).clip(0, 1)
        shape = shape * middle * (1 + spot.grain * detail).clip(0.3, None)
    return np.asarray(spot.density * ndimage.gaussian_filter(shape, spot.blur, truncate=_TRUNCATE))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> NDArray[np.float64]:
    """Return the noise of mean near 0 and standard deviation 1, smooth over `scale` pixels."""
    noise = ndimage.gaussian_filter(rng.normal(size=shape), scale, mode="wrap")
    spread = noise.std()
    return np.asarray(noise / spread if spread else noise)
