"""Finds the cause of a divergence by intervention: it runs trials with different sets of controls.

First no control is held, then all controls, then smaller sets, until the smallest sets that suffice are known.

`search` holds the search, which sees only what trials show; `settings` runs the trials and keeps their records.
"""
