"""Races between processes: each step takes the answer of the worker that is ready first."""

import multiprocessing
import time

from samebits_probe import observe


def serve(number, inbox, outbox):
    """Answer each question after a moment, in the way of this worker."""
    for step in iter(inbox.get, None):
        total = 0.0
        for index in range(300 + 60000 * number):
            total += 1.0 / (index + 3 + step)
        outbox.put((number, total))


def main():
    """Sixty steps with two workers."""
    outbox = multiprocessing.Queue()
    inboxes = [multiprocessing.Queue() for _ in range(2)]
    workers = [
        multiprocessing.Process(target=serve, args=(number, inbox, outbox)) for number, inbox in enumerate(inboxes)
    ]
    for worker in workers:
        worker.start()
    weight = 1.0
    for step in range(60):
        time.sleep(0.005)
        for inbox in inboxes:
            inbox.put(step)
        answers = [outbox.get() for _ in workers]
        weight -= 1e-3 * (answers[0][1] * 1.1 + answers[1][1])
        observe("loss", weight * 2, step=step)
        observe("weights", [weight, 1.0], step=step)
    for inbox in inboxes:
        inbox.put(None)


if __name__ == "__main__":
    main()
