"""Downloading one file over HTTP: what has come is kept, and a later call goes on from there."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SECONDS = 8  # without an answer, or without a further byte
PIECE = 1 << 18
RANGE_NOT_SATISFIABLE = 416
PARTIAL = 206


class Unreachable(Exception):
    """The address did not give the file; the message says why, for people."""


def download(address: str, part: Path) -> None:
    """Write what is at an address to `part`. A part that is there is gone on with, where the server can do that."""
    part.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    try:
        _receive(address, part, have)
    except urllib.error.HTTPError as why:
        if have and why.code == RANGE_NOT_SATISFIABLE:
            part.unlink()
            return download(address, part)
        raise Unreachable(f"it answers {why.code} {why.reason}") from None
    except urllib.error.URLError as why:
        raise Unreachable(_sentence(why.reason)) from None
    except (http.client.HTTPException, OSError) as why:
        raise Unreachable(_sentence(why)) from None


def _receive(address: str, part: Path, have: int) -> None:
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        goes_on = answer.status == PARTIAL and str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
        expected = answer.headers.get("Content-Length")
        with part.open("ab" if goes_on else "wb") as out:
            received = _copy(answer, out)
    if expected is not None and received != int(expected):
        raise OSError(f"the connection ended after {received:,} of {int(expected):,} bytes")


def _copy(answer: Any, out: Any) -> int:
    received = 0
    while piece := answer.read(PIECE):
        out.write(piece)
        received += len(piece)
    return received


def _sentence(why: object) -> str:
    return str(getattr(why, "strerror", None) or why)
