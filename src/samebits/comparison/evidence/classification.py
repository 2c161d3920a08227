"""Names that the comparison knows: the types of single numbers, and how the names of some points begin."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\bnan\b|\binf\b")
NUMBERS = frozenset(("int", "float", "bool", "numbers"))
GLOBALS = "globals "  # begins the names of what the program's globals held at the end
EVALUATIONS = ("evaluation/", "prediction/")
