"""What a trial printed."""

from __future__ import annotations

from pathlib import Path

LAST_BYTES, MOST_CHARACTERS = 4096, 300


def last_words(trial_folder: Path) -> str:
    """The last line that a trial wrote to standard error, shortened; empty where there is none."""
    try:
        with (trial_folder / "stderr.txt").open("rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - LAST_BYTES))
            lines = stream.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:MOST_CHARACTERS] for line in reversed(lines) if line.strip()), "")
