"""Warnings about files and printed lines: what was not compared, and which differences are understood."""

from __future__ import annotations

from collections.abc import Iterator

from samebits import words
from samebits.comparison.classification import GLOBALS
from samebits.comparison.files import files_alone
from samebits.comparison.groups import Comparison
from samebits.store.trace import TrialTrace

MOST_FILES_TOLD = 12
MOST_OF_A_NAME = 80  # characters of a place in a file that are shown


def caveats(comparison: Comparison) -> Iterator[str]:
    """What limits the comparison of files and printed lines."""
    for look in (_errors, _file_limits, _file_names, _printed):
        yield from look(comparison)


def understood(comparison: Comparison) -> Iterator[str]:
    """Differences that are understood, and patterns of --ignore that matched nothing."""
    yield from _ignores(comparison)
    yield from _understood(comparison)


def _errors(comparison: Comparison) -> Iterator[str]:
    for trial in comparison.aligned:
        for file in trial.trial.files.files:
            if file.error and not file.changing:
                yield f"{file.path} was compared by its bytes: {file.error}"


def _file_limits(comparison: Comparison) -> Iterator[str]:
    """Name what was not compared: vanished files, files beyond the limit, the middle of long texts."""
    for trial in comparison.aligned:
        files = trial.trial.files
        if files.gone:
            yield f"trial {trial.id} removed {words.listed(files.gone[:3])} before samebits could read it"
        if files.found > len(files.files):
            yield f"only {len(files.files):,} of {files.found:,} files that trial {trial.id} wrote were compared"
        for file in (*files.files, *files.printed):
            if file.lines is not None and file.lines.cut and file.format in ("text", "printed"):
                yield f"only the first and the last lines of {file.path} were compared: it is too long"


def _ignores(comparison: Comparison) -> Iterator[str]:
    whole = [trial.trial.files for trial in comparison.aligned if trial.whole]
    for pattern in comparison.ignores if whole else []:
        if not pattern.startswith(GLOBALS) and all(pattern in files.ignores_without_match for files in whole):
            yield f"the pattern {pattern} of --ignore matches no file that the trials wrote"


def _file_names(comparison: Comparison) -> Iterator[str]:
    ignores = comparison.ignores
    some = sorted({path for a, b in _whole_pairs(comparison) for path in files_alone(a, b, ignores)})
    if some:
        rest = f" and {words.count(len(some) - 3, 'more file')}" if len(some) > 3 else ""
        yield f"not every trial wrote {words.listed(some[:3])}{rest}: a later trial found what an earlier one wrote"


def _understood(comparison: Comparison) -> Iterator[str]:
    """Differences in files that are understood, a sentence for each file."""
    found: dict[str, dict[str, str]] = {}
    for pair in comparison.pairs():
        for difference in pair.left:
            if difference.effect == "understood" and not difference.is_caveat:
                found.setdefault(difference.path, {}).setdefault(difference.name, difference.reason)
    for path, names in list(found.items())[:MOST_FILES_TOLD]:
        yield _of_file(path, names)
    if len(found) > MOST_FILES_TOLD:
        yield f"{words.count(len(found) - MOST_FILES_TOLD, 'more file')} differ only in times, paths or ids"


def _of_file(path: str, names: dict[str, str]) -> str:
    parts = [name.removeprefix(path).removeprefix(" > ") for name in names]
    named = [_shortened(part) for part in parts if part]
    more = [words.count(len(named) - 3, "more place")] if len(named) > 3 else []
    where = f" at {words.listed([*named[:3], *more])}" if named else ""
    reasons = words.listed(list(dict.fromkeys(names.values()))[:3])
    return f"{path} differs between trials{where}; this does not count ({reasons})"


def _shortened(part: str) -> str:
    """The two ends of a long name: Lightning names the state of a callback by all of its settings."""
    return part if len(part) <= MOST_OF_A_NAME else f"{part[: MOST_OF_A_NAME // 2]}…{part[-MOST_OF_A_NAME // 2 :]}"


def _printed(comparison: Comparison) -> Iterator[str]:
    """Name a line that only some trials printed, if it does not count."""
    found = [difference for pair in comparison.pairs() for difference in pair.left if difference.is_caveat]
    if found:
        a, b = found[0].values
        yield f"not every trial printed the same lines to {found[0].path}: only some printed {(a or b)[:200]!r}"


def _whole_pairs(comparison: Comparison) -> list[tuple[TrialTrace, TrialTrace]]:
    """The first whole trial with each of the others."""
    whole = [trial.trial for trial in comparison.aligned if trial.whole]
    return [(whole[0], other) for other in whole[1:]]
