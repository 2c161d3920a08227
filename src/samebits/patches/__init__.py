"""Makes the patch for what `samebits explain` found, in the framework's own words, and tests whether it mends.

`look` runs one trial that tells which lines draw; `patch` makes the changes from that; `fix` puts them into the
files, checks again, and takes back what does not mend.
"""
