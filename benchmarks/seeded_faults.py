"""Does a test notice a fault? Seeds 60 faults, one by one, in a copy of the modules that judge, and runs their tests.

Run `python benchmarks/seeded_faults.py --out FILE`. FILE gets a line for each fault. A second run goes on where the
first one ended.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
JUDGING = "compare_* evidence facts timed_trials shown_difference sentences_with_numbers kept_record old_records"
FILES = "archive_files arrow_files notebook_files ocdbt_files pickle_files artifacts packed_values recognising"
READING = "store_reading tensor_log broken_records old_records latest names_of_records"
PROBING = "fingerprint recorder array_rows observations captures tabular_content drawn_values old_records"
PARTS = [  # how many faults of 60, the modules, the tests of tests/unit that concern them
    (30, ["samebits/comparison/**/*.py"], JUDGING),
    (8, ["samebits/store/formats/*.py"], FILES),
    (10, ["samebits/store/*.py"], f"{FILES} {READING}"),
    (9, ["samebits_probe/prints.py", "samebits_probe/trace.py", "samebits_probe/fingerprint.py"], PROBING),
    (3, ["samebits_probe/watchers/pytorch/rows.py"], "../frameworks/test_pytorch_rows"),
]
OPPOSITES: list[tuple[type[ast.AST], type[ast.AST]]] = [
    (ast.Eq, ast.NotEq), (ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Is, ast.IsNot), (ast.In, ast.NotIn),
    (ast.And, ast.Or),
]  # fmt: skip
SWAPPED = {old: new for pair in OPPOSITES for old, new in (pair, pair[::-1])}
Fault = tuple[str, int, str]  # module, line, what is changed


class Seeding(ast.NodeTransformer):
    """Makes the change of this number, in the order of the source. `changes`: (line, words) of all that it saw."""

    def __init__(self, number: int) -> None:
        self.number, self.changes = number, list[tuple[int, str]]()

    def is_next(self, node: ast.AST, words: str) -> bool:
        self.changes.append((node.lineno, words))  # type: ignore[attr-defined]
        return len(self.changes) - 1 == self.number

    def visit_If(self, node: ast.If) -> ast.AST:
        name = ast.unparse(node.test)
        if name != "TYPE_CHECKING" and self.is_next(node, "condition negated"):
            node.test = ast.UnaryOp(ast.Not(), node.test)
        ends = isinstance(node.body[-1], ast.Return | ast.Continue) and not node.orelse
        if ends and self.is_next(node, "early end removed"):
            return ast.Pass()
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        new = SWAPPED[type(node.ops[0])]
        if self.is_next(node, f"{type(node.ops[0]).__name__} -> {new.__name__}"):
            node.ops[0] = new()  # type: ignore[call-overload]
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        new = SWAPPED[type(node.op)]
        if self.is_next(node, f"{type(node.op).__name__} -> {new.__name__}"):
            node.op = new()  # type: ignore[assignment]
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, int) and self.is_next(node, f"{node.value} changed"):
            node.value = not node.value if isinstance(node.value, bool) else node.value + 1
        return node


def changes_of(source: str) -> list[tuple[int, str]]:
    """All changes that can be made in a module."""
    seeding = Seeding(-1)
    seeding.visit(ast.parse(source))
    return seeding.changes


def faults() -> Iterator[tuple[Fault, str, list[Path]]]:
    """The faults, spread evenly over all changes of each part: each with the changed source and the tests."""
    for number, patterns, names in PARTS:
        modules = [path for pattern in patterns for path in sorted((ROOT / "src").glob(pattern))]
        every = [(path, at, change) for path in modules for at, change in enumerate(changes_of(path.read_text()))]
        for path, at, (line, words) in every[:: -(-len(every) // number)]:
            tree = ast.fix_missing_locations(Seeding(at).visit(ast.parse(path.read_text())))
            yield (str(path.relative_to(ROOT / "src")), line, words), ast.unparse(tree), tests_of(names)


def tests_of(names: str) -> list[Path]:
    """The files of tests. A name without a folder is one of tests/unit."""
    patterns = [name if "/" in name else f"test_{name}" for name in names.split()]
    return sorted({path.resolve() for pattern in patterns for path in (ROOT / "tests/unit").glob(f"{pattern}.py")})


def passes(copy: Path, tests: list[Path]) -> bool:
    """Whether the tests pass with the packages in a folder. A run without an end is one that fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *map(str, tests)]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=600).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=1, metavar="N", help="seed each Nth fault only")
    request = parser.parse_args()
    known = request.out.read_text() if request.out.exists() else ""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(ROOT / "src", Path(folder) / "src"))
        for _, _, names in () if known else PARTS:
            assert passes(copy, tests_of(names)), f"without a fault these must pass: {names}"
        for (module, line, words), source, tests in list(faults())[:: request.each]:
            label = f"{module}:{line}  {words}"
            if label in known:
                continue
            (copy / module).write_text(source)
            answer = "not found" if passes(copy, tests) else "found"
            shutil.copyfile(ROOT / "src" / module, copy / module)
            with request.out.open("a") as out:
                print(f"{answer:<10}{label}", file=out, flush=True)


if __name__ == "__main__":
    main()
