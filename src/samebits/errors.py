"""Defines every error of samebits, with its exit code. A message says what happened, where, and what to do next.

SamebitsError               2   any error of samebits that has a message for people
+-- UsageError              2   the caller asks for something impossible
+-- NotFoundError           2   a command, interpreter, environment, record or file that does not exist
+-- RecordError             2   a record that cannot be read: broken, of a newer format, not a record
+-- RecordExists            2   a record folder that already exists
+-- RecordBusy              2   a record folder in which a different samebits is at work
+-- UntrustedRecord         2   a record whose command was not recorded by this user on this machine
+-- DataError               2   a data set that cannot be fetched, or does not match its checksum
+-- EnvironmentFailure      2   an environment that could not be built

Verdicts are not errors: 0 repeated, 1 diverged, 3 inconclusive (see `samebits.model.EXIT_CODES`).
"""

__all__ = [
    "DataError",
    "EnvironmentFailure",
    "NotFoundError",
    "RecordBusy",
    "RecordError",
    "RecordExists",
    "SamebitsError",
    "UntrustedRecord",
    "UsageError",
]


class SamebitsError(Exception):
    """An error with a message for people. `advice`: what to do next, on a line of its own."""

    exit_code = 2

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        if advice:
            self.__notes__ = [f"do this: {advice}"]  # shown below a traceback since Python 3.11


class UsageError(SamebitsError):
    """The command line, or the caller of a function, asks for something that is not possible."""


class NotFoundError(SamebitsError):
    """Something that was named does not exist. The message says where samebits looked for it."""


class RecordError(SamebitsError):
    """A record that cannot be read."""


class RecordExists(SamebitsError):
    """A record folder that already exists."""


class RecordBusy(SamebitsError):
    """A record folder in which a different samebits is at work."""


class UntrustedRecord(SamebitsError):
    """A record whose command was not recorded by this user on this machine, and is therefore not run."""


class DataError(SamebitsError):
    """Data that cannot be used: it could not be fetched, its checksum is wrong, or its files do not fit together."""


class EnvironmentFailure(SamebitsError):
    """An environment that could not be built."""
