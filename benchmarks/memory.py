"""Whether a watched process grows with the number of steps: peak memory after more and more steps.

python benchmarks/memory.py [--steps 2000 4000 8000 16000]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from step_overhead import watched

TRAINING = """
import resource, sys, torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters())
for _ in range(int(sys.argv[1])):
    optimizer.zero_grad(); net(torch.randn(16, 32)).pow(2).mean().backward(); optimizer.step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(steps, *, watch):
    """(peak memory in MiB, size of the trace in MiB) of a training of so many steps."""
    with tempfile.TemporaryDirectory() as name:
        extra = watched(Path(name), "xxh3") if watch else {}
        command = [sys.executable, "-c", TRAINING, str(steps)]
        environment = {**os.environ, **extra}
        printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        size = sum(path.stat().st_size for path in Path(name).rglob("*.bin"))
    return int(printed) / 1024, size / 2**20


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--steps", type=int, nargs="+", default=[500, 2000, 8000, 32000])
    print("   steps   plain MiB   watched MiB   trace MiB")
    for steps in parse.parse_args().steps:
        plain, _ = peak(steps, watch=False)
        seen, size = peak(steps, watch=True)
        print(f"{steps:8,d} {plain:11.1f} {seen:13.1f} {size:11.2f}")


if __name__ == "__main__":
    main()
