"""Which nodes of a Ray cluster have what a trial needs, and on which of them it runs.

Everything here is pure: a node is a dictionary, as `ray.nodes()` tells it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Node = Mapping[str, Any]
_USUAL = {"CPU", "GPU", "memory", "object_store_memory"}
_RESOURCES = (("num_cpus", "CPU"), ("num_gpus", "GPU"))
_SHARE = 0.001  # of a resource that only stands for a label


class NotAdmitted(Exception):
    """The cluster cannot do what is asked. Arguments: what is wrong, and what to do next."""


def wanted(needs: Mapping[str, str]) -> dict[str, float]:
    """Return how much of each resource one trial takes: numbers of CPUs and GPUs."""
    return {"CPU": float(needs.get("num_cpus", 1)), "GPU": float(needs.get("num_gpus", 0))}


def fitting(nodes: Sequence[Node], needs: Mapping[str, str]) -> list[Node]:
    """Return the living nodes that have what a trial needs, sorted by id. Raises NotAdmitted if there is none."""
    alive = sorted((node for node in nodes if node["Alive"]), key=lambda node: str(node["NodeID"]))
    usable = _node_of_name(_with_label(alive, needs.get("label")), alive, needs.get("node"))
    for name, resource in _RESOURCES:
        least = wanted(needs)[resource]
        enough = [node for node in usable if node["Resources"].get(resource, 0.0) >= least]
        if not enough:
            most = max((node["Resources"].get(resource, 0.0) for node in usable), default=0.0)
            found_there = f"more than {most:g}" if most else "any"
            what = f"--each {name}={least:g}: no node of the Ray cluster has {found_there}."
            raise NotAdmitted(what, "add a node that has as many, or give a smaller number.")
        usable = enough
    return usable


def _node_of_name(nodes: list[Node], alive: Sequence[Node], name: str | None) -> list[Node]:
    """Return the node of that name, or all nodes if no name is given."""
    if name is None:
        return nodes
    names = [name_of(node, alive) for node in alive]
    if name not in names:
        raise NotAdmitted(f"the Ray cluster has no living node {name}.", f"choose from: {', '.join(sorted(names))}.")
    return [node for node in nodes if name_of(node, alive) == name]


def _with_label(alive: list[Node], label: str | None) -> list[Node]:
    """Return the nodes with a label: a resource of that name, or the value of a label."""
    if label is None:
        return alive
    labelled = [node for node in alive if label in node["Resources"] or label in _labels(node).values()]
    if labelled:
        return labelled
    labels = sorted({name for node in alive for name in node["Resources"] if ":" not in name} - _USUAL)
    labels += sorted(
        {value for node in alive for name, value in _labels(node).items() if not name.startswith("ray.io/")}
    )
    raise NotAdmitted(
        f"--each label={label}: no node of the Ray cluster has it.",
        f"choose from: {', '.join(labels)}."
        if labels
        else f"ray start --resources '{{\"{label}\": 1}}' gives it to a node.",
    )


def _labels(node: Node) -> Mapping[str, str]:
    return node.get("Labels") or {}


def name_of(node: Node, nodes: Sequence[Node]) -> str:
    """Return the name of a node: its host's, with the start of its id if several nodes run on that host."""
    host = str(node.get("NodeManagerHostname") or node["NodeID"][:8])
    many = Counter(str(candidate.get("NodeManagerHostname")) for candidate in nodes if candidate["Alive"])[host] > 1
    return f"{host}-{node['NodeID'][:8]}" if many else host


def slots(nodes: Sequence[Node], free: Mapping[str, Mapping[str, float]], needs: Mapping[str, str]) -> int:
    """Return how many trials fit on these nodes now, at least one. `free`: see `free_resources`."""
    each = {resource: amount for resource, amount in wanted(needs).items() if amount}
    room = 0
    for node in nodes:
        amounts = free.get(node["NodeID"], node["Resources"])
        if each:
            room += int(min(amounts.get(resource, 0.0) / amount for resource, amount in each.items()))
        else:  # it reserves nothing
            room += int(node["Resources"].get("CPU", 1))
    return max(room, 1)


class Placement:
    """Chooses a node for each trial with some needs; None if Ray may choose among all nodes that fit.

    `needs`: of `--each`, with `spread` as --spread says it, and `node`, the name of one.
    """

    def __init__(self, needs: Mapping[str, str]) -> None:
        self.needs = needs
        self._same: Node | None = None

    def admit(self, nodes: Sequence[Node], free: Mapping[str, Mapping[str, float]]) -> int:
        """Return how many trials can run now. Raises NotAdmitted if none ever can."""
        usable = fitting(nodes, self.needs)
        if self._spread == "nodes" and len(usable) < 2:
            what = "--spread nodes: only one node of the Ray cluster has what a trial needs."
            raise NotAdmitted(what, "add a node, or leave --spread out.")
        if self._spread == "same":
            if self._same is None:
                self._same = max(usable, key=lambda node: slots([node], free, self.needs))
            usable = [self._same]
        return slots(usable, free, self.needs)

    @property
    def _spread(self) -> str:
        return self.needs.get("spread", "any")

    def of_trial(self, trial: int, nodes: Sequence[Node]) -> Node | None:
        """Return the node for a trial, or None for any. Raises NotAdmitted if no node that is left can run it."""
        usable = fitting(nodes, self.needs)
        if self._spread == "nodes":
            return usable[(trial - 1) % len(usable)]
        if self._spread != "same":
            return usable[0] if "node" in self.needs else None
        if self._same is None or self._same["NodeID"] not in {node["NodeID"] for node in usable}:
            what = "--spread same: the node on which all trials ran is lost."
            raise NotAdmitted(what, "run the command again: samebits will take a different node.")
        return self._same

    def options(self, nodes: Sequence[Node], node: Node | None = None) -> dict[str, Any]:
        """Return Ray's options for a task: the resources and the label. `node`: where it runs, if that is known."""
        amounts = {"num_cpus": wanted(self.needs)["CPU"], "num_gpus": wanted(self.needs)["GPU"]}
        label = self.needs.get("label")
        usable = [node] if node else fitting(nodes, self.needs)
        if label is None:
            return amounts
        if any(label in candidate["Resources"] for candidate in usable):
            return {**amounts, "resources": {label: _SHARE}}
        if node:  # Ray takes a label or a node
            return amounts
        names = [name for candidate in usable for name, value in _labels(candidate).items() if value == label]
        return {**amounts, "label_selector": {names[0]: label}}
