"""Counts the steps of an audit with three windows of 50 steps, by arm.

    python benchmarks/audit_cost.py

The first audit makes the uninterrupted runs. The second takes them from its record, and makes only the other arms. The
exit status is 1 if these make more than 350 steps.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(__file__).parent / "programs" / "resumes_exactly.py"
WINDOWS, LENGTH, MOST = 3, 50, 350
RESUME = f"{sys.executable} {PROGRAM} {{out}}"


def made(folder: Path, *words: str) -> dict[str, int]:
    """Return arm -> steps of an audit."""
    options = ["--windows", str(WINDOWS), "--length", str(LENGTH), "--json", "audit.json"]
    subprocess.run([sys.executable, "-m", "samebits", "audit", *options, *words], cwd=folder, check=True)
    return json.loads((folder / "audit.json").read_text())["made"]


def main() -> None:
    """Run both audits, and print what each arm made."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made(folder, "--out", "first", "--", *RESUME.split())
        steps = made(folder, "--resume", RESUME, "first")
    others = {arm: number for arm, number in steps.items() if not arm.startswith("whole")}
    for arm, number in steps.items():
        print(f"{arm:24}{number:6,} steps" + " (recorded)" * (arm not in others))
    print(f"{'in all, not recorded':24}{sum(others.values()):6,} steps, at most {MOST}")
    sys.exit(sum(others.values()) > MOST)


if __name__ == "__main__":
    main()
