"""How long explain, vary and noise take on 1, 10, 100 and 1,000 slots: the real commands, on a host that is simulated.

    python benchmarks/many_slots.py [--runs 9] [--slots 1 10 100 1000] [--plot docs/explanation/many-slots.svg]
    python benchmarks/many_slots.py --sleeping 10        # one search with processes that sleep, on the real clock

The scheduler, the search, the comparison and the records are the real ones. Trials are drawn: each takes 10 s, and 2 to
8 s until its first step. The node of 1 % of them is lost at any moment. The clock is moved from one event to the next,
so the time that samebits itself computes is no part of the minutes; it stands in the last column.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from samebits import clock, words
from samebits_probe import wire

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from simulated_host import SleepingTrial, Training, explained, measured, simulated, varied  # noqa: E402
from simulation import Source  # noqa: E402

ALL_DIFFER = (0.001,) * 1000
UNSEEDED = Source(ALL_DIFFER, frozenset({"numpy-seed"}), (0, -1, wire.CODE["rng"]))
ORDER = Source((0.5, 0.5), frozenset({"hash-seed"}), (0, 0, wire.CODE["batch"]))
OUTSIDE = Source(ALL_DIFFER, frozenset(), (0, 0, wire.CODE["gradient"]))
WORK = {
    "explain: a seed is missing": (explained, {"sources": [UNSEEDED]}),
    "explain: an order, two outcomes": (explained, {"sources": [ORDER]}),
    "vary: 8 factors": (varied, {"depends_on": ["locale"]}),
    "noise: 200 trainings": (measured, {"sources": [OUTSIDE]}),
}
COLOURS = ("#1565c0", "#2e7d32", "#c62828", "#6a1b9a")


class Run(NamedTuple):
    """One run: simulated seconds, trials, and the seconds that samebits computed."""

    seconds: float
    trials: int
    computed: float


def run(name, slots, seed):
    """One run on the simulated host; None if the first trials of the search happened to agree."""
    command, given = WORK[name]
    training = Training(np.random.default_rng(seed), **given)
    simulated_clock, began = clock.SimulatedClock(), time.process_time()
    with tempfile.TemporaryDirectory() as folder, clock.replaced(simulated_clock), simulated(training) as host:
        answer = command(Path(folder), host, slots)
    computed = time.process_time() - began
    return Run(simulated_clock.now(), training.trials, computed) if answer is not None else None


def times(names, all_slots, runs):
    """(name, slots) -> the runs."""
    found = {}
    for name in names:
        for slots in all_slots:
            done = [run(name, slots, seed) for seed in range(runs)]
            found[name, slots] = [one for one in done if one is not None]
            print(row(name, slots, found[name, slots], found[name, all_slots[0]]), flush=True)
    return found


def row(name, slots, runs, alone):
    """A line of the table."""
    seconds = [one.seconds for one in runs]
    middle, first = statistics.median(seconds), statistics.median(one.seconds for one in alone)
    trials, computed = (statistics.median(getattr(one, what) for one in runs) for what in ("trials", "computed"))
    cells = (name, f"{slots:,}", f"{middle / 60:.1f} ({min(seconds) / 60:.1f} to {max(seconds) / 60:.1f})",
             f"{middle / first:.2f}", f"{trials:.0f}", f"{computed:.1f}")  # fmt: skip
    return f"| {' | '.join(cells)} |"


def plot(found, all_slots):
    """Minutes by slots, both on logarithmic scales, as SVG text."""
    width, height, left, top, right, bottom = 720, 380, 70, 20, 250, 50
    minutes = {key: statistics.median(one.seconds for one in runs) / 60 for key, runs in found.items()}
    low, high = 0.5, max(100.0, *minutes.values())

    def across(slots):
        return left + (width - left - right) * np.log10(slots) / np.log10(all_slots[-1])

    def down(value):
        return top + (height - top - bottom) * (1 - np.log10(value / low) / np.log10(high / low))

    lines = [f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    for value in (value for value in (0.5, 1, 2, 5, 10, 20, 50, 100) if value <= high):
        at = down(value)
        lines.append(f'<line x1="{left}" x2="{width - right}" y1="{at:.1f}" y2="{at:.1f}" stroke="#dddddd"/>')
        lines.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{value:g}</text>')
    for slots in all_slots:
        lines.append(f'<text x="{across(slots):.1f}" y="{height - 28}" text-anchor="middle">{slots:,}</text>')
    lines.append(f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">slots</text>')
    middle = (top + height - bottom) / 2
    lines.append(f'<text x="20" y="{middle}" transform="rotate(-90 20 {middle})" text-anchor="middle">minutes</text>')
    for name, colour in zip(WORK, COLOURS, strict=True):
        places = [(across(slots), down(minutes[name, slots])) for slots in all_slots]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
        x, y = places[-1]
        lines.append(f'<text x="{x + 10:.1f}" y="{y + 4:.1f}" fill="{colour}">{name}</text>')
    box = f'viewBox="0 0 {width} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="sans-serif" font-size="13">'
    return "\n".join([head, *lines, "</svg>"]) + "\n"


def sleeping(seconds):
    """A search on one slot and on four, with trials that are processes which sleep."""
    taken = {}
    for slots in (1, 4):
        training = Training(np.random.default_rng(1), [UNSEEDED], start=(0.0, 0.0), seconds=seconds, lost=0.0)
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, simulated(training, SleepingTrial) as host:
            found = explained(Path(folder), host, slots)
        taken[slots] = time.monotonic() - began
        cause = ", ".join(found.cause)
        print(
            f"{words.count(slots, 'slot')}: {cause} in {taken[slots]:.0f} s, {training.trials} trials of {seconds:g} s"
        )
    print(f"four slots take {taken[4] / taken[1]:.2f} of the time of one")


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--runs", type=int, default=9)
    parse.add_argument("--slots", type=int, nargs="*", default=[1, 10, 100, 1000])
    parse.add_argument("--plot", type=Path)
    parse.add_argument("--sleeping", type=float, metavar="SECONDS")
    args = parse.parse_args()
    if args.sleeping:
        sleeping(args.sleeping)
        return
    print("| search | slots | minutes, median (range) | of one slot | trials | seconds that samebits computes |")
    print("| --- | --- | --- | --- | --- | --- |")
    found = times(list(WORK), args.slots, args.runs)
    if args.plot:
        args.plot.write_text(plot(found, args.slots))


if __name__ == "__main__":
    main()
