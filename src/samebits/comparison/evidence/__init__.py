"""Judges a difference by where it came from: facts of the trial, forms, an experiment with the clock, and names."""
