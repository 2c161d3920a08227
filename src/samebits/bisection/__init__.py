"""Finds the commit that changed the bits of a training: the first one whose bits differ from those of a good commit.

Each commit is set up and checked in a worktree. A commit counts only if its own trials agree; then its record is
compared with that of the good commit.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import samebits
from samebits import checks, words
from samebits.bisection.documents import BisectionResult, CheckedCommit, Outcome
from samebits.bisection.same_weights import InitialWeights
from samebits.bisection.worktree import Repository, Worktree, repository_of, worktree
from samebits.errors import SamebitsError, UsageError
from samebits.experiment import Experiment, Progress, Request
from samebits.kept_record import judged_pair
from samebits.launch.environment import search_path
from samebits.model import Result
from samebits.reports.program_errors import program_error
from samebits.store.record import Record

__all__ = ["Bisection", "TriedCommit", "bisect", "records_of_commits", "records_of_packages", "repository_of"]

Shown = Callable[[str], AbstractContextManager[Progress]]
_FROM_THE_COMMIT = "install the commit: --setup 'pip install -e .'; or give PYTHONPATH a relative path"


class TriedCommit(NamedTuple):
    """A commit that was tried. `name`: its short name and subject. `why`: the reason if it was skipped or is uncertain.

    `result`: the comparison with the good commit, if there is one.
    """

    commit: str
    name: str
    outcome: Outcome
    why: str = ""
    result: Result | None = None


@dataclass
class Bisection:
    """A finished bisection. `folder`: holds the record of each commit. `first_bad`: the first bad commit.

    There are several if some cannot be checked: one of them is it. There is none if the ends have the same bits.
    """

    folder: Path
    tried: dict[str, TriedCommit] = field(default_factory=dict)
    first_bad: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 if the commit is found, else 3."""
        return 0 if len(self.first_bad) == 1 else 3

    def document(self, good: str, bad: str) -> BisectionResult:
        """Return the answer as a document. `good`, `bad`: as they were named."""
        commits = [
            CheckedCommit(
                commit=entry.commit,
                name=entry.name,
                outcome=entry.outcome,
                why=entry.why,
                divergence=entry.result.divergence if entry.result is not None else None,
            )
            for entry in self.tried.values()
        ]
        return BisectionResult(
            samebits=samebits.__version__,
            good=good,
            bad=bad,
            first_bad=self.first_bad,
            commits=commits,
            records=str(self.folder),
        )

    def of(self, outcome: Outcome) -> list[TriedCommit]:
        """Return the commits with an outcome."""
        return [entry for entry in self.tried.values() if entry.outcome == outcome]


def bisect(request: Request, ends: tuple[str, str], setup: str | None, shown: Shown) -> Bisection:
    """Find the first commit between two (good, bad) whose bits differ from those of the good one.

    `request`: for the trials of a commit; its `out` holds their records. `setup`: a shell command
    that runs before the trials. `shown`: shows the progress of the trials of a commit.
    Raises UsageError or NotFoundError if the two commits cannot be compared.
    """
    repository = repository_of(request.directory)
    good, bad = (repository.commit(name) for name in ends)
    if good == bad or not repository.is_ancestor(good, bad):
        what = f"{ends[0]} does not come before {ends[1]}, so no commit between them can be the first bad one."
        raise UsageError(what, "name an older commit whose bits are good, then a newer one.")
    with worktree(repository) as tree:
        search = _Search(repository, tree, request, setup, shown)
        return search.run(good, bad)


def records_of_commits(
    request: Request, names: tuple[str, str], setup: str | None, shown: Shown, *, same_weights: bool = False
) -> tuple[Path, Path]:
    """Check two commits as `bisect` does, and return their records. Raises UsageError if one gives no answer."""
    repository = repository_of(request.directory)
    first, second = (repository.commit(name) for name in names)
    if first == second:
        raise UsageError(f"{names[0]} and {names[1]} are the same commit.", "name two different commits.")
    with worktree(repository) as tree:
        search = _Search(repository, tree, request, setup, shown)
        search.gives_weights = same_weights
        return search.record_of(first, "first"), search.record_of(second, "second")


def records_of_packages(
    request: Request, releases: tuple[str, str], shown: Shown, *, same_weights: bool = False
) -> tuple[Path, Path]:
    """Check with two releases ("torch==2.9", "torch==2.10"), each in its own environment, and return the records."""
    from samebits.environments.releases import package_of, python_with

    assert request.out is not None
    if releases[0] == releases[1]:
        raise UsageError(f"{releases[0]} is named twice.", "name two releases, such as torch==2.9 torch==2.10.")
    python = Path(request.python or sys.executable)
    folders = request.out / releases[0], request.out / releases[1]
    experiments: list[Experiment] = []
    weights: InitialWeights | None = None
    for release, folder in zip(releases, folders, strict=True):
        first = experiments[0] if experiments else None
        with shown(release) as progress:
            chosen = str(python_with(python, release, progress.note))
            with_release = replace(request, python=chosen, out=folder, starts_as=folders[0] if first else None)
            with_release = with_release if weights is None else weights.given_to(with_release, progress)
            check = checks.run(with_release, progress, hash_wanted=first.record.file.hash if first else None)
            if same_weights and weights is None:
                weights = InitialWeights(with_release, progress)
        experiments.append(check.experiment)
    _require_releases(experiments, package_of(releases[0]))
    return folders


class _Search:
    """The search in one worktree."""

    def __init__(
        self, repository: Repository, tree: Worktree, request: Request, setup: str | None, shown: Shown
    ) -> None:
        self._repository, self._tree, self._request = repository, tree, request
        self._setup, self._shown = setup, shown
        self.gives_weights = False  # whether the trials of later commits begin with the weights of the first one
        self._weights: InitialWeights | None = None
        assert request.out is not None
        self._found = Bisection(request.out)
        self._good: Path | None = None  # the record of the good commit

    def run(self, good: str, bad: str) -> Bisection:
        """Check both ends, then the commits between them."""
        self.record_of(good, "good")
        self.record_of(bad, "bad")
        if self._found.tried[bad].outcome == "good":
            return self._found
        goods = [good]
        while (commit := self._next(goods, bad)) is not None:
            outcome = self._try(commit).outcome
            goods += [commit] if outcome == "good" else []
            bad = commit if outcome == "bad" else bad
        self._found.first_bad = self._repository.between(goods, bad)
        return self._found

    def record_of(self, commit: str, what: str) -> Path:
        """Check a commit, and return its record. Raises UsageError if it gives no answer."""
        tried = self._try(commit)
        if tried.outcome in ("skipped", "uncertain"):
            self._refuse(tried, what)
        return self._record(tried.name)

    def _next(self, goods: list[str], bad: str) -> str | None:
        """Return the best commit to try next; None if none is left."""
        return next((name for name in self._repository.between(goods, bad) if name not in self._found.tried), None)

    def _refuse(self, tried: TriedCommit, what: str) -> None:
        record = self._record(tried.name)
        look = f"samebits report {shlex.quote(str(record))} says more. Or name" if record.exists() else "Name"
        answer = f"The {what} commit {tried.name} gives no answer: {tried.why}"
        raise UsageError(answer, f"{look} a different {what} commit.")

    def _record(self, name: str) -> Path:
        return self._found.folder / name.split(" ")[0]

    def _try(self, commit: str) -> TriedCommit:
        name = self._repository.subject(commit)
        place = self._record(name)
        try:
            tried = self._checked(commit, name, place)
        except SamebitsError as why:  # a script that this commit does not have
            tried = TriedCommit(commit, name, "skipped", why.message)
        self._found.tried[commit] = tried
        return tried

    def _checked(self, commit: str, name: str, place: Path) -> TriedCommit:
        self._tree.check_out(commit)
        failure = self._tree.set_up(self._setup, search_path(self._request.python)) if self._setup else ""
        if failure:
            return TriedCommit(commit, name, "skipped", failure)
        request = replace(self._request, directory=self._tree.directory, out=place)
        with self._shown(name) as progress:
            request = request if self._weights is None else self._weights.given_to(request, progress)
            experiment, result = checks.run(request, progress, hash_wanted=self._hash())
            if self.gives_weights and self._weights is None and result.verdict == "repeated":
                self._weights = InitialWeights(request, progress)
        if own := self._repository.tracked(_read(experiment.record)):
            what = f"its trials read {words.first_few(own, 3)} of your own folder, and not of the commit"
            return TriedCommit(commit, name, "skipped", f"{what} ({_FROM_THE_COMMIT})")
        if result.verdict != "repeated":
            outcome: Outcome = "uncertain" if result.verdict == "diverged" else "skipped"
            error = program_error(result, experiment.record)
            quoted = f" Trial {error.trial} said: {error.said}" if error is not None else ""
            return TriedCommit(commit, name, outcome, result.sentence + quoted)
        if self._good is None:
            self._good = place
            return TriedCommit(commit, name, "good")
        return _compared(commit, name, judged_pair(self._good, place, aligns=False)[1])

    def _hash(self) -> str | None:
        from samebits.store import open_record  # here, because it is needed only after the first commit

        return open_record(self._good).file.hash if self._good is not None else None


def _read(record: Record) -> Iterator[str]:
    """Yield the files that the trials opened, modules that they imported too."""
    for process in (process for trial in record.trials for process in trial.processes):
        yield from (str(event["path"]) for event in process.events_named("opened"))


def _require_releases(experiments: Sequence[Experiment], package: str) -> None:
    """Raise UsageError if both sides imported the same version. If no trial shows a version, add a note."""
    first, second = experiments
    mine, theirs = (experiment.record.trials[0].file.packages for experiment in (first, second))
    if any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys()):
        return
    module = package.lower().replace("-", "_")
    if module in mine and module in theirs:
        what = f"Both sides imported {package} {mine[module]}, so the releases were not compared."
        raise UsageError(what, "write `python` in the command, not a path, and take other copies out of PYTHONPATH.")
    note = f"no trial showed which release of {package} it imported; if it imports none, equal bits say nothing"
    second.note([*second.file.notes, note])


def _compared(commit: str, name: str, result: Result) -> TriedCommit:
    outcomes: dict[str, Outcome] = {"repeated": "good", "diverged": "bad"}
    return TriedCommit(commit, name, outcomes.get(result.verdict, "skipped"), result.reason or "", result)
