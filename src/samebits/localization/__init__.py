"""Where trials diverge: step, phase, module, operator. Each is found by trials of its own, looked at more closely."""

from samebits.localization.search import locate

__all__ = ["locate"]
