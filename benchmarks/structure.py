"""The numbers of the code's structure: sizes, names, imports.

    python benchmarks/structure.py [SRC ...]

Each SRC is the `src` folder of a checkout (default: this one) and gets a column: two commits stand side by side.
"""

import argparse
import ast
import statistics
import sys
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parents[1] / "src"
# words that end like a verb form and are nouns
NOUNS = {
    "string",
    "ring",
    "thing",
    "finding",
    "meaning",
    "drawing",
    "boosting",
    "setting",
    "bed",
    "seed",
    "shed",
    "feed",
    "need",
    "speed",
    "embed",
    "hundred",
    "red",
}
LONG = 6  # a list with so many strings counts as a list of words
VAGUE = ("found", "one", "said", "told", "this")  # names of variables that do not say what they hold
PARTICIPLES = {"seen", "told", "found", "given", "known", "shown", "drawn", "held", "taken", "kept", "written", "gone"}


def is_verb_form(name):
    """Whether the last word of a snake_case or CamelCase name is a gerund or a bare participle."""
    words = name.split("_") if "_" in name or name.islower() else _camel(name)
    last = words[-1].lower()
    return last not in NOUNS and (
        last.endswith("ing") or last in PARTICIPLES or (last.endswith("ed") and len(words) == 1)
    )


def _camel(name):
    words = [""]
    for letter in name:
        if letter.isupper():
            words.append("")
        words[-1] += letter
    return [word for word in words if word]


def modules(source):
    """Dotted name -> syntax tree."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        names = [*path.relative_to(source).with_suffix("").parts]
        found[".".join(names[:-1] if names[-1] == "__init__" else names)] = ast.parse(path.read_text())
    return found


def importers(trees):
    """Dotted name -> the modules that import it."""
    found = defaultdict(set)
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = _absolute(name, node, trees)
                targets = [base, *(f"{base}.{alias.name}" for alias in node.names)]
            else:
                continue
            for target in targets:
                if target in trees and target != name:
                    found[target].add(name)
    return found


def circles(edges):
    """The groups of names that import each other in a circle, by Tarjan's algorithm (graphlib finds only one)."""
    index, low, stack, found = {}, {}, [], []

    def visit(name):
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in edges.get(name, ()):
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(group)

    sys.setrecursionlimit(10_000)
    for name in list(edges):
        if name not in index:
            visit(name)
    return found


def of_packages(used):
    """Package -> the packages that import from it: `samebits.store`, for example. A single module counts as a package.

    `samebits` itself does not count: it only names what others hold, and imports that when it is first used.
    """
    found = defaultdict(set)
    for name, importing in used.items():
        home = ".".join(name.split(".")[:2])
        others = {".".join(one.split(".")[:2]) for one in importing if "." in one}
        found[home] |= others - {home} if "." in home else set()
    return found


def kinds_of_lines(text, tree):
    """Counts of lines: blank, comments, docstrings, code."""
    documented = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            documented.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    counts = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        kind = "blank" if not line.strip() else "comments" if line.strip().startswith("#") else "code"
        counts["docstrings" if number in documented else kind] += 1
    return counts


def word_lists(tree):
    """The lists, tuples, sets and dictionaries of six strings or more: how many strings each has."""
    found = []
    for node in ast.walk(tree):
        items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", ())
        words = [one for one in items if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        found += [len(words)] if len(words) >= LONG and not _is_all(node, tree) else []
    return found


def _is_all(node, tree):
    """Whether a list is the `__all__` of its module."""
    return any(
        isinstance(one, ast.Assign)
        and one.value is node
        and any(isinstance(target, ast.Name) and target.id == "__all__" for target in one.targets)
        for one in tree.body
    )


def _absolute(name, node, trees):
    if not node.level:
        return node.module or ""
    is_package = any(other.startswith(name + ".") for other in trees)
    parts = name.split(".")
    kept = parts[: len(parts) - node.level + is_package]
    return ".".join([*kept, *([node.module] if node.module else [])])


def numbers(source):
    """Name of a number -> the number."""
    files = sorted(source.rglob("*.py"))
    trees = modules(source)
    used = importers(trees)
    places = defaultdict(set)
    lengths = []
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(name)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths.append(node.end_lineno - node.lineno + 1)
    sizes, kinds = Counter(), Counter()
    for path in files:
        text = path.read_text()
        sizes[path.relative_to(source).parts[0]] += len(text.splitlines())
        kinds.update(kinds_of_lines(text, ast.parse(text)))
    lists = [length for tree in trees.values() for length in word_lists(tree)]
    vague = Counter(
        node.id for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in VAGUE
    )
    plain = [name for name in trees if "scripts" not in name]
    return {
        "files": len(files),
        "lines": sum(sizes.values()),
        **{f"lines of {package}": count for package, count in sorted(sizes.items())},
        **{f"lines: {kind}": kinds[kind] for kind in ("code", "docstrings", "comments", "blank")},
        "modules named by a verb form": sum(is_verb_form(name.rpartition(".")[2]) for name in trees),
        "classes named by a verb form": sum(is_verb_form(name) for name in places),
        "class names in more than one module": sum(len(found) > 1 for found in places.values()),
        "modules that one other imports, or none": sum(len(used[name]) < 2 for name in plain),
        "packages that import each other in a circle": sum(map(len, circles(of_packages(used)))),
        "modules that import each other in a circle": sum(map(len, circles(used))),
        "lists of six strings or more": len(lists),
        "strings in these lists": sum(lists),
        "uses of found, one, said, told, this": sum(vague.values()),
        "classes": sum(map(len, places.values())),
        "functions": len(lengths),
        "lines of half of all functions, at most": int(statistics.median(lengths)),
        "links in comments and docstrings": sum(path.read_text().count("https://") for path in files),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("src", nargs="*", default=[HERE], type=Path)
    columns = [numbers(path) for path in parser.parse_args().src]
    for name in dict.fromkeys(name for column in columns for name in column):
        print(f"{name:42s}" + "".join(f"{column.get(name, 0):>10,}" for column in columns))


if __name__ == "__main__":
    main()
