"""Why trials diverge: the cause, named by intervention.

Trials with nothing held, with everything held, then with smaller sets, until the smallest that suffice are known.

`search` is the search as a function of what trials show; `settings` are the records of those trials.
"""
