"""Sentences about a comparison: the verdict with its scope, and warnings about files and printed lines.

The warnings say what was not compared, and which differences are understood.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from samebits import words
from samebits.comparison.traces.beside import is_place
from samebits.comparison.verdict.groups import Comparison
from samebits.model import Divergence, Scope

MOST_FILES = 3  # that one sentence names


def repeated(comparison: Comparison, scope: Scope, leak: str | None = None) -> str:
    """``5 trials, one model: all 1,200 steps have the same bits.``, and what limits that."""
    sentence = _repeated(comparison, scope)
    return f"{sentence[:-1]}, but {leak}." if leak else sentence


def _repeated(comparison: Comparison, scope: Scope) -> str:
    trials = words.count(len(comparison.aligned), "trial")
    steps, files = scope.steps_compared, scope.files_compared
    if steps == 0:
        what = "the file has" if files == 1 else f"all {files:,} files have" if files else "the printed lines have"
        return f"{trials}, one outcome: {what} the same content."
    if scope.kind == "prefix":
        first = f"{words.beginning(steps, 'step')} {words.agree(steps, 'has', 'have')}"
        return f"{trials}, one model so far: {first} the same bits."
    what = "its one step has" if steps == 1 else f"all {words.count(steps, 'step')} have"
    return f"{trials}, one model: {what} the same bits."


def diverged(comparison: Comparison, divergence: Divergence) -> str:
    """``5 trials, 3 models: they diverge at step 0 (gradient of embed.weight).``"""
    trials = words.count(len(comparison.aligned), "trial")
    steps = any(trial.steps for trial in comparison.aligned)
    what = words.count(len(comparison.groups), "model" if steps else "outcome")
    return f"{trials}, {what}: they diverge {_when(divergence)} ({_what(divergence)}){_files(comparison, divergence)}."


def _files(comparison: Comparison, divergence: Divergence) -> str:
    """``; the file policy.bin differs too``: names a file that differs, if the divergence is a value in memory."""
    sentence = different_files(comparison, divergence) if divergence.kind == "end" else ""
    return f"; {sentence}" if sentence else ""


def different_files(comparison: Comparison, divergence: Divergence) -> str:
    """``the file policy.bin differs too``: files of the trials that differ in something that counts.

    Empty if there are none, or if the divergence itself is a file.
    """
    written = {file.path for trial in comparison.aligned for file in trial.trial.files.files}
    unlike = {file.path for pair in comparison.against_reference().values() for file in pair.files} & written
    if not unlike or any(divergence.name == path or divergence.name.startswith(path + " >") for path in unlike):
        return ""
    first_files = sorted(unlike)[:MOST_FILES]
    more = f" (and {len(unlike) - len(first_files)} more)" if len(unlike) > len(first_files) else ""
    verb = words.agree(len(unlike), "the file {} differs too", "the files {} differ too")
    return verb.format(words.listed(first_files) + more)


def _what(divergence: Divergence) -> str:
    """Return the kind and the name of the point, and the process if it has a name."""
    kind, name = divergence.kind, divergence.name or "?"
    where = f" in the process {divergence.process.name}" if divergence.process.name else ""
    of = f"input {name} of the batch" if kind == "batch" and name.isdecimal() else f"{kind} of {name}"
    return f"{kind if name == kind else of}{where}"


def _when(divergence: Divergence) -> str:
    if divergence.kind == "end":
        return "after the last step"
    if not divergence.process.trains:
        return "in a process that makes no step"
    place = divergence.within
    in_epoch = f", {words.step_place(place)}" if words.step_place(place) else ""
    in_line = f"line {place['line']:,} of " if "line" in place else ""
    in_cell = f", in {in_line}the cell In [{place['cell']}]" if "cell" in place else ""
    return words.at_step(divergence.step) + in_epoch + in_cell


MOST_SENTENCES = 12
MOST_OF_A_NAME = 80  # how many characters of a place in a file are shown


def file_caveats(comparison: Comparison) -> Iterator[str]:
    """Yield what limits the comparison of files and printed lines."""
    for look in (_errors, _file_limits, _elsewhere, _printed, _by_name):
        yield from look(comparison)


def file_understood(comparison: Comparison) -> Iterator[str]:
    """Yield the differences that are understood, and patterns of --ignore that matched nothing."""
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
            removed, them = words.listed(files.gone[:3]), words.agree(len(files.gone), "it", "them")
            yield f"trial {trial.id} removed {removed} before samebits could read {them}"
        if files.found > len(files.files):
            yield f"only {len(files.files):,} of {files.found:,} files that trial {trial.id} wrote were compared"
        for file in (*files.files, *files.printed):
            if file.lines is not None and file.lines.cut and file.format in ("text", "printed"):
                yield f"only the first and the last lines of {file.path} were compared: it is too long"


def _elsewhere(comparison: Comparison) -> Iterator[str]:
    """Name texts and tables outside of the folders of the trials."""
    trials = [aligned.trial for aligned in comparison.aligned]
    paths = sorted({trial.without_folders(path) for trial in trials for path in trial.files.elsewhere})
    if paths:
        some, verb = words.listed([shlex.quote(path) for path in paths[:3]]), words.agree(len(paths), "was", "were")
        rest = f" and {words.count(len(paths) - 3, 'more file')}" if len(paths) > 3 else ""
        yield (
            f"{some}{rest} {verb} not compared: a text or a table outside of the working folder needs --artifact "
            "(or --ignore, if it does not count)"
        )


def _ignores(comparison: Comparison) -> Iterator[str]:
    whole = [trial.trial.files for trial in comparison.aligned if trial.whole]
    for pattern in comparison.ignores if whole else []:
        if not is_place(pattern) and all(pattern in files.ignores_without_match for files in whole):
            yield f"the pattern {pattern} of --ignore matches no file that the trials wrote"


def _understood(comparison: Comparison) -> Iterator[str]:
    """Yield the differences in files that are understood, all in one sentence."""
    reasons = _reasons(comparison, by_name=False)
    if reasons:
        yield _of_files(reasons)


def _reasons(comparison: Comparison, *, by_name: bool) -> dict[str, dict[str, str]]:
    """Return file -> place -> why the difference there is understood."""
    reasons: dict[str, dict[str, str]] = {}
    for pair in comparison.pairs():
        for difference in pair.left:
            if (difference.effect, difference.is_caveat, difference.by_name) == ("understood", False, by_name):
                reasons.setdefault(difference.path, {}).setdefault(difference.name, difference.reason)
    return reasons


def _by_name(comparison: Comparison) -> Iterator[str]:
    """Name the places that only their names explain, because no trials with a faster clock could explain them."""
    for path, names in list(_reasons(comparison, by_name=True).items())[:MOST_SENTENCES]:
        yield _of_files({path: names})


def _of_files(reasons: dict[str, dict[str, str]]) -> str:
    """Return the sentence about files, from file -> place -> why the difference there is understood."""
    more = [words.count(len(reasons) - MOST_FILES, "more file")] if len(reasons) > MOST_FILES else []
    files = [f"{path}{_where(names)}" for path, names in list(reasons.items())[:MOST_FILES]]
    differ = f"{words.listed([*files, *more])} differ between trials"
    if len(reasons) == 1:
        path, names = next(iter(reasons.items()))
        differ = f"{path} differs between trials{_where(names)}"
    why = words.listed(list(dict.fromkeys(reason for names in reasons.values() for reason in names.values()))[:3])
    return f"{differ}; this does not count ({why})"


def _where(names: dict[str, str]) -> str:
    """Return the places in a file at which it differs; "" if the whole file does."""
    parts = [name.partition(" > ")[2] for name in names]
    places = [_shortened(part) for part in parts if part]
    more = [words.count(len(places) - 3, "more place")] if len(places) > 3 else []
    return f" at {words.listed([*places[:3], *more])}" if places else ""


def _shortened(part: str) -> str:
    """Return the two ends of a long name. Lightning names the state of a callback by all its settings."""
    return part if len(part) <= MOST_OF_A_NAME else f"{part[: MOST_OF_A_NAME // 2]}…{part[-MOST_OF_A_NAME // 2 :]}"


def _printed(comparison: Comparison) -> Iterator[str]:
    """Name a line that only some trials printed, if it does not count."""
    caveats = [difference for pair in comparison.pairs() for difference in pair.left if difference.is_caveat]
    if caveats:
        a, b = caveats[0].values
        yield f"not every trial printed the same lines to {caveats[0].path}: only some printed {(a or b)[:200]!r}"
