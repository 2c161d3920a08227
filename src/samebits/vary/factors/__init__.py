"""Lists the factors of the machine, on which trained bits may depend.

Some factors are controls: those that name a `factor`. Each of the others has a class in a file, and one line in the
table here.
"""

from __future__ import annotations

import importlib

from samebits import controls
from samebits.vary.factor import ControlFactor, Factor

__all__ = ["ALIASES", "TABLE", "TOGETHER", "find"]

_CONTROLS = {control.factor: control for control in reversed(controls.table()) if control.factor}
# id -> (file, class)
_OTHERS = {
    "isa-torch": ("instruction_sets", "TorchInstructions"),
    "isa-onednn": ("instruction_sets", "OneDnn"),
    "isa-numpy": ("instruction_sets", "Numpy"),
    "isa-openblas": ("instruction_sets", "OpenBlas"),
    "working-folder": ("surroundings", "WorkingFolder"),
    "home": ("surroundings", "Home"),
    "locale": ("surroundings", "Locale"),
    "time-zone": ("surroundings", "TimeZone"),
    "cpu-load": ("surroundings", "CpuLoad"),
    "library-version": ("surroundings", "LibraryVersion"),
    "interpreter": ("surroundings", "InterpreterFactor"),
    "node": ("surroundings", "Node"),
}

# in the order in which they are varied and reported
TABLE = (*_CONTROLS, *_OTHERS)

# names that stand for several factors
TOGETHER = {"isa": [identity for identity in TABLE if identity.startswith("isa-")]}

# the id of a control also names its factor
ALIASES = {control.id: name for name, control in _CONTROLS.items() if control.id != name}


def find(identity: str) -> Factor:
    """Return the entry of a factor. Raises KeyError for an id that is not in the table."""
    if identity in _CONTROLS:
        return ControlFactor(_CONTROLS[identity])
    file, name = _OTHERS[identity]
    factor: Factor = getattr(importlib.import_module(f"{__name__}.{file}"), name)()
    return factor
