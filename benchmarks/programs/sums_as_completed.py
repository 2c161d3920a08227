"""Races by the order in which threads end: each step sums what two threads computed, as it comes."""

import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from samebits_probe import observe


def part(number):
    """A value that takes a moment; the second one takes a little longer."""
    total = 0.0
    for index in range(400 + 60 * number):
        total += 1.0 / (index + 3 + number)
    return total * 10.0**number


weight = 1.0
with ThreadPoolExecutor(2) as pool:
    for step in range(60):
        time.sleep(0.006)
        loss = 0.1
        for done in as_completed([pool.submit(part, number) for number in range(2)]):
            loss = loss * 1.1 + done.result()
        weight -= 1e-3 * loss
        observe("loss", loss, step=step)
        observe("weights", [weight, 1.0], step=step)
