"""The search for the scale `counting` of the U-Net: which training is the cheapest whose masks can be counted?

    python benchmarks/counting_scale.py [--only 96-8] [--seed 2019] [--folder DIR]
    python benchmarks/counting_scale.py --scale small --data dsb2018-stained
    python benchmarks/counting_scale.py --scale nuclei --data dsb2018-fluorescence --epochs 20
    python benchmarks/counting_scale.py --stained dsb2018-stained

Each candidate makes its generated fields, trains `unet_pytorch.py` on one thread, and judges the weights of every
epoch that is kept. A line for each: what is trained, the processor time up to then, and the scores on the ninth
animal. The true mask and the best single grey level of the training fields are counted in the same way; with
--scale only these, of a scale of the study, with touching cells together and split; with --epochs also the masks of a
U-Net of that scale, trained for so many epochs. --stained trains one candidate on real cells, on those pictures of the
folder that have one stain and one magnification.

Asked for: error rate at most 10 %, Dice at least 0.80, the true mask at most 2 %, one grey level at least twice the
network's error rate, at least 300 cells.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from samebits.words import count
from samebits_study import collection, data, scores
from samebits_study.catalog import SCRIPTS, STUDIES
from samebits_study.cells import arrays, fields, stained_cells
from samebits_study.results import Cells
from samebits_study.trainings import weights_files

SCRIPT = SCRIPTS / "unet_pytorch.py"
LINE = "{:<10} {:>5} {:>7} {:>7} {:>6} {:>7} {:>8} {:>8}  {}"
HEAD = LINE.format(
    "candidate", "size", "images", "width", "epoch", "steps", "cpu (s)", "counted", "error rate, Dice, F1"
)


class Candidate(NamedTuple):
    """A scale that is tried: pixels a side, fields of an animal, copies of each, features of the first level, Adam's
    rate of learning."""

    name: str
    size: int
    fields: int
    tested: int
    augmented: int
    features: int
    batch: int
    rate: float
    epochs: int
    source: Path | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the script is told."""
        return ("--features", str(self.features), "--batch", str(self.batch), "--rate", str(self.rate))


CANDIDATES = (
    Candidate("96-8", 96, 48, 400, augmented=1, features=8, batch=4, rate=1e-4, epochs=12),
    Candidate("96-8-1e-3", 96, 48, 400, augmented=1, features=8, batch=4, rate=1e-3, epochs=6),
    Candidate("96-16-1e-3", 96, 48, 400, augmented=1, features=16, batch=4, rate=1e-3, epochs=6),
)
# real cells are wide, so the frame needs large tiles: one of each picture of 320 x 256 pixels
STAINED = Candidate("stained", 256, 48, 0, augmented=3, features=8, batch=2, rate=1e-3, epochs=20)
GROUND = (0.75, 0.93)  # green by red light of what is no cell: a purple ground, neither pink nor grey
DIAMETERS, WIDEST = (12, 20), 45  # pixels: the median diameter of a picture's cells, and its widest cell


def main() -> None:
    """A line for each epoch that is kept of each candidate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="the name of one candidate")
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--folder", type=Path, help="keep the data and the trainings there")
    parser.add_argument("--scale", choices=list(STUDIES["unet"].scales), help="count this scale's masks")
    parser.add_argument("--data", type=Path, help="of --scale: the folder of the images")
    parser.add_argument("--epochs", type=int, help="of --scale: also train its U-Net for so many epochs")
    parser.add_argument("--features", type=int, help="of --epochs: not the scale's features, but so many")
    parser.add_argument("--stained", type=Path, help="a folder of real stained cells: train on those of one kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = options.folder or Path(spare)
        if options.scale:
            print_scale(options, folder)
            return
        print(HEAD, flush=True)
        for candidate in [of_one_kind(options.stained, folder)] if options.stained else CANDIDATES:
            if options.only in (None, candidate.name):
                for line in rows(candidate, options.seed, folder / candidate.name):
                    print(line, flush=True)


def print_scale(options: argparse.Namespace, folder: Path) -> None:
    """What the true mask, the methods without a network and, if asked, a U-Net are worth at a scale of the study."""
    scale = STUDIES["unet"].scales[options.scale]
    settings = data.cells_settings(scale, options.data)
    arrays.prepare(options.data, arrays.CellSettings(**settings, seed=options.seed), folder)
    trained = []
    if options.epochs:
        width = ("--features", str(options.features)) if options.features else ()
        arguments = (*scale.arguments, *width)
        _train(arguments, options.epochs, options.seed, folder)
        trained = list(_epochs(arguments, options.seed, folder))
    for split in (False, True):
        judge = collection.judge_of(STUDIES["unet"], folder, watershed=split)
        counted = [(one.name, one.cells) for one in scores.cell_baselines("cells", folder, judge)]
        counted += [(f"a U-Net after {count(epoch, 'epoch')}", judge(masks)) for epoch, masks in trained]
        for name, cells in counted:
            how = "split" if split else "together"
            print(f"{options.scale}, {how:<8}  {cells.counted} of {cells.true_count} cells  {_scores(cells)}  {name}")


def of_one_kind(source: Path, folder: Path) -> Candidate:
    """The candidate of real cells, and a folder of links to the pictures of one kind."""
    pictures = stained_cells.stained_pictures(source)
    kept = folder / "one-kind"
    chosen = [picture for picture in pictures if is_of_kind(picture)]
    for picture in chosen:
        for name, file in (("images", picture.image), ("labels", picture.marked)):
            link = kept / name / file.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(file.absolute())
    print(f"{len(chosen)} of {len(pictures)} pictures have the ground and the cells of one kind", flush=True)
    return STAINED._replace(source=kept)


def is_of_kind(picture: stained_cells.Slide) -> bool:
    """Whether a picture has the stain and the magnification of `STAINED`."""
    labels, colour = picture.labels(), fields.read_colour(picture.image)
    red, green, _ = colour[labels == 0].mean(axis=0)
    diameter = np.median(2 * np.sqrt(np.unique(labels[labels > 0], return_counts=True)[1] / np.pi))
    is_ground = GROUND[0] < green / red <= GROUND[1]
    return bool(is_ground and DIAMETERS[0] <= diameter < DIAMETERS[1] and fields.widest_cell(labels) <= WIDEST)


def rows(candidate: Candidate, seed: int, folder: Path) -> Iterator[str]:
    """The lines of a candidate: what needs no training, then the epochs."""
    settings = arrays.CellSettings(candidate.size, candidate.fields, candidate.augmented, seed,
                                   test_fields=candidate.tested, hard=1, whole_cells=1)  # fmt: skip
    images = arrays.prepare(candidate.source, settings, folder)["train_images"]
    judge = collection.judge_of(STUDIES["unet"], folder, watershed=True)
    for one in scores.cell_baselines("cells", folder, judge):
        yield LINE.format(candidate.name, candidate.size, images, "", "", "", "", one.cells.counted,
                          f"{_scores(one.cells)}  {one.name}")  # fmt: skip
    seconds = _train(candidate.arguments, candidate.epochs, seed, folder)
    for epoch, masks in _epochs(candidate.arguments, seed, folder):
        cells = judge(masks)
        assert isinstance(cells, Cells)
        steps = epoch * -(-images // candidate.batch)
        yield LINE.format(candidate.name, candidate.size, images, candidate.features, epoch, steps,
                          f"{seconds * epoch / candidate.epochs:.0f}", cells.counted, _scores(cells))  # fmt: skip


def _scores(cells: Cells) -> str:
    values = [("{:5.2f} %", cells.error_rate), ("{:.3f}", cells.dice), ("{:.3f}", cells.f1)]
    return "  ".join(form.format(value) if value is not None else "undefined" for form, value in values)


def _train(arguments: Sequence[str], epochs: int, seed: int, folder: Path) -> float:
    """Train; gives the processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(arguments, seed, folder, "--out", str(folder / "trained"), "--epochs", str(epochs))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _epochs(arguments: Sequence[str], seed: int, folder: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Each epoch whose weights were kept, with the masks of the test fields that these predict."""
    for epoch, weights in weights_files(folder / "trained"):
        if epoch:
            out = folder / "tested" / weights.stem
            _run(arguments, seed, folder, "--out", str(out), "--test", str(weights))
            yield epoch, collection.read_predictions(out)


def _run(arguments: Sequence[str], seed: int, folder: Path, *words: str) -> None:
    command = [sys.executable, str(SCRIPT), "--data", str(folder / arrays.DATA), "--seed", str(seed), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, *words], env=environment, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
