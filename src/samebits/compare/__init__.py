"""From traces to a verdict: pure functions of what was recorded."""

from samebits.compare.size import measure, relative_distance, update_looks
from samebits.compare.verdict import judge

__all__ = ["judge", "measure", "relative_distance", "update_looks"]
