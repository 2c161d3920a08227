"""What a search for a cause came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from samebits.causes.candidates import most_specific
from samebits.causes.decision_rule import Rule

__all__ = ["Finding"]


@dataclass
class Finding:
    """What a search came to. `minimal`: the smallest sets that suffice, in the order in which they were found.

    `everything`: all controls that took effect together. `outside`: trials diverge with them held. `refused`: control
    -> why the program does not run with it; `idle`: control -> why it counts as not held. `is_partial`: not all was
    tried that might do as well.
    """

    rule: Rule
    everything: list[str] = field(default_factory=list)
    minimal: list[list[str]] = field(default_factory=list)
    outside: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    idle: dict[str, str] = field(default_factory=dict)
    is_partial: bool = False

    @property
    def cause(self) -> list[str]:
        """The most specific of the smallest sets; empty where there is none."""
        return most_specific(self.minimal)
