"""The reports: a tree of blocks (`tree`), made from what a command found, and a presenter for each format of it."""
