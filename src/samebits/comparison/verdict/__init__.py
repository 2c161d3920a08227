"""Judges the differences of all trials: the verdict, its reason, and warnings."""
