"""Compares a statement with files, with its record, and with new trials."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from samebits import checks, words
from samebits.errors import NotFoundError, UsageError
from samebits.experiment import Progress, Request
from samebits.kept_record import judged
from samebits.launch.files.working_folder import SharedFolder
from samebits.model import Result, Verdict
from samebits.statements.claim import COMMIT, Claim, Resource
from samebits.statements.model_files import model_files, parts_of, sha256, whole_trial
from samebits.store import open_record

__all__ = ["Verification", "read_claims", "verify"]

Contents = Mapping[str, Mapping[str, str]]  # name of a file -> the fingerprints of its parts


class Verification(NamedTuple):
    """The answer. `verdict`: `repeated` if the statement holds. `lines`: what was compared. `result`: of new trials."""

    verdict: Verdict
    sentence: str
    lines: list[str]
    result: Result | None = None


def read_claims(path: Path) -> list[Claim]:
    """Read a file with a statement on each line. Raises UsageError for anything else."""
    advice = "name the file that `samebits report --statement FILE` wrote, not a signature or a bundle."
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        claims = [Claim.model_validate_json(line) for line in lines if line.strip()]
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.", advice) from None
    except ValidationError as why:
        raise UsageError(f"{path} holds no statement of samebits: {_fault(why)}.", advice) from None
    except (OSError, UnicodeDecodeError) as why:
        raise UsageError(f"{path} cannot be read: {why}.", advice) from None
    if not claims:
        raise UsageError(f"{path} is empty.", advice)
    for claim in claims:
        if not claim.predicate.is_consistent:
            said = f"the result {claim.predicate.result} does not follow from its tests"
            raise UsageError(f"{path} was changed: {said}.", "get the statement again from its author.")
    return claims


def _fault(why: ValidationError) -> str:
    first = why.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return words.one_line(f"{place}: {first['msg']}" if place else first["msg"])


def verify(
    claim: Claim, folder: Path, request: Request | None = None, progress: Progress | None = None
) -> Verification:
    """Compare the files that a statement names with its digests; with a request, also train again.

    `folder`: that of the statement, in which its files are looked for after the current one. Raises NotFoundError for a
    file that is missing.
    """
    files = {one.name: _found(one, folder) for one in claim.subject if "sha256" in one.digest}
    changed = [name for name, path in files.items() if path is not None and not _is_same(claim, name, path)]
    lines = [f"{words.count(len(files), 'file')} with the digest of the statement: {words.first_few([*files], 5)}"]
    if changed:
        what = words.agree(len(changed), "is not the file", "are not the files")
        return Verification("diverged", f"{words.listed(changed)} {what} of the statement.", [])
    missing = [name for name, path in files.items() if path is None]
    if missing:
        places = words.listed(dict.fromkeys([Path.cwd(), folder.absolute()]))
        what = f"{words.listed(missing)} {words.agree(len(missing), 'is', 'are')} not in {places}."
        raise NotFoundError(what, "copy the files of the model there.")
    lines += _of_record(claim, folder)
    if request is None:
        return Verification("repeated", "the files are those of the statement.", lines)
    paths = {name: path for name, path in files.items() if path is not None}
    contents = {name: parts_of(path) for name, path in paths.items()}
    _refuse_changed(claim, request.directory)
    with _set_aside(paths.values(), request.directory):
        return _trained_again(claim, contents, request, progress, lines)


def _found(one: Resource, folder: Path) -> Path | None:
    return next((path for path in (Path(one.name), folder / one.name) if path.is_file()), None)


def _is_same(claim: Claim, name: str, path: Path) -> bool:
    return any(one.name == name and one.digest.get("sha256") == sha256(path) for one in claim.subject)


def _of_record(claim: Claim, folder: Path) -> Iterator[str]:
    """Yield a line about the record, if it is here. Raises UsageError if its verdict is not that of the statement."""
    entry = next((one for one in claim.predicate.configuration if Path(one.name).name == "record.json"), None)
    path = _found(entry, folder) if entry is not None else None
    if entry is None or path is None:
        yield "the record is not here, so its verdict was not compared"
        return
    if sha256(path) != entry.digest.get("sha256"):
        raise UsageError(f"{path} is not the record of the statement.", "make the statement again: the record changed.")
    verdict = judged(open_record(path.parent)).verdict
    if verdict != claim.verdict:
        what = f"{path.parent}: its trials {_SAID[verdict]}, but the statement says {claim.predicate.result}."
        raise UsageError(what, "do not trust this statement.")
    yield f"the trials of the record {_SAID[verdict]}, as the statement says"


_SAID = {"repeated": "repeat", "diverged": "diverge", "inconclusive": "give no answer"}


def _refuse_changed(claim: Claim, directory: Path) -> None:
    """Raise UsageError if the program or the pinned versions are here, and are not those of the statement."""
    for one in claim.predicate.configuration:
        path = directory / one.name
        if path.is_file() and path.name != "record.json" and sha256(path) != one.digest.get("sha256"):
            raise UsageError(f"{one.name} is not the file that the statement names.", "check out its commit.")


@contextmanager
def _set_aside(paths: Collection[Path], directory: Path) -> Iterator[None]:
    """Move the files away from the working folder while trials run there, and back afterwards."""
    away = directory / ".samebits" / "verify"
    if away.exists():
        advice = f"move them back, then remove {away}."
        raise UsageError(f"A samebits that was killed left the files of a statement in {away}.", advice)
    inside = [path.resolve() for path in paths if path.resolve().is_relative_to(directory.resolve())]
    moves = {path: away / str(number) / path.name for number, path in enumerate(inside)}
    try:
        for path, place in moves.items():
            place.parent.mkdir(parents=True)
            path.rename(place)
        yield
    finally:
        SharedFolder.settle_all()
        for path, place in moves.items():
            if place.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                place.replace(path)
        shutil.rmtree(away, ignore_errors=True)


def _trained_again(
    claim: Claim, contents: Contents, request: Request, progress: Progress | None, lines: list[str]
) -> Verification:
    ended = checks.run(request, progress)
    result, record = ended.result, open_record(ended.experiment.folder)
    lines = [*lines, *_commits(claim, result), f"{result.verdict}: {result.sentence}"]
    if result.verdict == "inconclusive" or claim.verdict == "diverged":
        holds = result.verdict == claim.verdict
        verdict: Verdict = result.verdict if result.verdict == "inconclusive" else "repeated" if holds else "diverged"
        return Verification(verdict, f"the new trials {_SAID[result.verdict]}.", lines, result)
    trial = whole_trial(record)
    new = {name: file.parts for name, file in model_files(record, trial).items()} if trial is not None else {}
    absent = [name for name in contents if name not in new]
    differing = [name for name in contents if name in new and contents[name] != new[name]]
    if absent:
        return Verification("diverged", f"the new trials left no {words.listed(absent)}.", lines, result)
    if result.verdict == "diverged" or differing:
        has = words.agree(len(differing), "has", "have")
        said = f"{words.listed(differing)} of the new trials {has} different bits"
        return Verification("diverged", f"{said if differing else 'the new trials diverge'}.", lines, result)
    trials = words.count(len(result.groups[0]), "new trial")
    return Verification("repeated", f"{trials} gave the model of the statement, bit for bit.", lines, result)


def _commits(claim: Claim, result: Result) -> Iterator[str]:
    commit = next((one.digest[COMMIT] for one in claim.subject if COMMIT in one.digest), "")
    here = result.setup.code.get("commit") or "no commit"
    if commit and commit != here:
        yield f"the statement is about the commit {commit[:12]}; this is {here[:12]}"
