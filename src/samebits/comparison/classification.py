"""Names the points of a trace whose difference alone is understood: they leave nothing behind.

An evaluation (a call of a model that no backward reaches) leaves what it writes, prints and changes, and all of that is
compared. A number in a module's attribute that is a time, a process id or an address differs between any two runs.
"""

from __future__ import annotations

import re

from samebits.store.trace import Point

NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\bnan\b|\binf\b")
EVALUATION = "an evaluation"
NUMBERS = frozenset(("int", "float", "bool", "numbers"))
GLOBALS = "globals "  # begins the names of what the program's globals held at the end
EVALUATIONS = ("evaluation/", "prediction/")
_OF_THIS_RUN = re.compile(r"@(time|pid|address)$")
_FORMS = {"time": "a time", "pid": "a process id", "address": "an address"}


def aside(point: Point) -> str | None:
    """Return what the point is, if a difference in this point alone is understood; None if the difference counts."""
    if point.kind in ("forward", "end") and point.name.startswith(EVALUATIONS):
        return EVALUATION
    form = _OF_THIS_RUN.search(point.name) if point.kind == "end" else None
    return _FORMS[form[1]] if form else None
