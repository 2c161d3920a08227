"""The cells of the U-Net study: generated, real stained ones, or the authors' own; by animal, and as arrays.

A source is a file with a function that returns `fields.CellData`, and a line in `arrays.load`.
"""
