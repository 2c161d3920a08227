"""The data sets of the examples: fetched once, each file compared with its known checksum."""

from samebits.datasets.getting import get

__all__ = ["get"]
