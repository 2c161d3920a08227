"""The lines of each package beside its budget. The exit status is 1 if a package has more.

    python benchmarks/budgets.py

Blank lines, comments and docstrings count. CONTRIBUTING says how to raise a budget.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUDGETS = {
    "src/samebits": 46_043,
    "src/samebits_probe": 19_843,
    "src/samebits_parity": 8_177,
    "src/samebits_study": 7_978,
    "tests": 49_252,
}


def lines_of(folder):
    """The lines of all Python files below a folder."""
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("*.py"))


def main():
    sizes = {name: lines_of(ROOT / name) for name in BUDGETS}
    for name, budget in BUDGETS.items():
        over = f"   {sizes[name] - budget:,} too many" if sizes[name] > budget else ""
        print(f"{name:24}{sizes[name]:>8,} lines, at most {budget:,}{over}")
    sys.exit(any(sizes[name] > budget for name, budget in BUDGETS.items()))


if __name__ == "__main__":
    main()
