"""Takes no step: writes a model of 16 bytes, which it draws from Python's unseeded generator, to the file that is named."""

import random
import sys

with open(sys.argv[1], "wb") as file:
    file.write(bytes(random.randrange(256) for _ in range(16)))
