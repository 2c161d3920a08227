"""Runs `samebits` for `python -m samebits`."""

from samebits.cli import program

if __name__ == "__main__":
    program()
