"""Run a script once for each of several options, in child processes that are forked after PyTorch was imported.

python runs_each.py lenet5_pytorch.py lenet5.npz adam,bias
"""

import multiprocessing
import runpy
import sys

import torch


def run(script, data, name):
    sys.argv = [script, data, "--leave", name]
    runpy.run_path(script, run_name="__main__")


def main():
    script, data, names = sys.argv[1:]
    torch.set_num_threads(1)
    for name in names.split(","):
        child = multiprocessing.get_context("fork").Process(target=run, args=(script, data, name))
        child.start()
        child.join()


if __name__ == "__main__":
    main()
