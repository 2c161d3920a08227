"""Writes a file in the place of steps that could be seen: of the hash of a string, or of the names in a folder."""

import os
import sys

found = hash("samebits") if sys.argv[1] == "hash" else os.listdir(os.path.dirname(os.path.abspath(__file__)))
with open("found.txt", "w") as file:
    file.write(repr(found))
