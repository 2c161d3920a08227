"""Varies the node of a cluster. A node that gives different bits is faulty, or a different kind of machine."""

from __future__ import annotations

from collections.abc import Sequence

from samebits.launch import hosts
from samebits.store import TrialTrace
from samebits.vary.factor import OWN, Change, Factor, Machine

__all__ = ["Node"]


class Node(Factor):
    """The node on which the trials run (--on ray)."""

    id = "node"
    takes = "names of nodes of the cluster that --on names"
    is_cheap = False  # a cluster may have hundreds
    moves_memory = False
    compares_machines = True

    def base(self, machine: Machine) -> str:
        """Return the first node, because the base setup needs a node too."""
        return next(iter(_names(machine)), OWN)

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return _names(machine)[1:]

    def why_none(self, machine: Machine) -> str:
        """See Factor."""
        return "trials run on one machine" if len(_names(machine)) < 2 else "say --factor node"

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        known = [OWN, *_names(machine)]
        if value in known:
            return ""
        return f"the nodes are {', '.join(known[1:])}" if known[1:] else "trials run on this machine"

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change() if value == OWN else Change(node=value)

    def in_force(self, value: str, trials: Sequence[TrialTrace], machine: Machine) -> str | None:
        """Return the node that the trials themselves name."""
        return next((str(trial.file.machine["node"]) for trial in trials if "node" in trial.file.machine), None)


def _names(machine: Machine) -> list[str]:
    return hosts.connect(machine.request.host, machine.request.each).nodes()
