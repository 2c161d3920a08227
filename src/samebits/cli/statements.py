"""Runs `samebits verify`, and what `samebits report` does for `--statement` and `--paper`."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import Reads, plain
from samebits.errors import UsageError
from samebits.options import OPTIONS, read_text
from samebits.words import printable

if TYPE_CHECKING:
    from samebits.model import Result
    from samebits.store.record import Record

__all__ = ["VERIFY", "show_paragraph", "write_statement"]

NO_ANSWER = 3


def write_statement(target: str, record: Record, result: Result) -> int:
    """Write the statement of a record, and say how to sign it. Return the exit status."""
    if result.verdict == "inconclusive":
        return _refused("no statement was written")
    from samebits.statements import statement_of

    answers.write_text("statement", target, statement_of(record, result).line)
    if target != answers.SCREEN:
        file, bundle = shlex.quote(target), shlex.quote(str(Path(target).with_suffix(".sigstore.json")))
        answers.say(
            f"   statement {file} (not signed)\n"
            f"   sign it   cosign attest-blob --statement {file} --bundle {bundle}   (cosign 3)\n"
            f"   check it  samebits verify {file}\n"
        )
    return result.exit_code


def show_paragraph(result: Result) -> int:
    """Print the paragraph for a paper. Return the exit status."""
    if result.verdict == "inconclusive":
        return _refused("there is nothing to say in a paper")
    from samebits.statements import paragraph

    answers.say(f"{printable(paragraph(result))}\n")
    return result.exit_code


def _refused(what: str) -> int:
    answers.say(f"samebits: the check has no answer, so {what}.\n", sys.stderr)
    return NO_ANSWER


VERIFY_TEXT = """Is this the model of a statement?

samebits compares the files with the digests of the statement that `samebits report --statement FILE` wrote. If the
record is here, samebits judges it again. With a COMMAND, samebits also trains again, and compares the new model with
the files. Meanwhile it sets the files aside, so that the training cannot use or overwrite them.

samebits looks for the files in the current folder, then in the folder of FILE. It does not check signatures.

Exit status: 0 the statement holds, 1 it does not, 2 wrong use or an error, 3 no answer."""


def run_verify(file: str, command: tuple[str, ...], **given: Any) -> int:
    """Verify the statements of a file, and answer."""
    from samebits.statements import read_claims, verify

    path = Path(file)
    claims = read_claims(path)
    if command and len(claims) > 1:
        what = f"{file} holds {len(claims)} statements, and a command can verify only one."
        raise UsageError(what, "give a file that holds one line, or leave the command out.")
    checked = partial(verify, folder=path.parent)
    if command:
        requests.refuse_platform()
        local = {**given, "on": "local", "each": None, "command": requests.training_command(command)}
        request = requests.request(local, "verify FILE")
        with answers.shown_progress() as progress:
            results = [checked(claims[0], request=request, progress=progress)]
    else:
        results = [checked(claim) for claim in claims]
    from samebits.model import EXIT_CODES

    heads = {"repeated": "=  VERIFIED", "diverged": "!= NOT VERIFIED", "inconclusive": "?  NO ANSWER"}
    for claim, result in zip(claims, results, strict=True):
        head = f"{heads[result.verdict]} ({claim.predicate.result})"
        lines = [f"{head}: {result.sentence}", *(f"   {line}" for line in result.lines)]
        answers.say("".join(f"{printable(line)}\n" for line in lines))
    return max(EXIT_CODES[result.verdict] for result in results)


VERIFY = plain(
    "verify",
    run_verify,
    VERIFY_TEXT,
    OPTIONS["verify"],
    [
        click.Argument(["file"], type=Reads(read_text, "statement"), metavar="FILE"),
        click.Argument(["command"], nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND ...]"),
    ],
)
