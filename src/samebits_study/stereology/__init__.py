"""Unbiased stereology: everything that follows a U-Net's prediction, as functions of numpy arrays.

A prediction becomes cells (`post_process`), a frame counts some of them (`counted`), and what is counted is compared
with the ground truth (`agreement`), image by image and over an animal (`AnimalAgreement`). Needs the extra
`samebits[study]`.
"""

from samebits_study.stereology.agreement import (
    AnimalAgreement,
    CellCounts,
    ImageAgreement,
    Overlap,
    agreement,
    error_rate,
    overlap,
    same_cells,
)
from samebits_study.stereology.count import (
    CountingFrame,
    Score,
    binary,
    cells_of,
    counted,
    only,
    post_process,
    scaled_smallest,
    split,
)
from samebits_study.stereology.disector_drawings import find_frame, frame_lines, paint

__all__ = [
    "AnimalAgreement",
    "CellCounts",
    "CountingFrame",
    "ImageAgreement",
    "Overlap",
    "Score",
    "agreement",
    "binary",
    "cells_of",
    "counted",
    "error_rate",
    "find_frame",
    "frame_lines",
    "only",
    "overlap",
    "paint",
    "post_process",
    "same_cells",
    "scaled_smallest",
    "split",
]
