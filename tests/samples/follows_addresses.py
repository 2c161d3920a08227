"""Observes where its memory lies, at step 1; before that its home, if that is asked for."""

import ctypes
import os
import sys

from samebits_probe import observe

libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_void_p
observe("update.home", os.path.expanduser("~") if "home" in sys.argv[1:] else "fixed", step=0)
observe("update.address", libc.getenv(b"PATH") % 1000003, step=1)
