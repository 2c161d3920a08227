"""Runs the commands that ask why and where trials diverge, and which patch helps.

They are `samebits explain`, `locate`, `ops`, `vary`, `fix` and `why`.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits import requests
from samebits.cli import answers, latest
from samebits.cli.parser import launching, plain, record_argument
from samebits.errors import UsageError
from samebits.options import OPTIONS, REPORTS

if TYPE_CHECKING:
    from samebits.checks import Check
    from samebits.model import Result
    from samebits.ops import ReplayResult
    from samebits.patches.documents import PatchResult
    from samebits.store.record import Record
    from samebits.vary.result import VaryResult

__all__ = ["EXPLAIN", "FIX", "LOCATE", "OPS", "VARY", "WHY", "show_vary"]

EXPLAIN_TEXT = """Find out why trials diverge: the smallest set of controls with which they repeat, and what it costs.

`samebits explain RECORD` takes the command, folder, options and controls from the record of a check. With a command,
samebits checks it first, and -n is the number of trials of that check.

samebits holds some controls and leaves out others, until it finds a set that is necessary and sufficient. It runs so
many trials with this set that fewer than 1 in 100 searches accept a control without effect.

Exit status: 1 if the trials diverge (whether or not a cause is found), 0 if there is nothing to explain, 3 if they give
no answer, 2 wrong use or an error."""


def run_explain(**given: Any) -> int:
    """Check a command or open a record, search for the cause, and answer."""
    requests.refuse_platform()
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    ended, _ = _explained(given, "explain")
    return answers.answer(ended.result, targets, ended.experiment.record)


def _explained(given: dict[str, Any], command: str) -> tuple[Check, PatchResult | None]:
    request = requests.asked({**given, "command": latest.record_or_training(given["command"], command)}, command)
    with answers.shown_progress(given["ask"]) as progress:
        if isinstance(request, Path):
            progress.note(f"reads the trials of {request}")  # before the imports, which take a second
        from samebits import causes
        from samebits.patches.shown_lines import with_patch

        again = command == "explain"
        checked = causes.run(request, progress, run=given["run"], alternatives=given["alternatives"], again=again)
        return with_patch(checked, progress, run=given["run"])


EXPLAIN = launching(
    "explain", run_explain, "Why do trials diverge, and what is the cheapest control?\n\n" + EXPLAIN_TEXT
)


LOCATE_TEXT = """Narrow down where trials diverge: step, phase, module, operator.

`samebits locate RECORD` takes the record of a check. With a command, samebits checks it first.

samebits runs as many trials as the record has, up to the step in which they diverged. It inspects the modules of that
step, and then its operators. With a RECORD, the options of a check have no effect: the record already holds them.

Exit status: 1 if they diverge, 0 if there is nothing to locate, 3 if they did not diverge again or the record has no
answer, 2 wrong use or an error."""


def run_locate(**given: Any) -> int:
    """Check a command or open a record, locate the divergence, and answer."""
    requests.refuse_platform()
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    record, result = _located(given)
    if result.verdict != "diverged":
        _say_nothing_to_locate(result)
        return answers.answer(result, targets, record)
    from samebits.model import EXIT_CODES

    status = answers.answer(result, targets, record)
    return status if result.location is not None and result.location.found else EXIT_CODES["inconclusive"]


def _located(given: dict[str, Any]) -> tuple[Record, Result]:
    request = requests.asked({**given, "command": latest.record_or_training(given["command"], "locate")}, "locate")
    from samebits import localization

    with answers.shown_progress(given["ask"]) as progress:
        return localization.run(request, progress, run=given["run"], heat=given["heat"])


def _say_nothing_to_locate(result: Result) -> None:
    if result.verdict == "repeated":
        trials = sum(len(group) for group in result.groups)
        answers.say(f"Nothing to locate: repeated in {trials} of {trials} trials.\n", sys.stderr)
        return
    answers.say("Nothing to locate: the record has no answer.\n", sys.stderr)


LOCATE = launching("locate", run_locate, "At which module and operator do trials diverge?\n\n" + LOCATE_TEXT)


OPS_TEXT = """Run a training with PyTorch up to the end of a step. Then run each operator of that step, in forward,
backward and optimizer, several times more on the same inputs, and compare its outputs bit for bit. The training
itself does not change.

`samebits ops RECORD` shows what an earlier replay found.

Exit status: 0 no operator differed, 1 at least one did, 2 wrong use or an error, 3 nothing was replayed."""


def run_ops(**given: Any) -> int:
    """Run or read a replay, and answer."""
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    result = _read(given["command"]) or _replay(given)
    from samebits.ops.report import report

    return answers.present(report(result), targets)


def _read(words: tuple[str, ...]) -> ReplayResult | None:
    """Return the result of an earlier replay if its record is given instead of a command, else None."""
    if not requests.names_a_record(words):
        return None
    from samebits.ops import read

    return read(Path(words[0]))


def _replay(given: dict[str, Any]) -> ReplayResult:
    requests.refuse_platform()
    request = requests.request(given, "ops")
    from samebits.ops import replay

    with answers.shown_progress() as progress:
        return replay(request, given["step"], given["repeats"], progress=progress)


OPS = launching("ops", run_ops, "Which operators of a step differ when they are run again?\n\n" + OPS_TEXT)


VARY_TEXT = """Hold the setup, vary one factor of the machine at a time, and say on which factors the trained bits
depend.

`--factor threads=1,2` names the values, the base value first. `--factor threads` uses the factor's own values.
Without --factor, samebits varies every factor that it can vary here. `--factor isa` stands for the instruction sets of
each library.

samebits first compares the trials of each value with each other, so that noise does not look like dependence.

Exit status: 0 the bits depend on nothing that was varied, 1 they depend on something, 2 wrong use or an error, 3 no
answer."""


def run_vary(**given: Any) -> int:
    """Vary the factors, and answer."""
    requests.refuse_platform()
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    requests.refuse_record(given["command"], "is a record, and vary takes a command")
    request = requests.request(given, "vary")
    from samebits.vary import vary

    return _answer(vary(request, list(given["factors"]), partial(answers.titled_progress, ask=given["ask"])), targets)


def show_vary(folder: Path, targets: answers.Targets) -> int:
    """Show the result of an earlier vary."""
    from samebits.vary import read

    return _answer(read(folder), targets)


def _answer(result: VaryResult, targets: answers.Targets) -> int:
    from samebits.vary.report import report

    return answers.present(report(result), targets)


VARY = launching("vary", run_vary, "On which factors of the machine do the trained bits depend?\n\n" + VARY_TEXT)


FIX_TEXT = """Make the patch for the cause that `samebits explain` found: a unified diff with file and line.

samebits runs the command of the RECORD once more, up to the step in which its trials diverged. So it sees which lines
of the program run, and which of them draws the first random number. Without --apply no file changes.

--apply puts the patch into the files and checks again: the same command and options, at least as many trials. If the
trials repeat, the patch stays. If not, or if samebits is stopped, samebits restores the files. After a `kill -9`,
`samebits fix --restore RECORD` does that.

A patch seeds generators, sets options of libraries, and puts sorted(...) around sets and listings of folders. If the
cause needs a different change, the answer shows the lines of the program to change, and what to write.

Exit status: 0 if there is a patch (with --apply: the trials repeat with it), if there is nothing to fix, or if the
files are restored; 1 if the trials diverge with the patch; 3 if there is no patch for the cause, or no
answer; 2 wrong use or an error."""


def run_fix(record: str, **given: Any) -> int:
    """Make the patch, try it if --apply is given, and answer."""
    requests.refuse_platform()
    targets = {**{option.name: given[option.name] for option in REPORTS}, "patch": given["patch"]}
    answers.check_targets(targets)
    from samebits.patches import FixRequest, fix
    from samebits.patches.report import report

    flags = {name: given[name] for name in ("apply", "run", "restore")}
    request = FixRequest(Path(latest.named(record)), **flags)
    if request.apply and request.restore:
        raise UsageError("--apply and --restore cannot go together.", "give one: --apply restores the files first.")
    with answers.shown_progress(given["ask"]) as progress:
        result = fix(request, progress)
    patch = targets.pop("patch")
    status = answers.present(report(result), targets, quiet=patch == answers.SCREEN)
    if patch:
        answers.write_bytes("patch", patch, result.patch.encode("utf-8", "surrogateescape"))
    return status


FIX = plain("fix", run_fix, "Which patch removes the cause?\n\n" + FIX_TEXT, OPTIONS["fix"], [record_argument()])


WHY_TEXT = """Check a training, find out why its trials diverge, and make the patch: check, explain and fix in one
command.

With a RECORD, or without a command (then with the latest record), samebits does not check again. --apply puts the patch
into the files, and checks once more. Without --apply no file changes.

Exit status: 0 if the trials repeat (with --apply: with the patch), 1 if they diverge, 3 if there is no answer (with
--apply: if no patch removes the cause), 2 wrong use or an error."""


def run_why(**given: Any) -> int:
    """Check a command or open a record, search for the cause, make its patch, and answer."""
    requests.refuse_platform()
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    ended, patch = _explained({**given, "alternatives": False}, "why")
    status = answers.answer(ended.result, targets, ended.experiment.record)
    if patch is None:
        return status
    from samebits.patches import FixRequest, fix
    from samebits.patches.report import report

    if given["apply"]:
        with answers.shown_progress(given["ask"]) as progress:
            patch = fix(FixRequest(ended.experiment.folder, apply=True, run=given["run"]), progress)
    notes = ended.result.explanation.notes if ended.result.explanation else []
    patch = patch.model_copy(update={"notes": [note for note in patch.notes if note not in notes]})
    fixed = answers.present(report(patch), {}, quiet=answers.SCREEN in targets.values())
    return fixed if given["apply"] else status


WHY = launching("why", run_why, "Does it repeat? If not: why, and which patch helps?\n\n" + WHY_TEXT)
