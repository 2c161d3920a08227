"""How far two tensors are apart, and what the difference looks like."""

from __future__ import annotations

from samebits.model import Size


def measure(a: bytes, b: bytes, dtype: str, shape: tuple[int, ...]) -> Size:
    """Placeholder."""
    return Size(elements=0, different=0)
