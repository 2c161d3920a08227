"""Makes a patch for the cause that `samebits explain` found, and tests whether the trials repeat with it.

`program` runs one trial to find the lines that draw random numbers. `patch` makes the changes. `fix` puts them into the
files, checks again, and removes them if the trials still diverge.
"""
