"""The result as JSON: the form of the contract, which reads back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits.model import Result

if TYPE_CHECKING:
    from samebits.store.record import Record


def render(result: Result, record: Record | None = None) -> str:
    """One JSON document, ended by a newline. ASCII only: it survives every console and mailer."""
    return result.model_dump_json(indent=2, ensure_ascii=True) + "\n"
