"""Why trials part: the cause, named by intervention.

Nothing held, everything held, then the smallest sets that suffice.

`searching` is the search as a function of what trials show; `trying` shows it by running them.
"""
