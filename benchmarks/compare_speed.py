"""How fast traces are compared: observations a second, reading included, on two made traces that are equal.

python benchmarks/compare_speed.py [--steps 20000] [--points 50] [--rounds 5]
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from samebits.comparison import judge
from samebits.store import open_record
from samebits_probe import wire

KINDS = ("batch", "forward", "gradient", "update")


def write_process(folder, steps, points):
    """The files of one process that observed `points` points at each of `steps` steps, and its start and end."""
    folder.mkdir(parents=True)
    kinds = ["start", *(KINDS[i % 4] for i in range(points)), "end"]
    table = [{"id": i, "kind": kind, "name": f"p{i}", "dtype": "float32", "shape": [4]} for i, kind in enumerate(kinds)]
    (folder / wire.POINTS).write_text("".join(json.dumps(line) + "\n" for line in table))
    records = np.zeros(steps * points + 2, dtype=wire.ROW_FIELDS)
    order = sorted(range(1, points + 1), key=lambda i: wire.CODE[kinds[i]])
    records["step"][1:-1] = np.repeat(np.arange(steps), points)
    records["point"][1:-1] = np.tile(order, steps)
    records["point"][-1], records["step"][0], records["step"][-1] = points + 1, -1, steps
    records["kind"] = np.array([wire.CODE[kind] for kind in kinds], "u1")[records["point"]]
    noise = np.random.default_rng(1).integers(0, 2**63, (len(records), 2), dtype="<u8")
    records["fingerprint"] = noise.view("V16").reshape(-1)
    records.tofile(folder / wire.TRACE)
    facts = {"pid": 1, "argv": ["train.py"], "started": 1.0, "rank": None, "world_size": None, "python": "3"}
    (folder / wire.PROCESS).write_text(json.dumps(facts))
    (folder / wire.END).write_text(json.dumps({"steps": steps, "seconds": 1.0, "reason": "exit"}))
    return len(records)


def write_record(folder, steps, points):
    """A record of two trials; gives the number of observations in one of them."""
    record = {"format": 1, "samebits": "0", "created": "2026-01-01T00:00:00", "command": ["python", "train.py"],
              "directory": ".", "hash": "xxh3", "options": {"trials": 2, "full": True},
              "rounds": [{"steps": None, "trials": [1, 2], "seconds": 1}]}  # fmt: skip
    (folder / "record.json").write_text(json.dumps(record))
    for number in (1, 2):
        trial = folder / "trials" / f"{number:03d}"
        count = write_process(trial / wire.PROCESSES / "0001-1", steps, points)
        facts = {"format": 1, "id": number, "status": "complete", "exit_code": 0, "started": "2026", "seconds": 1.0}
        (trial / "trial.json").write_text(json.dumps(facts))
        (trial / "files.json").write_text('{"format": 1}')
    return count


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--steps", type=int, default=40_000)
    parse.add_argument("--points", type=int, default=50)
    parse.add_argument("--rounds", type=int, default=5)
    args = parse.parse_args()
    with tempfile.TemporaryDirectory() as name:
        count, seconds = write_record(Path(name), args.steps, args.points), []
        for _ in range(args.rounds):
            start = time.perf_counter()
            record = open_record(Path(name))
            result = judge(record.file, list(record.trials))
            seconds.append(time.perf_counter() - start)
            if result.verdict != "repeated":
                raise SystemExit(f"two equal traces were judged {result.verdict}: {result.reason}")
    rate = 2 * count / statistics.median(seconds)
    median = statistics.median(seconds)
    print(f"two traces of {count:,} observations: {median:.2f} s, {rate / 1e6:.1f} million a second")


if __name__ == "__main__":
    main()
