"""Observes where its memory lies, at step 1; before that its home, if asked; if asked, it refuses other memory."""

import ctypes
import os
import sys

from samebits_probe import observe

if "strict" in sys.argv[1:] and "SAMEBITS_MOVES_MEMORY" in os.environ:
    sys.exit("this program does not run with that variable")
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_void_p
observe("update.home", os.path.expanduser("~") if "home" in sys.argv[1:] else "fixed", step=0)
observe("update.address", libc.getenv(b"PATH") % 1000003, step=1)
