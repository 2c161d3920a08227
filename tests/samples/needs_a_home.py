"""Ends with an error where the home is not there."""
import os
import sys

from samebits_probe import observe

observe("weights", 1.0, step=0)
if not os.path.isdir(os.path.expanduser("~")):
    sys.exit(9)
