"""What one trial needs of the machine that it runs on, as `--each` says it."""

from __future__ import annotations

import re

__all__ = ["read_needs"]

NEEDS = ("num_cpus", "num_gpus", "label")


def read_needs(text: str) -> dict[str, str]:
    """The needs of num_gpus=1,num_cpus=2,label=a100. Raises ValueError."""
    found: dict[str, str] = {}
    for word in text.split(","):
        name, _, value = word.strip().partition("=")
        if name not in NEEDS or not value or name in found:
            known = ", ".join(f"{need}=" for need in NEEDS)
            raise ValueError(f"{word!r} is not one of {known}; say num_gpus=1,label=a100.")
        if name != "label" and not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value, re.ASCII):
            raise ValueError(f"{value!r} is not a number; say {name}=1.")
        if any(ord(character) < 32 for character in value):
            raise ValueError(f"{value!r} holds a control character.")
        found[name] = value
    return found
