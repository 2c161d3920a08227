"""Reads what one trial needs from the machine on which it runs, as `--each` says it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

__all__ = ["NODE", "PACKED", "SBATCH", "SPREAD", "in_options", "read_needs", "read_sbatch", "read_spread"]

NEEDS = ("num_cpus", "num_gpus", "label", "node", "folder")
NODE, PACKED = "node", "packed"
SBATCH, SPREAD = "sbatch", "spread"  # the needs of --sbatch and --spread, which join those of --each
SPREADS = ("same", "nodes", "any")


def read_needs(text: str) -> dict[str, str]:
    """Return the needs in a text such as num_gpus=1,num_cpus=2,label=a100. Raises ValueError."""
    needs: dict[str, str] = {}
    for word in text.split(","):
        name, _, value = word.strip().partition("=")
        if name not in NEEDS or not value or name in needs:
            choices = ", ".join(f"{need}=" for need in NEEDS)
            raise ValueError(f"{word!r} is not one of {choices} (each once); write num_gpus=1,label=a100.")
        if name.startswith("num_") and not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value, re.ASCII):
            raise ValueError(f"{value!r} is not a number; write {name}=1.")
        if name == "folder" and value != PACKED:
            raise ValueError(f"folder={value} is not possible; write folder={PACKED}.")
        if any(ord(character) < 32 for character in value):
            raise ValueError(f"{value!r} holds a control character; leave that out.")
        needs[name] = value
    return needs


def read_sbatch(text: str) -> str:
    """Return the options of sbatch unchanged. Raises ValueError unless each is one word.

    Otherwise sbatch could take a word for the script of the job.
    """
    if not text.strip():
        raise ValueError("there are no options; write '--partition=a100 --time=60'.")
    if any(ord(character) < 32 for character in text):
        raise ValueError(f"{text!r} holds a control character; leave that out.")
    try:
        words = shlex.split(text)
    except ValueError as why:
        raise ValueError(f"{text!r} cannot be read: {why}.") from None
    for word in words:
        if not re.match(r"-[A-Za-z]|--[a-z]", word, re.ASCII):
            raise ValueError(f"{word!r} is not an option; write an option and its value as one word: --partition=a100.")
    return text


def read_spread(text: str) -> str:
    """Return how trials are spread over nodes. Raises ValueError."""
    if text not in SPREADS:
        raise ValueError(f"{text!r} is not one of {', '.join(SPREADS)}.")
    return text


def in_options(needs: Mapping[str, str]) -> str:
    """Return the needs as options of the command line."""
    text = ",".join(f"{name}={value}" for name, value in needs.items() if name not in (SBATCH, SPREAD))
    more = [f"--{name} {shlex.quote(needs[name])}" for name in (SBATCH, SPREAD) if name in needs]
    return " ".join([f"--each {text}", *more] if text else more)
