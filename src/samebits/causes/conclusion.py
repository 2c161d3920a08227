"""The conclusion of a search for a cause."""

from __future__ import annotations

from dataclasses import dataclass, field

from samebits.causes.candidates import most_specific
from samebits.causes.decision_rule import Rule

__all__ = ["Conclusion"]


@dataclass
class Conclusion:
    """The result of a search. `minimal`: the smallest sets that suffice, in the order in which they were found.

    `everything`: all controls that took effect when all were held. `outside`: trials diverge even with all of them
    held. `refused`: control -> why the program does not run with it. `idle`: control -> why it counts as not held.
    `is_partial`: some alternatives were not tried.
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
        """The most specific of the smallest sets; empty if there is none."""
        return most_specific(self.minimal)
