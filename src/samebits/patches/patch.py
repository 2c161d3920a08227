"""Makes the patch for a cause: the changes for each of its controls, if samebits is sure of them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from samebits import controls, ranks
from samebits.patches import orders, seeds
from samebits.patches.insertion import worded
from samebits.patches.program import LineChange, Program
from samebits.patches.source import SourceFile, TextEdit, diff_of, edited_text, lines_of
from samebits_probe.controls.control import TOP

# control -> its changes. For any other control, the patch puts its lines after the imports. If it has no such lines,
# the answer shows the lines of the program on which it acts, and what to write there.
RULES: dict[str, Callable[[Program], list[LineChange]]] = {
    "numpy-generator": seeds.numpy_generators,
    "hash-seed": orders.sorted_sets,
    "listing-order": orders.sorted_listings,
}
_CUBLAS = ("import os", 'os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")')


@dataclass(frozen=True)
class Patch:
    """Changes that belong together."""

    changes: tuple[LineChange, ...]

    @cached_property
    def _edits(self) -> dict[Path, tuple[SourceFile, list[TextEdit]]]:
        """File -> (the file as it is, its edits)."""
        by_path: dict[Path, list[LineChange]] = {}
        for change in self.changes:
            by_path.setdefault(change.source.path, []).append(change)
        return {path: (some[0].source, _merged(item.edit for item in some)) for path, some in sorted(by_path.items())}

    @cached_property
    def texts(self) -> dict[Path, tuple[SourceFile, str]]:
        """File -> (the file as it is, its new content)."""
        return {path: (source, source.edited(edits)) for path, (source, edits) in self._edits.items()}

    @property
    def contents(self) -> dict[Path, tuple[bytes, bytes]]:
        """File -> its bytes without the patch and with it."""
        return {
            path: (source.content.encode(source.encoding), new.encode(source.encoding))
            for path, (source, new) in self.texts.items()
        }

    @property
    def differs_by_rank(self) -> bool:
        """Whether a new line gives each rank a different seed."""
        return any(ranks.reads_rank(change.edit.text) for change in self.changes)

    @property
    def number(self) -> int:
        """The number of lines that are new or different."""
        pairs = ((source.text, edited_text(source.text, edits)) for source, edits in self._edits.values())
        diffs = (difflib.ndiff(lines_of(old), lines_of(new)) for old, new in pairs)
        return sum(line.startswith("+ ") for lines in diffs for line in lines)

    def diff(self, program: Program) -> str:
        """Return the patch as a unified diff, for `patch -p1` and `git apply` in the folder of the trials."""
        return "".join(
            line for path, (old, new) in self.texts.items() for line in diff_of(program.shown(path), old, new)
        )


def _merged(edits: Iterable[TextEdit]) -> list[TextEdit]:
    """Merge the edits that insert lines at the same place, so that no import comes twice."""
    by_place: dict[tuple[int, int], list[str]] = {}
    for edit in edits:
        lines = by_place.setdefault((edit.start, edit.end), [])
        lines += [line for line in lines_of(edit.text) if line not in lines]
    return [
        TextEdit(start, end, "".join(sorted(lines, key=lambda line: not line.startswith(("import ", "\n", "\r\n")))))
        for (start, end), lines in by_place.items()
    ]


def patch_for(program: Program, cause: Sequence[str], *, is_second: bool = False) -> tuple[Patch | None, list[str]]:
    """Return (the patch for the cause, the controls without any change); None if no control has a change.

    `is_second`: see `seeds.seeds`.
    """
    shared = [name for name in cause if seeds.is_seed(name)]
    groups = [(shared, seeds.seeds(program, shared, is_second=is_second))] if shared else []
    groups += [([name], _changes(program, name)) for name in cause if name not in shared]
    missing = [name for names, changes in groups if not changes for name in names]
    changes = tuple(change for _, changes in groups for change in changes)
    return (Patch(changes) if changes else None), missing


def _changes(program: Program, name: str) -> list[LineChange]:
    rule = RULES.get(controls.name_of(name))
    return rule(program) if rule is not None else _settings(program, name)


def _settings(program: Program, name: str) -> list[LineChange]:
    """Return the change that puts the control's own lines after the imports, with the program's names."""
    edits = [edit for edit in controls.describe(name).edits if edit.where == TOP]
    fitting = [edit for edit in edits if not edit.library or edit.library in program.packages]
    source = program.main
    if source is None or not fitting:
        return []
    point = program.point(program.first(), source)
    lines = [line.replace("{seed}", str(program.seed)) for line in fitting[0].lines]
    if name == "torch-deterministic" and program.uses_cuda:
        lines = [*_CUBLAS, *lines]
    edit = point.edit(worded(lines, point))
    return [LineChange(name, source, edit, "a setting of the library")] if edit is not None else []
