"""How long `samebits --help` and `import samebits` take, beside a Python that does nothing.

    python benchmarks/help_time.py [--rounds 15]

Each round runs every command once, in turn; medians over the rounds. Asked for: help within 0.2 s.
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python alone": [sys.executable, "-c", ""],
    "import samebits": [sys.executable, "-c", "import samebits"],
    "samebits --help": [sys.executable, "-m", "samebits", "--help"],
    "samebits check --help": [sys.executable, "-m", "samebits", "check", "--help"],
}


def seconds(command):
    """Seconds from start to end of a process."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    rounds = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(options.rounds)]
    for name in COMMANDS:
        times = sorted(one[name] for one in rounds)
        print(f"{name:<24} {statistics.median(times):.3f} s   ({times[0]:.3f} to {times[-1]:.3f})")


if __name__ == "__main__":
    main()
