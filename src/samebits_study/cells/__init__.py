"""The cells of the U-Net study: generated, real stained ones, or the authors' own; by animal, and as arrays.

A source is a file with a function that returns `CellData`, and a line in `arrays.load`.
"""

from samebits_study.cells.arrays import PreparedData, Truth, prepare, read_truth
from samebits_study.cells.fields import CellData, Field

__all__ = ["CellData", "Field", "PreparedData", "Truth", "prepare", "read_truth"]
