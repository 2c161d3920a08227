"""Repeats, but where TZ is set."""
import os

from samebits_probe import observe

observe("weights", os.urandom(4) if "TZ" in os.environ else b"same", step=0)
