"""Steps on command: a training that stands beside others and trains when its turn comes."""

import json
import os
import sys
import time

CLOCK = getattr(time, os.environ.get("SAMEBITS_BENCHMARK_CLOCK", "perf_counter"))


def take(step):
    """For each number on standard input: so many steps, and their seconds as one line of JSON."""
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            times.append(step())
        print(json.dumps(times), flush=True)


def timed(call, *values):
    """Seconds of one call."""
    start = CLOCK()
    call(*values)
    return CLOCK() - start
