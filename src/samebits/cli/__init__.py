"""Runs the command line. Signals are handled before anything else is imported, so that Ctrl-C works from the start."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from types import TracebackType


def _without_traceback(kind: type[BaseException], why: BaseException, trace: TracebackType | None) -> None:
    """Print nothing for a Ctrl-C that arrives before `main` runs. Python then ends by the signal itself."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, why, trace)


sys.excepthook = _without_traceback

from samebits import imports, interrupt  # noqa: E402

__all__ = ["main"]

_GARBAGE = 50_000  # objects between two collections: the imports alone make that many, and none of them is garbage


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; never raises, never shows a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        gc.set_threshold(_GARBAGE)
        imports.without_plugins()
    with interrupt.handled(to_the_end=arguments is None):
        try:
            from samebits.cli.table import run

            return run(words)
        except BaseException as why:
            from samebits.cli import answers

            return answers.answer_error(why)
        finally:
            if arguments is None:
                gc.freeze()  # Python collects garbage once more when it ends; nothing is left to be found
