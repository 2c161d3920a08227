"""Runs `samebits bisect`: which commit changed the bits?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from samebits import requests, words
from samebits.cli import answers
from samebits.cli.parser import Reads, plain
from samebits.options import OPTIONS, read_text

if TYPE_CHECKING:
    from samebits.bisection import Bisection, TriedCommit
    from samebits.bisection.documents import Outcome

__all__ = ["BISECT"]

BISECT_TEXT = """Find the first commit between GOOD and BAD whose bits differ from those of GOOD.

samebits checks commits in a git worktree, so your own files stay as they are. A commit counts only if its own trials
agree. samebits leaves out a commit that cannot be set up or gives no answer, and the report names it. Files that git
does not track are not in the worktree. In the command of --setup, $SAMEBITS_TREE is the folder that you are in:
--setup 'ln -s "$SAMEBITS_TREE/data" data'.

Exit status: 0 found, 2 wrong use or an error, 3 not found."""

_TITLES: dict[Outcome, str] = {"skipped": "left out", "uncertain": "uncertain"}


def run_bisect(good: str, bad: str, command: tuple[str, ...], **given: Any) -> int:
    """Find the commit, and name it."""
    requests.refuse_platform()
    target = given.pop("json")
    answers.check_targets({"json": target})
    values = {**given, "command": requests.training_command(command)}
    request = requests.local_request(values, "bisect GOOD BAD", "bisect")
    from samebits.bisection import bisect
    from samebits.reports.presenters import json_

    bisection = bisect(request, (good, bad), given["setup"], answers.titled_progress)
    stream = sys.stderr if target == answers.SCREEN else sys.stdout
    answers.say("".join(f"{words.printable(line)}\n" for line in _lines(bisection, good, bad)), stream)
    if target:
        answers.write_text("json", target, json_.text_of(bisection.document(good, bad)))
    return bisection.exit_code


def _lines(bisection: Bisection, good: str, bad: str) -> Iterator[str]:
    """Yield the answer, then what was tried."""
    tried = bisection.tried
    names = [tried[commit].name if commit in tried else commit for commit in bisection.first_bad]
    if not names:
        yield f"?  NOT FOUND: {bad} has the same bits as {good}, so samebits did not search between them."
    elif len(names) == 1:
        yield f"=  FOUND: {names[0]} is the first commit whose bits differ from those of {good}."
    else:
        yield f"?  NOT FOUND: one of {len(names)} commits changed the bits. Only the newest of them gives an answer."
        yield from (f"   perhaps    {name}" for name in names)
    for row in bisection.of("bad"):
        if row.commit in bisection.first_bad:
            yield from _difference(row)
    counts = [f"{len(bisection.of(outcome))} {label}" for outcome, label in _COUNTED.items() if bisection.of(outcome)]
    yield f"   tried      {words.count(len(bisection.tried), 'commit')}: {', '.join(counts)}"
    for outcome, title in _TITLES.items():
        yield from (f"   {title:<9}  {row.name}: {row.why}" for row in bisection.of(outcome))
    yield f"   records    {bisection.folder}/*"


_COUNTED: dict[Outcome, str] = {
    "good": "with the same bits",
    "bad": "with different bits",
    "skipped": "left out",
    "uncertain": "whose own trials diverge",
}


def _difference(row: TriedCommit) -> Iterator[str]:
    from samebits.reports import result_words

    if row.result is not None and row.result.divergence is not None:
        yield f"   where      {' > '.join(result_words.path(row.result.divergence))}"
        yield from [f"   what       {row.result.divergence.detail}"] if row.result.divergence.detail else []
        yield from (f"   agree      {text}" for text in row.result.agrees)


def _word(name: str) -> click.Argument:
    return click.Argument([name], type=Reads(read_text, name), metavar=name.upper())


BISECT = plain(
    "bisect",
    run_bisect,
    "Which commit changed the bits?\n\n" + BISECT_TEXT,
    OPTIONS["bisect"],
    [
        _word("good"),
        _word("bad"),
        click.Argument(["command"], nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND ..."),
    ],
)
