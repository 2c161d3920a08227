"""Compares the traces of two trials: processes, steps, rows, networks."""
