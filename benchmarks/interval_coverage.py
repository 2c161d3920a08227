"""How often the intervals of `samebits versus` hold the true difference: on numbers that are drawn.

    python benchmarks/interval_coverage.py [--repetitions 1000] [--seed 1]

A line: how the metric is distributed, how many trainings each side has, how the interval is made, and the share of
the intervals that hold the truth. Nominal 95 % should be 93 to 97 %; what lies outside is marked. `pairs`: both sides
have that distribution. `no pairs`: B varies twice as much. `A repeats`: A has one value, and B that distribution.
`none`: the share that gets no interval, because all values are the same. From 20 on, the last column has SciPy's BCa.
"""

import argparse
from unittest import mock

import numpy as np
from scipy import stats

from samebits.noise import statistics

OF_THE_PAPER = [7.28, 8.03, 7.28, 6.54, 5.79, 7.1, 8.03]  # Table 3, error rates of Keras on TensorFlow 1.14
# name -> (draws n values, their mean)
SHAPES = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "t, 5 degrees": (lambda rng, n: rng.standard_t(5, size=n), 0.0),
    "the paper's Table 3": (lambda rng, n: rng.choice(OF_THE_PAPER, n), float(np.mean(OF_THE_PAPER))),
    "two models, 70:30": (lambda rng, n: rng.choice([6.72, 8.22], n, p=[0.7, 0.3]), 7.17),
    "exponential, skewed by 2": (lambda rng, n: rng.exponential(size=n), 1.0),
    "log-normal, skewed by 6": (lambda rng, n: rng.lognormal(size=n), float(np.exp(0.5))),
}
SIZES = (5, 7, 20, 50)
NOMINAL = (0.93, 0.97)
RESAMPLES = 499  # in the place of the program's, which take ten times as long


def sample(kind, draw, mean, n, rng):
    """The values of A and of B, and the true difference."""
    if kind == "pairs":
        return draw(rng, n), draw(rng, n), 0.0
    if kind == "no pairs":
        return draw(rng, n), 2 * draw(rng, n), mean
    return np.full(n, 1.0), draw(rng, n), mean - 1.0


def made(kind, a, b):
    """The interval of the program."""
    return statistics.interval(b - a) if kind == "pairs" else statistics.interval(a, b)


def bca(kind, a, b):
    """SciPy's BCa of the same values."""
    with np.errstate(invalid="ignore"):
        data, statistic = ((b - a,), np.mean) if kind != "no pairs" else ((a, b), difference)
        return stats.bootstrap(data, statistic, n_resamples=RESAMPLES, method="BCa", rng=1).confidence_interval


def difference(a, b, axis=-1):
    """B minus A."""
    return np.mean(b, axis=axis) - np.mean(a, axis=axis)


def coverage(kind, shape, n, repetitions, rng):
    """How the interval is made; its coverage; that of BCa, None below 20; and the share without an interval."""
    held, bca_held, method = [], [], "none"
    for _ in range(repetitions):
        a, b, truth = sample(kind, *shape, n, rng)
        found = made(kind, a, b)
        if found is None:
            continue
        method = found.method
        held.append(found.low <= truth <= found.high)
        if n >= statistics.MANY and len(bca_held) < repetitions // 4:
            other = bca(kind, a, b)
            bca_held.append(other.low <= truth <= other.high)
    return method, np.mean(held), np.mean(bca_held) if bca_held else None, 1 - len(held) / repetitions


def main():
    """Print a line for each shape, kind and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    by_chance = 1.96 * (0.95 * 0.05 / given.repetitions) ** 0.5
    chance = f"by chance off by {by_chance:.1%}, BCa by {2 * by_chance:.1%}"
    print(f"{given.repetitions:,} repetitions, seed {given.seed}; {chance}")
    print(f"{'metric':25} {'sides':10} {'n':>3}  {'interval':26} {'covers':>6} {'none':>6} {'BCa':>6}")
    with mock.patch.object(statistics, "RESAMPLES", RESAMPLES):
        for kind in ("pairs", "no pairs", "A repeats"):
            for name, shape in SHAPES.items():
                for n in given.sizes:
                    method, share, other, none = coverage(kind, shape, n, given.repetitions, rng)
                    mark = "" if NOMINAL[0] <= share <= NOMINAL[1] else "   outside of 93 to 97 %"
                    beside = "" if other is None else f"{other:.1%}"
                    line = f"{name:25} {kind:10} {n:3}  {method:26} {share:6.1%} {none:6.1%} {beside:>6}{mark}"
                    print(line, flush=True)


if __name__ == "__main__":
    main()
