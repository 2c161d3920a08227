"""How a trial ends: its status, and what killed one that did not end by itself."""

from typing import Literal

__all__ = [
    "ENDED_BEFORE",
    "ENDED_WELL",
    "NODE_WAS_LOST",
    "SAMEBITS_ENDED",
    "STOPPED_BY_USER",
    "SUPERVISOR_KILLED",
    "EndedBy",
    "Status",
    "code_of",
]

Status = Literal["complete", "failed", "killed", "timeout", "stopped", "unwatched"]
ENDED_WELL: frozenset[Status] = frozenset(("complete", "stopped"))  # the program ended by itself, or samebits ended it
EndedBy = Literal["node", "interrupt", "samebits", "supervisor"]
SAMEBITS_ENDED: frozenset[EndedBy] = frozenset(("interrupt", "samebits"))  # says nothing about the program

# why a trial was killed, as sentences. Only `code_of` reads them
NODE_WAS_LOST = "its node was lost"
STOPPED_BY_USER = "samebits was interrupted"
ENDED_BEFORE = "samebits ended before the trial did"  # so that samebits could not write the reason
SUPERVISOR_KILLED = "the process that supervises the trial was killed from outside"
_CODES: dict[str, EndedBy] = {
    NODE_WAS_LOST: "node",
    STOPPED_BY_USER: "interrupt",
    ENDED_BEFORE: "samebits",
    SUPERVISOR_KILLED: "supervisor",
}


def code_of(why: str) -> EndedBy | None:
    """Return what killed a trial, by its sentence; None for any other sentence."""
    return _CODES.get(why)
