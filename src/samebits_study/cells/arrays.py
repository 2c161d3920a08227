"""Makes two files from cells: the data for training scripts, and the truth by which their masks are judged."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from samebits.errors import DataError, NotFoundError, UsageError
from samebits_study.cells import authors, generator, stained_cells
from samebits_study.cells.fields import AUTHORS_SIDE, CellData, Field, Grey, Labels, widest_cell

DATA, TRUTH = "data.npz", "truth.npz"
# what np.load raises if a file is missing, cut short, or of a different kind
UNREADABLE = (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile)
HALVINGS = 16  # the U-Net has four levels below its top, each half as wide
_AUGMENTING, _SHUFFLING = 1, 2  # each has its own generator, so that neither changes the other

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Truth:
    """What is right for the test images.

    `masks`: (n, H, W) of 0 and 255. `labels`: (n, H, W), with each cell's number in its pixels; None if single cells
    are not marked. `frames`: (n, 4) as (x0, y0, x1, y1). `counts`: (n,), counted by people; None if the labels give the
    counts. `names`: n names. `smallest`: blobs of fewer pixels are no cells; None: the paper's 250 in 400 x 400 pixels,
    scaled with the image.
    """

    masks: Grey
    labels: Labels | None
    frames: NDArray[np.int32]
    counts: NDArray[np.int64] | None
    names: list[str]
    smallest: int | None


class CellSettings(NamedTuple):
    """How data is made from cells.

    `size`: pixels of a side. `augmented`: how many deformed copies of each training field.

    `fields_per_animal`: how many (a folder may have fewer); None: all that a folder has. `test_fields`: how many fields
    of the test animal, if the number is different. `hard`: generated fields that no single grey level segments.
    `whole_cells`: frames with a margin as wide as the largest cell, so that no counted cell is cut off. `nuclei`: of
    real cells in groups, the widest cell in pixels of a picture that is used; touching cells then get a gap between
    them, and two groups are the test. 0: all pictures, as they are, and one group.
    """

    size: int
    fields_per_animal: int | None
    augmented: int
    seed: int
    test_fields: int | None = None
    hard: int = 0
    whole_cells: int = 0
    nuclei: int = 0


def prepare(source: Path | None, settings: CellSettings, folder: Path) -> dict[str, Any]:
    """Write data.npz and truth.npz in `folder`: trained on all animals but one, tested on that one.

    Returns what they hold: `about`, `test_animal`, the numbers of `train_images` and `test_images`, and `left_out` (of
    a folder, in words) if there is something.

    `source`: a folder of stained cells, or one in the layout of the authors' code; None: generated. data.npz has
    train_images, train_masks and test_images, bytes (n, size, size). The same seed and source give the same files.
    Raises UsageError, NotFoundError and DataError.
    """
    _check_numbers(settings.size, settings.fields_per_animal, settings.augmented)
    cells = load(source, settings)
    _refuse_without_cells(cells, source)
    if settings.whole_cells:
        cells = with_whole_cells(cells)
    images = training_arrays(cells, settings.augmented, settings.seed)
    images["test_images"] = np.stack([field.image for field in cells.test])
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / DATA, images)
    _write(folder / TRUTH, _truth(cells))
    made = {"about": cells.about, "test_animal": cells.test_animal}
    numbers = {name: len(images[name]) for name in ("train_images", "test_images")}
    return {**made, **numbers, **({"left_out": cells.left_out} if cells.left_out else {})}


def _refuse_without_cells(cells: CellData, source: Path | None) -> None:
    """Raise DataError if there is nothing to test, or nothing to learn."""
    if not cells.test:
        what = (
            f"{source}: no tile of {cells.test_animal}, the test, holds a cell, so Dice and error rate are undefined."
        )
        raise DataError(what, f"Check the labels of {cells.test_animal}.")
    if not any(field.mask.any() for field in cells.training):
        what = f"{source}: all training masks are empty, so there is no cell to learn from."
        raise DataError(what, "Check the masks.")


def load(source: Path | None, settings: CellSettings) -> CellData:
    """Return the cells of a folder, whose content shows the layout, or generated ones.

    Raises NotFoundError, DataError. For a folder, the test animal has as many fields as the others.
    """
    size, fields_per_animal = settings.size, settings.fields_per_animal
    if source is None:
        if settings.nuclei:
            raise UsageError("This scale counts real cells, and no folder of them is named.", "Name one with --data.")
        if fields_per_animal is None:
            raise UsageError("The number of fields to generate is missing.", "Give fields_per_animal.")
        manner = generator.HARD if settings.hard else generator.PLAIN
        return generator.generate(size, fields_per_animal, settings.seed, manner, settings.test_fields)
    if (source / "masks").is_dir():
        return authors.read(source, size, fields_per_animal)
    try:
        return stained_cells.read(source, size, fields_per_animal, nuclei=settings.nuclei)
    except NotFoundError as why:
        raise NotFoundError(
            f"{why.message} It has no masks/ either, as in the layout of the authors' code.", why.advice
        ) from None


def _check_numbers(size: int, fields_per_animal: int | None, augmented: int) -> None:
    if size < HALVINGS or size % HALVINGS:
        near = max(HALVINGS, round(size / HALVINGS) * HALVINGS)
        raise UsageError(
            f"Images of {size} pixels per side cannot be halved four times, as the U-Net does.",
            f"Take a multiple of {HALVINGS}, for example {near}.",
        )
    if (fields_per_animal is not None and fields_per_animal < 1) or augmented < 0:
        what = f"fields_per_animal={fields_per_animal} and augmented={augmented} are not possible."
        raise UsageError(what, "Take at least one field per animal, and 0 or more deformed copies of each.")


def with_whole_cells(cells: CellData) -> CellData:
    """Return the same cells; the test animal's frames have a margin as wide as its largest cell.

    A cell that reaches such a frame is not cut by the edge of its field. Raises DataError if that leaves no frame, or
    if the single cells of a field are not marked.
    """
    widest = max(_widest(field) for field in cells.test)
    size = min(cells.test[0].image.shape)
    if 2 * widest >= size:
        what = (
            f"The largest cell is {widest} pixels wide: fields of {size} pixels have no room for a frame with such a "
            "margin on each side."
        )
        raise DataError(what, "Take larger fields.")
    frame = (widest, widest, size - widest, size - widest)
    tested = tuple(replace(field, frame=frame) for field in cells.test)
    return replace(cells, animals={**cells.animals, cells.test_animal: tested})


def _widest(field: Field) -> int:
    """Return the width or height in pixels of the largest cell of a field.

    Raises DataError if its single cells are not marked.
    """
    if field.labels is None:
        what = f"{field.name} has no labels, so the width of its largest cell is not known."
        raise DataError(what, "Give labels with a number for each cell.")
    return widest_cell(field.labels)


def training_arrays(cells: CellData, augmented: int, seed: int) -> Arrays:
    """Return train_images and train_masks: the fields of all animals but one and their deformed copies, shuffled."""
    pairs = [(field.image, field.mask) for field in cells.training]
    rng, how = np.random.default_rng([seed, _AUGMENTING]), Deformation.for_size(len(pairs[0][0]))
    pairs += [deform(image, mask, rng, how) for image, mask in pairs for _ in range(augmented)]
    order = np.random.default_rng([seed, _SHUFFLING]).permutation(len(pairs))
    return {
        "train_images": np.stack([pairs[row][0] for row in order]),
        "train_masks": np.stack([pairs[row][1] for row in order]),
    }


def _truth(cells: CellData) -> Arrays:
    """Return the arrays of `Truth`, without those that are None."""
    fields = cells.test
    arrays: Arrays = {
        "masks": np.stack([field.mask for field in fields]),
        "frames": np.array([field.frame for field in fields], np.int32),
        "names": np.array([field.name for field in fields]),
    }
    if all(field.labels is not None for field in fields):
        arrays["labels"] = np.stack([field.labels for field in fields if field.labels is not None])
    if all(field.count is not None for field in fields):
        arrays["counts"] = np.array([field.count for field in fields], np.int64)
    if cells.smallest is not None:
        arrays["smallest"] = np.array(cells.smallest)
    return arrays


def read_truth(path: Path) -> Truth:
    """Return what `prepare` wrote in truth.npz. Raises DataError."""
    arrays = _read(path)
    try:
        return Truth(
            masks=arrays["masks"],
            labels=arrays.get("labels"),
            frames=arrays["frames"],
            counts=arrays.get("counts"),
            names=arrays["names"].tolist(),
            smallest=int(arrays["smallest"]) if "smallest" in arrays else None,
        )
    except KeyError as missing:
        raise DataError(
            f"{path} has no array {missing}.", f"Remove {path.parent}, and samebits study makes the data again."
        ) from None


def _write(path: Path, arrays: Arrays) -> None:
    """Write a file completely or not at all."""
    draft = path.with_name(f"{path.stem}.part.npz")
    np.savez(draft, **arrays)  # type: ignore[arg-type]
    draft.replace(path)


def _read(path: Path) -> Arrays:
    try:
        # opened here, because np.load leaves a file open that is not an archive
        with path.open("rb") as opened, np.load(opened) as file:
            return {name: file[name] for name in file.files}
    except UNREADABLE as why:
        again = f"Remove {path.parent}, and samebits study makes the data again."
        raise DataError(f"{path} cannot be read: {why}", again) from None


# More training images: fields rotated and deformed, image and mask in the same way.
#
# Rotation and elastic deformation, as the paper's section VIII.A has it. Elastic: a field of random displacements
# that a Gaussian has smoothed, after P. Y. Simard, D. Steinkraus, J. C. Platt, "Best Practices for Convolutional
# Neural Networks Applied to Visual Document Analysis", ICDAR 2003. The paper gives neither angles nor strengths:
# these are chosen here.


@dataclass(frozen=True, kw_only=True)
class Deformation:
    """How much.

    `degrees`: the largest angle, either way. `shift`: how far pixels move, as the root mean square in pixels over the
    image (the effect of Simard's alpha). `smoothness`: Simard's sigma in pixels.
    """

    degrees: float
    shift: float
    smoothness: float

    @classmethod
    def for_size(cls, size: int) -> Deformation:
        """Return the deformation of the study: any angle, a shift of 4 pixels at 400 x 400, a smoothness of 20."""
        return cls(degrees=180.0, shift=4.0 * size / AUTHORS_SIDE, smoothness=20.0 * size / AUTHORS_SIDE)


def deform(image: Grey, mask: Grey, rng: np.random.Generator, how: Deformation) -> tuple[Grey, Grey]:
    """Return the image and its mask, moved by the same random field.

    The image is interpolated, the mask takes the nearest pixel and stays of 0 and 255. Pixels from outside come from a
    mirror image. Equal generators give equal bits and have equal states afterwards, whatever the strength.
    """
    points = displaced(image.shape, rng, how)
    return _moved(image, points, order=1), _moved(mask, points, order=0)


def displaced(shape: tuple[int, ...], rng: np.random.Generator, how: Deformation) -> NDArray[np.float64]:
    """Return the place from which each pixel is taken: rows and columns, (2, H, W)."""
    angle = np.deg2rad(how.degrees * rng.uniform(-1, 1))
    pushes = rng.uniform(-1, 1, (2, *shape))
    return _turned(shape, float(angle)) + _smoothed(pushes, how)


def _turned(shape: tuple[int, ...], angle: float) -> NDArray[np.float64]:
    """Return the places of the pixels after a rotation about the middle."""
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
