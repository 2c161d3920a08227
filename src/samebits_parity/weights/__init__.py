"""Weights moved between libraries, and checked by the outputs that they give."""
