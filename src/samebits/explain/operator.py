"""The operator that differs, where replaying the operators of a step finds one."""

from __future__ import annotations

from samebits.model import Result


def operator(result: Result) -> str | None:
    """The schema name of the operator to blame for a divergence, None where none is found."""
    del result
    return None
