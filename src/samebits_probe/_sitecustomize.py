"""Starts the probe. The launcher copies this file as `sitecustomize.py` into the first folder of PYTHONPATH.

Every Python must be able to parse it, so types stand in comments. A Python that is too old is not watched, and the
launcher reports it.
"""

import os
import sys


def _start_probe():  # type: () -> None
    if "SAMEBITS_PROBE" not in os.environ or sys.version_info < (3, 6):
        return
    try:
        from samebits_probe.startup import start

        start(os.environ["SAMEBITS_PROBE"])
    except Exception as error:
        _report(error)


def _report(error):  # type: (Exception) -> None
    """Write a file of the trial that says why the probe could not start. The program's own streams stay untouched.

    The file also names the interpreter and its arguments, each after a zero byte, because the launcher may never see a
    process that ends soon.
    """
    try:
        folder = os.path.dirname(os.environ["SAMEBITS_PROBE"])
        with open(os.path.join(folder, "probe-failed-%d.txt" % os.getpid()), "w", errors="replace") as file:
            file.write("%s: %s\n" % (type(error).__name__, error))
            file.flush()
            with open("/proc/self/cmdline", errors="replace") as words:
                file.write("\0%s\0%s" % (sys.executable, words.read()))
    except Exception:
        return


def _run_previous():  # type: () -> None
    """Run the sitecustomize that this file hides: the next one on sys.path."""
    here = os.path.dirname(os.path.abspath(__file__))
    rest = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    try:
        from importlib.machinery import PathFinder
        from importlib.util import module_from_spec
    except ImportError:
        return
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_start_probe()
_run_previous()
