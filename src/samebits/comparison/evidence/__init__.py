"""Judges a difference by its origin: facts of the trial, forms, an experiment with the clock, and names."""
