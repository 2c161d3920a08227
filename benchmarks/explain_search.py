"""What the search of `samebits explain` costs, and how often it is wrong: on programs whose trials are drawn.

    python benchmarks/explain_search.py [--searches 2000] [--seconds 2.2] [--slots 1]

`--seconds`: of one trial, for the column of times. `--slots`: how many trials run at a time. "Every subset" is the
number of trials that it would take to try all subsets of the controls: two trials each for those that diverge, as many
as the rule asks for each that does not.
"""

import argparse
import statistics
import sys
from pathlib import Path

import numpy as np

from samebits import controls
from samebits.causes.candidates import Clues
from samebits.causes.search import search

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from simulation import Program, Source  # noqa: E402

# those that take effect in a program with PyTorch on a CPU that starts threads
APART = ("tf", "jax", "session", "channels", "visible", "cuda", "cudnn")
HELD = [name for name in controls.known() if not name.startswith(APART)]
FIRST = 5  # trials of the first look


def source(names, shares, step=0):
    return Source(tuple(shares), frozenset(names), (0, step, 2))


ALL_DIFFER = (0.001,) * 1000
RARE_HALF = (0.5, *(0.0005,) * 1000)
RARE_OTHERS = (0.7, *(0.0003,) * 1000)
USELESS = "useless controls only"  # two of them suspected, where generators without a seed are seen
PROGRAMS = {
    f"{USELESS}, 50:50": [source([], (0.5, 0.5))],
    f"{USELESS}, 70:30": [source([], (0.7, 0.3))],
    f"{USELESS}, 90:10": [source([], (0.9, 0.1))],
    f"{USELESS}, half alike, the others all differ": [source([], RARE_HALF)],
    f"{USELESS}, 7 of 10 alike, the others all differ": [source([], RARE_OTHERS)],
    "one cause, all trials differ": [source(["numpy-seed"], ALL_DIFFER)],
    "one cause, 50:50": [source(["numpy-seed"], (0.5, 0.5))],
    "one cause, 70:30": [source(["numpy-seed"], (0.7, 0.3))],
    "one cause, 90:10": [source(["numpy-seed"], (0.9, 0.1))],
    "one cause that is not hinted at": [source(["fill-uninitialized"], ALL_DIFFER)],
    "two causes, all trials differ": [source(["numpy-seed"], ALL_DIFFER), source(["hash-seed"], ALL_DIFFER, 1)],
    "two causes, 50:50 each": [source(["numpy-seed"], (0.5, 0.5)), source(["hash-seed"], (0.5, 0.5), 1)],
    "three causes, all trials differ": [
        source(["numpy-seed"], ALL_DIFFER),
        source(["hash-seed"], ALL_DIFFER, 1),
        source(["threads"], ALL_DIFFER, 2),
    ],
}


def searched(sources, clues, seed, slots):
    """(what was found, trials, how often a slot was used at most), or None where the first look shows no difference."""
    program = Program(sources, np.random.default_rng(seed), room=slots)
    first = program.look([], FIRST, through=True)
    return (search(program, HELD, first, clues), program.trials, program.waves) if first.diverges() else None


def every_subset(sources, full):
    """Trials that all subsets would take: of 2^n, those that pin every source have `full`, the others two."""
    wanted = set().union(*(source.pinned_by for source in sources))
    agree = 2 ** (len(HELD) - len(wanted)) if all(source.pinned_by for source in sources) else 0
    return full * agree + 2 * (2 ** len(HELD) - agree)


CLUES = {
    "": Clues("batch"),
    "; two generators seen without a seed": Clues("batch", unseeded=["python-seed", "numpy-seed"]),
}


def row(name, clues, args):
    """What the searches of one program came to."""
    sources = PROGRAMS[name]
    done = [found for seed in range(args.searches) if (found := searched(sources, clues, seed, args.slots)) is not None]
    right = [c for s in sources for c in s.pinned_by]
    false = sum(bool(set(found.cause) - set(right)) for found, *_ in done)
    good = sum(set(found.cause) == set(right) and found.outside == (not right) for found, *_ in done)
    trials = [number for _, number, _ in done]
    middle, most = statistics.median(trials), float(np.quantile(trials, 0.9))
    full, waves = (
        statistics.median(column) for column in ([one[0].rule.full for one in done], [one[2] for one in done])
    )
    days = every_subset(sources, full) * args.seconds / 86400
    return (
        f"{len(done):,}", f"{false} ({100 * false / len(done):.2f} %)", f"{100 * good / len(done):.1f} %",
        f"{middle:.0f} ({most:.0f})", f"{waves * args.seconds / 60:.1f}", f"{days:.1f}",
    )  # fmt: skip


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--searches", type=int, default=2000)
    parse.add_argument("--seconds", type=float, default=2.2)
    parse.add_argument("--slots", type=int, default=1)
    args = parse.parse_args()
    print(
        f"{len(HELD)} controls; {args.searches} searches of each program; a trial of {args.seconds} s"
        + f", {args.slots} at a time" * (args.slots > 1)
    )
    print(
        "| program | searches that saw a difference | a useless control accepted | right | trials, median (90 %) "
        "| minutes | every subset, days |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in PROGRAMS:
        for words, clues in CLUES.items() if name.startswith((USELESS, "one cause, ")) else [("", CLUES[""])]:
            print(f"| {name}{words} | {' | '.join(row(name, clues, args))} |", flush=True)


if __name__ == "__main__":
    main()
