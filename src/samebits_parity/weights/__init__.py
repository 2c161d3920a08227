"""Moves weights between libraries, and checks them by the outputs that they give."""
