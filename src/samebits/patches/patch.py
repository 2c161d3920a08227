"""Makes patches for a cause: the changes for each of its controls, if there are any."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from samebits import controls, ranks
from samebits.patches import calls, missing_seeds, ordered_sets, orders, seeds
from samebits.patches.insertion import worded
from samebits.patches.program import LineChange, Program
from samebits.patches.source import SourceFile, TextEdit, diff_of, lines_of
from samebits_probe.controls.control import TOP

Rule = Callable[[Program], list[LineChange]]

# control -> the rules to try, the likeliest first. For a control that is not here, the patch puts its lines after the
# imports. If it has no such lines, no patch can hold it.
RULES: dict[str, tuple[Rule, ...]] = {
    "numpy-generator": (missing_seeds.numpy_generators, missing_seeds.numpy_generators_of_options),
    "dataloader-seed": (orders.seeded_loaders,),
    "hash-seed": (orders.sorted_sets, ordered_sets.dictionaries_for_sets),
    "aslr": (calls.address_seeds, ordered_sets.dictionaries_for_objects),
    "listing-order": (orders.sorted_listings,),
    "tf-data-order": (orders.ordered_datasets,),
    "fill-uninitialized": (orders.defined_memory,),
    "clock": (calls.clock,),
    "entropy": (calls.system_seeds, calls.system_draws),
    "dataloader-workers": (orders.ordered_loaders, orders.no_workers),
    "serial-threads": (orders.submitted_order,),
}
_CUBLAS = ("import os", 'os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")')


@dataclass(frozen=True)
class Patch:
    """Changes that belong together."""

    changes: tuple[LineChange, ...]

    @cached_property
    def texts(self) -> dict[Path, tuple[SourceFile, str]]:
        """File -> (the file as it is, its new content). Raises ValueError if two changes overlap."""
        found: dict[Path, list[LineChange]] = {}
        for change in self.changes:
            found.setdefault(change.source.path, []).append(change)
        return {
            path: (some[0].source, some[0].source.edited(_merged(one.edit for one in some)))
            for path, some in found.items()
        }

    @property
    def contents(self) -> list[tuple[bytes, bytes]]:
        """Each file as bytes, without the patch and with it."""
        return [(old.content.encode(old.encoding), new.encode(old.encoding)) for old, new in self.texts.values()]

    @property
    def is_python(self) -> bool:
        """Whether all files can still be parsed."""
        try:
            return all(old.is_code(new) for old, new in self.texts.values())
        except (SyntaxError, ValueError):
            return False

    @property
    def differs_by_rank(self) -> bool:
        """Whether a new line gives each rank a different seed. A seed that only moves, or an argument, does not."""
        return any(ranks.reads_rank(change.edit.text) for change in self.changes)

    @property
    def number(self) -> int:
        """The number of lines that are new or different."""
        texts = ((old.text, old.with_content(new).text) for old, new in self.texts.values())
        made = (difflib.ndiff(lines_of(old), lines_of(new)) for old, new in texts)
        return sum(line.startswith("+ ") for lines in made for line in lines)

    def diff(self, program: Program) -> str:
        """Return the patch as a unified diff, for `patch -p1` and `git apply` in the folder of the trials."""
        return "".join(
            line for path, (old, new) in sorted(self.texts.items()) for line in diff_of(program.shown(path), old, new)
        )


def _merged(edits: Iterator[TextEdit]) -> list[TextEdit]:
    """Merge the edits that insert lines at the same place, so that no import comes twice."""
    found: dict[tuple[int, int], list[str]] = {}
    for edit in edits:
        found.setdefault((edit.start, edit.end), []).append(edit.text)
    merged = []
    for (start, end), texts in found.items():
        if len(texts) == 1:
            merged.append(TextEdit(start, end, texts[0]))
            continue
        lines = [line for text in dict.fromkeys(texts) for line in lines_of(text)]
        imports = [line for line in lines if line.startswith(("import ", "from "))]
        rest = [line for line in lines if line not in imports]
        merged.append(TextEdit(start, end, "".join([*dict.fromkeys(imports), *rest])))
    return merged


def patches(program: Program, cause: Sequence[str]) -> tuple[list[Patch], list[str]]:
    """Return (patches for the cause, the likeliest first; the controls without any change)."""
    shared = [name for name in cause if seeds.is_seed(name)]
    found = [_seed_choices(program, shared)] if shared else []
    found += [_choices(program, name) for name in cause if name not in shared]
    names = [*(["+".join(shared)] if shared else []), *(name for name in cause if name not in shared)]
    missing = [one for name, choices in zip(names, found, strict=True) if not choices for one in name.split("+")]
    there = [choices for choices in found if choices]
    longest = max(map(len, there), default=0)
    made = [
        Patch(tuple(change for choices in there for change in choices[min(number, len(choices) - 1)]))
        for number in range(longest)
    ]
    return [one for one in made if one.is_python], missing


def _seed_choices(program: Program, names: Sequence[str]) -> list[list[LineChange]]:
    own = missing_seeds.python_generators(program) if "python-seed" in names else []
    more = missing_seeds.python_generators(program, may_be_none=True) if "python-seed" in names else []
    if names == ["python-seed"] and program.first(["python"]) is None and more:
        return [one for one in (own, more if more != own else []) if one]
    some = calls.random_states(program) if names == ["numpy-seed"] else []
    every = _seeds(program, names)
    with_options = [*every, *more] if more != own else []
    return [choice for choice in (some, [*every, *own] if every else [], with_options) if choice]


def _seeds(program: Program, names: Sequence[str]) -> list[LineChange]:
    """Return the changes to calls that seed from the system, and the seeds that are still missing."""
    again, done = missing_seeds.seeded_again(program, names)
    rest = [name for name in names if name not in done]
    return [*again, *(seeds.seeds(program, rest) if rest else [])]


def _choices(program: Program, name: str) -> list[list[LineChange]]:
    rules = RULES.get(controls.name_of(name))
    found = [rule(program) for rule in rules] if rules is not None else [_settings(program, name)]
    there = [changes for changes in found if changes]
    more = _of_covered_controls(program, name)
    return [*there, [*next(iter(there), []), *more]] if more else there


def _of_covered_controls(program: Program, name: str) -> list[LineChange]:
    """Return the changes for the controls whose sources this one pins, too, because one of them may be a cause."""
    names = controls.describe(name).covers
    drawn = [one for one in names if seeds.is_seed(one) and program.first(seeds.generators([one])) is not None]
    rules = [rule for one in names for rule in RULES.get(one, ())[:1]]
    return [*(_seeds(program, drawn) if drawn else []), *(change for rule in rules for change in rule(program))]


def _settings(program: Program, name: str) -> list[LineChange]:
    """Return the change that puts the control's own lines after the imports, with the program's names."""
    edits = [one for one in controls.describe(name).edits if one.where == TOP]
    fitting = [one for one in edits if not one.library or one.library in program.packages]
    source = program.main
    if source is None or not fitting:
        return []
    point = program.point(program.first(), source)
    lines = [line.replace("{seed}", str(program.seed)) for line in fitting[0].lines]
    if name == "torch-deterministic" and program.uses_cuda:
        lines = [*_CUBLAS, *lines]
    return [LineChange(name, source, point.edit(worded(lines, point)), "a setting of the library")]
