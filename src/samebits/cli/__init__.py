"""Runs the command line. Signals are handled before anything else is imported, so that Ctrl-C works from the start."""

from __future__ import annotations

import atexit
import gc
import itertools
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType


def _without_traceback(kind: type[BaseException], why: BaseException, trace: TracebackType | None) -> None:
    """Print nothing for a Ctrl-C that arrives before `main` runs. Python then ends by the signal itself."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, why, trace)


sys.excepthook = _without_traceback

from samebits import imports, interrupt  # noqa: E402

__all__ = ["main", "program"]

# objects between two collections of garbage. A check makes fewer objects, and almost none of them is garbage
_COLLECTION_THRESHOLD = 200_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; never raises, never shows a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        gc.set_threshold(_COLLECTION_THRESHOLD)
        imports.disable_pydantic_plugins()
    with interrupt.handled(to_the_end=arguments is None):
        try:
            from samebits.cli.table import run

            return _status(words, run(words))
        except BaseException as why:
            from samebits.cli import answers

            return _status(words, answers.answer_error(why))


# exit status -> the one for `git bisect run`, which takes 1 to 127, but not 125, for a commit with the fault
_FOR_BISECT = {2: 128, 3: 125}


def _status(words: Sequence[str], status: int) -> int:
    """Return the exit status. `check --bisect` has others, also for an error in the words of the command line."""
    own = itertools.takewhile(lambda word: word != "--" and not word.endswith(".py"), words)
    asks = words[:1] == ["check"] and "--bisect" in own
    return _FOR_BISECT.get(status, status) if asks else status


def program() -> None:
    """Run the command of this process, and end the process with the exit status."""
    status = main()
    if not _is_observed():
        with suppress(Exception):  # if a stream cannot be written, Python reports that when it ends
            _end(status)
    sys.exit(status)


def _is_observed() -> bool:
    """Return whether a profiler or a debugger is active. It needs the usual end of Python to show its report."""
    monitoring = getattr(sys, "monitoring", None)  # profilers use it from Python 3.12 on
    tools = map(monitoring.get_tool, range(6)) if monitoring is not None else ()
    return sys.getprofile() is not None or sys.gettrace() is not None or any(tools)


def _end(status: int) -> None:
    """End this process as Python does, but do not free each object, which takes 15 ms.

    Raises OSError or ValueError if a stream cannot be written.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # it ends the threads of executors, and waits for the rest
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(status)
