"""Why trials diverge: the cause, named by intervention.

Nothing held, everything held, then the smallest sets that suffice.

`search` is the search as a function of what trials show; `settings` are the records of those trials.
"""
