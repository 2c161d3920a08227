"""Every rank that a distributed run promises must have left a trace."""

from __future__ import annotations

from samebits.store.trace import ProcessTrace, TrialTrace


def missing_ranks(trial: TrialTrace) -> list[tuple[int, int]]:
    """(rank, world size) of the ranks without a process that observed something."""
    promised: dict[int, set[int]] = {}
    leaders = [process for process in trial.processes if _leads(process, trial.processes)]
    for process in leaders:
        seen = promised.setdefault(int(process.facts["world_size"]), set())
        if process.observed:
            seen.add(int(process.facts["rank"]))
    observed = {size: ranks for size, ranks in promised.items() if ranks}
    return [(rank, size) for size, ranks in sorted(observed.items()) for rank in range(size) if rank not in ranks]


def _leads(process: ProcessTrace, processes: list[ProcessTrace]) -> bool:
    """Whether it is a rank itself, and not a worker that inherited the rank's environment."""
    facts = process.facts
    if facts.get("rank") is None or (facts.get("world_size") or 0) < 2 or facts.get("forked_from") is not None:
        return False
    parents = [other for other in processes if other.facts["pid"] == facts.get("parent")]
    return not any(parent.facts.get("rank") == facts["rank"] for parent in parents)
