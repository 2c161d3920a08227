"""samebits: does a training repeat, bit for bit? If not: where, why, and the cheapest control."""

__version__ = "0.1.0"
