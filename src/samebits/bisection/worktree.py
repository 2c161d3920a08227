"""A git worktree in which commits are checked out one after the other. The user's own tree is never touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from samebits.errors import NotFoundError, UsageError

__all__ = ["Repository", "Worktree", "repository_of", "worktree"]


class Repository(NamedTuple):
    """The repository of the user. `top`: its folder. `below`: the user's folder, from there."""

    top: Path
    below: Path

    def commit(self, name: str) -> str:
        """Return the full name of a commit. Raises NotFoundError."""
        answer = _git(self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if answer.returncode:
            raise NotFoundError(f"There is no commit {name!r} in {self.top}.", "git log --oneline shows the commits.")
        return answer.stdout.strip()

    def subject(self, commit: str) -> str:
        """Return the short name and the first line of a commit."""
        return self._output("log", "-1", "--format=%h %s", commit)

    @property
    def is_changed(self) -> bool:
        """Whether tracked files have changes that are not committed."""
        return bool(self._output("status", "--porcelain", "--untracked-files=no"))

    def tracked(self, paths: Iterable[str]) -> list[str]:
        """Return which of these files the user's own tree has from its commit, by their names in it."""
        top, places = self.top.resolve(), {Path(path).resolve() for path in paths}
        names = {str(path.relative_to(top)) for path in places if path.is_relative_to(top)}
        return sorted(names.intersection(self._output("ls-files", "-z").split("\0"))) if names else []

    def is_ancestor(self, old: str, new: str) -> bool:
        """Return whether the old commit comes before the new one."""
        return _git(self.top, "merge-base", "--is-ancestor", old, new).returncode == 0

    def between(self, good: list[str], bad: str) -> list[str]:
        """Return the commits that can be the first bad one, `bad` too. The one that halves them best comes first."""
        lines = self._output("rev-list", "--bisect-all", bad, "--not", *good).splitlines()
        return [line.split()[0] for line in lines]

    def _output(self, *words: str) -> str:
        done = _git(self.top, *words)
        if done.returncode:
            raise UsageError(f"git {words[0]} failed: {done.stderr.strip()}.", f"git -C {self.top} status")
        return done.stdout.strip()


def repository_of(folder: Path) -> Repository:
    """Return the repository of a folder. Raises UsageError if there is none."""
    try:
        answer = _git(folder, "rev-parse", "--show-toplevel")
    except FileNotFoundError:
        raise UsageError("git is not installed.", "install git.") from None
    if answer.returncode:
        raise UsageError(f"{folder} is not in a git repository.", "cd to a folder of the repository.")
    top = Path(answer.stdout.strip())
    return Repository(top, folder.resolve().relative_to(top.resolve()))


class Worktree:
    """A folder with the files of one commit at a time. All commits have the same path, which is part of a trial."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self._repository, self._folder = repository, folder

    @property
    def directory(self) -> Path:
        """The folder in which the command runs."""
        return self._folder / self._repository.below

    def check_out(self, commit: str) -> None:
        """Replace the folder by a new one with the files of a commit. Raises UsageError."""
        self.remove()
        added = _git(self._repository.top, "worktree", "add", "--detach", "--force", str(self._folder), commit)
        if added.returncode:
            raise UsageError(f"git cannot check out {commit}: {added.stderr.strip()}.", "git worktree prune")
        self.directory.mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Remove the folder, and what git notes about it."""
        shutil.rmtree(self._folder, ignore_errors=True)
        _git(self._repository.top, "worktree", "prune")

    def set_up(self, command: str, path: str) -> str:
        """Run a shell command in the folder. Return why it failed, with its last line; "" if it did not."""
        tree = str(self._repository.top / self._repository.below)
        variables = {**os.environ, "PATH": path, "SAMEBITS_TREE": tree}
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.directory, env=variables, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
        if done.returncode == 0:
            return ""
        last_line = done.stdout.strip().rpartition("\n")[2] or "it wrote nothing"
        return f"the setup ended with status {done.returncode}: {last_line}"


@contextmanager
def worktree(repository: Repository) -> Iterator[Worktree]:
    """Yield a worktree in a temporary folder, and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="samebits-bisect-", ignore_cleanup_errors=True) as folder:
        tree = Worktree(repository, Path(folder).resolve() / repository.top.name)
        try:
            yield tree
        finally:
            tree.remove()


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-c", "advice.detachedHead=false", "-c", "core.hooksPath=/dev/null", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
