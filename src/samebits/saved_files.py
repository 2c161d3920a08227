"""Defines the documents of what a trial left: its files, the texts that it printed, and what a later trial found."""

# no `from __future__ import annotations`: see `samebits.model`
from typing import Any, Literal

from pydantic import model_validator

from samebits.documents import Document

__all__ = ["RECORD_FORMAT", "FilesFile", "Leak", "Lines", "Part", "SavedFile"]

RECORD_FORMAT = 1


class Lines(Document):
    """The lines of a text, as they were written. `raw`: the fingerprint of all of them. `kept`: the first ones.

    `tail`: if a record cannot keep all lines, the last ones; `between`: the fingerprint of those in between. `cut`: the
    text is so long that only its first and last bytes were read. `ordered`, `sorted`: only in records of earlier
    versions, whose lines were masked when they were recorded; fingerprints of the masked lines.
    """

    raw: str
    count: int
    kept: list[str] = []
    tail: list[str] = []
    between: str = ""
    cut: bool = False
    ordered: str = ""
    sorted: str = ""


class Part(Document):
    """One part of a saved file. `digest`: the fingerprint of its content. `kind`: an array, or any other value.

    `shown`: a short value as JSON; a short array of real numbers, too. `model`: the part belongs to a model. `masked`:
    the fingerprint is that of a masked value, because an earlier version recorded it.
    """

    digest: str
    kind: Literal["array", "value"] = "value"
    shown: str = ""
    model: bool = False
    masked: bool = False


class SavedFile(Document):
    """A file that a trial wrote, compared by content. `named`: --artifact names it; otherwise samebits found it.

    `parts`: by name (a file without parts has one part, ""). `lines`: those of a text. `error`: why only the bytes were
    read; `changing`: why nothing was read.
    """

    path: str
    named: bool
    format: str
    parts: dict[str, Part] = {}
    lines: Lines | None = None
    error: str | None = None
    changing: str | None = None

    @model_validator(mode="before")
    @classmethod
    def of_older(cls, content: Any) -> Any:
        """Return the content with its seven parallel tables as parts."""
        if not isinstance(content, dict) or "tensors" not in content:
            return content
        values, shown, masked = set(content.get("values", [])), content.get("shown", {}), content.get("masked", {})
        above = tuple(f"{name}." if name else "" for name in content.get("models", []))
        parts = {
            name: {
                "digest": digest,
                "kind": "value" if name in values else "array",
                "shown": shown.get(name, ""),
                "model": bool(above) and f"{name}.".startswith(above),
                "masked": name in masked,
            }
            for name, digest in content["tensors"].items()
        }
        return {**content, "parts": parts}


class FilesFile(Document):
    """files.json: the files of one trial, and what it printed.

    `found`: how many files the trial wrote. `ignored`: how many of them --ignore names. `gone`: files removed
    before they were read. `elsewhere`: texts and tables in other places. `own`: texts that only this trial has (its
    folders, its host), each with what stands for it. `span`: when the trial ran, in seconds since 1970; `uptime`: by
    the monotonic clock. `pids`: of its processes.
    """

    format: int = RECORD_FORMAT
    files: list[SavedFile] = []
    patterns_without_match: list[str] = []
    printed: list[SavedFile] = []
    ignores_without_match: list[str] = []
    found: int = 0
    ignored: int = 0
    gone: list[str] = []
    elsewhere: list[str] = []
    own: dict[str, str] = {}
    span: list[float] = []
    uptime: list[float] = []
    pids: list[int] = []


class Leak(Document):
    """A file that an earlier trial left where this one could find it. `content`: its fingerprint when the trial began.

    `how`: the trial read the file, or the file was only there. In old records also: the trial looked at its name.
    """

    path: str
    written_by: int
    content: str | None
    how: Literal["read", "name", "there"] = "read"
