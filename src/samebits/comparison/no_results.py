"""Knows the files that are not results: locks, files with process ids, dumps, bytecode and the like.

In a lock, only the owner is not a result. The owner is the process that held the lock.
"""

from __future__ import annotations

import re

from samebits.model import SavedFile
from samebits.store.value_names import tokens

# files that are not results, wherever they are: locks, process ids, dumps, bytecode, measurements of coverage and time,
# and the random id of a SavedModel: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/fingerprint.proto
_NO_RESULTS = re.compile(
    r"(^|/)(core(\.\d+)?|\.coverage(\..+)?|\.nfs[0-9a-f]+|fingerprint\.pb|time_left\.tsv|[^/]+\.(lock|lck|pid|pyc|pyo|prof|swp|sock|tmp~))$"
)

# names of binary files: if a text has such a name, it may be a result
_BINARY_NAME = re.compile(r"(^|/)core(\.\d+)?$|\.(prof|pyc|pyo|swp)$")


def is_no_result(file: SavedFile) -> bool:
    """Return whether the name of a file says that it is not a result, in any folder."""
    is_text = file.lines is not None and _BINARY_NAME.search(file.path) is not None
    return _NO_RESULTS.search(file.path) is not None and not is_text


# what the owner of a lock writes into it, in addition to times, hosts and paths: its process id, and a random token
_NUMBER = re.compile(r"(?:([A-Za-z_]+)([\s:=#\"'-]{1,4}))?(?<![\w.])\d{1,7}(?![\w.]*\w)")
_OWNERS = frozenset(("pid", "ppid", "tid", "process", "proc", "id", "by", "owner", "holder", "worker", "port", "host"))
_TOKEN = re.compile(r"(?<!\w)[0-9a-fA-F]{8,64}(?!\w)|<[a-z]+>|\s+")
_LOCK = re.compile(r"\.(lock|lck|pid)$")


def is_lock(file: SavedFile) -> bool:
    """Return whether the name of a file says that it is a lock, or that it holds a process id."""
    return _LOCK.search(file.path) is not None


def differ_in_owner(one: str, two: str) -> bool:
    """Return whether two lines of a lock differ only in the process that held it. Nothing else in a lock may differ."""
    return _without_owner(one) == _without_owner(two)


def _without_owner(line: str) -> str:
    return _TOKEN.sub("", _NUMBER.sub(_number, line))


def _number(found: re.Match[str]) -> str:
    word = found[1] or ""
    is_of_owner = not word or not _OWNERS.isdisjoint(tokens(word))
    return f"{word}{found[2] or ''}<pid>" if is_of_owner else found[0]
