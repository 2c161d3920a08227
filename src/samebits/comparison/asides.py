"""Points that may differ without a divergence: they leave nothing themselves, and what they feed is compared.

An evaluation (a call of a model that no backward reaches) leaves what it writes, prints and changes, and all of that
is compared. A number in a module's attribute that is a time, an id of the run or the like differs between any two runs.
"""

from __future__ import annotations

import re

from samebits.comparison.classification import classify
from samebits.store.trace import Point

EVALUATION = "an evaluation"
NUMBERS = frozenset(("int", "float", "bool", "numbers"))
GLOBALS = "globals "  # begins the names of what the program's globals held at the end
EVALUATIONS = ("evaluation/", "prediction/")
_OF_THIS_RUN = re.compile(r"@(time|pid|address)$")
_MEASURES = re.compile(r"(^|[._])(ms|ns|secs?|seconds?|times?|durations?|elapsed|fps)$")
_WORDS = {"time": "a time", "pid": "a process id", "address": "an address"}


def aside(point: Point) -> str | None:
    """What the point is, if a difference in it alone is understood; None if it counts."""
    if point.kind in ("forward", "end") and point.name.startswith(EVALUATIONS):
        return EVALUATION
    if point.kind != "end":
        return None
    form = _OF_THIS_RUN.search(point.name)
    if form:
        return _WORDS[form[1]]
    if point.dtype not in NUMBERS:
        return None
    by_name = classify(point.name, nonnegative=True)
    if by_name.effect == "understood":
        return by_name.reason
    return "a duration by its name" if _MEASURES.search(point.name) else None
