"""Runs `samebits check`, `record`, `compare` and `report`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from samebits import requests
from samebits.cli import answers, audit, clients, inquiries, latest, metrics, pyproject, statements
from samebits.cli.parser import launching, plain, record_argument
from samebits.errors import UsageError
from samebits.options import OPTIONS, REPORTS
from samebits.reports import report_of_result
from samebits.words import one_line

if TYPE_CHECKING:
    from samebits.checks import Check
    from samebits.model import Result
    from samebits.reports.tree import Report
    from samebits.store.record import Record


CHECK_TEXT = """Run a training command several times in fresh processes, and say whether the trained model is the same
each time, bit for bit. If not, name the first thing that differs.

`samebits check train.py --lr 0.1` is short for `samebits check -- python train.py --lr 0.1`. In the command, {out} and
{trial} stand for the trial's own output folder and its number.

Exit status: 0 repeated, 1 diverged, 2 wrong use or an error (with --bisect: 128), 3 inconclusive (with --bisect:
125)."""

# options that exclude --add
EXCLUDED = {
    "command": "a command",
    "against": "--against",
    "golden": "--golden",
    "out": "--out",
    "overwrite": "--overwrite",
}


def run_check(**given: Any) -> int:
    """Check a training, and answer."""
    given = pyproject.without_excluded(given, [*EXCLUDED])
    is_default = click.get_current_context().get_parameter_source("trials") is ParameterSource.DEFAULT
    given["trials"] = requests.trials(given, is_default=is_default)
    if given["show_options"]:
        answers.say(pyproject.shown_options(given))
        return 0
    requests.refuse_platform()
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    ended = _add(given) if given["add"] else _check(given)
    return answers.answer(ended.result, targets, ended.experiment.record, all_notes=given["notes"])


def _check(given: dict[str, Any]) -> Check:
    requests.refuse_golden_options(given)
    against = latest.named(given["against"]) if given["against"] else None
    request = requests.request({**given, "against": against}, "check")
    if given["golden"]:
        from samebits import golden

        with answers.shown_progress() as progress:
            return golden.check(request, Path(given["golden"]), progress, update=given["update"])
    from samebits import checks

    with answers.shown_progress() as progress:
        return checks.run(request, progress)


def _add(given: dict[str, Any]) -> Check:
    number, record = given["add"]
    for name, flag in EXCLUDED.items():
        if given[name]:
            raise UsageError(
                f"--add and {flag} exclude each other: the record says what to run, and takes the new trials.",
                f"samebits check --add {number} {record}",
            )
    record = latest.named(record)
    from samebits import checks

    with answers.shown_progress() as progress:
        addition = checks.Addition(number, **{name: given[name] for name in checks.OF_ADDITION})
        return checks.run_more(Path(record), addition, progress)


CHECK = pyproject.configured(launching("check", run_check, "Does this training repeat, bit for bit?\n\n" + CHECK_TEXT))


RECORD_TEXT = """The record has no verdict. Later, `samebits check --against RECORD` compares new trials with it, and
`samebits check --add N RECORD` adds trials to it."""


def run_record(**given: Any) -> int:
    """Record a training, and name the record."""
    requests.refuse_platform()
    request = requests.request(given, "record")
    from samebits import checks

    with answers.shown_progress() as progress:
        recording = checks.record(request, progress)
    folder = one_line(shlex.quote(str(recording.folder)))
    if recording.exit_code:
        answers.say(one_line(f"Recorded in {folder}, but the run did not end well: {recording.trial.why}"))
        answers.say(f"\n   next   samebits report {folder}\n")
    else:
        again = one_line(shlex.join(request.command))
        answers.say(
            f"Recorded in {folder}\n"
            f"   next   samebits check --add 4 {folder}   (repeats this run)\n"
            f"          samebits check --against {folder} -- {again}   (after a change)\n"
        )
    return recording.exit_code


RECORD = launching("record", run_record, "Run a training once, and keep what was observed.\n\n" + RECORD_TEXT)


COMPARE_TEXT = """Do two recorded runs, commits or releases have the same bits?

samebits judges the trials of both records together. It numbers the trials of the second record
after those of the first. Notes say how the setups of the two differ.

With --commits or --packages, samebits first checks the command on both sides, and then compares. It checks commits in a
git worktree (see samebits bisect). Each release gets its own environment, which has all your other packages too. With
--same-weights, the trials of the second side begin with the initial weights of the first one.

If layers have different names in the two records, samebits aligns them by their order and shapes. Notes list these
layers, and layers that only one record has.

Exit status: as for `samebits check`."""


def run_compare(words: tuple[str, ...], **given: Any) -> int:
    """Judge two records together, and answer."""
    targets = {option.name: given.pop(option.name) for option in REPORTS}
    answers.check_targets(targets)
    sides = [name for name in ("commits", "packages") if given[name]]
    if len(sides) == 2:
        raise UsageError("--commits and --packages exclude each other.", "leave one out.")
    if given["same_weights"] and not sides:
        raise UsageError("--same-weights needs trials to run.", "add --commits A B or --packages A B.")
    if sides:
        first, second = _checked_sides(words, given)
    elif len(words) > 2:
        usage = "samebits compare [OPTIONS] [RECORD] [RECORD] (more: samebits compare --help)"
        raise UsageError(f"compare takes two records, and {len(words)} were given.", usage)
    else:
        first, second = (Path(latest.named(name)) for name in (*words, *("last-1", "last")[len(words) :]))
    from samebits.kept_record import judged_pair

    joined, result = judged_pair(first, second)
    return answers.answer(result, targets, replace(joined, names=given["commits"] or ("", "")))


def _checked_sides(words: tuple[str, ...], given: dict[str, Any]) -> tuple[Path, Path]:
    """Check the command at two commits, or with two releases, and return both records."""
    requests.refuse_platform()
    usage = "compare --commits A B" if given["commits"] else "compare --packages A B"
    names = given["commits"] or given["packages"]
    if names[1].startswith("-"):
        raise UsageError(f"compare needs two sides, and only {names[0]} is named.", f"samebits {usage} -- COMMAND")
    request = requests.local_request({**given, "command": requests.training_command(words)}, usage, "compare")
    from samebits import bisection

    same = given["same_weights"]
    if given["packages"]:
        return bisection.records_of_packages(request, names, answers.titled_progress, same_weights=same)
    if bisection.repository_of(request.directory).is_changed:
        answers.say("samebits: changes that are not committed are not part of either side\n", sys.stderr)
    setup = given["setup"]
    return bisection.records_of_commits(request, names, setup, answers.titled_progress, same_weights=same)


COMPARE = plain(
    "compare",
    run_compare,
    COMPARE_TEXT,
    OPTIONS["compare"],
    [click.Argument(["words"], nargs=-1, type=click.UNPROCESSED, metavar="[RECORD RECORD | -- COMMAND ...]")],
)


REPORT_TEXT = """Show a record again, on the screen or as a file.

samebits judges the record again and shows it; options write it as a page, Markdown, JSON or JUnit XML. RECORD is the
folder that a check, record, explain, locate, vary, noise, audit or study wrote. --statement and --paper take the record
of a check.

Exit status: as for `samebits check`."""


def run_report(record: str, statement: str | None, *, paper: bool, notes: bool, **targets: str | None) -> int:
    """Judge a record again, and answer."""
    answers.check_targets({**targets, "statement": statement})
    record = latest.named(record, latest.READABLE)
    show = _other_report(Path(record))
    if show is not None:
        if paper or statement:
            advice = "name the record of a check, or leave --statement and --paper out."
            raise UsageError(f"{record} is not the record of a check.", advice)
        return show(Path(record), targets)
    _refuse_unreadable(Path(record))
    from samebits.kept_record import judged, reported
    from samebits.store.record import open_record

    opened = open_record(record)
    if paper:
        if statement or any(targets.values()):
            raise UsageError("--paper prints a paragraph, and writes no report.", "leave the other options out.")
        return statements.show_paragraph(judged(opened))
    report = _report_again(reported(opened), opened, targets, all_notes=notes)
    status = answers.present(report, targets, quiet=statement == answers.SCREEN)
    return statements.write_statement(statement, opened, judged(opened)) if statement else status


def _other_report(record: Path) -> Callable[[Path, answers.Targets], int] | None:
    """Return what shows the record of a command that is not a check; None for that of a check."""
    own = {"vary.json": inquiries.show_vary, "noise.json": metrics.show_noise, "audit.json": audit.show_audit}
    shows = {**own, **clients.named("FOLDER_REPORTS")}
    return next((show for name, show in shows.items() if (record / name).is_file()), None)


def _report_again(result: Result, record: Record, targets: answers.Targets, *, all_notes: bool) -> Report:
    report = report_of_result(result, record, targets, all_notes=all_notes)
    if result.divergence is None:
        return report
    from samebits.patches.report import of_record  # here, because it imports more than reports need

    return replace(report, blocks=(*of_record(record.folder), *report.blocks))


def _refuse_unreadable(folder: Path) -> None:
    """Raise UsageError if the folder may belong to a client that cannot be imported."""
    is_unknown = folder.is_dir() and not (folder / "record.json").is_file() and any(folder.glob("*.json"))
    broken = clients.broken() if is_unknown else []
    if broken:
        what = f"{folder} has no record.json. A command that is broken here may have written the folder"
        raise UsageError(f"{what}: {'; '.join(broken)}", "pip check")


REPORT = plain("report", run_report, REPORT_TEXT, OPTIONS["report"], [record_argument()])
