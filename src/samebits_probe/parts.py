"""Makes the parts of the probe that only few trials need."""

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .probe import Probe


def part_of(probe: "Probe", field: str, module: str, name: str) -> "Any":
    """Return the object for a field of config.json; None if the launcher asks for none: then nothing is imported."""
    want = probe.config.get(field)
    return getattr(importlib.import_module("samebits_probe." + module), name)(probe, want) if want else None
