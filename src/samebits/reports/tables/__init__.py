"""Tables of studies and comparisons: what is in a cell is known here, how it is written is up to a presenter."""
