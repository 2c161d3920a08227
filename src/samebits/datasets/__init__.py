"""The data sets of the examples: fetched once, each file compared with its known checksum."""

from samebits.datasets.retrieval import get

__all__ = ["get"]
