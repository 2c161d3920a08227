"""Makes a verdict from traces: pure functions of what was recorded.

Each name is imported when it is first used: the first trial starts before NumPy is needed.
"""

from typing import TYPE_CHECKING

from samebits.imports import importer

if TYPE_CHECKING:
    from samebits.comparison.tensors.size import measure, relative_distance, update_looks
    from samebits.comparison.tensors.tensor_difference import TensorPair, shown_difference
    from samebits.comparison.verdict.judgement import judge, surely_diverge
    from samebits.comparison.verdict.timed_trials import is_open

__all__ = [
    "TensorPair",
    "is_open",
    "judge",
    "measure",
    "relative_distance",
    "shown_difference",
    "surely_diverge",
    "update_looks",
]

_MODULES = {
    "TensorPair": "tensors.tensor_difference",
    "is_open": "verdict.timed_trials",
    "judge": "verdict.judgement",
    "shown_difference": "tensors.tensor_difference",
    "surely_diverge": "verdict.judgement",
}

if not TYPE_CHECKING:
    __getattr__ = importer(globals(), _MODULES, "tensors.size")
