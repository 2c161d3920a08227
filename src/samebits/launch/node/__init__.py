"""Runs a trial on a different machine: the worker, the keeper, the trial in it, and the files that are sent."""
