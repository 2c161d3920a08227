#!/usr/bin/env python3
"""The heat map of `samebits locate --heat` beside mindstudio-probe's comparison of modules, on the same two trainings.

    python benchmarks/heat_beside_msprobe.py --msprobe PYTHON [--html PAGE]

PYTHON has PyTorch and mindstudio-probe (pip install mindstudio-probe). Both tools take trainings/drifts_pytorch.py
twice, with the nudges 1 and 2: samebits as it is, mindstudio-probe with its debugger around each step (task tensor,
level L0), then `msprobe compare` of each step. A distance is the norm of the difference divided by the norm in the
first training: samebits writes it, and mindstudio-probe writes both norms (EucDist, l2norm). PAGE is samebits' page.
"""

import argparse
import csv
import json
import math
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent / "trainings" / "drifts_pytorch.py"
SAMEBITS = [sys.executable, "-m", "samebits"]
PLACE = re.compile(
    r"Module\.(?P<module>.+)\.\w+\.(?P<what>forward|backward|parameters_grad)\.(?P<call>\d+)\.(?P<rest>.+)"
)
CLOSE = 1e-3  # of each other: mindstudio-probe prints its numbers in fewer digits


def run(words, folder, good=(0,)):
    done = subprocess.run([*map(str, words)], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in good:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def of_samebits(folder, page):
    """{(kind, name): {step: relative distance, or None where there is none}}"""
    run([*SAMEBITS, "check", "--full", "-n", 2, "--out", "record", "--", sys.executable, PROGRAM, "--nudge", "{trial}"],
        folder, (1,))  # fmt: skip
    run([*SAMEBITS, "locate", "--heat", "--json", "heat.json", "--html", page, "record"], folder, (1,))
    found = json.loads((folder / "heat.json").read_text())["location"]["distances"]
    return {(one["kind"], one["name"]): dict(zip(one["steps"], one["relative"], strict=True)) for one in found}


def of_msprobe(folder, python, steps):
    """{(what, module, rest): {step: relative distance}} of the comparison of each step."""
    for nudge in (1, 2):
        run([python, PROGRAM, "--nudge", nudge, "--dump", folder / f"dump{nudge}"], folder)
    found = {}
    for step in steps:
        first, second = (next((folder / f"dump{nudge}" / f"step{step}").glob("*/dump.json")) for nudge in (1, 2))
        out = folder / f"compared{step}"
        run([python.parent / "msprobe", "compare", "-tp", first, "-gp", second, "-o", out], folder)
        for row in csv.DictReader(next(out.glob("*.csv")).open()):
            place = PLACE.match(row["NPU Name"])
            if place:
                key = place["what"], place["module"], place["rest"]
                found.setdefault(key, {})[step] = relative(row)
    return found


def relative(row):
    """The distance; None where mindstudio-probe gives no number."""
    try:
        whole, apart = float(row["NPU l2norm"]), float(row["EucDist"])
    except ValueError:
        return None
    return apart / whole if whole else 0.0 if apart == 0 else math.inf


def same_place(key):
    """The place of samebits' map that is the same as one of mindstudio-probe's; None if it has none."""
    what, module, rest = key
    if what == "forward" and rest == "output.0":
        return "forward", module
    return ("gradient", f"{module}.{rest}") if what == "parameters_grad" else None


def shade(value):
    """. the same; else the exponent of the distance: 7 for 1e-7 or more; ? without a number."""
    if value is None:
        return "?"
    return "." if value == 0 else str(min(9, max(0, -math.floor(math.log10(value)))))


def line(values, steps):
    return "".join(shade(values[step]) if step in values else " " for step in steps)


def count(ours, theirs, steps):
    """How many cells both have, and what each says of them."""
    found, far = Counter(), 0.0
    for key, values in theirs.items():
        mine = ours.get(same_place(key), {})
        for step in (step for step in steps if step in mine and values.get(step) is not None):
            a, b = mine[step], values[step]
            found[bool(a != 0), bool(b != 0)] += 1
            if a and b:
                far = max(far, abs(a - b) / a)
    return found, far


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--msprobe", type=Path, required=True)
    parser.add_argument("--html", type=Path, default=Path("heat.html"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = of_samebits(folder, options.html.absolute())
        steps = sorted({step for values in ours.values() for step in values if step >= 0})
        theirs = of_msprobe(folder, options.msprobe.absolute(), steps)
    shared = {same_place(key) for key in theirs if same_place(key) in ours}
    print(f"steps {steps[0]} to {steps[-1]}; a digit is the exponent: 7 stands for 1e-7 to 1e-6; . the same bits")
    print(f"{'in both':<34}{'samebits':>12}{'msprobe':>12}")
    for key, values in theirs.items():
        if same_place(key) in shared:
            kind, place = same_place(key)
            print(f"  {kind:<10}{place:<22}{line(ours[kind, place], steps):>12}{line(values, steps):>12}")
    print("in samebits only")
    for kind, place in (key for key in ours if key not in shared):
        print(f"  {kind:<10}{place:<22}{line(ours[kind, place], steps):>12}")
    print("in mindstudio-probe only")
    for key in (key for key in theirs if same_place(key) not in shared):
        print(f"  {key[0]:<10}{key[1] + ' ' + key[2]:<34}{line(theirs[key], steps):>12}")
    found, far = count(ours, theirs, steps)
    same, different = found[False, False], found[True, True]
    print(f"{sum(found.values())} cells are in both: {same} the same in both, {different} different in both")
    print(f"{found[True, False]} differ only in samebits, {found[False, True]} only in mindstudio-probe")
    print(f"where both differ, the two distances are at most {far:.2g} of the distance apart")
    return 0 if not found[True, False] and not found[False, True] and far < CLOSE else 1


if __name__ == "__main__":
    sys.exit(main())
